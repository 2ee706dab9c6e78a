"""What Asterisk tells the engine, as frozen values: the only thing that leaves `ami.py`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Created:
    """Asterisk made the channel of a call. Times in all of these: UTC ms of the reception."""

    call_id: int
    at: int


@dataclass(frozen=True)
class Reply:
    """OriginateResponse: `success` is an answer; `reason` Asterisk's number for the rest, of little meaning."""

    call_id: int
    at: int
    success: bool
    reason: int | None


@dataclass(frozen=True)
class Hangup:
    """The end of a call's channel: Q.850 cause, SIP code (Asterisk makes some up), last channel state."""

    call_id: int
    at: int
    cause: int | None
    sip_code: int | None
    state: str | None


@dataclass(frozen=True)
class LinkUp:
    """Logged in and fully booted: events flow from here on; those of the time before are lost."""

    at: int


Fact = Created | Reply | Hangup | LinkUp
