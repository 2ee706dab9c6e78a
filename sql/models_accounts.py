"""The tables of accounts: who they are, how they prove it, and their money. As in `models`, each docstring says what a row means."""

from peewee import BigIntegerField, BooleanField, ForeignKeyField, IntegerField, TextField

from sql.row import Row, when, word


class User(Row):
    """An account: administrator, tenant, user or agent. `path` is `/1/5/7/`: the accounts above it and itself, outermost first.

    `version` grows with every change of the account, and of another one by it: two that change each other at once collide.
    """

    username = word(80, null=False, unique=True)
    password_hash = word(200, null=False)
    role = word(20, null=False, default="user")
    parent = ForeignKeyField("self", null=True)
    path = word(255, null=False, default="/", index=True)
    email = word(200)
    first_name = word()
    last_name = word()
    phone = word(40)
    mobile = word(40)
    company = word()
    address = word(200)
    country = word(2)
    timezone = word(40)
    active = BooleanField(default=True)
    version = IntegerField(default=1)
    created_at = when(null=False)
    deleted_at = when()


class Key(Row):
    """An API key. Only `prefix`, which a person recognises, and a hash of the whole are kept."""

    user = ForeignKeyField(User)
    name = word(200, null=False)
    prefix = word(16, null=False, index=True)
    hash = word(64, null=False, unique=True)
    created_at = when(null=False)
    expires_at = when()
    used_at = when()
    deleted_at = when()


class Session(Row):
    """A session opened by User_Login, perhaps with an API key; the cookie's value is kept as a hash only."""

    user = ForeignKeyField(User)
    key = ForeignKeyField(Key, null=True)
    hash = word(64, null=False, unique=True)
    created_at = when(null=False)
    used_at = when(null=False)
    expires_at = when(null=False)


class Idempotency(Row):
    """The answer once given to a call that carried an Idempotency-Key; without `answer` it is still in flight."""

    user_id = BigIntegerField()
    key = word(64, null=False)
    request = word(64, null=False)
    answer = TextField(null=True)
    at = when(null=False, index=True)

    class Meta:
        indexes = ((("user_id", "key"), True),)


class LedgerAccount(Row):
    """Where money lies: a user's credit (`credit:7`), or a place without user such as `outside`. `balance` is the sum of its lines."""

    name = word(40, null=False, unique=True)
    user = ForeignKeyField(User, null=True)
    balance = BigIntegerField(default=0)


class LedgerEntry(Row):
    """One movement of money, never changed; its lines add up to zero. `by_user_id` is who asked for it.

    `reference_hash` makes one payer's reference unique: databases compare text differently.
    """

    kind = word(20, null=False)
    by_user_id = BigIntegerField(null=True)
    user_id = BigIntegerField(null=True, index=True)
    type = word(80)
    reference = word(200)
    reference_hash = word(64)
    description = TextField(null=True)
    at = when(null=False)

    class Meta:
        indexes = ((("by_user_id", "reference_hash"), True),)


class LedgerLine(Row):
    """One side of an entry, in micro-units: positive is credit to the account, negative is debit."""

    entry = ForeignKeyField(LedgerEntry)
    account = ForeignKeyField(LedgerAccount)
    amount = BigIntegerField()
