"""The outbox as the customer sees it: every delivery with its tries, and sending again what is over."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from sql.models_push import Push, PushEndpoint, PushTry
from sql.scope import within
from sql.states import DeliveryState

OVER = (DeliveryState.DELIVERED, DeliveryState.DEAD)
SLICE = 500


@dataclass(frozen=True)
class Try:
    """HTTP status, or None with `error`; `answer`: the first KiB. `at` in UTC ms."""

    at: int
    status: int | None
    milliseconds: int
    answer: str | None
    error: str | None


@dataclass(frozen=True)
class Delivery:
    """One event for one endpoint. Times in UTC ms; `next_at`: when it is tried next."""

    id: int
    webhook_id: str
    endpoint_id: int
    call_id: int | None
    seq: int | None
    event: str
    state: str
    created_at: int
    next_at: int
    done_at: int | None
    reason: str | None
    tries: tuple[Try, ...]


def listed(scope: str, limit: int, cursor: int, equal: dict[str, Any]) -> list[Delivery]:
    """Deliveries after id `cursor` whose columns are `equal`, those of deleted endpoints too."""
    where = [getattr(Push, column) == value for column, value in equal.items()]
    rows = list(_within(scope).where(Push.id > cursor, *where).order_by(Push.id).limit(limit))
    tries = _tries([row.id for row in rows])
    names = [name for name in Delivery.__dataclass_fields__ if name != "tries"]
    return [Delivery(tries=tuple(tries[row.id]), **{name: getattr(row, name) for name in names}) for row in rows]


def _within(scope: str) -> Any:
    mine = PushEndpoint.select(PushEndpoint.id).where(within(PushEndpoint.user, scope))
    return Push.select().where(Push.endpoint_id.in_(mine)) if scope else Push.select()


def _tries(push_ids: list[int]) -> dict[int, list[Try]]:
    made: dict[int, list[Try]] = defaultdict(list)
    for first in range(0, len(push_ids), SLICE):
        some = PushTry.select().where(PushTry.push_id.in_(push_ids[first : first + SLICE])).order_by(PushTry.id)
        for row in some:
            made[row.push_id].append(Try(row.at, row.status, row.milliseconds, row.answer, row.error))
    return made


def has_endpoint(endpoint_id: int, scope: str) -> bool:
    """Whether this endpoint is, or was, there within `scope`."""
    return PushEndpoint.select(PushEndpoint.id).where(PushEndpoint.id == endpoint_id, within(PushEndpoint.user, scope)).exists()


def endpoint_of(delivery_id: int, scope: str) -> int | None:
    """Whose delivery this is, if it is there within `scope`."""
    return _within(scope).select(Push.endpoint_id).where(Push.id == delivery_id).scalar()


def again(delivery_id: int, now: int) -> int:
    """Send one delivery again, if it is over: how many that are. Its id and its bytes stay, and its lane waits for it."""
    return _again(Push.id == delivery_id, now)


def again_between(endpoint_id: int, first: int, end: int, after: int, now: int) -> tuple[int, int | None]:
    """Send again those of the endpoint that are over and whose events lie from `first` to before `end`, a slice of them after id `after`.

    How many that are, and the id after which to go on (None: at the end).
    """
    rows = Push.select(Push.id).where(
        Push.endpoint_id == endpoint_id, Push.id > after, Push.created_at >= first, Push.created_at < end, Push.state.in_(OVER)
    )
    ids = [row.id for row in rows.order_by(Push.id).limit(SLICE)]
    return _again(Push.id.in_(ids), now), ids[-1] if len(ids) == SLICE else None


def _again(which: Any, now: int) -> int:
    fresh = {"state": DeliveryState.DUE, "tries": 0, "next_at": now, "done_at": None, "reason": None}
    return Push.update(**fresh).where(which, Push.state.in_(OVER)).execute()
