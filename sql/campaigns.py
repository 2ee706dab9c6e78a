"""Campaigns: made, changed, deleted, found, and moved from status to status. Who is in one is `members`' work, claiming them `claims`',
reporting `reports`'.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from sql import claims, settling
from sql.models import Campaign, Extension, Trunk
from sql.models_accounts import User
from sql.models_push import PushEndpoint
from sql.row import holds
from sql.scope import within
from sql.states import CAMPAIGN_MOVES, CampaignFacts, CampaignStatus

TIMES = ("created_at", "started_at", "stopped_at", "completed_at")
TRIES = 3
STAMPS = {CampaignStatus.RUNNING: "started_at", CampaignStatus.STOPPED: "stopped_at", CampaignStatus.COMPLETED: "completed_at"}


class WrongState(Exception):
    """The campaign cannot be moved or changed like that; the text says why."""


@dataclass(frozen=True)
class Stored:
    """A campaign's columns. Times in UTC ms."""

    id: int
    user_id: int
    contact_group_id: int | None
    recording_id: int | None
    trunk_id: int | None
    extension_id: int | None
    extension_key: str | None
    kind: str
    name: str
    caller_id: str | None
    max_channels: int
    cps: int
    max_attempts: int
    ring_timeout: int
    max_duration: int
    hours: str | None
    days: str | None
    timezone: str | None
    mode: str
    description: str | None
    status: str
    created_at: int
    started_at: int | None
    stopped_at: int | None
    completed_at: int | None


COLUMNS = tuple(field.name for field in fields(Stored))


def create(user_id: int, group_id: int, columns: Mapping[str, object], now: int) -> int:
    """A new campaign's id. It is empty: `members.fill` puts the group's contacts in."""
    return Campaign.create(user=user_id, contact_group=group_id, filled_to=0, created_at=now, **columns).id


def visible(campaign_id: int, scope: str) -> CampaignFacts | None:
    """This campaign as the rules see it, if it is there within `scope`."""
    row = _within(scope).where(Campaign.id == campaign_id).first()
    return None if row is None else claims.campaign_facts(row)


def get(campaign_id: int, scope: str) -> Stored | None:
    """This campaign, if it is there within `scope`."""
    row = _within(scope).where(Campaign.id == campaign_id).first()
    return None if row is None else _stored(row)


def listed(
    scope: str, limit: int, cursor: int, equal: Mapping[str, Any], name: str | None = None, spans: Mapping[str, Any] | None = None
) -> list[tuple[CampaignFacts, Stored]]:
    """Campaigns after id `cursor` whose columns are `equal`, whose name contains `name`, and whose times lie in `spans`: by column
    (from, to), from included, to not.
    """
    rows = _within(scope).where(Campaign.id > cursor, *[getattr(Campaign, column) == value for column, value in equal.items()])
    if name is not None:
        rows = rows.where(holds(Campaign.name, name))
    for column, (first, end) in (spans or {}).items():
        rows = rows if first is None else rows.where(getattr(Campaign, column) >= first)
        rows = rows if end is None else rows.where(getattr(Campaign, column) < end)
    return [(claims.campaign_facts(row), _stored(row)) for row in rows.order_by(Campaign.id).limit(limit)]


def _within(scope: str) -> Any:
    return claims.campaign_rows().where(Campaign.deleted_at.is_null(), within(Campaign.user, scope))


def _stored(row: Campaign) -> Stored:
    return Stored(**{name: getattr(row, name) for name in COLUMNS})


def change(campaign_id: int, columns: Mapping[str, object]) -> None:
    """Change columns; calls that are claimed from now on follow. A new group's contacts are put in by `members.fill`. WrongState."""
    where = [Campaign.id == campaign_id, Campaign.deleted_at.is_null()]
    here = Campaign.select(Campaign.status).where(*where).scalar()
    if here is None or here == CampaignStatus.ARCHIVED:
        raise WrongState("it is archived and kept for its results only; make a new campaign")
    if "contact_group_id" not in columns:
        if columns:
            Campaign.update(**columns).where(*where).execute()
        return
    at_rest = (CampaignStatus.READY, CampaignStatus.STOPPED, CampaignStatus.COMPLETED)
    if not Campaign.update(filled_to=0, **columns).where(*where, Campaign.status.in_(at_rest)).execute():
        raise WrongState(f"it is {here}; stop it before its contact_group_id is changed")


def delete(campaign_id: int, now: int) -> None:
    """Stop it and let nobody find it; its calls in progress finish."""
    Campaign.update(status=CampaignStatus.STOPPED, stopped_at=now).where(
        Campaign.id == campaign_id, Campaign.status == CampaignStatus.RUNNING
    ).execute()
    Campaign.update(deleted_at=now).where(Campaign.id == campaign_id, Campaign.deleted_at.is_null()).execute()


def trunk_of(user_id: int, name_or_id: str) -> int | None:
    """The trunk of that id or name which the user may name in a campaign."""
    rows = Trunk.select(Trunk.id).where(Trunk.deleted_at.is_null(), Trunk.user.is_null() | (Trunk.user == user_id))
    is_id = name_or_id.isascii() and name_or_id.isdigit() and len(name_or_id) < 19
    which = Trunk.id == int(name_or_id) if is_id else Trunk.name == name_or_id
    row = rows.where(which).order_by(Trunk.priority, Trunk.id).first()
    return row and row.id


def has_extension(user_id: int, extension_id: int) -> bool:
    """Whether this extension is the user's."""
    return (
        Extension.select(Extension.id)
        .where(Extension.id == extension_id, Extension.user == user_id, Extension.deleted_at.is_null())
        .exists()
    )


def timezone_of(user_id: int) -> str | None:
    """The zone in which this account writes its times."""
    return User.select(User.timezone).where(User.id == user_id).scalar()


def push_url(campaign_id: int) -> str | None:
    """The newest address of the campaign's own that is told of its calls."""
    rows = PushEndpoint.select(PushEndpoint.url).where(
        PushEndpoint.campaign_id == campaign_id, PushEndpoint.active, PushEndpoint.deleted_at.is_null()
    )
    return rows.order_by(PushEndpoint.id.desc()).limit(1).scalar()


def move(campaign_id: int, to: CampaignStatus, now: int) -> None:
    """Set the status by the usual transitions; where nothing has to change nothing does. WrongState."""
    for _ in range(TRIES):  # somebody else may move it at the same time, perhaps to the very same status
        if _moved(campaign_id, to, now):
            return
    raise WrongState("the campaign's status changed meanwhile; try again")


def _moved(campaign_id: int, to: CampaignStatus, now: int) -> bool:
    """Whether the campaign is where it should be. WrongState."""
    here = CampaignStatus(Campaign.get_by_id(campaign_id).status)
    if here == CampaignStatus.ARCHIVED and to != here:
        raise WrongState("the campaign is archived; it can be neither started nor stopped")
    if here == to or (here == CampaignStatus.COMPLETED and to == CampaignStatus.STOPPED):
        return True
    if here == CampaignStatus.COMPLETED and to == CampaignStatus.RUNNING and not settling.unfinished(campaign_id):
        return True
    if to not in CAMPAIGN_MOVES[here]:
        first = "stop it first" if here == CampaignStatus.RUNNING else "start it first"
        raise WrongState(f"the campaign is {here} and cannot become {to}; {first}")
    stamp = STAMPS.get(to)
    changes: dict[str, object] = {"status": to} | ({stamp: now} if stamp else {})
    moved = Campaign.update(**changes).where(Campaign.id == campaign_id, Campaign.status == here, Campaign.deleted_at.is_null())
    return bool(moved.execute())
