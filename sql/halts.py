"""The kill switch: thrown, nothing is dialled at all, by any engine on this store, until it is lifted. Calls in progress go on.

More than one row may be open after a race of two who threw it; lifting closes them all.
"""

from typing import Any

from peewee import fn

from sql.models import Halt
from sql.models_accounts import User
from sql.states import Halted


def throw(user_id: int, reason: str | None, now: int) -> Halted:
    """Stop all dialling. Thrown already: it stays as it is, with the name of who was first."""
    already = active()
    if already is None:
        Halt.insert(at=now, by_user_id=user_id, reason=reason and reason[:200]).execute()
    return already or _halted(now, user_id, reason and reason[:200])


def lift(user_id: int, now: int) -> bool:
    """Let everything dial again; False if nothing was halted."""
    return bool(Halt.update(lifted_at=now, lifted_by_user_id=user_id).where(Halt.lifted_at.is_null()).execute())


def active() -> Halted | None:
    """What stands at present; None if dialling is allowed."""
    row = Halt.select().where(Halt.lifted_at.is_null()).order_by(Halt.id).first()
    return None if row is None else _halted(row.at, row.by_user_id, row.reason)


def none() -> Any:
    """The condition that dialling is allowed, for the statements that dial."""
    return ~fn.EXISTS(Halt.select(Halt.id).where(Halt.lifted_at.is_null()))


def _halted(at: int, user_id: int, reason: str | None) -> Halted:
    who = User.get_or_none(User.id == user_id)
    return Halted(at, who.username if who else f"user {user_id}", reason)
