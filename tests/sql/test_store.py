"""Opening the store: sound SQLite, durable pragmas, migrations that match the models, refusals in plain words."""

from pathlib import Path

import pytest
from peewee import DataError
from playhouse.schema_diff import diff_models

from sql import models, row, schema, store


def test_migrations_make_exactly_the_models(opened):
    changes = diff_models(row.db.obj, list(schema.TABLES))
    assert not changes, changes


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
