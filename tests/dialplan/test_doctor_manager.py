"""The doctor beside an Asterisk that is not ours, where only its manager interface tells: a truthful peer with all its bad days."""

import os
import pwd
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from dialplan import doctor
from dialplan.checks import machine, manager, sounding
from dialplan.checks.facts import Facts
from sql import settings, trunks
from tests.dialplan.patients import COMPLAINTS, SECRET, complaints, opened, sound, write
from tests.fakes.manager_peer import ManagerPeer

WITHOUT_CONTROL = {"parts", "asterisk-answers"}  # it does not run, and there is no control socket


@pytest.fixture
def home(tmp_path, empty_store, monkeypatch) -> Path:
    """With a trunk, beside an Asterisk whose program and files are not to be seen."""
    monkeypatch.setattr(machine, "_unsynchronised", lambda: False)
    (tmp_path / "no programs").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "no programs"))
    home = sound(tmp_path / "home", empty_store, ami__host="127.0.0.1", asterisk__etc=str(tmp_path / "etc"))
    with opened(home):
        trunks.create(name="carrier", host="192.0.2.7", username="me", password="x", register=True)
    return home


@pytest.fixture
def peer(home) -> ManagerPeer:
    one = ManagerPeer(settings.read(home).port("agi"))
    one.secret = SECRET
    one.endpoints = {"trunk-1"}
    one.registrations = {"trunk-1-registration": "Registered"}
    return one


def beside(peer: ManagerPeer, home: Path, host: str = "127.0.0.1") -> dict[str, doctor.Finding]:
    with peer.serving(host) as port:
        write(home, "ami", port=str(port))
        return complaints(home)


@dataclass(frozen=True)
class Bad:
    name: str
    is_bad: Callable[[ManagerPeer], object]
    check: str
    state: str
    what: str
    remedy: str


TABLE = [
    Bad("secret", lambda peer: setattr(peer, "secret", "other"), "ami", "fault", "refused: Authentication failed", "[ami] secret"),
    Bad("no FullyBooted", lambda peer: setattr(peer, "boots", False), "ami", "fault", "no FullyBooted", "read = call,system,user"),
    Bad("mute", lambda peer: setattr(peer, "mute", True), "ami", "fault", "does not answer", "firewall"),
    Bad("commands", lambda peer: peer.allows.update({"Command", "GetConfig"}), "ami-rights", "fault", "Command, GetConfig", "exactly"),
    Bad("no originate", lambda peer: peer.allows.remove("Originate"), "ami-rights", "fault", "needs: Originate", "write = call,originate"),
    Bad("old", lambda peer: setattr(peer, "version", "20.5.0"), "version", "warning", "Asterisk 20.5", "22.7 or newer"),
    Bad("no context", lambda peer: peer.dialplan.pop("carillon-hangup"), "dialplan", "fault", "no context carillon-hangup", "reload"),
    Bad("no script", lambda peer: peer.dialplan.update(carillon=("voice",)), "dialplan", "fault", "no extension interactive", "install"),
    Bad("other AGI", lambda peer: setattr(peer, "agi", "agi://127.0.0.1:1/"), "dialplan", "fault", "agi://127.0.0.1:1/", "reload"),
    Bad("no trunk", lambda peer: peer.endpoints.clear(), "accounts", "fault", "does not know trunk carrier", "log/provision.log"),
    Bad(
        "refused by the carrier", lambda peer: peer.registrations.update({"trunk-1-registration": "Rejected"}),
        "registrations", "fault", "at 192.0.2.7: Rejected", "username and password",
    ),
    Bad("never registered", lambda peer: peer.registrations.clear(), "registrations", "fault", "not begun", "can be reached"),
]  # fmt: skip


def test_a_good_one(home, peer):
    assert set(beside(peer, home)) == WITHOUT_CONTROL
    sent = {name for action in peer.actions for key, name in action if key == "Action"}
    assert set(manager.MUST) | set(manager.MUST_NOT) <= sent
    originates = peer.named("Originate")
    assert originates
    assert all("Channel" not in action for action in originates), "nothing may be dialled"


@pytest.mark.parametrize("bad", TABLE, ids=lambda bad: bad.name)
def test_what_is_wrong_is_named_with_its_remedy_and_nothing_else(home, peer, bad):
    bad.is_bad(peer)
    found = beside(peer, home)
    assert set(found) - WITHOUT_CONTROL == {bad.check}, found
    one = found[bad.check]
    assert (one.state, bad.what in one.what, bad.remedy in one.remedy) == (bad.state, True, True), one


def test_one_that_listens_everywhere(home, peer):
    found = beside(peer, home, "0.0.0.0")
    assert set(found) - WITHOUT_CONTROL == {"ami-bound"}
    assert "listens on 0.0.0.0" in found["ami-bound"].what
    assert "bindaddr = 127.0.0.1" in found["ami-bound"].remedy


def test_one_that_is_not_there(home):
    with socket.create_server(("127.0.0.1", 0)) as one:
        port = one.getsockname()[1]
    write(home, "ami", port=str(port))
    found = complaints(home)
    assert set(found) - WITHOUT_CONTROL == {"ami"}
    assert "cannot be reached: Connection refused" in found["ami"].what
    assert "enabled = yes" in found["ami"].remedy


def test_something_else_listens_there(home):
    with socket.create_server(("127.0.0.1", 0)) as one:
        write(home, "ami", port=str(one.getsockname()[1]))

        def speak() -> None:
            connection, _ = one.accept()
            with connection:
                connection.sendall(b"220 mail.example ESMTP\r\n")

        thread = threading.Thread(target=speak)
        thread.start()
        found = complaints(home)
        thread.join()
    assert set(found) - WITHOUT_CONTROL == {"ami"}
    assert "no manager interface, it says '220 mail" in found["ami"].what


def test_on_another_machine(home):
    write(home, "ami", host="192.0.2.9")
    found = {one.check: one for one in doctor.examine(home, [check for check in doctor.CHECKS if check.name != "ami"])}
    assert found["ami-bound"].state == "warning"
    assert "another machine" in found["modules"].what


def test_recordings_that_asterisks_user_cannot_reach(home, tmp_path):
    if os.geteuid():
        pytest.skip("only root can give files away")
    nobody = pwd.getpwnam("nobody")
    etc = tmp_path / "etc"
    etc.mkdir()
    (etc / "asterisk.conf").write_text(f"[directories]\nastrundir => {etc}\nastdatadir => {etc}\n")
    with socket.socket(socket.AF_UNIX) as control:
        control.bind(str(etc / "asterisk.ctl"))
        os.chown(etc / "asterisk.ctl", nobody.pw_uid, nobody.pw_gid)
        (etc / "sounds" / "en").mkdir(parents=True)
        (etc / "sounds" / "en" / "vm-nobodyavail.gsm").touch()
        (etc / "sounds" / "carillon").symlink_to(home / "recordings")
        facts = Facts(home)
        for folder in (*home.parents[:-1], home, home / "recordings"):
            folder.chmod(folder.stat().st_mode | 0o755)
        assert sounding.sounds(facts).state == "ok"
        (home / "recordings").chmod(0o750)
        seen = sounding.sounds(facts)
        assert (seen.state, seen.what) == ("fault", f"Asterisk runs as nobody, who may not look into {home}/recordings")
        os.chown(home / "recordings", 0, nobody.pw_gid)
        assert sounding.sounds(facts).state == "ok"
        home.chmod(0o700)
        assert str(home) in sounding.sounds(facts).what


def test_everything_hangs(home):
    """A database and an Asterisk that take connections and never say a word."""
    with socket.create_server(("127.0.0.1", 0)) as database, socket.create_server(("127.0.0.1", 0)) as asterisk:
        write(home, "store", url=f"mysql://u:p@127.0.0.1:{database.getsockname()[1]}/carillon")
        write(home, "ami", port=str(asterisk.getsockname()[1]))
        began = time.monotonic()
        found = {one.check: one for one in doctor.examine(home)}
        assert time.monotonic() - began < 12
    assert {name for name, one in found.items() if one.state in COMPLAINTS} - WITHOUT_CONTROL == {"store", "ami"}
    assert "does not answer" in found["ami"].what, "it was asked, though the store hangs"
    assert found["halt"].what.startswith("because of store: ")
