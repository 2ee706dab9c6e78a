"""The AGI server over TCP on a real store: Asterisk is let go at once, and what a call's script says is durable, whatever the peer does."""

import logging
import re
import socket
import threading
import time
from contextlib import contextmanager

import pytest

from agi import book, server
from sql import models, models_contacts, store
from sql.writer import Writer
from tests import world as worlds
from tests.fakes.agi_peer import ANSWERED, PLAYED, Caller, Leaver, environment

WHOLE = (ANSWERED, PLAYED)
STALE = 1_800_000_000.25


@contextmanager
def serve():
    """The port of a server on the store that is bound; ended when its scripts are."""
    writer = Writer(server.GATHER_S)
    made = server._Server(("127.0.0.1", 0), writer)
    accept = threading.Thread(target=made.serve_forever, args=(0.02,))
    accept.start()
    before = threading.active_count()
    try:
        yield made.server_address[1]
    finally:
        made.shutdown()
        accept.join()
        made.server_close()
        until("the scripts' end", lambda: threading.active_count() < before)
        writer.close()


@pytest.fixture
def port(world):
    with serve() as found:
        yield found


def until(what: str, found, seconds: float = 5.0) -> None:
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline, f"{what} did not come"
        time.sleep(0.01)


def call(call_id: int) -> models.Call:
    return models.Call.get_by_id(call_id)


def at_work() -> int:
    """How many scripts have not ended, or not written all of their facts."""
    return sum("process_request_thread" in thread.name for thread in threading.enumerate())


def ended() -> None:
    until("the scripts' end", lambda: not at_work())


def facts(call_id: int) -> tuple:
    """(answered, heard ms, complete, ended) as they are in the store."""
    row = call(call_id)
    return row.answered_at is not None, row.heard_ms, row.heard_complete, row.script_ended_at is not None


def test_a_call_s_facts_are_durable_when_its_thread_ends(world, port):
    [call_id] = world.sent(1)
    began = store.now()
    assert Caller(port, environment(str(call_id)), WHOLE).done() == ["ANSWER", 'STREAM FILE carillon/1 "" 0']
    ended()
    assert facts(call_id) == (True, 2000, True, True)
    row = call(call_id)
    assert began <= row.answered_at <= row.heard_at <= row.script_ended_at <= store.now()


def test_two_hundred_calls_at_once_lose_no_fact(world, port):
    for n in range(195):
        contact = models_contacts.Contact.create(contact_group=1, phone=f"+49301235{n:03}", created_at=worlds.NOW)
        models.CampaignContact.create(campaign_id=world.campaign_id, contact_id=contact.id, phone=contact.phone, next_at=worlds.NOW)
    ids = world.sent(200)
    together = threading.Barrier(len(ids), timeout=10)

    def played() -> str:
        together.wait()  # every script is in its message before the first goes on
        return PLAYED

    peers = [Caller(port, environment(str(call_id)), (ANSWERED, played)) for call_id in ids]
    assert {tuple(peer.done(10)) for peer in peers} == {("ANSWER", 'STREAM FILE carillon/1 "" 0')}
    ended()
    assert len(ids) == 200
    assert {facts(call_id) for call_id in ids} == {(True, 2000, True, True)}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("16", "200", f"{STALE}00000"), (16, 200, 1_800_000_000_250)),
        (("17", "486", "0.000000"), (17, 486, None)),
        (("19", "", ""), (19, None, None)),
        (("34",), (34, None, None)),
        ((), (None, None, None)),
        (("0", "0", "0"), (None, None, None)),
        (("-1", "48６", "1e9"), (None, None, None)),
        (("16;x", "99999", "nan"), (None, None, None)),
        (('16"', "2 0", "1" * 400), (None, None, None)),
    ],
)
def test_the_hangup_handler_s_word(world, port, arguments, told):
    [call_id] = world.sent(1)
    assert Caller(port, environment(str(call_id), *arguments, agi_network_script="hangup.py")).done() == []
    ended()
    row = call(call_id)
    assert (row.handler_cause, row.handler_sip, row.handler_answered_at) == told
    assert row.handler_at <= store.now()
    assert row.settle_at is not None


def test_the_hangup_handler_s_first_word_stands(world, port):
    [call_id] = world.sent(1)
    for cause in ("17", "16"):
        Caller(port, environment(str(call_id), cause, agi_network_script="hangup.py")).done()
        ended()
    assert call(call_id).handler_cause == 17


@pytest.mark.parametrize("name", ["evil.py", "../agi/voice.py", "voice", "VOICE.PY", "voice.py?x=1", "", "_voice.py"])
def test_a_script_that_is_none_of_ours_is_not_run(world, port, name, caplog):
    [call_id] = world.sent(1)
    assert Caller(port, environment(str(call_id), agi_network_script=name), WHOLE).done() == []
    assert facts(call_id) == (False, None, None, False)
    assert f"asked for the script {name!r}; there are voice.py, interactive.py, hangup.py" in caplog.text


@pytest.mark.parametrize(
    "arguments",
    [(), ("",), ("0",), ("-1",), ("1 OR 1=1",), ("１",), ("01",), ("1.0",), ("1;",), ("9" * 19,), ("9" * 200,), ("${CALL_ID}",)],
)  # fmt: skip
@pytest.mark.parametrize("script", list(server.SCRIPTS))
def test_a_channel_without_a_call_s_id_gets_no_script(world, port, script, arguments, caplog):
    world.sent(5)
    assert Caller(port, environment(*arguments, agi_network_script=script), WHOLE).done(2) == []
    ended()
    assert "a channel without call id" in caplog.text
    assert models.Call.select().where(models.Call.script_ended_at.is_null(False) | models.Call.handler_at.is_null(False)).count() == 0


def test_a_call_that_is_not_in_the_store_hears_nothing(world, port, caplog):
    assert Caller(port, environment("4711"), WHOLE).done() == []
    assert "call=4711 is not open in the store; nothing is played" in caplog.text


def test_a_missing_recording_is_said_and_heard_by_nobody(world, port, caplog):
    [call_id] = world.sent(1)
    Caller(port, environment(str(call_id)), (ANSWERED, "200 result=-1 endpos=0\n", "200 result=6\n")).done()
    ended()
    assert facts(call_id) == (True, 0, False, True)
    assert f"call={call_id} heard nothing: STREAM FILE carillon/1" in caplog.text


@pytest.mark.parametrize("rudely", [False, True])
@pytest.mark.parametrize(
    ("answers", "left"),
    [
        ((), (False, None, None, False)),
        ((ANSWERED,), (True, 0, False, True)),
        ((ANSWERED, "HANGUP\n200 result=-1 endpos=4000\n"), (True, 500, False, True)),
    ],
)
def test_an_asterisk_that_goes_away_in_the_middle(world, port, answers, left, rudely):
    [call_id] = world.sent(1)
    Leaver(port, environment(str(call_id)) if answers else "agi_network: yes\n", answers, rudely).done()
    until("the script's end", lambda: facts(call_id) == left)


def test_what_asterisk_does_not_accept_is_said_with_the_call(world, port, caplog):
    [call_id] = world.sent(1)
    Caller(port, environment(str(call_id)), ("510 Invalid or unknown command\n",)).done()
    ended()
    assert facts(call_id) == (False, None, None, True)
    assert re.search(rf"call={call_id} .*510 Invalid or unknown command", caplog.text)


def test_a_script_that_fails_is_said_with_the_call_and_harms_no_other(world, port, caplog, monkeypatch):
    broken, sound = world.sent(2)
    monkeypatch.setitem(server.SCRIPTS, "hangup.py", lambda session, book, call_id: session.nothing)
    Caller(port, environment(str(broken), agi_network_script="hangup.py")).done()
    Caller(port, environment(str(sound)), WHOLE).done()
    ended()
    assert facts(sound) == (True, 2000, True, True)
    assert re.search(rf"ERROR .*call={broken} .*\nTraceback", caplog.text)


@pytest.mark.parametrize("said", [b"", b"agi_network: yes\nagi_net"])
def test_a_peer_that_says_no_more_is_let_go(world, said, caplog, monkeypatch):
    monkeypatch.setattr(server, "ENVIRONMENT_S", 0.2)
    with serve() as port, socket.create_connection(("127.0.0.1", port), timeout=3) as peer:
        peer.sendall(said)
        assert peer.recv(10) == b""
        until("its word", lambda: "timed out" in caplog.text)


def test_a_line_without_end_is_not_gathered(world, port, caplog):
    with socket.create_connection(("127.0.0.1", port), timeout=3) as peer:
        try:
            for _ in range(100):
                peer.sendall(b"x" * 100_000)
            assert peer.recv(10) == b""
        except ConnectionError as reset:
            assert reset.errno
        until("its word", lambda: "too long" in caplog.text)


def test_more_scripts_than_may_run_are_refused_and_the_next_is_served(world, monkeypatch, caplog):
    monkeypatch.setattr(server, "MOST", 2)
    ids = world.sent(4)
    go_on = threading.Event()

    def later() -> str:
        assert go_on.wait(5)
        return PLAYED

    with serve() as port:
        held = [Caller(port, environment(str(call_id)), (ANSWERED, later)) for call_id in ids[:2]]
        until("two at work", lambda: all(len(peer.commands) == 2 for peer in held))
        assert Caller(port, environment(str(ids[2])), WHOLE).done() == []
        assert "2 scripts are at work; this one is refused" in caplog.text
        go_on.set()
        for peer in held:
            peer.done()
        until("a free place", lambda: Caller(port, environment(str(ids[3])), WHOLE).done() != [])
        ended()
    assert [facts(call_id)[3] for call_id in ids] == [True, True, False, True]


@pytest.fixture
def impatient(monkeypatch):
    """A store that says at once that it is busy, and a book that insists for less than a second."""
    monkeypatch.setattr(store, "LOCK_WAIT_S", 0.01)
    monkeypatch.setattr(store, "TRIES", 1)
    monkeypatch.setattr(book, "AGAIN_AFTER_S", (0.1, 0.2, 0.4))


@contextmanager
def taken(path):
    """Somebody else holds the store's write lock."""
    other = store.database(f"sqlite:///{path}")
    other.connect()
    try:
        with other.atomic("IMMEDIATE"):
            yield
    finally:
        other.close()


def test_facts_wait_for_a_store_that_is_away_for_a_while(impatient, world, port, tmp_path, caplog):
    [call_id] = world.sent(1)
    with taken(tmp_path / "store.sqlite"):
        peer = Caller(port, environment(str(call_id)), WHOLE)
        until("the first refusal", lambda: "the store did not take it, trying again" in caplog.text)
        assert facts(call_id) == (False, None, None, False)
        peer.done()  # Asterisk does not wait for the store
        assert facts(call_id) == (False, None, None, False)
    ended()
    assert facts(call_id) == (True, 2000, True, True)
    assert "is lost" not in caplog.text


def test_what_a_store_that_stays_away_did_not_take_is_said_once(impatient, world, port, tmp_path, caplog):
    [call_id] = world.sent(1)
    with taken(tmp_path / "store.sqlite"):
        Caller(port, environment(str(call_id)), WHOLE).done()
        ended()
    assert facts(call_id) == (False, None, None, False)
    [said] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert said.getMessage().startswith(f"call={call_id} facts are lost, Asterisk's own records remain: 3 could not be written: ")
