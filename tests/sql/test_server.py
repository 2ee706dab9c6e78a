"""What keeps a real server from being the store's place is said in one sentence, with the remedy; nothing else is refused."""

import re

import pytest
from peewee import OperationalError

from sql import row, server, store

pytestmark = pytest.mark.live
STORE = "mysql://guest:guest@127.0.0.1:{port}/carillon_used"
PERSON = "create user guest@'127.0.0.1' identified by 'guest'"


@pytest.fixture(scope="module")
def used(mariadb):
    """The URL of a database with a store in it that is not the tests' own."""
    url = mariadb.empty("used")
    store.migrate(url)
    return url


@pytest.fixture
def guest(mariadb, used):
    """The same, as somebody who has no right yet; `mariadb.root` may give some."""
    mariadb.root(PERSON)
    yield STORE.format(port=mariadb.port)
    mariadb.root("drop user guest@'127.0.0.1'")


def refused(url: str) -> str:
    """The same sentence from the command that makes the tables and from the parts' own look."""
    with pytest.raises(store.StoreError) as made:
        store.migrate(url)
    store.bind(url)
    with pytest.raises(store.StoreError) as looked:
        store.check()
    assert str(made.value) == str(looked.value)
    assert "\n" not in str(made.value)
    return str(made.value)


@pytest.mark.parametrize(
    ("setting", "wrong", "right", "sentence"),
    [
        ("max_allowed_packet", 1 << 20, 16 << 20, "max_allowed_packet of .* is 1048576; set it to 8388608 or more"),
        ("read_only", 1, 0, "is read-only; name its primary"),
    ],
)
def test_a_setting_of_the_server(mariadb, used, setting, wrong, right, sentence):
    mariadb.root(f"set global {setting} = {wrong}")
    try:
        assert re.search(sentence, refused(used))
    finally:
        mariadb.root(f"set global {setting} = {right}")
    assert store.migrate(used) == []


def test_a_server_that_is_too_old(used, monkeypatch):
    monkeypatch.setitem(server.OLDEST, "MariaDB", (99, 9))
    assert re.search(r"is MariaDB 1\d\..*, which is too old; Carillon needs MariaDB 99.9 or newer$", refused(used))


@pytest.mark.parametrize(
    ("change", "back", "sentence"),
    [
        (
            "engine = MyISAM",
            "engine = InnoDB",
            "table turn .* is kept by MyISAM, which has no transactions; ALTER TABLE turn ENGINE = InnoDB",
        ),
        (
            "convert to character set latin1",
            "convert to character set utf8mb4 collate utf8mb4_bin",
            "table turn .* compares text by latin1_.*; ALTER TABLE turn CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
        ),
    ],
)
def test_a_table_that_somebody_changed(mariadb, used, change, back, sentence):
    mariadb.root(f"alter table carillon_used.turn {change}")
    said = refused(used)
    mariadb.root(f"alter table carillon_used.turn {back}")
    assert re.search(sentence, said)
    assert store.migrate(used) == []


def test_the_servers_own_defaults_do_not_matter(mariadb):
    """A database of another character set, a server of another engine and without strict mode: the store is the same."""
    url = mariadb.empty("odd")
    mariadb.root("alter database carillon_odd character set latin1")
    for setting, odd in (("default_storage_engine", "Aria"), ("sql_mode", "''")):
        mariadb.root(f"set global {setting} = {odd}")
    try:
        store.migrate(url)
        store.check()
    finally:
        mariadb.root("set global default_storage_engine = default")
        mariadb.root("set global sql_mode = default")
    with store.connection():
        assert "STRICT_TRANS_TABLES" in row.db.execute_sql("select @@sql_mode").fetchone()[0]


def test_rights(mariadb, guest):
    assert re.search("user 'guest' may not use database 'carillon_used' at .*GRANT ALL", refused(guest))
    mariadb.root("grant select, update, delete on carillon_used.* to guest@'127.0.0.1'")
    assert re.search(r"user 'guest' lacks a right on .* \(INSERT command denied .*GRANT ALL", refused(guest))
    mariadb.root("grant insert on carillon_used.* to guest@'127.0.0.1'")
    store.check()
    mariadb.root("grant all on carillon_used.* to guest@'127.0.0.1'")
    assert store.migrate(guest) == []


def test_who_may_not_make_tables_is_told_so(mariadb, guest):
    mariadb.empty("bare")
    mariadb.root("grant select, insert, update, delete on carillon_bare.* to guest@'127.0.0.1'")
    with pytest.raises(store.StoreError, match=r"user 'guest' .*let its administrator GRANT ALL"):
        store.migrate(guest.replace("used", "bare"))


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        (r"/carillon_\w+$", "has no database 'nothing'; let its administrator create it"),
        ("guest:guest", "does not let user 'nobody' in with this password; correct"),
        (r":\d+/", r"cannot be reached \(.*refused.*\); start it, or correct"),
    ],
)
def test_a_wrong_url(guest, mariadb, wrong, sentence):
    mariadb.root("grant all on `carillon_used`.* to guest@'127.0.0.1'")
    mariadb.root("grant all on `nothing`.* to guest@'127.0.0.1'")
    right = {r"/carillon_\w+$": "/nothing", "guest:guest": "nobody:x", r":\d+/": ":1/"}[wrong]
    assert re.search(sentence, refused(re.sub(wrong, right, guest)))


def test_somebody_elses_tables_are_left_alone(mariadb):
    url = mariadb.empty("theirs")
    mariadb.root("create table carillon_theirs.invoices (id int)")
    assert "holds tables that are not Carillon's (invoices); give Carillon a database of its own" in refused(url)
    with store.connection():
        assert row.db.get_tables() == ["invoices"]
    with pytest.raises(store.StoreError, match=r"is not empty \(it has 1 tables\)"):
        store.refuse_used(url)


def test_a_first_start_that_was_interrupted(mariadb):
    """Such a server makes tables one by one, whatever we wish."""
    url = mariadb.empty("cut")
    store.migrate(url)
    mariadb.root("delete from carillon_cut.schema_migration")
    mariadb.root("drop table carillon_cut.push_try")
    assert "was interrupted, and nothing is in it yet; drop and create it" in refused(url)
    url = mariadb.empty("cut")
    store.refuse_used(url)
    assert store.migrate(url)


@pytest.mark.parametrize(("flush", "warns"), [(0, True), (2, True), (1, False)])
def test_what_may_forget_commits_is_warned_of(mariadb, used, caplog, flush, warns):
    mariadb.root(f"set global innodb_flush_log_at_trx_commit = {flush}")
    store.migrate(used)
    mariadb.root("set global innodb_flush_log_at_trx_commit = 0")
    assert (f"innodb_flush_log_at_trx_commit of the database server 127.0.0.1:{mariadb.port} is {flush}" in caplog.text) is warns


@pytest.mark.parametrize("code", [*server.MEANINGS, 9999])
def test_every_meaning_names_the_server_and_no_password(code):
    said = server.meaning(store.database("mysql://anna:secret@db.example.net/calls"), OperationalError(code, "what the server says."))
    assert "the database server db.example.net:3306" in said
    assert "; " in said
    assert "secret" not in said
