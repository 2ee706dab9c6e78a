"""The AGI server as the process that `carillon up` starts: how it ends, and what it says when it cannot start."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from sql import models, settings, store
from tests import world as worlds
from tests.fakes.agi_peer import ANSWERED, PLAYED, Caller, environment


def until(what: str, found, seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(0.01)


def facts(call_id: int) -> tuple:
    """(answered, heard ms, complete, ended) as they are in the store."""
    row = models.Call.get_by_id(call_id)
    return row.answered_at is not None, row.heard_ms, row.heard_complete, row.script_ended_at is not None


class Process:
    """`python -m agi.server` on an installation of its own; `before`: Python lines to run first."""

    def __init__(self, home: Path, before: str = "") -> None:
        command = ["-c", f"from agi import server\n{before}\nserver.main()"] if before else ["-m", "agi.server"]
        self._process = subprocess.Popen(
            [sys.executable, *command],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            env=os.environ | {"CARILLON_HOME": str(home)},
        )  # fmt: skip

    def wait_for(self, word: str) -> None:
        for line in self._process.stderr:
            if word in line:
                return
        pytest.fail(f"it ended before it said {word!r}")

    def terminate(self) -> None:
        self._process.send_signal(signal.SIGTERM)

    def end(self, seconds: float = 10) -> tuple[int, str]:
        """Exit code, and what it said that was not read yet."""
        said = self._process.communicate(timeout=seconds)[1]
        return self._process.returncode, said


@pytest.fixture
def home(tmp_path):
    """An installation's folder whose store holds a world."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        base = probe.getsockname()[1] - settings.PORTS["agi"]
    settings.write_first(tmp_path, base)
    store.migrate(settings.read(tmp_path).store_url)
    return tmp_path


@pytest.fixture
def process():
    started = []

    def start(home: Path, before: str = "") -> Process:
        started.append(Process(home, before))
        return started[-1]

    yield start
    for one in started:
        one._process.kill()
        one.end()


def test_a_server_that_is_told_to_end_lets_scripts_finish(home, process):
    running = process(home)
    running.wait_for("serving voice.py, interactive.py, hangup.py on port")
    port = settings.read(home).port("agi")
    told = threading.Event()

    def after_it_was_told() -> str:
        assert told.wait(5)
        time.sleep(0.3)
        return PLAYED

    with store.connection():
        ids = worlds.make().sent(5)
        peers = [Caller(port, environment(str(call_id)), (ANSWERED, after_it_was_told)) for call_id in ids]
        until("five at work", lambda: all(len(peer.commands) == 2 for peer in peers))
        running.terminate()
        told.set()
        assert running.end() == (0, "")
        assert [facts(call_id) for call_id in ids] == [(True, 2000, True, True)] * 5


def test_a_script_in_the_middle_of_a_long_message_does_not_hold_up_the_end(home, process):
    running = process(home, "server.FINISH_S = 1")
    running.wait_for("serving")
    with store.connection():
        [call_id] = worlds.make().sent(1)
        peer = Caller(settings.read(home).port("agi"), environment(str(call_id)), (ANSWERED, lambda: time.sleep(4) or PLAYED))
        until("its message", lambda: len(peer.commands) == 2 and facts(call_id)[0])
        began = time.monotonic()
        running.terminate()
        code, said = running.end()
        assert code == 0
        assert 1 <= time.monotonic() - began < 3
        assert "1 scripts are still at work and are left" in said
        assert facts(call_id) == (True, None, None, False)


def test_a_server_that_cannot_start_says_why_in_one_sentence(home, tmp_path_factory, process):
    empty, none = tmp_path_factory.mktemp("empty"), tmp_path_factory.mktemp("none")
    (empty / "carillon.ini").write_text((home / "carillon.ini").read_text())
    with socket.create_server(("127.0.0.1", settings.read(home).port("agi"))) as taken:
        number = taken.getsockname()[1]
        started = {where: process(where) for where in (home, empty, none)}
        said = {where: running.end() for where, running in started.items()}
    assert [(code, text.count("\n")) for code, text in said.values()] == [(1, 1)] * 3
    assert f"agi: port {number} cannot be used (Address already in use); end what uses it" in said[home][1]
    assert said[empty][1].startswith("agi: the store is older than this Carillon")
    assert f"agi: no {none}/carillon.ini" in said[none][1]
