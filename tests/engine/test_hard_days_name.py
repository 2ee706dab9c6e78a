"""Two engines and one name: the second one does not start, the same one starts again at once, who lost the name ends."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from engine import bearer
from engine.__main__ import Beat
from sql import models, nodes, settings, store
from tests.engine.loops import engine

LOCKS = """
import sys, time
from pathlib import Path
from engine import bearer
bearer.lock(Path(sys.argv[1]))
print("has it", flush=True)
time.sleep(60)
"""


@pytest.fixture
def soon(monkeypatch):
    monkeypatch.setattr(bearer, "LOCK_WAIT_S", 0.3)
    monkeypatch.setattr(bearer, "BEATS_WITHIN_S", 1.0)
    monkeypatch.setattr(bearer, "LOOK_S", 0.05)


@pytest.fixture
def living(tmp_path):
    """A process that has the lock of this home."""
    process = subprocess.Popen([sys.executable, "-c", LOCKS, str(tmp_path)], stdout=subprocess.PIPE)
    assert process.stdout
    assert process.stdout.readline() == b"has it\n"
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_second_engine_of_a_home_does_not_start(tmp_path, living, soon):
    with pytest.raises(bearer.NameTaken, match=f"another engine of {tmp_path} is running; stop it first"):
        bearer.lock(tmp_path)


def test_after_kill_9_the_same_engine_starts_at_once(opened, tmp_path, living):
    os.kill(living.pid, signal.SIGKILL)
    living.wait()
    began = time.monotonic()
    token, held = bearer.lock(tmp_path)
    assert nodes.take("main", token, None, store.now())
    bearer.take("main", token)
    assert time.monotonic() - began < 1
    os.close(held)


def test_a_home_keeps_its_token(tmp_path):
    (tmp_path / "run").mkdir()
    tokens = set()
    for _ in range(2):
        token, held = bearer.lock(tmp_path)
        tokens.add(token)
        os.close(held)
    assert len(tokens) == 1
    assert len(tokens.pop()) == 32


def test_an_engine_elsewhere_with_the_name_of_a_living_one_does_not_start(opened, soon):
    assert nodes.take("main", "there", None, store.now())
    stop = threading.Event()

    def beat() -> None:
        with store.connection():
            while not stop.wait(0.1):
                models.Node.update(beat_at=models.Node.beat_at + 100).execute()

    thread = threading.Thread(target=beat)
    thread.start()
    try:
        with pytest.raises(bearer.NameTaken, match=r"lives under the name 'main' in this store; give one .*\[carillon\] node"):
            bearer.take("main", "here")
    finally:
        stop.set()
        thread.join()
    assert models.Node.get().process == "there"


def test_the_name_of_an_engine_elsewhere_that_is_gone_is_taken(opened, soon):
    assert nodes.take("main", "there", None, store.now())
    bearer.take("main", "here")
    assert models.Node.get().process == "here"


def test_the_name_of_an_engine_that_was_stopped_is_taken_at_once(opened):
    assert nodes.take("main", "there", None, store.now())
    store.unit(nodes.leave, "main", "there", store.now())
    began = time.monotonic()
    bearer.take("main", "here")
    assert time.monotonic() - began < 1


def test_of_two_who_start_at_once_one_gets_the_name(opened):
    assert nodes.take("main", "a", None, store.now())
    assert not nodes.take("main", "b", None, store.now())
    assert nodes.take("main", "a", None, store.now())  # the answer to its commit was lost


def test_who_lost_its_name_ends(opened, tmp_path, caplog):
    async def scenario():
        async with engine(tmp_path) as one:
            assert nodes.take("main", "me", None, store.now())
            stop = asyncio.Event()
            beat = Beat(one.core, "me", stop)
            await beat.step()
            assert not stop.is_set()
            models.Node.update(process="another").execute()
            beat._said = None
            await beat.step()
            assert stop.is_set()

    asyncio.run(scenario())
    assert "another engine has taken the name 'main'" in caplog.text


@pytest.mark.parametrize("by", [3_600_000, -3_600_000])
def test_after_the_clock_was_set_it_beats_at_once(opened, tmp_path, clock, by):
    async def scenario():
        async with engine(tmp_path) as one:
            assert nodes.take("main", "me", None, store.now())
            beat = Beat(one.core, "me", asyncio.Event())
            await beat.step()
            clock(by)
            await beat.step()
            assert abs(store.now() - models.Node.get().beat_at) < 1000

    asyncio.run(scenario())


def test_the_process_says_why_it_does_not_start(tmp_path, living):
    settings.write_first(tmp_path, 7000)
    store.migrate(f"sqlite:///{tmp_path}/carillon.sqlite")
    ended = subprocess.run(
        [sys.executable, "-m", "engine"], env=os.environ | {"CARILLON_HOME": str(tmp_path)}, capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 1
    assert f"engine: another engine of {tmp_path} is running; stop it first" in ended.stderr
