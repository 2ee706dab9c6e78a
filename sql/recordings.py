"""Recordings: their rows. The audio lies in the recordings folder, as `<id>.<codec>`."""

from sql.models import Recording
from sql.scope import within


def create(user_id: int, title: str, milliseconds: int, now: int) -> int:
    return Recording.create(user=user_id, title=title, milliseconds=milliseconds, created_at=now).id


def exists(recording_id: int, scope: str) -> bool:
    """Whether this recording is there within `scope`."""
    rows = Recording.select(Recording.id).where(Recording.id == recording_id, Recording.deleted_at.is_null())
    return rows.where(within(Recording.user, scope)).exists()


def titled(title: str) -> int | None:
    """The id of the first recording of that title."""
    row = Recording.select(Recording.id).where(Recording.title == title, Recording.deleted_at.is_null()).order_by(Recording.id).first()
    return row and row.id
