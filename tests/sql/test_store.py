"""Opening the store: sound SQLite, durable pragmas, migrations that match the models, refusals in plain words."""

from pathlib import Path

import pytest
from peewee import DataError
from playhouse.schema_diff import diff_models

from sql import models, row, schema, server, store


def test_migrations_make_exactly_the_models(opened):
    changes = diff_models(row.db.obj, list(schema.TABLES))
    assert not changes, changes


DESCRIBED = {  # everything of a database's tables but their order, and the names of the indexes
    "sqlite": ("select tbl_name, replace(sql, name, 'index') from sqlite_master where sql is not null",),
    "mariadb": (
        "select table_name, column_name, column_type, is_nullable, column_default, extra, collation_name from information_schema.columns"
        " where table_schema = database()",
        "select table_name, group_concat(column_name order by seq_in_index), non_unique from information_schema.statistics"
        " where table_schema = database() group by table_name, index_name, non_unique",
        "select table_name, column_name, referenced_table_name, referenced_column_name from information_schema.key_column_usage"
        " where table_schema = database() and referenced_table_name is not null",
    ),
}


def described(kind: str) -> set[tuple]:
    told = {(number, *one) for number, question in enumerate(DESCRIBED[kind]) for one in row.db.execute_sql(question).fetchall()}
    return {one for one in told if one[1] not in (store.HISTORY, "sqlite_sequence")}


@pytest.mark.parametrize("store_url", ["sqlite", pytest.param("mariadb", marks=pytest.mark.live)], indirect=True)
def test_each_column_and_index_is_as_the_models_would_make_it(opened, store_url, request):
    kind = "sqlite" if store_url.startswith("sqlite") else "mariadb"
    migrated = described(kind)
    row.db.close()
    store.bind("sqlite:///:memory:" if kind == "sqlite" else request.getfixturevalue("mariadb").empty("models"))
    with store.connection():
        if kind == "mariadb":
            server.prepare(row.db.obj)
        row.db.create_tables(schema.TABLES)
        made = described(kind)
    assert len(made) > 50
    assert migrated == made


def test_schema_sql_is_the_schema():
    written = Path(store.__file__).with_name("schema.sql").read_text()
    assert written == schema.text(), "sql/schema.sql is old; run `python -m sql.schema > sql/schema.sql`"


@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("pragma", "value"), [("journal_mode", "wal"), ("synchronous", 2), ("foreign_keys", 1)])
def test_sqlite_is_durable(opened, pragma, value):
    assert row.db.execute_sql(f"pragma {pragma}").fetchone()[0] == value


@pytest.mark.live
@pytest.mark.parametrize("store_url", ["mariadb"], indirect=True)
def test_mariadb_sees_what_others_committed_and_refuses_what_does_not_fit(opened):
    isolation, mode = row.db.execute_sql("select @@tx_isolation, @@sql_mode").fetchone()
    assert isolation == "READ-COMMITTED"
    assert "STRICT_TRANS_TABLES" in mode
    with pytest.raises(DataError):
        models.Node.insert(name="x" * 1000, link_since=1, beat_at=1).execute()


def test_case_counts(opened):
    for name in ("anna", "Anna", "ÄNNA", "änna"):
        models.Node.insert(name=name, link_since=1, beat_at=1).execute()
    assert [one.name for one in models.Node.select().where(models.Node.name == "anna")] == ["anna"]


def test_a_store_without_tables_is_refused(tmp_path):
    store.bind(f"sqlite:///{tmp_path}/empty.sqlite")
    with pytest.raises(store.StoreError, match="older than this Carillon"):
        store.check()


def test_a_newer_store_is_refused(opened):
    row.db.execute_sql("insert into schema_migration (name, applied) values ('9999_future', '2030-01-01')")
    with pytest.raises(store.StoreError, match="newer than this Carillon"):
        store.check()


def test_an_unknown_kind_of_store_is_refused():
    with pytest.raises(store.StoreError, match=r"\[store\] url starts with 'oracle'"):
        store.database("oracle://x")


@pytest.mark.parametrize(
    "url",
    [
        "mysql://",
        "mysql://host/name",
        "mysql://a:b@host",
        "mysql://a:b@host/",
        "mysql://a:se/cret@host/c",
        "mysql://a:b@host:x/c",
        "mysql://a:b#c@h/c",
    ],
)
def test_a_url_that_is_cut_short_or_not_escaped_is_refused_without_showing_it(url):
    with pytest.raises(store.StoreError, match=r"\[store\] url is not mysql://user:password@host\[:port\]/name; ") as refused:
        store.database(url)
    assert "cret" not in str(refused.value)


@pytest.mark.parametrize(
    ("url", "host", "port", "password", "name"),
    [
        ("mysql://a:b@db.example.net/c", "db.example.net", 3306, "b", "c"),
        ("mysql://a:%2F%40%3A%23@10.1.2.3:3307/calls_1", "10.1.2.3", 3307, "/@:#", "calls_1"),
        ("mysql://a:b!$*-_.~+=,;()@[fd00::1]/c", "fd00::1", 3306, "b!$*-_.~+=,;()", "c"),
    ],
)
def test_a_url_is_read_as_it_is_meant(url, host, port, password, name):
    made = store.database(url)
    assert (made.connect_params["host"], made.connect_params["port"], made.connect_params["password"], made.database) == (
        host,
        port,
        password,
        name,
    )
