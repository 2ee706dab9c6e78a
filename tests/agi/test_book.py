"""The book of a call's facts on a real store that is away for a while, or for good, or does not take one fact of several."""

import threading

import pytest

from agi import book
from agi.book import Book, NotWritten
from sql import calls, models, store
from sql.writer import Writer

TOO_LARGE = 10**30  # no column takes it, however often it is tried


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(book, "AGAIN_AFTER_S", (0.05, 0.1, 0.2))
    monkeypatch.setattr(store, "LOCK_WAIT_S", 0.01)
    monkeypatch.setattr(store, "TRIES", 1)


@pytest.fixture
def writer(impatient, opened):
    made = Writer()
    yield made
    made.close()


@pytest.fixture
def call_id(writer, world) -> int:
    return world.sent(1)[0]


@pytest.fixture
def away(tmp_path):
    """Takes the store's write lock, until it is told to give it back."""
    other = store.database(f"sqlite:///{tmp_path}/store.sqlite")
    back = threading.Event()
    taken = threading.Event()

    def hold() -> None:
        other.connect()
        with other.atomic("IMMEDIATE"):
            taken.set()
            back.wait(5)
        other.close()

    def take() -> threading.Event:
        thread.start()
        assert taken.wait(5)
        return back

    thread = threading.Thread(target=hold)
    yield take
    back.set()
    thread.join()


def seen(call_id: int) -> tuple[int | None, ...]:
    row = models.Call.get_by_id(call_id)
    return row.answered_at, row.heard_ms, row.script_ended_at


def test_what_was_noted_is_durable_after_close(writer, call_id):
    facts = Book(writer)
    facts.note(calls.answered, call_id, 1)
    facts.note(calls.heard, call_id, 2, 500, True)
    facts.note(calls.script_ended, call_id, 3)
    facts.close()
    assert seen(call_id) == (1, 500, 3)


def test_close_without_notes_is_nothing(writer):
    Book(writer).close()


def test_it_insists_until_the_store_is_back(writer, call_id, away, caplog):
    back = away()
    facts = Book(writer)
    facts.note(calls.answered, call_id, 1)
    facts.note(calls.script_ended, call_id, 3)
    threading.Timer(0.1, back.set).start()
    facts.close()
    assert seen(call_id) == (1, None, 3)
    assert "the store did not take it, trying again in 0.1 s" in caplog.text or "trying again in 0.2 s" in caplog.text


def test_it_gives_up_and_says_how_much_is_lost(writer, call_id, away):
    away()
    facts = Book(writer)
    facts.note(calls.answered, call_id, 1)
    facts.note(calls.script_ended, call_id, 3)
    with pytest.raises(NotWritten, match=r"^2 could not be written: .*database is locked"):
        facts.close()


def test_a_fact_that_can_never_be_written_keeps_no_other_from_being_tried_again(writer, call_id, away):
    back = away()
    facts = Book(writer)
    facts.note(calls.heard, call_id, 2, TOO_LARGE, True)
    facts.note(calls.script_ended, call_id, 3)
    threading.Timer(0.1, back.set).start()
    with pytest.raises(NotWritten, match=r"^1 could not be written"):
        facts.close()
    assert seen(call_id) == (None, None, 3)


def test_a_question_waits_for_a_store_that_is_not_there_yet(writer, world, call_id, tmp_path):
    folder = tmp_path / "later"
    store.bind(f"sqlite:///{folder}/store.sqlite")  # the folder is made by a thread, while the book insists
    threading.Timer(0.1, folder.mkdir).start()
    asked = Writer()
    try:
        assert Book(asked).ask(lambda: models.Call._meta.database.execute_sql("select 42").fetchone()[0]) == 42
    finally:
        asked.close()


def test_a_question_that_stays_without_answer_is_raised(writer, tmp_path):
    store.bind(f"sqlite:///{tmp_path}/nowhere/store.sqlite")
    asked = Writer()
    try:
        with pytest.raises(store.Unavailable, match="unable to open"):
            Book(asked).ask(calls.instructions, 1)
    finally:
        asked.close()
