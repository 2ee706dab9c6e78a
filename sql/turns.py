"""Turns under the caps: who counted calls and then claims more has to be the only one who did so meanwhile.

Caps are counted from the call rows, and two engines that count at the same moment would both find room. So each cap's owner has
a counter: it is read before the calls are counted, and moved on by compare-and-set in the transaction of the claim.
"""

from collections.abc import Collection

from peewee import IntegrityError

from sql.models_turns import Turn


def campaign(campaign_id: int) -> str:
    return f"campaign:{campaign_id}"


def trunk(trunk_id: int) -> str:
    return f"trunk:{trunk_id}"


def seen(owners: Collection[str]) -> dict[str, int]:
    """The turn of each of these; 0 where nothing was ever claimed."""
    rows = Turn.select(Turn.owner, Turn.turn).where(Turn.owner.in_(list(owners)))
    return dict.fromkeys(owners, 0) | {row.owner: row.turn for row in rows}


def take(owner: str, turn: int) -> bool:
    """Move the owner's turn on; False if somebody else did so after `turn` was seen."""
    if turn:
        return bool(Turn.update(turn=turn + 1).where(Turn.owner == owner, Turn.turn == turn).execute())
    try:
        Turn.insert(owner=owner, turn=1).execute()
    except IntegrityError:
        return False
    return True
