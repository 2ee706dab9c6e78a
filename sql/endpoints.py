"""Push endpoints as their owners see them: made, listed, changed, given a new secret, deleted. Delivering is `pushes`' work."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sql import events, pushes
from sql.models_push import PushEndpoint
from sql.scope import within

OLD_SECRET_MS = 24 * 3600 * 1000  # the old secret signs along that long


MOST = 20  # of one campaign, or of one account for all its campaigns: each is one more row in the transaction that ends a call


class TooMany(Exception):
    """There are MOST of them already; one sentence."""


@dataclass(frozen=True)
class Endpoint:
    """Times in UTC ms; `off_why`: why it is not active."""

    id: int
    user_id: int
    campaign_id: int | None
    url: str
    format: str
    events: str
    secret: str
    old_secret_until: int | None
    active: bool
    off_why: str | None
    created_at: int


def create(user_id: int, url: str, kinds: str, campaign_id: int | None, now: int) -> PushEndpoint:
    """A new endpoint for these kinds of events. TooMany."""
    if _living().where(PushEndpoint.user == user_id, _serving(campaign_id)).count() >= MOST:
        whose = f"user {user_id}" if campaign_id is None else f"campaign {campaign_id}"
        raise TooMany(f"{whose} has {MOST} endpoints already; delete one of them first")
    return pushes.create_endpoint(user_id, url, kinds, campaign_id, now)


def _serving(campaign_id: int | None) -> Any:
    """The condition that it serves this campaign alone; None: all that have none of their own."""
    return PushEndpoint.campaign_id.is_null() if campaign_id is None else PushEndpoint.campaign_id == campaign_id


def of_campaign(user_id: int, campaign_id: int, url: str, now: int) -> None:
    """Let this address be told of the campaign's calls: its newest endpoint of its own is changed, or one is made."""
    own = _living().where(PushEndpoint.campaign_id == campaign_id).order_by(PushEndpoint.id.desc()).first()
    if own is None:
        pushes.create_endpoint(user_id, url, "call.completed", campaign_id, now)
    elif own.url != url or not own.active:
        change(own.id, {"url": url, "active": True}, now)


def get(endpoint_id: int, scope: str) -> Endpoint | None:
    """This endpoint, if it is there within `scope`."""
    row = _living(scope).where(PushEndpoint.id == endpoint_id).first()
    return None if row is None else _endpoint(row)


def listed(scope: str, limit: int, cursor: int) -> list[Endpoint]:
    """Endpoints after id `cursor`."""
    return [_endpoint(row) for row in _living(scope).where(PushEndpoint.id > cursor).order_by(PushEndpoint.id).limit(limit)]


def change(endpoint_id: int, columns: Mapping[str, object], now: int) -> None:
    """Change columns. Switched off, what was due for it is dead, with the reason; switched on, it is told of what happens from now on."""
    why = {"off_why": None} if columns.get("active") else {}
    if columns or why:
        PushEndpoint.update(**columns, **why).where(PushEndpoint.id == endpoint_id).execute()
    if columns.get("active") is False:
        pushes.endpoint_off(endpoint_id, now, "switched off by its owner")


def rotate(endpoint_id: int, now: int) -> None:
    """A new secret; the old one signs along for a day."""
    PushEndpoint.update(old_secret=PushEndpoint.secret, old_secret_until=now + OLD_SECRET_MS).where(
        PushEndpoint.id == endpoint_id
    ).execute()
    PushEndpoint.update(secret=pushes.new_secret()).where(PushEndpoint.id == endpoint_id).execute()


def delete(endpoint_id: int, now: int) -> None:
    """It is told of nothing more; what was due for it is dead, with the reason."""
    pushes.endpoint_off(endpoint_id, now, "the endpoint was deleted")
    PushEndpoint.update(deleted_at=now).where(PushEndpoint.id == endpoint_id).execute()


def ping(endpoint_id: int, now: int) -> int:
    """Write a `ping` to the outbox; the delivery's id."""
    return events.write(endpoint_id, "ping", {"endpoint_id": endpoint_id}, now)


def _living(scope: str = "") -> Any:
    return PushEndpoint.select().where(PushEndpoint.deleted_at.is_null(), within(PushEndpoint.user, scope))


def _endpoint(row: PushEndpoint) -> Endpoint:
    return Endpoint(**{name: getattr(row, name) for name in Endpoint.__dataclass_fields__})
