"""Opening the store: one URL, one database, one connection per thread that asked for it, and whole units of work.

A connection is opened and closed on purpose (`connection()`), never by accident. A unit of work (`unit`) is one durable
transaction; it is done again as a whole when the database says that it lost a race, or when the connection broke before the commit.
"""

import logging
import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import cysqlite
from peewee import Database, InterfaceError, MySQLDatabase, OperationalError, PeeweeException
from playhouse.cysqlite_ext import CySqliteDatabase
from playhouse.migrations import Runner

from sql import server
from sql.row import db

MIGRATIONS = Path(__file__).parent / "migrations"
SOUND_SQLITE = (3, 51, 3)  # earlier ones can lose commits in WAL mode with two or more connections
LOCK_WAIT_S = 15
# A database that does not answer holds nobody for ever; longer than InnoDB's lock wait, and than its longest statement of ours.
CONNECT_S, ANSWER_S = 5, 60
TRIES = 6
WHOLE_URL = re.compile(r"mysql://[^:/@?#]+(:[^:/@?#]*)?@([^:/@?#\[\]]+|\[[0-9a-fA-F:]+\])(:[0-9]{1,5})?/[^/@?#]+")
HISTORY = "schema_migration"
HALF_COPY = "carillon_copy"  # this table is there while a store is being copied into the database
# deadlock, lock wait timeout, Galera not (yet) a primary component; a savepoint that went when a deadlock took the whole transaction
LOST_RACES = (1213, 1205, 1047, 1305)
# cannot connect, server gone, lost during the query, packets out of order, connection killed; 0 is PyMySQL's closed connection
BROKEN = (0, 2002, 2003, 2006, 2013, 2014, 2055, 4031, 1927, 1053)

IDLE_S = 5  # an idle connection may have been closed by the server, or by what lies between

_kept = threading.local()
Unavailable = PeeweeException  # what the store raises when it cannot be reached or does not do what it was asked
log = logging.getLogger(__name__)


class CommitUnknown(PeeweeException):
    """The connection broke at the commit: it was done, or it was not. Whoever wants to know reads back."""


class StoreError(Exception):
    """The store cannot be used as it is; the text says why and what to do."""


def now() -> int:
    """UTC milliseconds."""
    return time.time_ns() // 1_000_000


def database(url: str) -> Database:
    """A database for `sqlite:////path/file` or `mysql://user:password@host[:port]/name`."""
    parts = urlsplit(url)
    if parts.scheme == "sqlite":
        if cysqlite.sqlite_version_info < SOUND_SQLITE:
            raise StoreError(f"SQLite {cysqlite.sqlite_version} can lose commits; install cysqlite 0.4.0 or newer")
        return CySqliteDatabase(
            unquote(parts.path[1:]),
            pragmas={"journal_mode": "wal", "synchronous": "full", "foreign_keys": 1, "cache_size": -16000},
            timeout=LOCK_WAIT_S,
            lock_type="IMMEDIATE",
            autoconnect=False,
        )
    if parts.scheme == "mysql":
        if not WHOLE_URL.fullmatch(url):
            raise StoreError(
                "[store] url is not mysql://user:password@host[:port]/name; what is no letter or digit in it is % and its code"
            )
        return MySQLDatabase(
            unquote(parts.path.lstrip("/")),
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            host=parts.hostname or "127.0.0.1",
            port=parts.port or 3306,
            charset="utf8mb4",
            sql_mode=server.SQL_MODE,
            init_command="SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
            connect_timeout=CONNECT_S,
            read_timeout=ANSWER_S,
            write_timeout=ANSWER_S,
            autoconnect=False,
        )
    raise StoreError(f"[store] url starts with {parts.scheme!r}; write sqlite:////path/file or mysql://user:password@host/name")


def bind(url: str) -> None:
    """Let this process work on the store at `url`. Opens nothing yet."""
    db.initialize(database(url))


@contextmanager
def connection() -> Iterator[None]:
    """A connection for this thread. Nested use keeps the one that is open."""
    opened = db.connect(reuse_if_open=True)
    try:
        yield
    finally:
        if opened:
            db.close()


@contextmanager
def kept() -> Iterator[None]:
    """This thread's connection, opened at its first use and kept for the next: opening one costs more than a call's reads.

    One that idled, or under which anything failed, is not used again.
    """
    if not db.is_closed() and time.monotonic() - getattr(_kept, "used", 0.0) > IDLE_S:
        drop_connection()
    db.connect(reuse_if_open=True)
    try:
        yield
    except PeeweeException:
        drop_connection()
        raise
    finally:
        _kept.used = time.monotonic()


def unit(work: Callable[..., Any], *args: Any) -> Any:
    """Run `work(*args)` in one durable transaction and return its result; again as a whole after a lost race or a broken connection.

    CommitUnknown: the connection broke at the commit itself. Then it is not done again here, for it may have been done.
    """
    for attempt in range(1, TRIES + 1):
        committing = False
        try:
            if attempt > 1:
                db.connect(reuse_if_open=True)
            with db.atomic():
                result = work(*args)
                committing = True
            return result
        except (OperationalError, InterfaceError) as error:
            cut = broken(error)
            if cut:
                drop_connection()
            if cut and committing:
                with suppress(PeeweeException):  # whoever uses it next is told that it is closed
                    db.connect()
                raise CommitUnknown(f"the connection broke at the commit, which may have been done: {error}") from error
            if attempt == TRIES or not (cut or lost_race(error)):
                raise
            log.warning("store: %s, doing the unit again (%d of %d)", error, attempt, TRIES)
            time.sleep(0.02 * 2**attempt)
    raise AssertionError("unreachable")


def lost_race(error: PeeweeException) -> bool:
    """Whether the same work, done again, may well succeed."""
    first = error.args[0] if error.args else None
    return first in LOST_RACES or "locked" in str(error).lower() or "busy" in str(error).lower()


def broken(error: PeeweeException) -> bool:
    """Whether the connection is gone, and with it whatever was not committed."""
    return isinstance(db.obj, MySQLDatabase) and bool(error.args) and error.args[0] in BROKEN


def drop_connection() -> None:
    """Close this thread's connection, in whatever state it is."""
    try:
        db.close()
    except Exception as error:  # it is broken; a new one takes its place
        log.debug("store: the broken connection did not close cleanly: %s", error)


def refuse_used(url: str) -> None:
    """StoreError if the database at `url` holds anything, or cannot be used."""
    bind(url)
    with _fit():
        if tables := db.get_tables():
            raise StoreError(
                f"database {db.obj.database} is not empty (it has {len(tables)} tables); drop and create it, or name another one"
            )
        if isinstance(db.obj, MySQLDatabase):
            server.check(db.obj)


def migrate(url: str) -> list[str]:
    """Bring the store at `url` to this version; the names of the migrations applied. StoreError: the database is not fit for it."""
    bind(url)
    _ours_alone()
    with _fit():
        _refuse_strangers()
        return make_tables()


def make_tables() -> list[str]:
    """Apply the migrations that are missing; their names."""
    if not isinstance(db.obj, MySQLDatabase):
        return Runner(db.obj, str(MIGRATIONS)).up()
    server.prepare(db.obj)
    applied = Runner(db.obj, str(MIGRATIONS)).up()
    server.check_rights(db.obj)
    if danger := server.lasting(db.obj):
        log.warning("%s", danger)
    return applied


def _ours_alone() -> None:
    """A new SQLite file is its owner's alone: it holds numbers, and trunks' passwords. Its WAL has the same rights."""
    path = Path(db.obj.database)
    if not isinstance(db.obj, MySQLDatabase) and path.parent.is_dir() and not path.exists() and path.name != ":memory:":
        with suppress(OSError):  # opening it says what is wrong
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def check() -> None:
    """StoreError unless the store can be used, and its tables are exactly those of this version of Carillon."""
    with _fit():
        _refuse_strangers()
        for step in Runner(db.obj, str(MIGRATIONS)).status():
            if step.path is None:
                raise StoreError(f"the store is newer than this Carillon (it knows {step.name}); install the newer Carillon")
            if step.applied is None:
                raise StoreError(f"the store is older than this Carillon ({step.name} is missing); run `carillon migrate`")
        if isinstance(db.obj, MySQLDatabase):
            server.check(db.obj)
            server.check_rights(db.obj)


@contextmanager
def _fit() -> Iterator[None]:
    """A connection; what the database refuses is told as a StoreError."""
    try:
        with connection():
            yield
    except server.Unfit as error:
        raise StoreError(str(error)) from None
    except PeeweeException as error:
        if isinstance(db.obj, MySQLDatabase):
            raise StoreError(server.meaning(db.obj, error)) from error
        raise StoreError(f"the store {db.obj.database} cannot be used: {error}; see that the file and its folder are yours") from error


def _refuse_strangers() -> None:
    """StoreError if the database holds what is not a whole store."""
    tables = set(db.get_tables())
    if HALF_COPY in tables:
        raise StoreError(f"database {db.obj.database} holds half a copy of a store; run the same `carillon store copy` again")
    if tables and HISTORY not in tables:
        some = ", ".join(sorted(tables)[:3])
        raise StoreError(f"database {db.obj.database} holds tables that are not Carillon's ({some}); give Carillon a database of its own")
    if tables > {HISTORY} and not db.execute_sql(f"select 1 from {HISTORY}").fetchone():
        raise StoreError(f"the first start on database {db.obj.database} was interrupted, and nothing is in it yet; drop and create it")
