"""Answers once given to calls that carried an Idempotency-Key: the same call is answered the same for a day, and done once."""

from dataclasses import dataclass

from peewee import IntegrityError

from sql.models_accounts import Idempotency
from sql.row import db

KEPT_MS = 24 * 3600 * 1000


class Conflict(Exception):
    """This key cannot be used for this call; the text says why."""


@dataclass(frozen=True)
class Before:
    answer: str
    at: int


def begin(user_id: int, key: str, request: str, now: int) -> Before | None:
    """Take the key for this request; None if it may be done now, else the answer given before. Conflict."""
    Idempotency.delete().where(Idempotency.at < now - KEPT_MS).execute()
    try:
        with db.atomic():
            Idempotency.insert(user_id=user_id, key=key, request=request, at=now).execute()
        return None
    except IntegrityError:
        old = Idempotency.get_or_none(Idempotency.user_id == user_id, Idempotency.key == key)
    if old is None:
        raise Conflict("the call with this Idempotency-Key was refused at this moment; send it again")
    if old.request != request:
        raise Conflict("this Idempotency-Key was used for another call; choose a new one")
    if old.answer is None:
        raise Conflict(
            "the call with this Idempotency-Key is still in flight, or was interrupted; look what became of it before you use a new key"
        )
    return Before(old.answer, old.at)


def end(user_id: int, key: str, answer: str | None) -> None:
    """Keep the answer; None frees the key, because nothing was done."""
    mine = (Idempotency.user_id == user_id) & (Idempotency.key == key)
    if answer is None:
        Idempotency.delete().where(mine).execute()
    else:
        Idempotency.update(answer=answer).where(mine).execute()
