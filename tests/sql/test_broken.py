"""A database that breaks off in the middle: before a commit everything is done again, at the commit nothing is done twice."""

import re
import time
from threading import Thread

import pytest
from peewee import OperationalError

from sql import models, row, store
from sql.writer import Writer
from tests import world as worlds
from tests.fakes.cutter import Cutter
from tests.world import NOW


@pytest.fixture
def cutter(mariadb):
    """A store on MariaDB, behind a proxy that cuts."""
    mariadb.clear()
    made = Cutter("127.0.0.1", int(re.search(r":([0-9]+)/", mariadb.url)[1]))
    store.bind(re.sub(r":[0-9]+/", f":{made.port}/", mariadb.url))
    with store.connection():
        yield made
    made.close()


def add(name: str) -> str:
    models.Node.insert(name=name, link_since=NOW, beat_at=NOW).execute()
    return name


def names() -> list[str]:
    return [row.name for row in models.Node.select()]


@pytest.mark.live
def test_before_its_commit_a_unit_is_done_again(cutter):
    cutter.cut_at = b"INSERT INTO `node`"
    assert store.unit(add, "a") == "a"
    assert (names(), cutter.cuts) == (["a"], 1)


@pytest.mark.live
@pytest.mark.parametrize("arrives", [True, False])
def test_at_its_commit_a_unit_is_not_done_again(cutter, arrives):
    cutter.cut_at, cutter.arrives = b"COMMIT", arrives
    with pytest.raises(store.CommitUnknown, match="may have been done"):
        store.unit(add, "a")
    assert (names(), cutter.cuts) == (["a"] * arrives, 1)
    store.unit(add, "b")


@pytest.mark.live
@pytest.mark.parametrize("arrives", [True, False])
def test_the_writer_does_an_unknown_commit_again(cutter, arrives):
    """Its jobs find what they did before: a name that is there is no second one."""

    def once() -> str:
        return "a" if models.Node.select().where(models.Node.name == "a").exists() else add("a")

    writer = Writer()
    try:
        assert writer.submit(int, "7").result(5) == 7  # connecting commits too
        cutter.cut_at, cutter.arrives = b"COMMIT", arrives
        assert writer.submit(once).result(20) == "a"
        assert names() == ["a"]
    finally:
        writer.close()


@pytest.mark.live
def test_a_read_is_done_again_on_a_new_connection(cutter):
    store.unit(add, "a")
    writer = Writer()
    try:
        assert writer.ask(names).result(5) == ["a"]
        cutter.cut_at = b"SELECT"
        assert writer.ask(names).result(5) == ["a"]
        assert cutter.cuts == 1
    finally:
        writer.close()


@pytest.mark.live
def test_a_deadlock_inside_a_job_takes_the_whole_group_again(cutter):
    """InnoDB's deadlock ends the whole transaction; what peewee says then is that its savepoint does not exist."""
    world = worlds.make()
    first, second = world.contact_ids[:2]
    tries, locked = [], models.CampaignContact

    def other_way() -> None:
        with store.connection(), row.db.atomic():
            for n in range(50):  # who changed more rows is not the one that InnoDB ends
                add(f"n{n}")
            locked.update(gate="other").where(locked.id == second).execute()
            time.sleep(0.4)
            locked.update(gate="other").where(locked.id == first).execute()

    def job() -> str:
        tries.append(1)
        locked.update(gate="ours").where(locked.id == first).execute()
        time.sleep(0.4 if len(tries) == 1 else 0)
        locked.update(gate="ours").where(locked.id == second).execute()
        return "done"

    thread = Thread(target=other_way)
    writer = Writer()
    try:
        thread.start()
        time.sleep(0.1)
        beside, ours = writer.submit(add, "beside"), writer.submit(job)
        assert (beside.result(20), ours.result(20)) == ("beside", "done")
    finally:
        thread.join()
        writer.close()
    assert len(tries) == 2
    assert [row.gate for row in locked.select().where(locked.id.in_([first, second]))] == ["ours", "ours"]


@pytest.mark.parametrize("code", [1213, 1205, 1305, 1047])
def test_lost_races_are_told_by_their_number(code):
    assert store.lost_race(OperationalError(code, "x"))


def test_a_dead_database_holds_nobody_for_ever():
    parameters = store.database("mysql://a:b@127.0.0.1/c").connect_params
    assert (parameters["connect_timeout"], parameters["read_timeout"], parameters["write_timeout"]) == (5, 60, 60)


def test_reads_do_not_wait_for_a_slow_commit(opened):
    writer = Writer()
    try:
        slow = writer.submit(time.sleep, 1.0)
        began = time.monotonic()
        assert writer.ask(names).result(5) == []
        assert time.monotonic() - began < 0.5
        slow.result(5)
    finally:
        writer.close()


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_a_reader_that_then_writes_waits_for_its_turn(opened):
    """SQLite refuses at once to let a reader become a writer; a unit is a writer from its beginning."""

    def hold() -> None:
        with store.connection():
            store.unit(lambda: (add("held"), time.sleep(0.5)))

    assert row.db.execute_sql("pragma busy_timeout").fetchone()[0] == 1000 * store.LOCK_WAIT_S
    kept = models.Node.select().first()
    thread = Thread(target=hold)
    thread.start()
    time.sleep(0.1)
    assert store.unit(lambda: (names(), add("after"))) == (["held"], "after")
    thread.join()
    assert kept is None
