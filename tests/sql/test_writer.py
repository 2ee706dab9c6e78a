"""The writer: durable groups, faults that stay with their job, lost races."""

import threading

import pytest
from peewee import OperationalError

from sql import models, row, store
from sql.writer import Writer
from tests.world import NOW


@pytest.fixture
def writer(opened):
    made = Writer(pause=0.01)
    yield made
    made.close()


def add(name: str) -> str:
    models.Node.insert(name=name, link_since=NOW, beat_at=NOW).execute()
    return name


def names() -> set[str]:
    return {row.name for row in models.Node.select()}


def test_work_is_committed_when_the_future_says_so(writer):
    futures = [writer.submit(add, f"n{n}") for n in range(50)]
    assert [future.result(5) for future in futures] == [f"n{n}" for n in range(50)]
    assert names() == {f"n{n}" for n in range(50)}
    assert writer.ask(names).result(5) == names()


def test_a_job_that_fails_spoils_no_other(writer):
    def fail() -> None:
        add("half")
        raise KeyError("no")

    before, bad, after = writer.submit(add, "a"), writer.submit(fail), writer.submit(add, "b")
    assert (before.result(5), after.result(5)) == ("a", "b")
    with pytest.raises(KeyError):
        bad.result(5)
    assert names() == {"a", "b"}


def test_a_lost_race_is_run_again_as_a_whole(opened):
    tries = []

    def race() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise OperationalError(1213, "Deadlock found when trying to get lock")
        return add("a")

    assert store.unit(race) == "a"
    assert len(tries) == 3


def test_a_fault_of_the_store_reaches_whoever_waits(writer):
    def broken() -> None:
        row.db.execute_sql("select * from nowhere")

    bad, good = writer.submit(broken), writer.submit(add, "a")
    with pytest.raises(store.Unavailable, match="nowhere"):
        bad.result(5)
    assert good.result(5) == "a"


def test_many_threads_share_one_writer(writer):
    threads = [threading.Thread(target=lambda n=n: writer.submit(add, f"t{n}").result(5)) for n in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(names()) == 20


def test_a_caller_that_gave_up_harms_nobody(writer):
    blocked = threading.Event()
    first = writer.ask(blocked.wait)
    given_up, kept = writer.submit(blocked.set), writer.submit(int, "7")
    assert given_up.cancel()
    blocked.set()
    assert first.result(5)
    assert kept.result(5) == 7
