"""The tables of trunks, campaigns and calls. Each class is one table; its docstring says what a row means.

Only this folder imports these classes. Columns ending in `_at` are UTC milliseconds. The tables that grow with every call
carry plain ids instead of foreign keys: a foreign key would lock the campaign's row at every insert, and on a cluster turn
neighbours into conflicts.
"""

from peewee import BigIntegerField, BooleanField, ForeignKeyField, IntegerField, TextField

from sql.models_accounts import User
from sql.models_contacts import ContactGroup
from sql.row import Row, when, word
from sql.states import CallState, CampaignStatus, ContactState


class Trunk(Row):
    """A SIP carrier. `version` grows with every change; a node may use it once it has loaded that version."""

    user = ForeignKeyField(User, null=True)
    name = word(null=False)
    host = word(255, null=False)
    port = IntegerField(default=5060)
    username = word()
    password = word(200)
    register = BooleanField(default=False)
    caller_id = word(20)
    caller_id_in = word(4, null=False, default="pai")
    max_channels = IntegerField(null=True)
    cps = IntegerField(null=True)
    codecs = word(80, null=False, default="ulaw,alaw")
    prefix = word(200)
    add_prefix = word(20)
    number_format = word(10, null=False, default="plus")
    priority = IntegerField(default=10)
    qualify = IntegerField(default=0)
    simulated = BooleanField(default=False)
    version = IntegerField(default=1)
    down_until = when()
    down_why = word(200)
    deleted_at = when()


class Node(Row):
    """One engine with its Asterisk, as it last described itself.

    `process` is whoever bears the name; null once it has stopped in peace. `held_*`: what keeps the whole engine from dialling.
    `trunks_text`: the provisioner's, why Asterisk cannot be told of trunks and extensions.
    """

    name = word(40, null=False, unique=True)
    process = word(64)
    link_up = BooleanField(default=False)
    link_text = word(200, null=False, default="the engine has not started yet")
    link_since = when(null=False)
    beat_at = when(null=False)
    held_word = word(20)
    held_text = word(200)
    held_until = when()
    asterisk_started_at = when()
    trunks_text = word(400)


class TrunkLoaded(Row):
    """Asterisk of `node` has loaded this version of this trunk.

    `registered` and `reachable`: as Asterisk sees it, null where the trunk is not to register or is not asked. `why`: what keeps Asterisk
    from using it; null if nothing does.
    """

    node = word(40, null=False)
    trunk_id = BigIntegerField()
    version = IntegerField()
    registered = BooleanField(null=True)
    reachable = BooleanField(null=True)
    why = word(200)

    class Meta:
        indexes = ((("node", "trunk_id"), True),)


class Extension(Row):
    """A SIP account of a user, on which a softphone registers; `digest` stands for its password. `version` grows with every change."""

    user = ForeignKeyField(User)
    name = word(null=False)
    username = word(80, null=False, unique=True)
    digest = word(64, null=False)
    caller_id = word(20)
    version = IntegerField(default=1)
    created_at = when(null=False)
    deleted_at = when()


class Halt(Row):
    """The kill switch was thrown; until `lifted_at` nothing is dialled at all."""

    at = when(null=False)
    by_user_id = BigIntegerField()
    reason = word(200)
    lifted_at = when()
    lifted_by_user_id = BigIntegerField(null=True)


class AgentDisposition(Row):
    """A word with which agents may close a conversation, and what it is called in another system."""

    user = ForeignKeyField(User)
    name = word(80, null=False)
    description = TextField(null=True)
    remote_disp_id = word(255)
    remote_module = word(255)
    created_at = when(null=False)
    deleted_at = when()


class Recording(Row):
    """A message. Its audio lies in the recordings folder as `<id>.<codec>`."""

    user = ForeignKeyField(User)
    title = word(200, null=False)
    milliseconds = IntegerField()
    created_at = when(null=False)
    deleted_at = when()


class Campaign(Row):
    """What is dialled, how, and when. `status` is the stored one; `paused` is derived for readers.

    `filled_to`: the group's contacts up to this id have joined so far; null once all of them have.
    """

    user = ForeignKeyField(User)
    contact_group = ForeignKeyField(ContactGroup, null=True)
    recording = ForeignKeyField(Recording, null=True)
    trunk = ForeignKeyField(Trunk, null=True)
    extension = ForeignKeyField(Extension, null=True)
    extension_key = word(1)
    kind = word(20, null=False, default="voice")
    name = word(200, null=False)
    caller_id = word(20)
    max_channels = IntegerField(default=10)
    cps = IntegerField(default=5)
    max_attempts = IntegerField(default=1)
    redial = TextField(null=True)
    ring_timeout = IntegerField(default=25)
    max_duration = IntegerField(default=3600)
    hours = word(11)
    days = word(40)
    timezone = word(40)
    mode = word(20, null=False, default="standard")
    description = TextField(null=True)
    status = word(12, null=False, default=CampaignStatus.READY, index=True)
    filled_to = BigIntegerField(null=True)
    created_at = when(null=False)
    started_at = when()
    stopped_at = when()
    completed_at = when()
    deleted_at = when()


class CampaignContact(Row):
    """One contact inside one campaign: what is still to be done with it, and how it ended.

    `round` is 1 for a number that was done and is asked for once more, 2 the next time: a row that is done stays as it is.
    """

    campaign_id = BigIntegerField(index=True)
    contact_id = BigIntegerField(index=True)
    phone = word(20, null=False)
    round = IntegerField(default=0)
    zone = word(255)
    state = word(8, null=False, default=ContactState.DUE)
    next_at = when(null=False)
    gate = word(20)
    expires_at = when()
    attempts = IntegerField(default=0)
    legs = IntegerField(default=0)
    tried = word(200)
    disposition = word(16)
    reason = word(200)
    do_not_call = BooleanField(default=False)
    remote_id = word(255)
    remote_module = word(255)
    joined_at = when()
    done_at = when()

    class Meta:
        indexes = (
            (("campaign_id", "phone", "round"), True),
            (("campaign_id", "state", "next_at", "id"), False),
            (("campaign_id", "state", "disposition"), False),
        )


class Call(Row):
    """One INVITE that may have gone out; its id is the only key that crosses a border.

    Each source of facts has its own columns, written once: the AGI script (`answered_at` to `script_ended_at`), the hangup handler
    (`handler_*`), AMI (`reply_*`, `hangup_*`), the CDR and CEL files (`record_*`). The settle step alone writes the rest.
    """

    campaign_id = BigIntegerField()
    user_id = BigIntegerField()
    campaign_contact_id = BigIntegerField()
    contact_id = BigIntegerField(index=True)
    trunk_id = BigIntegerField()
    node = word(40, null=False)
    attempt = IntegerField(null=True)  # null once void: several void rows of one contact may stand beside the real attempt
    leg = IntegerField()
    phone = word(20, null=False)
    caller_id = word(20)
    kind = word(20, null=False)
    recording_id = BigIntegerField(null=True)
    extension_id = BigIntegerField(null=True)
    extension_key = word(1)
    ring_timeout = IntegerField()
    max_duration = IntegerField()
    state = word(8, null=False, default=CallState.CLAIMED)
    claimed_at = when(null=False, index=True)
    sending_at = when()
    settle_at = when()
    answered_at = when()
    heard_at = when()
    heard_ms = IntegerField(null=True)
    heard_complete = BooleanField(null=True)
    pressed_at = when()
    pressed = word(20)
    bridged_at = when()  # the extension answered
    bridge_ended_at = when()
    bridge_outcome = word(20)
    response = TextField(null=True)
    script_ended_at = when()
    handler_at = when()
    handler_cause = IntegerField(null=True)
    handler_sip = IntegerField(null=True)
    handler_answered_at = when()
    reply_at = when()
    reply_success = BooleanField(null=True)
    reply_reason = IntegerField(null=True)
    reply_text = word(200)
    hangup_at = when()
    hangup_cause = IntegerField(null=True)
    hangup_sip = IntegerField(null=True)
    hangup_state = word(20)
    record_at = when()
    record_cause = IntegerField(null=True)
    record_answered_at = when()
    closed_why = word(200)
    disposition = word(16)
    sip_code = IntegerField(null=True)
    hangup_code = IntegerField(null=True)
    connected_at = when()
    ended_at = when()
    billable_seconds = IntegerField(null=True)
    amount = BigIntegerField(default=0)
    final = BooleanField(null=True)
    settled_at = when()

    class Meta:
        indexes = (
            (("campaign_contact_id", "attempt", "leg"), True),
            (("state", "settle_at"), False),
            (("campaign_id", "state", "id"), False),
        )
