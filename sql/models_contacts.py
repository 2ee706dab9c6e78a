"""The tables of contacts and of what is imported into them. As in `models`, each docstring says what a row means."""

from peewee import BigIntegerField, ForeignKeyField, IntegerField, TextField

from sql.models_accounts import User
from sql.row import Row, when, word


class ContactGroup(Row):
    """`campaign_id`: made for what is imported into that campaign alone."""

    user = ForeignKeyField(User)
    name = word(200, null=False)
    description = TextField(null=True)
    campaign_id = BigIntegerField(null=True, index=True)
    created_at = when(null=False)
    deleted_at = when()


class Contact(Row):
    """A person in a group. One number stands once in a group among those that are there (`gone` is 0; a deleted one's is its own id).

    `import_id`: the import that wrote it last.
    """

    contact_group = ForeignKeyField(ContactGroup)
    phone = word(20, null=False)
    first_name = word()
    last_name = word()
    email = word(200)
    address = word(200)
    country = word(80)
    custom1 = word(255)
    custom2 = word(255)
    custom3 = word(255)
    description = TextField(null=True)
    zone = word(255)
    import_id = BigIntegerField(null=True)
    created_at = when(null=False)
    deleted_at = when()
    gone = BigIntegerField(default=0)

    class Meta:
        indexes = ((("contact_group", "phone", "gone"), True),)


class Import(Row):
    """A file of contacts on its way into a group. `token` is the client's own name for it; `state` running, done or failed.

    `new_rows` became contacts, `updated` were already in the group, `duplicates` stood in the file before.
    """

    user = ForeignKeyField(User)
    contact_group = ForeignKeyField(ContactGroup)
    campaign_id = BigIntegerField(null=True)
    token = word(200)
    state = word(10, null=False, default="running")
    read = IntegerField(default=0)
    new_rows = IntegerField(default=0)
    updated = IntegerField(default=0)
    duplicates = IntegerField(default=0)
    rejected = IntegerField(default=0)
    reason = word(200)
    started_at = when(null=False)
    beat_at = when(null=False)
    ended_at = when()

    class Meta:
        indexes = ((("user", "token"), False),)


class ImportReject(Row):
    """A row of a file that could not be used: its line, counted from 1, and why."""

    import_id = BigIntegerField(index=True)
    line = BigIntegerField()
    reason = word(300, null=False)
