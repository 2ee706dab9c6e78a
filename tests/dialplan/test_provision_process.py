"""The provisioner as the process that `carillon up` starts: what it waits for, what it says, and how it ends."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from sql import claims, nodes, settings, store, trunks
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
