"""The provisioner as a process, and beside an Asterisk that is not ours: what it waits for, what it says, and how it ends."""

import os
import re
import signal
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from dialplan import beside, etc
from dialplan.provision import Provisioner
from sql import claims, extensions, models_accounts, nodes, settings, store, trunks
from tests.live.house import wait_for


def start(home: Path, text: str) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-c", text], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"CARILLON_HOME": str(home)},
    )  # fmt: skip


def test_beside_another_s_asterisk_it_needs_none_of_ours_and_says_once_what_it_waits_for(tmp_path):
    settings.write_first(tmp_path, ami__host="127.0.0.1", asterisk__etc=str(tmp_path / "etc"))
    (tmp_path / "etc").mkdir()
    store.migrate(settings.read(tmp_path).store_url)
    with store.connection():
        nodes.take("main", "token", None, store.now())
    with start(tmp_path, "from dialplan import fetch, provision\nfetch.asterisk = lambda: 1 / 0\nprovision.main()") as process:
        why = f"{tmp_path}/etc/carillon is not there; run `carillon asterisk install` as root"
        said = process.stderr.readline()
        wait_for("what holding says", lambda: _trunks_text() == why, 5)
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
        assert why in said
        assert process.stderr.read() == ""


def _trunks_text() -> str | None:
    with store.connection():
        return nodes.facts("main")[0].trunks_text


def test_as_a_process_it_waits_for_asterisk_says_so_once_and_ends_when_told(tmp_path):
    settings.write_first(tmp_path)
    config = settings.read(tmp_path)
    store.migrate(config.store_url)
    (tmp_path / "asterisk" / "etc").mkdir(parents=True)
    with store.connection():
        trunk_id = trunks.create(name="t", host="127.0.0.1")
    asterisk = tmp_path / "asterisk.sh"
    asterisk.write_text("#!/bin/sh\nexec 2>&1\necho Unable to connect to remote asterisk\nexit 1\n")
    asterisk.chmod(0o755)
    program = f"fetch.Program(({str(asterisk)!r},), Path('/'), '22.10.1')"
    text = f"from pathlib import Path\nfrom dialplan import fetch, provision\nfetch.asterisk = lambda: {program}\nprovision.main()"
    with start(tmp_path, text) as process:
        assert re.search("cannot be told of trunks and extensions yet: .*Unable to connect", process.stderr.readline())
        answers = f'case "$4" in "module reload"*) echo reloaded successfully;; *) echo " Endpoint:  trunk-{trunk_id}  Not in use";; esac\n'
        new = asterisk.with_suffix(".new")
        new.write_text(f"#!/bin/sh\n{answers}")
        new.chmod(0o755)
        new.replace(asterisk)
        assert "Asterisk has loaded 1 of 1 trunks" in process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        assert process.wait(5) == 0
        assert process.stderr.read() == ""
    with store.connection():
        assert [row.id for row in claims.trunks("main") if row.loaded] == [trunk_id]


@pytest.mark.parametrize("migrated", [False, True])
def test_a_process_that_cannot_start_says_why_in_one_sentence(tmp_path, migrated):
    if migrated:
        settings.write_first(tmp_path)
    with start(tmp_path, "from dialplan import provision\nprovision.main()") as process:
        assert process.wait(5) == 1
        said = process.stderr.read()
    assert said.count("\n") == 1
    assert said.startswith("provision: the store is older" if migrated else "provision: no ")


NOT_ALLOWED = {
    "no program": (
        lambda s: (s.top / "asterisk").unlink(),
        "there is no program 'asterisk' to reload Asterisk with",
    ),
    "does not run": (lambda s: None, "Asterisk does not run, its control socket {run}/asterisk.ctl is not there"),
    "not installed": (
        lambda s: (s.etc / "carillon").rename(s.top / "away"),
        "{etc}/carillon is not there; run",
    ),
    "broken meanwhile": (lambda s: s.add("pjsip.conf", "[open\n"), "no closing ] in '[open'; Asterisk loads nothing of this file"),
}


@pytest.mark.parametrize("name", NOT_ALLOWED)
def test_why_another_s_asterisk_cannot_be_told_is_said_with_the_remedy(site, name, monkeypatch):
    prevent, sentence = NOT_ALLOWED[name]
    assert site.run("install").returncode == 0
    (site.top / "asterisk").write_text("#!/bin/sh\necho Unable to connect\nexit 1\n")
    (site.top / "asterisk").chmod(0o755)
    monkeypatch.setenv("PATH", str(site.top))
    theirs = beside.asterisk(settings.read(site.home))
    prevent(site)
    if name == "no program":
        theirs = replace(theirs, program=replace(theirs.program, command=("asterisk",)))
    store.migrate(settings.read(site.home).store_url)
    provisioner = Provisioner("main", theirs, "", partial(beside.names, theirs.etc))
    with pytest.raises((OSError, etc.Misread)) as raised:
        provisioner.look()
    assert sentence.format(etc=site.etc, run=site.top / "run") in str(raised.value)


def test_a_user_without_rights_on_the_socket_is_told_which_lines_give_them(site, monkeypatch):
    assert site.run("install").returncode == 0
    theirs = beside.asterisk(settings.read(site.home))
    theirs.socket.write_text("")
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != theirs.socket)
    said = f"may not use Asterisk's control socket {site.top}/run/asterisk.ctl; in asterisk.conf, [files], set astctlpermissions = 0660"
    with pytest.raises(OSError, match=re.escape(said)):
        replace(theirs, program=replace(theirs.program, command=("false",))).control("core show version")


def test_what_is_written_there_keeps_its_mode_and_takes_no_name_of_theirs(site):
    assert site.run("install").returncode == 0
    theirs = beside.asterisk(settings.read(site.home))
    store.migrate(settings.read(site.home).store_url)
    with store.connection():
        owner = models_accounts.User.create(username="u", password_hash="x", role="admin", path="/1/", created_at=0).id
        for username in ("Desk", "desk7"):
            store.unit(extensions.create, owner, "", username, username, "0" * 32, None, 0)
    provisioner = Provisioner("main", theirs, "", partial(beside.names, theirs.etc))
    with pytest.raises(OSError):
        provisioner.look()
    text = theirs.include.read_text()
    assert "[desk7]" in text and "[Desk]" not in text
    assert "transport = " not in text, "Asterisk chooses"
    assert theirs.include.stat().st_mode & 0o7777 == 0o640
