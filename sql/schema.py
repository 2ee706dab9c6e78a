"""The plain schema for those who read SQL: `python -m sql.schema > sql/schema.sql`, as SQLite has it."""

from sql import models, models_accounts, models_contacts, models_push, models_turns, store
from sql.row import db

TABLES = (
    models_accounts.User, models_accounts.Key, models_accounts.Session, models_accounts.Idempotency,
    models_accounts.LedgerAccount, models_accounts.LedgerEntry, models_accounts.LedgerLine,
    models.Trunk, models.Node, models.TrunkLoaded, models.Extension, models.Halt, models.AgentDisposition, models.Recording,
    models_contacts.ContactGroup, models_contacts.Contact, models_contacts.Import, models_contacts.ImportReject,
    models.Campaign, models.CampaignContact, models.Call, models_turns.Turn,
    models_push.PushEndpoint, models_push.Push, models_push.PushTry,
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
