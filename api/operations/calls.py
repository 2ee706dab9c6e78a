"""One call, as its owner reads it."""

from typing import Any

from typing_extensions import TypedDict

from api.operation import EVERYBODY, Caller, Id, Input, Operation, Refused
from sql import reports
from sql.events import answered_by, iso, money


class CallResult(TypedDict):
    """A call. `status` and `disposition` are the document's word and the finer one; SIP code and Q.850 cause are kept beside them."""

    call_id: int
    contact_id: int
    phone: str
    attempt: int
    status: str
    disposition: str | None
    sip_code: int | None
    hangup_cause: int | None
    answered_by: str | None
    response: Any
    do_not_call: bool
    started_at: str | None
    answered_at: str | None
    ended_at: str | None
    billable_seconds: int | None
    amount: float


class CallData(CallResult):
    """A call with all that is known of it. `leg` counts the trunks tried in this attempt; `final`: no further attempt will follow (null: it
    is not known yet); `amount` is zero until it has ended.
    """

    campaign_id: int
    user_id: int
    trunk_id: int
    leg: int
    caller_id: str | None
    remote_id: str | None
    remote_module: str | None
    final: bool | None
    duration: int | None


class CallId(Input):
    call_id: Id


def result(call: reports.Outcome) -> CallResult:
    return {
        "call_id": call.id,
        "contact_id": call.contact_id,
        "phone": call.phone,
        "attempt": call.attempt,
        "status": call.status,
        "disposition": call.disposition,
        "sip_code": call.sip_code,
        "hangup_cause": call.hangup_cause,
        "answered_by": answered_by(call.disposition or ""),
        "response": call.response,
        "do_not_call": call.do_not_call,
        "started_at": iso(call.started_at),
        "answered_at": iso(call.answered_at),
        "ended_at": iso(call.ended_at),
        "billable_seconds": call.billable_seconds,
        "amount": money(call.amount),
    }


def get(caller: Caller, given: CallId) -> CallData:
    """One call, also while it is in progress."""
    call = reports.call(given.call_id, caller.scope)
    if call is None:
        raise Refused(f"call {given.call_id} is not found")
    lasted = None if call.started_at is None or call.ended_at is None else -(-(call.ended_at - call.started_at) // 1000)
    return {
        **result(call),
        "campaign_id": call.campaign_id,
        "user_id": call.user_id,
        "trunk_id": call.trunk_id,
        "leg": call.leg,
        "caller_id": call.caller_id,
        "remote_id": call.remote_id,
        "remote_module": call.remote_module,
        "final": call.final,
        "duration": lasted,
    }


OPERATIONS = (Operation("Call_Get", CallId, get, EVERYBODY, changes=False),)
