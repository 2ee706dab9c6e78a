"""The push worker's own bad days: the store away, stopped, killed."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest
from standardwebhooks.webhooks import Webhook

from engine import push
from sql import pushes, row, settings, store
from sql.states import DeliveryState
from tests.engine.push.trying import ROOT, delivered, in_state, told, tries, wait_for, working, write
from tests.fakes.receivers import receiving, says


def test_a_try_that_cannot_be_recorded_is_recorded_later_and_not_made_again(endpoint, monkeypatch, caplog):
    monkeypatch.setattr(push, "AFTER_FAULT_S", 0.05)
    original, failures = push.record, []

    def away(*args):
        if len(failures) < 3:
            failures.append(args)
            raise ConnectionError("the store is away")
        original(*args)

    monkeypatch.setattr(push, "record", away)
    with receiving() as receiver:
        write(endpoint(receiver), 1)
        with working():
            wait_for("the record", delivered(1))
        assert len(receiver.posted) == 1
    assert len(failures) == 3
    assert "its try cannot be recorded, trying again: the store is away" in caplog.text


def test_an_outbox_that_cannot_be_read_is_told_once_and_read_again(endpoint, monkeypatch, caplog):
    monkeypatch.setattr(push, "AFTER_FAULT_S", 0.05)
    original, failures = pushes.due, []

    def away(*args):
        if len(failures) < 3:
            failures.append(args)
            raise ConnectionError("the store is away")
        return original(*args)

    monkeypatch.setattr(pushes, "due", away)
    with receiving() as receiver:
        write(endpoint(receiver), 1)
        with working():
            receiver.wait_for(1)
    assert caplog.text.count("the outbox cannot be read") == 1


def test_stopping_records_what_is_being_posted_and_begins_nothing(endpoint):
    with receiving(says(200, after=0.4)) as receiver:
        one = endpoint(receiver)
        write(one, 1, seq=1)
        write(one, 1, seq=2)
        with working() as worker:
            receiver.wait_for(1)
            worker.stop.set()
        assert len(receiver.posted) == 1
    assert tries() == [(1, 200, "ok")]
    assert [due.seq for due in in_state(DeliveryState.DUE)] == [2]


def test_stopping_leaves_what_still_waits_for_a_thread(endpoint, monkeypatch):
    monkeypatch.setattr(push, "THREADS", 1)
    with receiving(says(200, after=0.3)) as receiver:
        one = endpoint(receiver)
        for call_id in (1, 2):
            write(one, call_id)
        with working() as worker:
            receiver.wait_for(1)
            worker.stop.set()
        assert len(receiver.posted) == 1
    assert len(in_state(DeliveryState.DUE)) == 1
    assert len(tries()) == 1


@contextmanager
def process(home):
    """`python -m engine.push` for the installation in `home`, delivering."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CARILLON_")}
    log = (home / "push.log").open("a+")
    with (
        log,
        subprocess.Popen(
            [sys.executable, "-m", "engine.push"], cwd=ROOT, env=environment | {"CARILLON_HOME": str(home)}, stderr=log
        ) as child,
    ):
        try:
            wait_for("the worker", lambda: "delivering" in (home / "push.log").read_text() or child.poll() is not None, 20)
            yield child
        finally:
            child.kill()


def test_a_worker_killed_between_the_200_and_its_record_delivers_the_same_again(endpoint, tmp_path):
    settings.write_first(tmp_path, store__url=f"sqlite:///{tmp_path}/store.sqlite", push__allow="127.0.0.0/8")
    may_answer, answered = threading.Event(), threading.Event()

    def behave(talk, posted):
        may_answer.wait(20)
        says(200)(talk, posted)
        answered.set()

    with receiving(behave) as receiver:
        one = endpoint(receiver)
        write(one, 1, seq=1)
        with process(tmp_path) as child:
            receiver.wait_for(1)
            with row.db.atomic():  # holds the store's write lock: the record of the try has to wait
                may_answer.set()
                assert answered.wait(10)
                time.sleep(0.3)
                os.kill(child.pid, signal.SIGKILL)
                child.wait(10)
        assert tries() == []
        assert [due.seq for due in in_state(DeliveryState.DUE)] == [1]
        write(one, 1, seq=2)
        (tmp_path / "push.log").unlink()
        with process(tmp_path) as child:
            wait_for("the second delivery", delivered(2))
            child.terminate()
            assert child.wait(10) == 0
        assert [told(posted)[1] for posted in receiver.posted] == [1, 1, 2]
        first, again, _ = receiver.posted
        assert first.headers["webhook-id"] == again.headers["webhook-id"]
        assert first.body == again.body
        for posted in receiver.posted:
            Webhook(one.secret).verify(posted.body, posted.headers)
    assert len(tries()) == 2


@pytest.mark.parametrize(
    ("changes", "says_so"),
    [({"push__allow": "intranet"}, "'intranet' does not appear"), ({"push__retry_after": "5,soon"}, "'soon'"), ({}, "carillon migrate")],
)
def test_a_worker_that_cannot_start_says_why(tmp_path, monkeypatch, changes, says_so):
    settings.write_first(tmp_path, **changes)
    if changes:
        store.migrate(f"sqlite:///{tmp_path}/carillon.sqlite")
    monkeypatch.setenv("CARILLON_HOME", str(tmp_path))
    monkeypatch.setattr(push.logs, "setup", lambda part: logging.getLogger(part))
    with pytest.raises(SystemExit) as stopped:
        push.main()
    assert str(stopped.value.code).startswith("push: ")
    assert says_so in str(stopped.value.code)


def test_what_is_due_for_an_endpoint_that_is_off_is_ended_within_the_minute(endpoint, monkeypatch):
    monkeypatch.setattr(push, "BURY_S", 0.05)
    with receiving() as receiver:
        off = endpoint(receiver)
        pushes.endpoint_off(off.id, store.now(), "off")
        write(off, 1)
        with working():
            wait_for("the end", lambda: in_state(DeliveryState.DEAD))
        assert not receiver.posted
