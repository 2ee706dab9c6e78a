"""What all tables have in common: the database that is opened later, the kinds of columns, and the key. Knows no table."""

from typing import Any

from peewee import BigAutoField, BigIntegerField, CharField, DatabaseProxy, Model, fn

db = DatabaseProxy()


def when(**options: Any) -> BigIntegerField:
    """UTC milliseconds."""
    return BigIntegerField(**({"null": True} | options))


def word(length: int = 80, **options: Any) -> CharField:
    return CharField(max_length=length, **({"null": True} | options))


def holds(column: Any, text: str) -> Any:
    """The condition that `text` stands somewhere in the column; the case does not count (in SQLite: that of a to z), wildcards are text."""
    return column.contains(text) | fn.LOWER(column).contains(text.lower())


class Row(Model):
    id = BigAutoField()

    class Meta:
        database = db
        legacy_table_names = False


def fetched(statement: str, *values: object) -> list[tuple]:
    """The rows of a statement written by hand, `?` for each value. For what is asked at every HTTP call: building such a query anew costs
    many times what running it does.
    """
    return list(db.execute_sql(statement.replace("?", db.param), values).fetchall())
