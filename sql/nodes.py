"""What each engine last said of itself and of its link to Asterisk; read by whoever asks why nothing is dialled."""

from sql.models import Node
from sql.states import NodeFacts


def describe(name: str, link_up: bool, link_text: str, now: int, asterisk_started_at: int | None = None) -> None:
    """The engine `name` lives at `now`, and its link is so."""
    old = Node.get_or_none(Node.name == name)
    if old is None:
        Node.insert(
            name=name, link_up=link_up, link_text=link_text[:200], link_since=now, beat_at=now, asterisk_started_at=asterisk_started_at
        ).execute()
        return
    since = old.link_since if old.link_up == link_up else now
    Node.update(link_up=link_up, link_text=link_text[:200], link_since=since, beat_at=now, asterisk_started_at=asterisk_started_at).where(
        Node.name == name
    ).execute()


def facts(name: str | None = None) -> list[NodeFacts]:
    """Every engine, or the one of that name."""
    rows = Node.select().where(Node.name == name) if name else Node.select().order_by(Node.id)
    return [NodeFacts(row.name, row.link_up, row.link_text, row.link_since, row.beat_at) for row in rows]
