"""Into another's configuration and out again: what is added, and that all comes back."""

import os
import re
from pathlib import Path

import pytest

from dialplan import attach, etc
from sql import settings
from tests.dialplan.theirs import FILES, fingerprint

NOBODY = 65534
MARKED = re.compile(r"^; begin carillon.*?^; end carillon\n", re.MULTILINE | re.DOTALL)


def test_installed_and_taken_out_again_every_byte_is_as_before(site):
    before = fingerprint(site.etc, site.top / "data", site.top / "log")
    times = {path: path.stat().st_mtime_ns for path in site.etc.glob("*.conf")}
    done = site.run("install")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"Carillon's lines are in {site.etc}. Asterisk was not told: " in done.stdout
    for name in FILES:
        kept = MARKED.sub("", site.text(name))
        assert kept.rstrip("\n") == FILES[name].replace("{top}", str(site.top)).rstrip("\n"), "nothing of theirs is another"
    assert (site.top / "data" / "sounds" / "carillon").readlink() == site.home / "recordings"
    gone = site.run("uninstall")
    assert (gone.returncode, gone.stderr) == (0, "")
    assert fingerprint(site.etc, site.top / "data", site.top / "log") == before
    assert {path: path.stat().st_mtime_ns for path in site.etc.glob("*.conf")} == times
    assert not (site.home / "attached.json").exists()
    assert "nothing was installed from this folder" in site.run("uninstall").stderr


def test_what_each_file_gets(site):
    site.run("install")
    for name in ("extensions", "manager", "accounts"):
        assert (site.etc / "carillon" / f"carillon_{name}.conf").stat().st_mode & 0o7777 == 0o640
    assert site.text("extensions.conf").endswith('#tryinclude "carillon/carillon_extensions.conf"\n; end carillon\n')
    assert "; begin carillon" in site.text("pjsip.conf").splitlines()[8], "on a line of its own, though theirs had no end"
    assert "[mappings](+)\ncarillon.csv => " in site.text("cdr_custom.conf"), "goes on with theirs"
    assert "\n[mappings]\ncarillon-cel.csv => " in site.text("cel_custom.conf"), "they have none"
    assert "[general](+)\nenable = yes\nevents = HANGUP\n" in site.text("cel.conf")
    assert site.text("modules.conf") == FILES["modules.conf"]
    dialplan = site.text("carillon/carillon_extensions.conf")
    assert "[globals]" not in dialplan, "theirs alone is read"
    assert "CARILLON_AGI" not in dialplan
    assert "AGI(agi://127.0.0.1:7002/${EXTEN}.py,${CALL_ID})" in dialplan
    manager = site.text("carillon/carillon_manager.conf")
    assert f"secret = {settings.read(site.home).ami[3]}" in manager
    assert "write = originate,call,reporting" in manager
    assert "permit = 127.0.0.1/255.255.255.255" in manager


def test_a_dry_run_shows_the_difference_and_changes_nothing(site):
    before = site.all()
    done = site.run("install", "--dry-run")
    assert done.returncode == 0
    assert f"--- {site.etc}/pjsip.conf\n+++ {site.etc}/pjsip.conf\n" in done.stdout
    assert '+#tryinclude "carillon/carillon_accounts.conf"\n' in done.stdout
    assert "-context = internal\n\\ No newline at end of file\n+context = internal\n" in done.stdout
    assert settings.read(site.home).ami[3] not in done.stdout
    assert site.all() == before
    site.run("install")
    before = site.all()
    back = site.run("uninstall", "--dry-run")
    assert '-#tryinclude "carillon/carillon_accounts.conf"\n' in back.stdout
    assert site.all() == before


def test_twice_is_once_and_our_own_files_follow_the_settings(site):
    site.run("install")
    before = site.all()
    again = site.run("install")
    assert "Carillon is installed there already; nothing was changed." in again.stdout
    assert site.all() == before
    settings.change(site.home, {("ami", "secret"): "another-secret"})
    assert site.run("install").returncode == 0
    assert "secret = another-secret\n" in site.text("carillon/carillon_manager.conf")
    site.add("modules.conf", "[modules](+)\nautoload=no\n")
    said = site.run("install").stderr
    assert "installed there otherwise than it would be now; run `carillon asterisk uninstall` first" in said


def test_files_that_were_absent_are_absent_again(site):
    for name in ("extensions.conf", "cdr_custom.conf", "cel_custom.conf", "cel.conf"):
        (site.etc / name).unlink()
    before = fingerprint(site.etc)
    assert site.run("install").returncode == 0
    assert site.text("cel.conf").splitlines()[1:4] == ["[general]", "enable = yes", "events = HANGUP"]
    assert site.run("uninstall").returncode == 0
    assert fingerprint(site.etc) == before


def test_what_they_wrote_meanwhile_stays(site):
    site.run("install")
    site.add("pjsip.conf", "[late]\ntype = endpoint\n")
    site.change("extensions.conf", "TRUNK=his", "TRUNK=another")
    assert site.run("uninstall").returncode == 0
    assert site.text("pjsip.conf") == FILES["pjsip.conf"] + "\n[late]\ntype = endpoint\n"
    assert site.text("extensions.conf") == FILES["extensions.conf"].replace("TRUNK=his", "TRUNK=another")


def test_lines_of_ours_that_they_changed_are_left_to_them(site):
    site.run("install")
    site.change("manager.conf", "carillon/carillon_manager.conf", "carillon/other.conf")
    before = site.all()
    said = site.run("uninstall").stderr
    assert f"{site.etc}/manager.conf: the lines between the marks of Carillon were changed; take them out by hand" in said
    assert site.all() == before
    (site.etc / "manager.conf").write_text(FILES["manager.conf"])
    assert site.run("uninstall").returncode == 0


def test_a_file_of_theirs_in_our_folder_is_not_removed(site):
    site.run("install")
    (site.etc / "carillon" / "mine.conf").write_text("")
    assert "mine.conf is not Carillon's; move it away" in site.run("uninstall").stderr
    assert (site.etc / "carillon" / "mine.conf").exists()


def test_what_could_not_be_finished_is_taken_back(site, monkeypatch):
    before = fingerprint(site.etc, site.top / "data", site.top / "log")
    config = settings.read(site.home)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device", str(site.etc / "carillon"))

    monkeypatch.setattr(attach.edits, "make_folder", full)
    with pytest.raises(attach.Refused, match="No space left on device; what was begun has been taken back"):
        attach.install(config, attach.beside.asterisk(config), False)
    assert fingerprint(site.etc, site.top / "data", site.top / "log") == before
    assert not (site.home / "attached.json").exists()


@pytest.mark.parametrize("steps", range(5))
def test_an_installation_that_was_killed_is_finished_or_taken_back(site, steps):
    """The manifest comes first: whatever was done after it, both ways lead out."""
    before = fingerprint(site.etc, site.top / "data", site.top / "log")
    config = settings.read(site.home)
    wanted = attach.plan(config, attach.beside.asterisk(config))
    attach._keep(site.home / attach.MANIFEST, wanted, config)
    for edit in wanted.edits[:steps]:
        attach.edits.apply(edit)
    if steps % 2:
        assert site.run("install").returncode == 0
        assert len([name for name in FILES if MARKED.search(site.text(name))]) == len(wanted.edits)
        assert "nothing was changed" in site.run("install").stdout
    assert site.run("uninstall").returncode == 0
    assert fingerprint(site.etc, site.top / "data", site.top / "log") == before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('/etc/carillon/carillon_manager.conf"', '/home/carillon.ini"'),
        ('/etc/manager.conf"', '/etc/manager.d/README.conf"'),
        ("; begin carillon", "[general]\\n; begin carillon"),
    ],
)
def test_root_takes_out_only_what_an_installation_puts_in(site, old, new):
    """The manifest is writable for Carillon's own user, who must not lead root elsewhere by it."""
    site.run("install")
    manifest = site.home / "attached.json"
    assert old in manifest.read_text()
    manifest.write_text(manifest.read_text().replace(old, new, 1))
    before = site.all()
    assert "attached.json does not tell what was installed" in site.run("uninstall").stderr
    assert site.all() == before


def test_root_gives_away_no_folder_that_a_link_leads_to(site):
    (site.home / "recordings").symlink_to(site.top / "run")
    before = fingerprint(site.etc, site.top / "run")
    assert "recordings: Not a directory; what was begun has been taken back" in site.run("install").stderr
    assert fingerprint(site.etc, site.top / "run") == before


def test_where_modules_are_named_one_by_one_ours_are_named_too(site):
    (site.etc / "modules.conf").write_text("[modules]\nautoload=no\nload => pbx_config.so\nload = chan_pjsip.so\n[global]\n")
    assert site.run("install").returncode == 0
    added = MARKED.findall(site.text("modules.conf"))[0]
    assert added.splitlines()[1] == "[modules](+)"
    assert "load = res_agi.so" in added
    assert "load = cel_custom.so" in added
    assert "chan_pjsip" not in added


def test_an_older_asterisk_gets_the_filter_it_understands(site):
    config = settings.read(site.home)
    old = attach.beside.Beside(attach.beside.fetch.Program(("asterisk",), Path("/"), "20.6.0"), site.etc)
    assert "eventfilter = Event: Hangup\n" in "".join(attach.plan(config, old).files.values())
    new = attach.beside.Beside(attach.beside.fetch.Program(("asterisk",), Path("/"), "22.10.1"), site.etc)
    assert "eventfilter(action(include),name(Hangup)) =\n" in "".join(attach.plan(config, new).files.values())


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_an_installation_of_another_user_may_command_asterisk_through_its_group(site):
    os.chown(site.home, NOBODY, NOBODY)
    for path in site.etc.glob("*.conf"):
        os.chown(path, 0, NOBODY)
    assert site.run("install").returncode == 0
    assert "[files]\nastctlpermissions = 0660\nastctlgroup = nogroup\n" in site.text("asterisk.conf")
    ours = site.etc / "carillon"
    assert (ours.stat().st_uid, ours.stat().st_gid, ours.stat().st_mode & 0o7777) == (NOBODY, NOBODY, 0o2750)
    assert (site.home / "recordings").stat().st_mode & 0o7777 == 0o2750
    assert (site.home / "attached.json").stat().st_uid == NOBODY


def test_asterisk_s_own_way_of_reading(tmp_path):
    (tmp_path / "inner.conf").write_text("[b]\nkey = inner ; said \\; so\n")
    (tmp_path / "a.conf").write_text(
        ";-- [x]\n;-- nested --; still\n--;[a](!,b)\nKey=>one\nkey = two;three\n"
        ";--- a line\n#tryinclude gone.conf\n#include <inner.conf>\nkey = outer\n"
    )
    read = etc.read(tmp_path, "a.conf")
    assert read.sections == {"a", "b"}
    assert read.all("a", "Key", "key") == ["one", "two"]
    assert read.all("b", "key") == ["inner", "outer"]
