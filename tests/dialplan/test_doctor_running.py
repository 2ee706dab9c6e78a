"""The doctor beside parts that run: real processes that look like them, and do nothing or the wrong thing."""

import os
import re
import signal
import socket
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dialplan import doctor, processes
from dialplan.checks import machine, running
from sql import models, settings, store
from tests.dialplan.patients import PARTS, alive, complaints, opened, sound, write


@pytest.fixture
def home(tmp_path, empty_store, monkeypatch) -> Path:
    """Its Asterisk is another's, that does not run."""
    monkeypatch.setattr(machine, "_unsynchronised", lambda: False)
    monkeypatch.setattr(running, "YOUNG_S", 0)
    home = sound(tmp_path / "home", empty_store, ami__host="127.0.0.1", asterisk__etc=str(tmp_path / "etc"))
    with socket.create_server(("127.0.0.1", 0)) as one:
        write(home, "ami", port=str(one.getsockname()[1]))
    return home


def node(home: Path, **fields: object) -> None:
    (home / "run" / "engine.lock").write_text("token")
    with opened(home):
        now = store.now()
        models.Node.create(**({"name": "main", "process": "token", "link_up": True, "link_since": now, "beat_at": now} | fields))


def test_parts_are_known_by_their_own_account(home, tmp_path):
    with alive(home, tmp_path / "parts", *PARTS) as started:
        found = processes.parts(home)
        assert {name: part.pid for name, part in found.items()} == {processes.MODULES[name]: one.pid for name, one in started.items()}
        assert all(part.age < 60 for part in found.values())
        assert processes.parts(tmp_path) == {}, "not those of another folder"


def test_a_dead_part_is_named_with_its_last_words(home, tmp_path):
    (home / "log" / "push.log").write_text("push: first\npush: the store is newer\n")
    with alive(home, tmp_path / "parts", *(name for name in PARTS if name != "engine.push")):
        one = complaints(home)["parts"]
    assert (one.state, one.what) == ("fault", "push does not run")
    assert one.remedy.endswith("push: the store is newer")


def test_pid_files_of_one_that_did_not_end_in_peace(home):
    (home / "run" / "engine.pid").write_text("999999999\n")
    assert complaints(home)["parts"].what == "Carillon is not running; it did not end in peace, pid files of engine are left"


def test_parts_that_died_of_late(home, tmp_path):
    at = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    line = f"{at} up ERROR push was killed by signal 9; started again now. Its last words: none\n"
    (home / "log" / "up.log").write_text(line.replace(at, "2020-01-01T00:00:00.000Z") + 2 * line)
    with alive(home, tmp_path / "parts", *PARTS):
        one = complaints(home)["parts"]
    assert (one.state, one.what) == ("warning", "parts died and were started again: push (2 times)")


def test_parts_that_run_and_do_not_listen(home, tmp_path):
    with alive(home, tmp_path / "parts", *PARTS):
        found = complaints(home)
    port = settings.read(home).port("api")
    assert found["ports"].what == f"api runs, but tcp port {port} is not open"
    assert "log/api.log" in found["ports"].remedy


def test_an_engine_that_is_silent(home, tmp_path):
    node(home, beat_at=store.now() - 60_000)
    with alive(home, tmp_path / "parts", *PARTS):
        one = complaints(home)["engine"]
    assert one.state == "fault"
    assert re.fullmatch(r"the engine runs, but its last word in the store is 6\d s old", one.what)


def test_an_engine_that_holds_back(home, tmp_path):
    node(home, held_word="script", held_text="the AGI server is silent")
    with alive(home, tmp_path / "parts", *PARTS):
        one = complaints(home)["engine"]
    assert (one.state, one.what) == ("warning", "the engine holds back: the AGI server is silent")


def test_an_engine_without_a_link(home, tmp_path):
    node(home, link_up=False, link_text="no answer in time")
    checks = [check for check in doctor.CHECKS if check.name not in ("ami", "asterisk-answers")]
    with alive(home, tmp_path / "parts", *PARTS):
        found = {one.check: one for one in doctor.examine(home, checks)}
    assert (found["engine"].state, found["link"].state) == ("ok", "fault")
    assert found["link"].what == "the engine has no link to Asterisk: no answer in time"


@pytest.mark.parametrize(("check", "part"), [("agi", "agi"), ("api", "api")])
def test_a_part_that_listens_and_hangs(home, tmp_path, monkeypatch, check, part):
    monkeypatch.setattr(running, "ANSWER_S", 0.3)
    port = settings.read(home).port(part)
    checks = [one for one in doctor.CHECKS if one.name != "ports"]  # who listens is this test
    with alive(home, tmp_path / "parts", *PARTS), socket.create_server(("127.0.0.1", port)):
        [one] = [one for one in doctor.examine(home, checks) if one.check == check]
    assert one.state == "fault"
    assert "it is started anew" in one.remedy


def test_settings_are_those_that_the_running_parts_were_given(home, tmp_path, monkeypatch):
    monkeypatch.setenv("CARILLON_CALLING_DESTINATIONS", "*")
    with alive(home, tmp_path / "parts", *PARTS):
        monkeypatch.delenv("CARILLON_CALLING_DESTINATIONS")
        assert complaints(home)["calling"].what.startswith("every destination")
    assert "calling" not in complaints(home)


def test_an_asterisk_that_hangs_is_waited_for_and_left(home, tmp_path):
    """One of our own whose process lives and whose control socket is not there."""
    write(home, "ami", host="", port="")
    etc = home / "asterisk" / "etc"
    etc.mkdir(parents=True)
    (etc / "asterisk.conf").write_text(f"[directories]\nastrundir => {home}/run\n")
    script = tmp_path / "sleep.py"
    script.write_text("import time\ntime.sleep(60)\n")
    pid = os.spawnl(os.P_NOWAIT, "/usr/bin/env", "env", "python3", str(script), "-C", str(etc / "asterisk.conf"))
    try:
        deadline = time.monotonic() + 5
        while "asterisk" not in processes.parts(home):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        found = {one.check: one for one in doctor.examine(home)}
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    assert found["asterisk-answers"].state == "fault"
    assert "control socket" in found["asterisk-answers"].what
    assert found["modules"].what.startswith("because of asterisk-answers")
