"""The outbox as the push worker sees it: what is due, and what became of each try.

One lane per call and endpoint: only its oldest undelivered event is ever due. A row stays due until its delivery is
recorded, so a worker that dies delivers again, with the same id and the same bytes.
"""

import base64
import secrets
from collections.abc import Collection
from dataclasses import dataclass

from peewee import fn

from sql.models_push import Push, PushEndpoint, PushTry
from sql.states import DeliveryState


@dataclass(frozen=True)
class Due:
    """One event to be posted now. `secrets`: newest first; `tries`: how often it has been tried."""

    delivery_id: int
    webhook_id: str
    endpoint_id: int
    url: str
    secrets: tuple[str, ...]
    body: bytes
    tries: int
    call_id: int | None
    seq: int | None


@dataclass(frozen=True)
class Tried:
    """One try, as the customer may see it: HTTP status or None with `error`, milliseconds, first KiB of the answer."""

    status: int | None
    milliseconds: int
    answer: str | None
    error: str | None


def new_secret() -> str:
    """A Standard Webhooks secret: `whsec_` and base64 of 32 random bytes."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def create_endpoint(user_id: int, url: str, events: str, campaign_id: int | None, now: int) -> PushEndpoint:
    return PushEndpoint.create(user=user_id, url=url, events=events, campaign_id=campaign_id, secret=new_secret(), created_at=now)


def due(now: int, limit: int, skip: Collection[int] = (), in_flight: Collection[int] = ()) -> list[Due]:
    """Lane heads whose time has come, oldest first; not those of endpoints in `skip`, nor the deliveries `in_flight`."""
    earlier = Push.alias()
    waits = earlier.select(earlier.id).where(
        earlier.endpoint_id == Push.endpoint_id,
        earlier.call_id == Push.call_id,
        earlier.seq < Push.seq,
        earlier.state == DeliveryState.DUE,
    )
    rows = (
        Push.select(Push, PushEndpoint.url, PushEndpoint.secret, PushEndpoint.old_secret, PushEndpoint.old_secret_until)
        .join(PushEndpoint, on=(PushEndpoint.id == Push.endpoint_id))
        .where(Push.state == DeliveryState.DUE, Push.next_at <= now, ~fn.EXISTS(waits))
        .where(PushEndpoint.active, PushEndpoint.deleted_at.is_null())
        .where(Push.endpoint_id.not_in(list(skip)), Push.id.not_in(list(in_flight)))
        .order_by(Push.next_at, Push.id)
        .limit(limit)
        .objects()
    )
    return [
        Due(
            delivery_id=row.id,
            webhook_id=row.webhook_id,
            endpoint_id=row.endpoint_id,
            url=row.url,
            secrets=(row.secret, row.old_secret) if row.old_secret and now < (row.old_secret_until or 0) else (row.secret,),
            body=row.body.encode(),
            tries=row.tries,
            call_id=row.call_id,
            seq=row.seq,
        )
        for row in rows
    ]


def delivered(delivery_id: int, at: int, tried: Tried) -> None:
    _close(delivery_id, at, tried, state=DeliveryState.DELIVERED, done_at=at)


def failed(delivery_id: int, at: int, tried: Tried, next_at: int | None) -> None:
    """Record a failed try; again at `next_at`, or never (dead letter) if that is None."""
    if next_at is None:
        reason = (tried.error or f"the receiver answered {tried.status}")[:200]
        _close(delivery_id, at, tried, state=DeliveryState.DEAD, done_at=at, reason=reason)
    # After a commit whose answer was lost the same try comes once more: it is on record then, and the row is still due.
    elif not PushTry.select().where(PushTry.push_id == delivery_id, PushTry.at == at).exists():
        _close(delivery_id, at, tried, next_at=next_at)


def _close(delivery_id: int, at: int, tried: Tried, **columns: object) -> None:
    changed = Push.update(tries=Push.tries + 1, **columns).where(Push.id == delivery_id, Push.state == DeliveryState.DUE).execute()
    if changed:
        PushTry.insert(
            push_id=delivery_id, at=at, status=tried.status, milliseconds=tried.milliseconds,
            answer=tried.answer, error=tried.error and tried.error[:300],
        ).execute()  # fmt: skip


def endpoint_off(endpoint_id: int, at: int, why: str) -> None:
    """Switch an endpoint off; what was due for it is dead, with the reason."""
    PushEndpoint.update(active=False, off_why=why[:200]).where(PushEndpoint.id == endpoint_id).execute()
    Push.update(state=DeliveryState.DEAD, done_at=at, reason=why[:200]).where(
        Push.endpoint_id == endpoint_id, Push.state == DeliveryState.DUE
    ).execute()


def bury(now: int) -> int:
    """End what is due for endpoints that are off or deleted: a call that was settled at that very moment. How many those were."""
    off = PushEndpoint.select(PushEndpoint.id).where(~PushEndpoint.active | PushEndpoint.deleted_at.is_null(False))
    due = (Push.state == DeliveryState.DUE) & Push.endpoint_id.in_(off)
    return Push.update(state=DeliveryState.DEAD, done_at=now, reason="the endpoint is switched off").where(due).execute()
