"""Copying a whole store into another database, and holding both against each other, row by row. Changes nothing in the source.

Rows are read and written in slices, so the size of the store does not matter. Until the copy was found to be the same, the target
holds the table HALF_COPY, that names the source: nothing else works on it, and the same copy may begin anew.
"""

import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from peewee import Database, MySQLDatabase, PeeweeException
from playhouse.cysqlite_ext import CySqliteDatabase

from sql import schema, server, store
from sql.row import db

SLICE = 500  # rows read at once
PORTION = 100  # rows written by one statement
LETTERS = 500_000  # of texts in one statement
LIVES_MS = 11_000  # a living engine beats every 5 s
MONEY = {"call": "amount", "ledger_account": "balance", "ledger_line": "amount"}
UNBALANCED = (
    "select name from ledger_account where balance <> "
    "(select coalesce(sum(amount), 0) from ledger_line where account_id = ledger_account.id) limit 1",
    "select entry_id from ledger_line group by entry_id having sum(amount) <> 0 limit 1",
)


@dataclass(frozen=True)
class Sums:
    """Of one table: its rows, the sum of their ids, of their money if it has any, and a hash of everything in them."""

    rows: int
    ids: int
    money: int | None
    digest: str


@dataclass(frozen=True)
class Compared:
    table: str
    source: Sums
    target: Sums

    @property
    def same(self) -> bool:
        return self.source == self.target


def copy(source_url: str, target_url: str, tell: Callable[[str], None]) -> list[Compared]:
    """Make the database at `target_url` the same store; every table as it is on both sides. StoreError: why not, and what to do.

    `tell` is told each table's name when its turn comes. If any table differs, the target remains half a copy.
    """
    source = _source(source_url)
    db.initialize(source)
    store.check()
    with _told(source), _reading(source):
        _refuse_living(source)
        _refuse_unbalanced(source, "this store")
        store.bind(target_url)
        with _told(db.obj), store.connection():
            _begin(db.obj, _identity(source))
            compared = [_table(source, db.obj, model, tell) for model in schema.TABLES]
            _refuse_unbalanced(db.obj, "the copy")
            if all(one.same for one in compared):
                db.execute_sql(f"drop table {store.HALF_COPY}")
            return compared


def _source(url: str) -> Database:
    """The database at `url`, for reading: SQLite is opened so that it cannot be changed."""
    database = store.database(url)
    if isinstance(database, MySQLDatabase):
        database.connect_params["init_command"] = "set session transaction isolation level repeatable read"
        return database
    path = unquote(urlsplit(url).path[1:])
    if not Path(path).exists():
        raise store.StoreError(f"there is no store {path}; look for it with [store] url in carillon.ini")
    return CySqliteDatabase(f"file:{quote(path)}?mode=ro", timeout=store.LOCK_WAIT_S, autoconnect=False)


@contextmanager
def _reading(source: Database) -> Iterator[None]:
    """All is read as it is in one moment; StoreError at the end if somebody went on writing."""
    source.connect()
    try:
        before = _version(source)
        with source.atomic():
            yield
        if _version(source) != before:
            raise store.StoreError("something still writes into the store that was copied; stop all parts and copy once more")
    finally:
        source.close()


def _version(source: Database) -> int:
    """Grows when another connection changes the file; MySQL tells no such thing."""
    return 0 if isinstance(source, MySQLDatabase) else source.execute_sql("pragma data_version").fetchone()[0]


@contextmanager
def _told(database: Database) -> Iterator[None]:
    try:
        yield
    except server.Unfit as error:
        raise store.StoreError(str(error)) from None
    except PeeweeException as error:
        if isinstance(database, MySQLDatabase):
            raise store.StoreError(server.meaning(database, error)) from error
        raise store.StoreError(f"{database.database} cannot be used: {error}; see that the file and its folder are yours") from error


def _refuse_living(source: Database) -> None:
    rows = source.execute_sql(f"select name from node where process is not null and beat_at > {store.now() - LIVES_MS}").fetchall()
    if rows:
        raise store.StoreError(f"engine {rows[0][0]!r} works on this store, or did some seconds ago; stop all parts, then copy")


def _refuse_unbalanced(database: Database, what: str) -> None:
    for question in UNBALANCED:
        if wrong := database.execute_sql(question).fetchone():
            raise store.StoreError(f"the ledger of {what} does not add up, see {wrong[0]!r}; nothing was switched, ask for help with it")


def _identity(source: Database) -> str:
    """When the store's first tables were made, in millionths of a second, and who was its first user: no other store's are the same."""
    made = source.execute_sql(f"select name, applied from {store.HISTORY} order by id limit 1").fetchone()
    first = source.execute_sql(f"select username, created_at from {_quoted(source, 'user')} order by id limit 1").fetchone()
    return hashlib.sha256(f"{made} {first}".encode()).hexdigest()


def _begin(target: Database, identity: str) -> None:
    """Empty tables in the target, and the mark that it is half a copy of this store."""
    tables = set(target.get_tables())
    if store.HALF_COPY in tables:
        marked = target.execute_sql(f"select source from {store.HALF_COPY}").fetchone()
        if marked and marked[0] != identity:
            raise store.StoreError(f"database {target.database} holds half a copy of another store; drop and create it")
    elif tables:
        raise store.StoreError(
            f"database {target.database} is not empty (it has {len(tables)} tables); drop and create it, or name another"
        )
    if isinstance(target, MySQLDatabase):
        server.prepare(target)
    target.execute_sql("set foreign_key_checks = 0" if isinstance(target, MySQLDatabase) else "pragma foreign_keys = 0")
    target.execute_sql(f"create table if not exists {store.HALF_COPY} (source varchar(64) not null primary key)")
    if not target.execute_sql(f"select 1 from {store.HALF_COPY}").fetchone():
        target.execute_sql(f"insert into {store.HALF_COPY} values ('{identity}')")
    for table in tables - {store.HALF_COPY}:
        target.execute_sql(f"drop table {_quoted(target, table)}")
    store.make_tables()


def _table(source: Database, target: Database, model: Any, tell: Callable[[str], None]) -> Compared:
    name, columns = model._meta.table_name, [field.column_name for field in model._meta.sorted_fields]
    tell(name)
    began = _Sum(name, columns)
    for rows in _slices(source, name, columns):
        began.add(rows)
        with target.atomic():
            for portion in _portions(rows):
                _write(target, name, columns, portion)
    made = _Sum(name, columns)
    for rows in _slices(target, name, columns):
        made.add(rows)
    return Compared(name, began.sums(), made.sums())


class _Sum:
    """Adds up a table's rows as they pass."""

    def __init__(self, table: str, columns: list[str]) -> None:
        self._money = columns.index(MONEY[table]) if table in MONEY else None
        self._rows = self._ids = self._amount = 0
        self._digest = hashlib.sha256()

    def add(self, rows: list[tuple]) -> None:
        self._rows += len(rows)
        self._ids += sum(row[0] for row in rows)
        if self._money is not None:
            self._amount += sum(row[self._money] for row in rows)
        self._digest.update(repr(rows).encode("utf-8", "surrogatepass"))

    def sums(self) -> Sums:
        return Sums(self._rows, self._ids, None if self._money is None else self._amount, self._digest.hexdigest())


def _slices(database: Database, table: str, columns: list[str]) -> Iterator[list[tuple]]:
    """All rows in the order of their ids; the id comes first."""
    assert columns[0] == "id"
    names = ", ".join(_quoted(database, column) for column in columns)
    question = f"select {names} from {_quoted(database, table)} where id > {database.param} order by id limit {SLICE}"
    after = -(1 << 63)
    while True:
        with _told(database):
            rows = [tuple(row) for row in database.execute_sql(question, (after,)).fetchall()]
        if not rows:
            return
        yield rows
        after = rows[-1][0]


def _portions(rows: list[tuple]) -> Iterator[list[tuple]]:
    portion: list[tuple] = []
    letters = 0
    for row in rows:
        more = sum(len(value) for value in row if isinstance(value, str))
        if portion and (len(portion) == PORTION or letters + more > LETTERS):
            yield portion
            portion, letters = [], 0
        portion.append(row)
        letters += more
    yield portion


def _write(target: Database, table: str, columns: list[str], rows: list[tuple]) -> None:
    names = ", ".join(_quoted(target, column) for column in columns)
    place = f"({', '.join([target.param] * len(columns))})"
    statement = f"insert into {_quoted(target, table)} ({names}) values {', '.join([place] * len(rows))}"
    try:
        target.execute_sql(statement, [value for row in rows for value in row])
    except PeeweeException as error:
        if len(rows) > 1:
            for row in rows:  # the first that is refused is told
                _write(target, table, columns, [row])
        if store.broken(error) or len(rows) > 1:
            raise
        raise store.StoreError(
            f"row {rows[0][0]} of {table} is refused: {error.args[-1]}; correct it in the old store, then copy"
        ) from error


def _quoted(database: Database, name: str) -> str:
    return f"{database.quote[0]}{name}{database.quote[-1]}"
