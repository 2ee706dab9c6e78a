"""Every set-up of another's Asterisk that is refused, each with its sentence, and nothing changed."""

import os
import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from dialplan import attach
from sql import settings
from tests.dialplan.theirs import Site, fingerprint

NOBODY = 65534

BROKEN: dict[str, tuple[Callable[[Site], object], str]] = {
    "no such folder": (lambda s: shutil.rmtree(s.etc), "is no folder; write the one with that Asterisk's asterisk.conf"),
    "a file in its place": (lambda s: (shutil.rmtree(s.etc), s.etc.write_text("")), "is no folder"),
    "not Asterisk's": (lambda s: (s.etc / "asterisk.conf").unlink(), "asterisk.conf is not there; is"),
    "no manager.conf": (lambda s: (s.etc / "manager.conf").unlink(), "manager.conf is not there"),
    "no pjsip.conf": (lambda s: (s.etc / "pjsip.conf").unlink(), "pjsip.conf is not there"),
    "no modules.conf": (lambda s: (s.etc / "modules.conf").unlink(), "modules.conf is not there"),
    "a folder as file": (lambda s: ((s.etc / "cel.conf").unlink(), (s.etc / "cel.conf").mkdir()), "cel.conf is no file"),
    "a symbolic link": (
        lambda s: ((s.etc / "extensions.conf").rename(s.top / "kept.conf"), (s.etc / "extensions.conf").symlink_to(s.top / "kept.conf")),
        "extensions.conf is a symbolic link to",
    ),
    "a context of our name": (lambda s: s.add("extensions.conf", "[carillon]\n"), "has a context [carillon] already"),
    "a context of our name in an include": (
        lambda s: ((s.etc / "more.conf").write_text("[carillon-hangup]\n"), s.add("extensions.conf", "#include more.conf\n")),
        "has a context [carillon-hangup] already",
    ),
    "a manager of ours": (lambda s: (s.etc / "manager.d" / "x.conf").write_text("[carillon]\nsecret = x\n"), "has a user [carillon]"),
    "no manager": (lambda s: s.change("manager.conf", "enabled = yes", "enabled = no"), "has the manager switched off; set"),
    "manager not mentioned": (lambda s: s.change("manager.conf", "enabled = yes", ";"), "has the manager switched off"),
    "manager by HTTP": (lambda s: s.change("manager.conf", "port", "webenabled = yes\nport"), "has webenabled = yes"),
    "another port": (lambda s: s.change("manager.conf", "5038", "5039"), "has port = 5039, but carillon.ini has [ami] port 5038"),
    "another address": (lambda s: s.change("manager.conf", "127.0.0.1", "192.0.2.7"), "has bindaddr = 192.0.2.7, where"),
    "manager elsewhere": (lambda s: settings.change(s.home, {("ami", "host"): "192.0.2.1"}), "[ami] host is 192.0.2.1: Carillon"),
    "no secret": (lambda s: settings.change(s.home, {("ami", "secret"): ""}), "[ami] secret is empty"),
    "our own Asterisk": (lambda s: settings.change(s.home, {("ami", "host"): ""}), "[ami] host is empty, so Carillon"),
    "no transport": (lambda s: s.change("pjsip.conf", "protocol = udp", "protocol = tcp"), "pjsip.conf has no UDP transport; add one"),
    "two transports": (lambda s: s.add("pjsip.conf", "\n[wan]\ntype=transport\n"), "has the UDP transports udp, wan; write"),
    "an unknown transport": (
        lambda s: settings.change(s.home, {("asterisk", "transport"): "lan"}), "[asterisk] transport is lan, but pjsip.conf has",
    ),
    "a trunk of our name": (lambda s: s.add("pjsip.conf", "\n[trunk-1]\ntype=aor\n"), "has a section [trunk-1], a name that"),
    "a module kept out": (lambda s: s.change("modules.conf", "chan_alsa", "res_agi"), "what Carillon needs (noload): res_agi"),
    "our records' name": (lambda s: s.add("cdr_custom.conf", "carillon.csv => x\n"), "cdr_custom.conf writes a file carillon.csv already"),
    "no hangups in the CEL": (lambda s: s.change("cel.conf", ";enable", "enable"), "cel.conf leaves out HANGUP"),
    "no sounds": (lambda s: shutil.rmtree(s.top / "data"), "sounds is not there; install Asterisk's sounds"),
    "our sounds' name": (lambda s: (s.top / "data" / "sounds" / "carillon").mkdir(), "exists already, a name that"),
    "our folder's name": (lambda s: (s.etc / "carillon").mkdir(), "exists already; Carillon's files go there: move it away"),
    "another Carillon": (lambda s: s.add("manager.conf", attach.BEGIN + attach.END), "holds lines of another Carillon"),
    "an include that includes itself": (lambda s: s.add("extensions.conf", "#include extensions.conf\n"), "files that include each other"),
    "a missing include": (lambda s: s.add("pjsip.conf", "\n#include nowhere.conf\n"), "line 9 includes 'nowhere.conf', which is not there"),
    "a section without end": (lambda s: s.add("extensions.conf", "[open\n"), "line 8: no closing ] in '[open'"),
    "a comment without end": (lambda s: s.add("pjsip.conf", "\n;-- once\n"), "pjsip.conf line 9: the comment ;-- is never closed"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_set_up_is_refused_with_its_sentence_and_nothing_is_changed(site, name):
    mend, sentence = BROKEN[name]
    mend(site)
    folders = [folder for folder in (site.etc, site.top / "data", site.top / "log", site.home) if folder.is_dir()]
    before = fingerprint(*folders)
    done = site.run("install")
    assert done.returncode == 1
    assert sentence in done.stderr
    assert all(line.startswith("carillon: ") for line in done.stderr.splitlines()), done.stderr
    assert done.stderr.endswith("carillon: nothing was changed\n")
    assert fingerprint(*folders) == before


def test_all_that_is_in_the_way_is_said_at_once(site):
    site.change("manager.conf", "enabled = yes", "enabled = no")
    site.add("extensions.conf", "[carillon]\n")
    site.change("pjsip.conf", "udp\nbind", "tcp\nbind")
    assert len(site.run("install").stderr.splitlines()) == 4


def test_a_manager_reached_by_http_is_accepted_when_told(site):
    site.change("manager.conf", "port", "webenabled = yes\nport")
    assert site.run("install", "--accept-webenabled").returncode == 0


def test_a_folder_that_carillon_ini_does_not_name_is_refused(site):
    said = site.run("install", "--etc", "/etc/elsewhere").stderr
    assert f"carillon.ini says [asterisk] etc = {site.etc}, not /etc/elsewhere" in said


def as_nobody(home: Path, out: Path) -> int:
    """`carillon asterisk install` as a user without rights; its exit code. Python itself may lie where that user cannot start it."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    try:
        with out.open("w") as sys.stderr:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setresgid(NOBODY, NOBODY, NOBODY)
                os.setresuid(NOBODY, NOBODY, NOBODY)
            os.environ["CARILLON_HOME"], sys.argv = str(home), ["carillon", "install"]
            attach.main()
    except SystemExit as error:
        out.write_text(str(error.code))
        os._exit(1)
    finally:
        os._exit(0)


@pytest.mark.parametrize(
    ("name", "mode", "sentence"),
    [
        ("manager.conf", 0o000, "manager.conf cannot be read and written; run this as root"),
        ("extensions.conf", 0o444, "extensions.conf cannot be read and written; run this as root"),
        (".", 0o555, "cannot be written; run this as root"),
        ("manager.d/x.conf", 0o000, "manager.d/x.conf cannot be read (Permission denied); run this as root"),
        ("../data/sounds", 0o555, "sounds cannot be written, where a link to the recordings goes; run this as root"),
    ],
)
def test_without_the_rights_nothing_is_begun(name, mode, sentence):
    with tempfile.TemporaryDirectory() as folder:
        site = Site(Path(folder) / "site")
        (site.etc / "manager.d" / "x.conf").write_text("; nobody\n")
        (site.home / "out").write_text("")
        if os.geteuid() == 0:
            Path(folder).chmod(0o755)
            for path in [site.top, *site.top.rglob("*")]:
                os.chown(path, NOBODY, NOBODY)
        (site.etc / name).chmod(mode)
        before = _times(site.top)
        assert as_nobody(site.home, site.home / "out") == 1
        assert sentence in (site.home / "out").read_text()
        assert _times(site.top) == before
        (site.etc / name).chmod(0o755)


def _times(top: Path) -> list[tuple]:
    """What a user without rights may have changed, without reading it as root."""
    entries = [(path, path.lstat()) for path in sorted(top.rglob("*")) if path.name not in ("out", "home")]
    return [(path, facts.st_mode, facts.st_size, facts.st_mtime_ns) for path, facts in entries]
