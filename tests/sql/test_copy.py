"""A store moved to another database is the same in every row, or is not used at all; the old one stays as it was."""

import tracemalloc
from pathlib import Path

import pytest

from sql import copy, ledger, models, models_accounts, models_contacts, row, store
from tests import world as worlds
from tests.world import NOW

CONTACTS = 3 * copy.SLICE + 7
NAMES = ("Zoë 💶", "O'Brien\\", "  spaces  ", "%s ? {}", "línea\nlínea", "", None)


def path_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


@pytest.fixture
def old(tmp_path, empty_store) -> str:
    """A store in SQLite with something of everything that is not simple; gaps between its ids."""
    url = f"sqlite:///{tmp_path}/old.sqlite"
    path_of(url).write_bytes(empty_store.read_bytes())
    store.bind(url)
    with store.connection():
        worlds.make()
        user = models_accounts.User.get().id
        fill(CONTACTS)
        models_contacts.Contact.delete().where(models_contacts.Contact.id.in_(range(7, CONTACTS, 7))).execute()
        for n, amount in enumerate((1, 10**15 - 2, 1)):
            store.unit(ledger.pay, ledger.Payment(user, ledger.OUTSIDE, user, amount, reference=f"r{n}"), NOW)
        models.Node.insert(name="main", process="p", link_since=NOW, beat_at=store.now() - copy.LIVES_MS - 1).execute()
    return url


def fill(count: int, start: str = "+4930") -> None:
    """That many contacts more."""
    group = models_contacts.ContactGroup.get().id
    rows = [
        {
            "contact_group": group,
            "phone": f"{start}{n:07d}",
            "first_name": NAMES[n % len(NAMES)],
            "description": "x" * (n % 300),
            "created_at": NOW,
        }
        for n in range(count)
    ]
    with row.db.atomic():
        for n in range(0, count, 500):
            models_contacts.Contact.insert_many(rows[n : n + 500]).execute()


@pytest.fixture(params=["sqlite", pytest.param("mariadb", marks=pytest.mark.live)])
def new(request, tmp_path) -> str:
    """An empty database."""
    if request.param == "mariadb":
        return request.getfixturevalue("mariadb").empty("copy")
    return f"sqlite:///{tmp_path}/new.sqlite"


def contacts(url: str) -> list[tuple]:
    store.bind(url)
    with store.connection():
        return list(models_contacts.Contact.select().order_by(models_contacts.Contact.id).tuples())


def quiet(_: str) -> None:
    """Nobody wants to be told."""


def test_every_row_is_the_same_and_the_old_store_is_as_it_was(old, new):
    before = path_of(old).read_bytes()
    told: list[str] = []
    compared = {one.table: one for one in copy.copy(old, new, told.append)}
    assert path_of(old).read_bytes() == before
    assert told == list(compared)
    assert all(one.same for one in compared.values())
    assert compared["contact"].source.rows > 2 * copy.SLICE
    assert (compared["ledger_line"].source.rows, compared["ledger_line"].source.money) == (6, 0)
    assert compared["ledger_account"].target.money == 0
    assert contacts(new) == contacts(old)


def test_the_copy_goes_on_where_the_old_store_ended(old, new):
    copy.copy(old, new, quiet)
    made = []
    for url in (old, new):
        store.bind(url)
        store.check()
        with store.connection():
            fill(1, "+4931")
            user = models_accounts.User.get().id
            newest = models_contacts.Contact.select().order_by(models_contacts.Contact.id.desc()).get()
            made.append((newest.id, newest.phone, ledger.credit(user)))
            store.unit(ledger.pay, ledger.Payment(user, ledger.OUTSIDE, user, -(10**15), reference="back"), NOW)
    assert made[0] == made[1]
    assert made[0][2] == 10**15


@pytest.mark.live
def test_there_and_back_again(old, mariadb, tmp_path):
    back = f"sqlite:///{tmp_path}/back.sqlite"
    there = copy.copy(old, mariadb.empty("copy"), quiet)
    again = copy.copy(mariadb.url + "_copy", back, quiet)
    assert [(one.table, one.source) for one in there] == [(one.table, one.target) for one in again]
    assert contacts(back) == contacts(old)


@pytest.mark.parametrize("where", ["user", "contact", "push_try"])
def test_a_copy_that_was_interrupted_is_used_by_nobody_and_begun_anew(old, new, where):
    def cut(table: str) -> None:
        if table == where:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy.copy(old, new, cut)
    for use in (store.check, lambda: store.migrate(new)):
        store.bind(new)
        with pytest.raises(store.StoreError, match="holds half a copy of a store; run the same `carillon store copy` again"):
            use()
    store.bind(old)
    with store.connection():
        models_contacts.Contact.delete().where(models_contacts.Contact.phone == "+49300000001").execute()
    assert all(one.same for one in copy.copy(old, new, quiet))
    assert contacts(new) == contacts(old)
    store.check()


def test_half_a_copy_of_another_store_is_left_alone(old, new, tmp_path):
    copy.copy(old, new, quiet)
    store.bind(new)
    with store.connection():
        row.db.execute_sql(f"create table {store.HALF_COPY} (source varchar(64))")
        row.db.execute_sql(f"insert into {store.HALF_COPY} values ('another')")
    with pytest.raises(store.StoreError, match="half a copy of another store; drop and create it"):
        copy.copy(old, new, quiet)
    assert contacts(new) == contacts(old)


def test_a_database_that_holds_something_is_left_alone(old, new):
    copy.copy(old, new, quiet)
    before = contacts(new)
    with pytest.raises(store.StoreError, match=r"is not empty \(it has \d+ tables\); drop and create it, or name another"):
        copy.copy(old, new, quiet)
    assert contacts(new) == before
    with pytest.raises(store.StoreError, match="is not empty"):
        copy.copy(old, old, quiet)


def test_a_copy_that_differs_is_not_used(old, new, monkeypatch):
    write = copy._write

    def wrong(target, table, columns, rows):
        write(target, table, columns, [(*one[:-1], 1) if table == "contact" and one[0] == 2 else one for one in rows])

    monkeypatch.setattr(copy, "_write", wrong)
    compared = copy.copy(old, new, quiet)
    assert [one.table for one in compared if not one.same] == ["contact"]
    store.bind(new)
    with pytest.raises(store.StoreError, match="half a copy"):
        store.check()


def test_an_engine_that_lives_is_in_the_way(old, new):
    store.bind(old)
    with store.connection():
        models.Node.update(beat_at=store.now()).execute()
    with pytest.raises(store.StoreError, match="engine 'main' works on this store, or did some seconds ago; stop all parts"):
        copy.copy(old, new, quiet)


@pytest.mark.parametrize(
    "change", ["update ledger_account set balance = balance + 1", "update ledger_line set amount = 2 where amount = 1"]
)
def test_a_ledger_that_does_not_add_up_is_not_carried_on(old, new, change):
    store.bind(old)
    with store.connection():
        row.db.execute_sql(change)
    with pytest.raises(store.StoreError, match="the ledger of this store does not add up"):
        copy.copy(old, new, quiet)


def test_who_writes_meanwhile_is_noticed(old, new):
    def write(table: str) -> None:
        if table == "turn":
            other = store.database(old)
            with other.connection_context():
                other.execute_sql("insert into turn (owner, turn) values ('x', 1)")

    with pytest.raises(store.StoreError, match="something still writes into the store that was copied"):
        copy.copy(old, new, write)


@pytest.mark.live
def test_what_does_not_fit_is_named(old, mariadb):
    """SQLite takes texts of any length."""
    store.bind(old)
    with store.connection():
        models_contacts.Contact.update(first_name="x" * 81).where(models_contacts.Contact.id == 9).execute()
    with pytest.raises(store.StoreError, match=r"row 9 of contact is refused: Data too long for column 'first_name'.*; correct it"):
        copy.copy(old, mariadb.empty("copy"), quiet)


def test_a_store_that_is_not_there(tmp_path):
    with pytest.raises(store.StoreError, match="there is no store"):
        copy.copy(f"sqlite:///{tmp_path}/none.sqlite", f"sqlite:///{tmp_path}/new.sqlite", quiet)


def test_memory_does_not_grow_with_the_store(old, tmp_path):
    store.bind(old)
    with store.connection():
        models_contacts.Contact.delete().execute()
        fill(20 * copy.SLICE)
    tracemalloc.start()
    copy.copy(old, f"sqlite:///{tmp_path}/new.sqlite", quiet)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000, peak
