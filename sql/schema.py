"""The plain schema for those who read SQL: `python -m sql.schema > sql/schema.sql`, as SQLite has it."""

from sql import models, models_push, store
from sql.row import db

TABLES = (
    models.User, models.Trunk, models.Node, models.TrunkLoaded, models.Recording, models.ContactGroup, models.Contact,
    models.Campaign, models.CampaignContact, models.Call, models_push.PushEndpoint, models_push.Push, models_push.PushTry,
    models.Idempotency,
)  # fmt: skip

HEAD = """-- The tables of Carillon, for reading. Made by `python -m sql.schema`; `carillon migrate` is what makes them for real.
-- Times are UTC milliseconds (*_at), money is micro-units, phone numbers are E.164.
"""


def text() -> str:
    """CREATE statements of every table and index, one a line."""
    store.bind("sqlite:///:memory:")
    with store.connection():
        db.create_tables(TABLES)
        rows = db.execute_sql("select sql from sqlite_master where sql is not null order by tbl_name, type desc, name")
        return HEAD + "".join(sql.replace(', "', ',\n  "') + ";\n" for (sql,) in rows)


if __name__ == "__main__":
    print(text(), end="")
