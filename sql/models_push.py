"""The tables of the push: endpoints, the outbox, and every try. As in `models`, each docstring says what a row means."""

from peewee import BigIntegerField, BooleanField, ForeignKeyField, IntegerField, TextField

from sql.models_accounts import User
from sql.row import Row, when, word
from sql.states import DeliveryState


class PushEndpoint(Row):
    """A customer's server. Without campaign it serves all campaigns of the user that have none of their own."""

    user = ForeignKeyField(User)
    campaign_id = BigIntegerField(null=True, index=True)
    url = word(2000, null=False)
    format = word(10, null=False, default="json")
    events = word(500, null=False, default="call.completed")
    secret = word(200, null=False)
    old_secret = word(200)
    old_secret_until = when()
    active = BooleanField(default=True)
    off_why = word(200)
    created_at = when(null=False)
    deleted_at = when()


class Push(Row):
    """The outbox: one event for one endpoint, its bytes frozen when the row was written."""

    webhook_id = word(64, null=False, unique=True)
    endpoint_id = BigIntegerField()
    call_id = BigIntegerField(null=True, index=True)
    seq = IntegerField(null=True)
    event = word(40, null=False)
    body = TextField()
    state = word(10, null=False, default=DeliveryState.DUE)
    tries = IntegerField(default=0)
    next_at = when(null=False)
    created_at = when(null=False)
    done_at = when()
    reason = word(200)

    class Meta:
        indexes = (
            (("endpoint_id", "call_id", "seq"), True),
            (("state", "next_at", "id"), False),
            (("endpoint_id", "state"), False),
        )


class PushTry(Row):
    """One try of one push, as the customer may see it."""

    push_id = BigIntegerField(index=True)
    at = when(null=False)
    status = IntegerField(null=True)
    milliseconds = IntegerField()
    answer = TextField(null=True)
    error = word(300)
