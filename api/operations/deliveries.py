"""What push endpoints were told, try by try, and telling it again."""

from pydantic import AliasChoices, Field
from typing_extensions import TypedDict

from api.operation import DIALLING, Caller, Id, Input, Operation, Page, Refused
from api.operations.pushes import on
from api.times import Span, Time, span
from sql import campaigns, deliveries, reports, store
from sql.events import iso
from sql.states import DeliveryState


class DeliveryList(Page):
    limit: int = Field(1000, ge=1, le=1000)  # each may hold ten answers of a KiB
    endpoint_id: Id | None = None
    call_id: Id | None = None
    status: DeliveryState | None = None


class Replay(Input):
    delivery_id: Id | None = None
    endpoint_id: Id | None = None
    since: Time | None = Field(None, validation_alias=AliasChoices("from", "since"))
    until: Time | None = Field(None, validation_alias=AliasChoices("to", "until"))


class TryData(TypedDict):
    """One try: the HTTP status or the error, and the first KiB of the answer."""

    at: str | None
    status: int | None
    milliseconds: int
    answer: str | None
    error: str | None


class DeliveryData(TypedDict):
    """One event for one endpoint. `webhook_id` is that of the header; `next_at` is null once it is delivered or dead."""

    delivery_id: int
    webhook_id: str
    endpoint_id: int
    call_id: int | None
    seq: int | None
    event: str
    status: str
    created_at: str | None
    next_at: str | None
    done_at: str | None
    reason: str | None
    tries: list[TryData]


def delivery_list(caller: Caller, given: DeliveryList) -> list[DeliveryData]:
    """What was or is to be told, with every try. `status` is `due`, `delivered` or `dead`."""
    if given.endpoint_id is not None and not deliveries.has_endpoint(given.endpoint_id, caller.scope):
        raise Refused(f"endpoint {given.endpoint_id} is not found")
    if given.call_id is not None and reports.call(given.call_id, caller.scope) is None:
        raise Refused(f"call {given.call_id} is not found")
    equal = {"state" if name == "status" else name: value for name, value in given.given().items() if name not in ("limit", "cursor")}
    return [_delivery(one) for one in deliveries.listed(caller.scope, given.limit, given.cursor, equal)]


def _delivery(one: deliveries.Delivery) -> DeliveryData:
    return {
        "delivery_id": one.id,
        "webhook_id": one.webhook_id,
        "endpoint_id": one.endpoint_id,
        "call_id": one.call_id,
        "seq": one.seq,
        "event": one.event,
        "status": str(one.state),
        "created_at": iso(one.created_at),
        "next_at": iso(one.next_at) if one.state == DeliveryState.DUE else None,
        "done_at": iso(one.done_at),
        "reason": one.reason,
        "tries": [
            {"at": iso(t.at), "status": t.status, "milliseconds": t.milliseconds, "answer": t.answer, "error": t.error} for t in one.tries
        ],
    }


def replay(caller: Caller, given: Replay) -> int:
    """Send again what is delivered or dead: one delivery, or those of an endpoint whose events lie between `from` and `to`, both included.

    Answers how many. Ids and bytes stay the same, and within a call the order too. What is due still is left alone.
    """
    if given.delivery_id is not None:
        endpoint_id = deliveries.endpoint_of(given.delivery_id, caller.scope)
        if endpoint_id is None:
            raise Refused(f"delivery {given.delivery_id} is not found")
        on(caller, endpoint_id)
        return store.unit(deliveries.again, given.delivery_id, store.now())
    if given.endpoint_id is None or given.since is None or given.until is None:
        raise Refused("give a delivery_id, or an endpoint_id with from and to")
    first, end, after, count = _time(caller, "from", given.since).first, _time(caller, "to", given.until).end, 0, 0
    endpoint_id, now = on(caller, given.endpoint_id).id, store.now()
    while True:
        some, go_on = store.unit(deliveries.again_between, endpoint_id, first, end, after, now)
        count += some
        if go_on is None:
            return count
        after = go_on


def _time(caller: Caller, name: str, written: str) -> Span:
    try:
        return span(written, campaigns.timezone_of(caller.user_id))
    except ValueError as error:
        raise Refused(f"{name}: {error}") from None


OPERATIONS = (
    Operation("Push_Delivery_List", DeliveryList, delivery_list, DIALLING, changes=False),
    Operation("Push_Replay", Replay, replay, DIALLING, changes=True),
)
