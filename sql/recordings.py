"""Recordings: their rows. The audio lies in the recordings folder, as `<id>.<codec>`."""

from sql.models import Recording


def create(user_id: int, title: str, milliseconds: int, now: int) -> int:
    return Recording.create(user=user_id, title=title, milliseconds=milliseconds, created_at=now).id


def exists(recording_id: int, owner: int | None) -> bool:
    """Whether this recording is there for `owner` (None: for whoever)."""
    rows = Recording.select(Recording.id).where(Recording.id == recording_id, Recording.deleted_at.is_null())
    return (rows if owner is None else rows.where(Recording.user == owner)).exists()


def titled(title: str) -> int | None:
    """The id of the first recording of that title."""
    row = Recording.select(Recording.id).where(Recording.title == title, Recording.deleted_at.is_null()).order_by(Recording.id).first()
    return row and row.id
