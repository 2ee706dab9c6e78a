"""Recordings: their rows. The audio lies in the recordings folder, as `<id>.<codec>`."""

from dataclasses import dataclass
from typing import Any

from sql.claims import OPEN
from sql.models import Call, Campaign, Recording
from sql.scope import within
from sql.states import CampaignStatus


class InUse(Exception):
    """A campaign or a call still plays this recording; the text names it."""


@dataclass(frozen=True)
class Stored:
    """A recording's columns. `created_at` in UTC ms."""

    id: int
    user_id: int
    title: str
    milliseconds: int
    created_at: int


def create(user_id: int, title: str, milliseconds: int, now: int) -> int:
    return Recording.create(user=user_id, title=title, milliseconds=milliseconds, created_at=now).id


def exists(recording_id: int, scope: str) -> bool:
    """Whether this recording is there within `scope`."""
    return get(recording_id, scope) is not None


def get(recording_id: int, scope: str) -> Stored | None:
    """This recording, if it is there within `scope`."""
    row = _within(scope).where(Recording.id == recording_id).first()
    return row and _stored(row)


def listed(scope: str, limit: int, cursor: int) -> list[Stored]:
    """Recordings after id `cursor`."""
    return [_stored(row) for row in _within(scope).where(Recording.id > cursor).order_by(Recording.id).limit(limit)]


def titled(title: str) -> int | None:
    """The id of the first recording of that title."""
    row = Recording.select(Recording.id).where(Recording.title == title, Recording.deleted_at.is_null()).order_by(Recording.id).first()
    return row and row.id


def delete(recording_id: int, scope: str, now: int) -> bool:
    """Let nobody find it again; its files are the caller's to remove. False if somebody else did it first.

    InUse names the campaign only if that is within `scope`.
    """
    used = Campaign.get_or_none(
        Campaign.recording == recording_id, Campaign.deleted_at.is_null(), Campaign.status != CampaignStatus.ARCHIVED
    )
    if used is not None and not Campaign.select().where(Campaign.id == used.id, within(Campaign.user, scope)).exists():
        raise InUse("a campaign of an account above yours, or beside it, plays it; ask an administrator to archive or delete that campaign")
    if used is not None:
        raise InUse(f"campaign {used.id} ({used.name}) plays it; archive or delete that campaign first")
    call = Call.get_or_none(Call.recording_id == recording_id, Call.state.in_(OPEN))
    if call is not None:
        raise InUse(f"call {call.id} may be playing it; try again when it has ended")
    return bool(Recording.update(deleted_at=now).where(Recording.id == recording_id, Recording.deleted_at.is_null()).execute())


def _within(scope: str) -> Any:
    return Recording.select().where(Recording.deleted_at.is_null(), within(Recording.user, scope))


def _stored(row: Recording) -> Stored:
    return Stored(row.id, row.user_id, row.title, row.milliseconds, row.created_at)
