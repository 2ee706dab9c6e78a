"""The words of the domain: every state a row can be in, and which state may follow which.

Pure: the standard library only. The outward words are those of the ICTContact document; the finer disposition is ours.
"""

from dataclasses import dataclass
from enum import StrEnum


class CallState(StrEnum):
    CLAIMED = "claimed"  # a contact was taken and this row inserted; nothing has gone out
    SENDING = "sending"  # durably marked before the Originate was written: from here on it may have gone out
    SETTLED = "settled"  # decided: disposition, next contact state and pushes were written in one transaction
    VOID = "void"  # claimed, never sent, handed back; the contact is due again and nothing happened


class ContactState(StrEnum):
    """Where a contact stands inside one campaign."""

    DUE = "due"  # may be claimed once its `next_at` has come
    BUSY = "busy"  # one call of it is open
    DONE = "done"  # final: nothing more will follow


class CampaignStatus(StrEnum):
    READY = "ready"  # created, never started
    RUNNING = "running"  # dials, or waits at a gate that `holding` names
    PAUSED = "paused"  # as running, but held by us for a lasting reason (window, credit, fault)
    STOPPED = "stopped"  # by a person
    COMPLETED = "completed"  # the last call is settled and nothing more is due
    ARCHIVED = "archived"  # kept for its results only


class Disposition(StrEnum):
    """What became of one call, in our finer words."""

    HUMAN = "human"
    MACHINE = "machine"
    ANSWERED = "answered"  # nobody asked whether human or machine
    BUSY = "busy"
    NO_RESPONSE = "no-response"
    CONGESTION = "congestion"
    REJECTED = "rejected"
    UNREACHABLE = "unreachable"
    INVALID_NUMBER = "invalid-number"
    DO_NOT_CALL = "do-not-call"  # never dialled: the number is on a list
    FAILED = "failed"  # our fault or the trunk's
    CANCELED = "canceled"  # we gave up before an answer, for another reason than the ring timeout
    UNKNOWN = "unknown"  # it may have gone out; nobody saw


class Status(StrEnum):
    """The outward word for a call or contact."""

    PENDING = "pending"
    DIALING = "dialing"
    ANSWERED = "answered"
    BUSY = "busy"
    CONGESTION = "congestion"
    NO_RESPONSE = "no-response"
    FAILED = "failed"
    DO_NOT_CALL = "do-not-call"


class DeliveryState(StrEnum):
    """Where one push to one endpoint stands."""

    DUE = "due"
    DELIVERED = "delivered"
    DEAD = "dead"


CALL_MOVES = {
    CallState.CLAIMED: {CallState.SENDING, CallState.VOID},
    CallState.SENDING: {CallState.SETTLED, CallState.VOID},  # void only by whoever saw that nothing was written to Asterisk
    CallState.SETTLED: set(),
    CallState.VOID: set(),
}

CONTACT_MOVES = {
    ContactState.DUE: {ContactState.BUSY, ContactState.DONE},
    ContactState.BUSY: {ContactState.DUE, ContactState.DONE},
    ContactState.DONE: set(),
}

CAMPAIGN_MOVES = {
    CampaignStatus.READY: {CampaignStatus.RUNNING, CampaignStatus.STOPPED, CampaignStatus.ARCHIVED},
    CampaignStatus.RUNNING: {CampaignStatus.STOPPED, CampaignStatus.COMPLETED},
    CampaignStatus.STOPPED: {CampaignStatus.RUNNING, CampaignStatus.ARCHIVED},
    CampaignStatus.COMPLETED: {CampaignStatus.RUNNING, CampaignStatus.ARCHIVED},
    CampaignStatus.ARCHIVED: set(),
}

STATUS_OF = {
    Disposition.HUMAN: Status.ANSWERED,
    Disposition.MACHINE: Status.ANSWERED,
    Disposition.ANSWERED: Status.ANSWERED,
    Disposition.BUSY: Status.BUSY,
    Disposition.NO_RESPONSE: Status.NO_RESPONSE,
    Disposition.CONGESTION: Status.CONGESTION,
    Disposition.DO_NOT_CALL: Status.DO_NOT_CALL,
    Disposition.REJECTED: Status.FAILED,
    Disposition.UNREACHABLE: Status.FAILED,
    Disposition.INVALID_NUMBER: Status.FAILED,
    Disposition.FAILED: Status.FAILED,
    Disposition.CANCELED: Status.FAILED,
    Disposition.UNKNOWN: Status.FAILED,
}


@dataclass(frozen=True)
class CallFacts:
    """What is known of one call, by source. Times in UTC ms; None is 'this source has said nothing'.

    `hangup_state` is the channel's last state in Asterisk's words (`Down`, `Ringing`, `Up`); `reply_success` is the
    OriginateResponse; `record_*` come from Asterisk's CDR and CEL files; `closed_why` says that the reaper gave up on it.
    """

    sending_at: int
    ring_timeout: int
    answered_at: int | None = None
    script_ended_at: int | None = None
    handler_at: int | None = None
    handler_cause: int | None = None
    handler_sip: int | None = None
    handler_answered_at: int | None = None
    reply_at: int | None = None
    reply_success: bool | None = None
    reply_reason: int | None = None
    hangup_at: int | None = None
    hangup_cause: int | None = None
    hangup_sip: int | None = None
    hangup_state: str | None = None
    record_at: int | None = None
    record_cause: int | None = None
    record_answered_at: int | None = None
    closed_why: str | None = None


@dataclass(frozen=True)
class CampaignFacts:
    """A campaign as the rules see it. `ring_timeout` and `max_duration` in seconds, `hours` as `08:00-21:00`."""

    id: int
    user_id: int
    status: str
    kind: str
    name: str
    trunk_id: int | None
    recording_id: int | None
    extension_id: int | None
    extension_key: str | None
    caller_id: str | None
    max_channels: int
    cps: int
    max_attempts: int
    ring_timeout: int
    max_duration: int
    hours: str | None
    days: str | None
    timezone: str | None
    user_active: bool = True


@dataclass(frozen=True)
class TrunkFacts:
    """A trunk as the rules see it; `loaded`: this node's Asterisk has loaded its present version; `unusable`: why it cannot use it yet."""

    id: int
    user_id: int | None
    name: str
    loaded: bool
    simulated: bool
    prefix: str | None
    add_prefix: str | None
    number_format: str
    priority: int
    caller_id: str | None
    max_channels: int | None
    cps: int | None
    down_until: int | None
    down_why: str | None
    unusable: str | None = None


@dataclass(frozen=True)
class ContactFacts:
    """A contact of a campaign that is due, as the rules see it. `tried`: trunks already used within this attempt."""

    id: int
    contact_id: int
    phone: str
    zone: str | None
    attempts: int
    legs: int
    tried: tuple[int, ...]
    expires_at: int | None
    do_not_call: bool
    next_at: int = 0


@dataclass(frozen=True)
class NodeFacts:
    """An engine and its link to Asterisk, as it last described itself; `held_*` is what keeps the whole engine from dialling.

    `trunks_text`: why Asterisk cannot be told of trunks; its provisioner's word, not the engine's.
    """

    name: str
    link_up: bool
    link_text: str
    link_since: int
    beat_at: int
    held_word: str | None = None
    held_text: str | None = None
    held_until: int | None = None
    trunks_text: str | None = None


@dataclass(frozen=True)
class Halted:
    """The kill switch is thrown: since when (UTC ms), by whom (user name), and why."""

    at: int
    by: str
    reason: str | None


@dataclass(frozen=True)
class Load:
    """Calls charged to one campaign, trunk, or node: open now, claimed within the last second, within the last tenth.

    `channels`: those that the open calls may take, an extension's included.
    """

    open: int = 0
    second: int = 0
    tenth: int = 0
    channels: int = 0
