"""A MySQL or MariaDB server as the store's place: what it has to be like, and what its refusals mean in plain words.

Asks the server only; changes nothing but the database's default collation, before there are tables in it.
"""

import re
from typing import Any

from peewee import MySQLDatabase, PeeweeException

OLDEST = {"MariaDB": (10, 5), "MySQL": (8, 0)}
COLLATION = "utf8mb4_bin"  # text compares as in SQLite: case counts
SMALLEST_PACKET = 8 << 20  # the longest statement is an import's batch of 500 contacts
SQL_MODE = "STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION"  # what does not fit is refused, whatever the server's own mode
PROBES = ("insert into turn select * from turn where 1 = 0", "update turn set turn = 0 where 1 = 0", "delete from turn where 1 = 0")
MEANINGS = {  # error: what it means, and what to do
    1040: "{place} has no connection left; raise max_connections there",
    1044: "user {user!r} may not use database {name!r} at {place}; let its administrator GRANT ALL on it",
    1045: "{place} does not let user {user!r} in with this password; correct [store] url, or let its administrator make the user",
    1047: "{place} is a cluster's node that does not belong to the cluster now; name another node in [store] url, or mend this one",
    1049: "{place} has no database {name!r}; let its administrator create it, or correct [store] url",
    1129: "{place} blocks this machine after many failed connections; let its administrator FLUSH HOSTS",
    1130: "{place} lets nobody in from this machine; let its administrator make the user for this machine's address",
    1142: "user {user!r} lacks a right on database {name!r} at {place} ({says}); let its administrator GRANT ALL on it",
    1290: "{place} does not take changes ({says}); name its primary in [store] url",
    1698: "{place} does not let user {user!r} in by password; let its administrator make a user that has one",
    1836: "{place} is read-only; name its primary in [store] url",
    2003: "{place} cannot be reached ({says}); start it, or correct [store] url",
    2013: "{place} breaks the connection off ({says}); see its log",
}
MEANINGS[1227] = MEANINGS[1370] = MEANINGS[1142]


class Unfit(Exception):
    """The server cannot be the store's place as it is; the text says why and what to do."""


def meaning(database: MySQLDatabase, error: PeeweeException) -> str:
    """What this server's error means and what to do, in one sentence."""
    code, says = (*error.args, "", "")[:2]
    text = MEANINGS.get(code, "{place} refuses: {says} ({code}); see its documentation of that error")
    return text.format(**_names(database), says=str(says).strip().rstrip("."), code=code)


def prepare(database: MySQLDatabase) -> None:
    """Let the tables that are made next be as the store needs them."""
    check(database)
    [now] = _row(database, "select @@collation_database")
    if now != COLLATION:
        database.execute_sql(f"alter database character set utf8mb4 collate {COLLATION}")
    database.execute_sql("set session default_storage_engine = InnoDB")


def check(database: MySQLDatabase) -> None:
    """Unfit unless the server is new enough, takes changes and long statements, and our tables are of the right kind."""
    place = _names(database)["place"]
    version, packet, read_only = _row(database, "select version(), @@max_allowed_packet, @@global.read_only")
    kind = "MariaDB" if "maria" in version.lower() else "MySQL"
    found = re.match(r"(\d+)\.(\d+)", version)
    if found is None or tuple(map(int, found.groups())) < OLDEST[kind]:
        oldest = ".".join(map(str, OLDEST[kind]))
        raise Unfit(f"{place} is {kind} {version}, which is too old; Carillon needs {kind} {oldest} or newer")
    if packet < SMALLEST_PACKET:
        raise Unfit(f"max_allowed_packet of {place} is {packet}; set it to {SMALLEST_PACKET} or more in the server's configuration")
    if int(read_only):
        raise Unfit(MEANINGS[1836].format(place=place))
    tables = "select table_name, engine, table_collation from information_schema.tables where table_schema = database() and table_type = %s"
    for table, engine, collation in database.execute_sql(tables, ("BASE TABLE",)).fetchall():
        if engine != "InnoDB":
            raise Unfit(f"table {table} at {place} is kept by {engine}, which has no transactions; ALTER TABLE {table} ENGINE = InnoDB")
        if collation != COLLATION:
            change = f"ALTER TABLE {table} CONVERT TO CHARACTER SET utf8mb4 COLLATE {COLLATION}"
            raise Unfit(f"table {table} at {place} compares text by {collation}, not exactly; {change}")


def check_rights(database: MySQLDatabase) -> None:
    """Fails unless we may write in our tables; changes nothing."""
    for probe in PROBES:
        database.execute_sql(probe)


def lasting(database: MySQLDatabase) -> str:
    """What endangers what was committed when the server's machine loses power; empty if nothing does."""
    [flush] = _row(database, "select @@innodb_flush_log_at_trx_commit")
    if flush == 1:
        return ""
    return (
        f"innodb_flush_log_at_trx_commit of {_names(database)['place']} is {flush}: when its machine fails, the last second is forgotten, "
        "and people may be dialled twice; set it to 1"
    )


def _row(database: MySQLDatabase, question: str) -> Any:
    return database.execute_sql(question).fetchone()


def _names(database: MySQLDatabase) -> dict[str, str]:
    given = database.connect_params
    return {"place": f"the database server {given['host']}:{given['port']}", "user": given["user"], "name": database.database}
