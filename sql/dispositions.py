"""The words with which agents close a conversation."""

from collections.abc import Mapping

from sql.models import AgentDisposition


def create(user_id: int, columns: Mapping[str, object], now: int) -> int:
    """A new word's id; `columns` are those of the table."""
    return AgentDisposition.create(user=user_id, created_at=now, **columns).id
