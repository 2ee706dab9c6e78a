"""The provisioner on a real store, with an Asterisk that reads the include when told to, forgets, refuses and goes away."""

import re
from pathlib import Path

import pytest

from dialplan import runtime
from dialplan.provision import LOOK_S, VERIFY_S, Provisioner
from sql import claims, extensions, models, models_accounts, trunks
from tests.world import NOW

HEAD = """
 Endpoint:  <Endpoint/CID.....................................>  <State.....>  <Channels.>
    I/OAuth:  <AuthId/UserName...........................................................>
        Aor:  <Aor............................................>  <MaxContact>
==========================================================================================

"""


class Asterisk:
    """Stands for `runtime.Instance`: what is loaded changes at a reload and a restart only."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "etc").mkdir(parents=True)
        self.messages, self.up = str(folder / "log" / "messages"), True
        self.refused: set[int] = set()
        self.loaded: list[int] = []
        self.phones: list[str] = []
        self.commands: list[str] = []

    @property
    def include(self) -> Path:
        return self.folder / "etc" / "carillon_accounts.conf"

    @property
    def reloads(self) -> int:
        return self.commands.count("module reload res_pjsip.so")

    def restart(self, forgets: bool = False) -> None:
        self.loaded = [] if forgets else self._read()

    def control(self, command: str) -> str:
        self.commands.append(command)
        if not self.up:
            raise OSError("Asterisk does not answer on its control socket: Unable to connect to remote asterisk")
        if command == "module reload res_pjsip.so":
            self.loaded = self._read()
            return "Module 'res_pjsip.so' reloaded successfully.\n"
        assert command == "pjsip show endpoints"
        names = [*(f"trunk-{n}" for n in sorted(self.loaded)), *self.phones]
        rows = "".join(f" Endpoint:  {name:<54} Not in use    0 of inf\n        Aor:  {name}\n" for name in names)
        return f"{HEAD} Endpoint:  anyone  Not in use  0 of inf\n{rows}\nObjects found: {len(self.loaded)}\n"

    def _read(self) -> list[int]:
        text = self.include.read_text()
        self.phones = re.findall(r"^\[((?!trunk-).+)\]\ntype = endpoint$", text, re.M)
        found = re.findall(r"^\[trunk-([0-9]+)\]\ntype = endpoint$", text, re.M)
        return [int(n) for n in found if int(n) not in self.refused]


@pytest.fixture
def asterisk(tmp_path) -> Asterisk:
    return Asterisk(tmp_path / "asterisk")


@pytest.fixture
def provisioner(opened, asterisk) -> Provisioner:
    return Provisioner("main", asterisk)


def trunk(name: str = "t", **fields) -> int:
    return trunks.create(**{"name": name, "host": "127.0.0.1"} | fields)


def change(trunk_id: int, **fields) -> None:
    models.Trunk.update(version=models.Trunk.version + 1, **fields).where(models.Trunk.id == trunk_id).execute()


def loaded(node: str = "main") -> dict[int, int]:
    rows = models.TrunkLoaded.select().where(models.TrunkLoaded.node == node)
    return {row.trunk_id: row.version for row in rows}


def usable() -> set[int]:
    """The trunks that the engine may use, by the verb it asks."""
    return {row.id for row in claims.trunks("main") if row.loaded}


def look(provisioner: Provisioner, seconds: float = LOOK_S) -> None:
    for _ in range(round(seconds / LOOK_S)):
        provisioner.look()


def test_a_new_trunk_is_loaded_at_the_next_look(provisioner, asterisk):
    first, second = trunk("a"), trunk("b", host="192.0.2.1")
    assert usable() == set()
    look(provisioner)
    assert asterisk.loaded == [first, second]
    assert loaded() == {first: 1, second: 1}
    assert usable() == {first, second}
    assert asterisk.include.read_text().startswith(runtime.ACCOUNTS_HEAD)


def test_nothing_is_done_while_nothing_changes(provisioner, asterisk):
    trunk()
    look(provisioner)
    commands, written = len(asterisk.commands), asterisk.include.stat()
    look(provisioner, VERIFY_S - 2 * LOOK_S)
    assert len(asterisk.commands) == commands
    look(provisioner, 2 * LOOK_S)
    assert asterisk.commands[commands:] == ["pjsip show endpoints"], "now and then it looks, and does no more"
    assert (asterisk.include.stat().st_ino, asterisk.include.stat().st_mtime_ns) == (written.st_ino, written.st_mtime_ns)


def test_a_store_without_trunks_is_soon_done(provisioner, asterisk):
    look(provisioner, 10 * LOOK_S)
    assert asterisk.reloads == 1
    assert asterisk.include.read_text() == runtime.ACCOUNTS_HEAD


def test_a_changed_trunk_is_usable_again_once_asterisk_has_the_change(provisioner, asterisk):
    trunk_id = trunk()
    look(provisioner)
    change(trunk_id, host="192.0.2.9")
    assert usable() == set()
    look(provisioner)
    assert loaded() == {trunk_id: 2}
    assert usable() == {trunk_id}
    assert "contact = sip:192.0.2.9:5060" in asterisk.include.read_text()


def test_a_change_that_asterisk_need_not_know_of_still_counts(provisioner, asterisk):
    trunk_id = trunk()
    look(provisioner)
    change(trunk_id, name="renamed")
    look(provisioner)
    assert loaded() == {trunk_id: 2}


def test_a_deleted_trunk_is_gone_from_asterisk(provisioner, asterisk):
    kept, gone = trunk("kept"), trunk("gone")
    look(provisioner)
    models.Trunk.update(deleted_at=NOW).where(models.Trunk.id == gone).execute()
    look(provisioner)
    assert asterisk.loaded == [kept]
    assert loaded() == {kept: 1}


def test_ids_that_begin_alike_are_not_mixed_up(provisioner, asterisk):
    ids = [trunk(f"t{n}") for n in range(12)]
    asterisk.refused = {1}
    look(provisioner)
    assert set(loaded()) == set(ids) - {1}


def test_another_node_s_trunks_are_its_own(provisioner):
    trunk_id = trunk()
    trunks.loaded("other", {trunk_id: 1})
    look(provisioner)
    change(trunk_id, port=5070)
    look(provisioner)
    assert (loaded(), loaded("other")) == ({trunk_id: 2}, {trunk_id: 1})


def test_a_wrong_trunk_holds_back_no_other(provisioner, asterisk, caplog):
    good, wrong, later = trunk("good"), trunk("wrong", host="a b\n[evil]"), trunk("later")
    look(provisioner, 20 * LOOK_S)
    assert loaded() == {good: 1, later: 1}
    assert "evil" not in asterisk.include.read_text()
    said = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert said == [
        f"trunk 'wrong' (id {wrong}): host is 'a b\\n[evil]', which cannot be written into Asterisk's configuration; correct it;"
        " it is left out until then"
    ]
    assert asterisk.reloads == 1
    change(wrong, host="127.0.0.1")
    look(provisioner)
    assert loaded() == {good: 1, wrong: 2, later: 1}


def test_a_trunk_that_becomes_wrong_is_taken_from_asterisk(provisioner, asterisk):
    good, wrong = trunk("good"), trunk("wrong")
    look(provisioner)
    change(wrong, codecs="ulaw\n[evil]")
    look(provisioner)
    assert asterisk.loaded == [good]
    assert usable() == {good}


def test_while_asterisk_is_away_nothing_is_called_loaded(provisioner, asterisk):
    trunk_id = trunk()
    asterisk.up = False
    for _ in range(3):
        with pytest.raises(OSError, match="does not answer"):
            look(provisioner)
    assert loaded() == {}
    asterisk.up = True
    look(provisioner)
    assert loaded() == {trunk_id: 1}


def test_a_change_that_came_while_asterisk_was_away_is_not_lost(provisioner, asterisk):
    trunk_id = trunk()
    look(provisioner)
    asterisk.up = False
    change(trunk_id, port=5070)
    with pytest.raises(OSError, match="does not answer"):
        look(provisioner)
    assert usable() == set()
    asterisk.up = True
    look(provisioner)
    assert loaded() == {trunk_id: 2}


def test_an_asterisk_that_was_restarted_and_has_it_all_is_left_alone(provisioner, asterisk):
    trunk_id = trunk()
    look(provisioner)
    asterisk.restart()
    look(provisioner, VERIFY_S + LOOK_S)
    assert asterisk.reloads == 1
    assert loaded() == {trunk_id: 1}


def test_an_asterisk_that_was_restarted_and_forgot_is_noticed_and_told_again(provisioner, asterisk):
    trunk_id = trunk()
    look(provisioner)
    asterisk.restart(forgets=True)
    looks = 0
    while usable():
        look(provisioner)
        looks += 1
    assert looks * LOOK_S <= VERIFY_S + LOOK_S
    look(provisioner, 1.2)
    assert loaded() == {trunk_id: 1}
    assert asterisk.reloads == 2


def test_a_trunk_that_asterisk_refuses_holds_back_no_other_and_is_not_tried_all_the_time(provisioner, asterisk, caplog):
    good, refused = trunk("good"), trunk("refused")
    asterisk.refused = {refused}
    look(provisioner, 120)
    assert loaded() == {good: 1}
    assert asterisk.reloads < 20
    said = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert said == [f"Asterisk does not load trunk 'refused' (id {refused}); {asterisk.folder}/log/messages says why"]
    asterisk.refused = set()
    change(refused, port=5070)
    look(provisioner)
    assert loaded() == {good: 1, refused: 2}


def test_a_provisioner_that_starts_anew_finds_all_as_it_is(provisioner, asterisk, caplog):
    trunk_id = trunk()
    look(provisioner)
    before = asterisk.include.stat().st_ino
    look(Provisioner("main", asterisk), 5 * LOOK_S)
    assert asterisk.include.stat().st_ino == before
    assert loaded() == {trunk_id: 1}


def phone(username: str, digest: str = "0" * 32) -> int:
    user = models_accounts.User.get_or_none() or models_accounts.User.create(username="a", password_hash="x", path="/1/", created_at=NOW)
    return extensions.create(user.id, "", "desk", username, digest, None, NOW).id


def test_extensions_come_and_go_as_trunks_do(provisioner, asterisk):
    trunk_id, first = trunk(), phone("desk7")
    look(provisioner)
    assert (asterisk.phones, asterisk.loaded) == (["desk7", f"ext-{first}"], [trunk_id])
    second = phone("desk8")
    look(provisioner)
    assert asterisk.phones == ["desk7", f"ext-{first}", "desk8", f"ext-{second}"]
    extensions.delete(first, NOW)
    look(provisioner)
    assert asterisk.phones == ["desk8", f"ext-{second}"]
    assert loaded() == {trunk_id: 1}
    asterisk.phones = []  # forgotten
    look(provisioner, VERIFY_S + 4 * LOOK_S)
    assert asterisk.phones == ["desk8", f"ext-{second}"]


def test_a_wrong_extension_holds_back_no_other_and_no_trunk(provisioner, asterisk, caplog):
    wrong, good, trunk_id = phone("a\n[evil]"), phone("good"), trunk()
    look(provisioner, 20 * LOOK_S)
    assert (asterisk.phones, asterisk.loaded, loaded()) == (["good", f"ext-{good}"], [trunk_id], {trunk_id: 1})
    assert "evil" not in asterisk.include.read_text()
    [said] = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert said.startswith(f"extension 'a\\n[evil]' (id {wrong}): username is 'a\\n[evil]', which cannot be written")


def test_an_extension_and_a_trunk_of_the_same_number_are_two(provisioner, asterisk):
    trunk_id, extension_id = trunk(), phone("desk7")
    assert trunk_id == extension_id
    asterisk.refused = {trunk_id}
    look(provisioner)
    assert loaded() == {}
    assert asterisk.phones == ["desk7", f"ext-{extension_id}"]
