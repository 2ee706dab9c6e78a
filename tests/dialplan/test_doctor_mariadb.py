"""The doctor on a real MariaDB: a sound one, and one broken in each way."""

import re
from pathlib import Path

import pymysql
import pytest

from dialplan.checks import machine
from sql import inspection, store, users
from tests.dialplan.patients import complaints, opened, sound, write

pytestmark = pytest.mark.live


@pytest.fixture
def home(tmp_path, empty_store, monkeypatch, mariadb) -> Path:
    monkeypatch.setattr(machine, "_unsynchronised", lambda: False)
    mariadb.clear()
    home = sound(tmp_path / "home", empty_store)
    write(home, "store", url=mariadb.url)
    with opened(home):
        store.unit(users.create, {"username": "admin", "password_hash": "-", "role": "admin"}, None, store.now())
    return home


def test_what_it_says_of_a_server(home, mariadb, monkeypatch):
    """The tests' own server is sound but for its durability, which tests do without."""
    found = complaints(home)
    assert set(found) == {"parts", "store-place"}
    assert "innodb_flush_log_at_trx_commit" in found["store-place"].what
    monkeypatch.setattr(inspection.server, "lasting", lambda _: "")
    assert set(complaints(home)) == {"parts"}


@pytest.mark.parametrize(
    ("old", "new", "what", "remedy"),
    [
        (r":\w+@", ":wrong@", "does not let user 'carillon' in", "correct [store] url"),
        (r"/carillon$", "/nothing", "may not use database 'nothing'", "GRANT"),
        (r":\d+/", ":1/", "cannot be reached", "start it"),
    ],
    ids=["password", "database", "port"],
)
def test_a_store_that_does_not_open(home, mariadb, old, new, what, remedy):
    write(home, "store", url=re.sub(old, new, mariadb.url))
    found = complaints(home)
    assert set(found) == {"parts", "store"}
    assert what in found["store"].what
    assert remedy in found["store"].remedy
    assert mariadb.url.split(":")[2].split("@")[0] not in str(found), "no password is shown"


def test_a_table_of_the_wrong_kind(home, mariadb):
    def change(collation: str) -> None:
        with pymysql.connect(**address(mariadb.url), autocommit=True) as connection, connection.cursor() as cursor:
            cursor.execute(f"alter table halt convert to character set utf8mb4 collate {collation}")

    change("utf8mb4_general_ci")
    try:
        found = complaints(home)
    finally:
        change("utf8mb4_bin")
    assert set(found) - {"store-place"} == {"parts", "store-version"}
    assert "table halt" in found["store-version"].what
    assert "CONVERT TO" in found["store-version"].remedy


def address(url: str) -> dict[str, object]:
    found = re.fullmatch(r"mysql://(\w+):(\w+)@([\d.]+):(\d+)/(\w+)", url)
    assert found
    return {"user": found[1], "password": found[2], "host": found[3], "port": int(found[4]), "database": found[5]}


def test_clocks_that_are_apart(home, monkeypatch):
    now = store.now()
    monkeypatch.setattr(store, "now", lambda: now + 3_600_000)
    found = complaints(home)
    assert found["store-clock"].state == "fault"
    assert "3600 s apart" in found["store-clock"].what
