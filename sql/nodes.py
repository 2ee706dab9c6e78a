"""What each engine last said of itself and of its link to Asterisk; read by whoever asks why nothing is dialled.

A name belongs to one process at a time: `take` gives it, and whoever lost it learns so from `describe`.
"""

from peewee import IntegrityError

from sql.models import Node
from sql.row import db
from sql.states import NodeFacts


def bearer(name: str) -> tuple[str | None, int] | None:
    """(process, last beat) of whoever bears this name; None if nobody ever did. No process: it stopped in peace."""
    row = Node.get_or_none(Node.name == name)
    return row and (row.process, row.beat_at)


def take(name: str, process: str, before: str | None, now: int) -> bool:
    """Bear this name from now on; False if it is no longer `before`'s: somebody took it in this moment."""
    row = Node.get_or_none(Node.name == name)
    fresh = {"process": process, "link_up": False, "link_text": "the engine is starting", "link_since": now, "beat_at": now}
    if row is None:
        try:
            with db.atomic():
                Node.insert(name=name, **fresh).execute()
        except IntegrityError:
            return False
        return True
    still = Node.process.is_null() if before is None else Node.process == before
    changed = Node.update(held_text=None, **fresh).where(Node.name == name, still).execute()
    return bool(changed) or row.process == process


def leave(name: str, process: str, now: int) -> None:
    """The engine stopped in peace: anybody may bear its name."""
    mine = (Node.name == name) & (Node.process == process)
    text = "the engine was stopped"
    Node.update(process=None, link_up=False, link_text=text, link_since=now, beat_at=now).where(mine).execute()


def describe(facts: NodeFacts, process: str) -> bool:
    """The engine lives at `facts.beat_at`, and this is how it is; False if another process bears its name."""
    mine = (Node.name == facts.name) & (Node.process == process)
    row = Node.get_or_none(mine)
    if row is None:
        return False
    columns = {field: getattr(facts, field) for field in NodeFacts.__dataclass_fields__ if field not in ("name", "trunks_text")}
    if row.link_up == facts.link_up:
        columns["link_since"] = row.link_since
    for text in ("link_text", "held_text"):
        columns[text] = columns[text] and columns[text][:200]
    Node.update(**columns).where(mine).execute()
    return True


def trunks_text(name: str, text: str | None) -> bool:
    """Why Asterisk cannot be told of trunks and extensions; None: it can. False if there is no engine of that name yet."""
    Node.update(trunks_text=text and text[:400]).where(Node.name == name).execute()
    return Node.get_or_none(Node.name == name) is not None


def facts(name: str | None = None) -> list[NodeFacts]:
    """Every engine, or the one of that name."""
    rows = Node.select().where(Node.name == name) if name else Node.select().order_by(Node.id)
    return [NodeFacts(**{field: getattr(row, field) for field in NodeFacts.__dataclass_fields__}) for row in rows]
