"""The facts of one call, each recorded once by whoever saw it. A late or doubled fact changes nothing.

Nothing here decides what a call came to: the settle step does, once every witness has spoken or a short grace is over
(`settle_at`).
"""

from dataclasses import dataclass
from typing import Any

from peewee import SQL, Case

from sql.models import Call
from sql.states import CallState

GRACE_MS = 2000  # how long the first news of an end waits for the other witnesses


@dataclass(frozen=True)
class Instructions:
    """What a script has to do: `recording` is a sound id such as `carillon/12`, without extension. Who presses `key` is connected to
    `extension_id`.
    """

    call_id: int
    kind: str
    recording: str
    phone: str
    key: str | None
    extension_id: int | None


def instructions(call_id: int) -> Instructions | None:
    """The instructions of an open call; None if there is no such call."""
    row = Call.get_or_none(Call.id == call_id, Call.state == CallState.SENDING)
    return row and Instructions(call_id, row.kind, f"carillon/{row.recording_id}", row.phone, row.extension_key, row.extension_id)


def answered(call_id: int, at: int) -> None:
    """The script began on an answered channel."""
    _record(call_id, Call.answered_at, answered_at=at)


def heard(call_id: int, at: int, heard_ms: int, complete: bool) -> None:
    """The message was heard to its end, or was cut after `heard_ms`."""
    _record(call_id, Call.heard_at, heard_at=at, heard_ms=heard_ms, heard_complete=complete)


def pressed(call_id: int, at: int, keys: str) -> None:
    """The keys that the person pressed, in their order."""
    _record(call_id, Call.pressed_at, pressed_at=at, pressed=keys[:20])


def bridged(call_id: int, at: int, outcome: str, answered_at: int | None) -> None:
    """How the extension took the call, and if it answered, when; at the end of the conversation."""
    _record(call_id, Call.bridge_outcome, bridge_outcome=outcome, bridged_at=answered_at, bridge_ended_at=answered_at and at)


def script_ended(call_id: int, at: int) -> None:
    both = Call.handler_at.is_null(False) & Call.hangup_at.is_null(False)
    _record(call_id, Call.script_ended_at, script_ended_at=at, settle_at=Case(None, [(both, at)], Call.settle_at))


def witnessed(call_id: int, at: int, cause: int | None, sip_code: int | None, answered_at: int | None) -> None:
    """The hangup handler's word; it speaks also while the engine is dead."""
    _record(
        call_id, Call.handler_at,
        handler_at=at, handler_cause=cause, handler_sip=sip_code, handler_answered_at=answered_at,
        settle_at=_end(at, Call.hangup_at.is_null(False)),
    )  # fmt: skip


def replied(call_id: int, at: int, success: bool, reason: int | None, text: str | None = None) -> None:
    """AMI's OriginateResponse, or its refusal of the Originate. A failure never closes a call that was answered."""
    end: dict[str, Any] = {} if success else {"settle_at": Case(None, [(Call.settle_at.is_null(), at + GRACE_MS)], Call.settle_at)}
    _record(
        call_id, Call.reply_at, None if success else Call.answered_at.is_null(),
        reply_at=at, reply_success=success, reply_reason=reason, reply_text=text and text[:200], **end,
    )  # fmt: skip


def hung_up(call_id: int, at: int, cause: int | None, sip_code: int | None, state: str | None) -> None:
    """AMI's Hangup; `state` is the channel's last state (`Down`, `Ringing`, `Up`)."""
    _record(
        call_id, Call.hangup_at,
        hangup_at=at, hangup_cause=cause, hangup_sip=sip_code, hangup_state=state and state[:20],
        settle_at=_end(at, Call.handler_at.is_null(False)),
    )  # fmt: skip


def on_record(call_id: int, at: int, cause: int | None, answered_at: int | None) -> None:
    """What Asterisk's CDR and CEL files say of a call whose channel is gone."""
    _record(
        call_id, Call.record_at,
        record_at=at, record_cause=cause, record_answered_at=answered_at, settle_at=_end(at, SQL("1 = 0")),
    )  # fmt: skip


def closed(call_id: int, at: int, why: str) -> None:
    """Nobody saw what became of it; `why` says how we know that nothing more will come."""
    _record(call_id, Call.closed_why, closed_why=why[:200], settle_at=_end(at, SQL("1 = 1")))


def _end(at: int, others_spoke: Any) -> Case:
    """Settle now if every other witness has spoken and no script is still at work, else when the grace is over."""
    script_done = Call.answered_at.is_null() | Call.script_ended_at.is_null(False)
    return Case(None, [(others_spoke & script_done, at), (Call.settle_at.is_null(), at + GRACE_MS)], Call.settle_at)


def _record(call_id: int, once: Any, extra: Any = None, **columns: Any) -> None:
    where = [Call.id == call_id, Call.state == CallState.SENDING, once.is_null()]
    Call.update(**columns).where(*where, *([] if extra is None else [extra])).execute()


@dataclass(frozen=True)
class Open:
    """A call that may be out there. Times in UTC ms, `deadline` when Asterisk must have ended it by itself."""

    call_id: int
    sending_at: int
    deadline: int
    ending: bool


def open_calls(node: str) -> list[Open]:
    """Every call of `node` that was marked `sending` and is not settled."""
    rows = Call.select(
        Call.id, Call.sending_at, Call.settle_at, Call.answered_at, Call.reply_success, Call.ring_timeout, Call.max_duration
    ).where(Call.state == CallState.SENDING, Call.node == node)
    return [
        Open(
            call_id=row.id,
            sending_at=row.sending_at,
            deadline=row.sending_at + 1000 * (row.ring_timeout + (row.max_duration if row.answered_at or row.reply_success else 0)),
            ending=row.settle_at is not None,
        )
        for row in rows
    ]


def spoken(call_ids: list[int]) -> set[int]:
    """Of which of these calls the AGI server has said anything: that the script began, or that the call ended."""
    said = Call.answered_at.is_null(False) | Call.handler_at.is_null(False)
    return {row.id for row in Call.select(Call.id).where(Call.id.in_(call_ids), said)}


def open_nodes() -> set[str]:
    """The engines that have calls claimed or under way."""
    return {row.node for row in Call.select(Call.node).where(Call.state.in_((CallState.CLAIMED, CallState.SENDING))).distinct()}


def settled_before(call_ids: list[int], before: int) -> set[int]:
    """Which of these calls were settled before that time, or were never in this store."""
    rows = Call.select(Call.id, Call.state, Call.settled_at).where(Call.id.in_(call_ids))
    known = {row.id: row for row in rows}
    return {
        call_id
        for call_id in call_ids
        if call_id not in known
        or known[call_id].state == CallState.VOID
        or (known[call_id].settled_at is not None and known[call_id].settled_at < before)
    }
