"""Sessions: opened, used and ended. The cookie's value is kept as a hash.

A session is over when nobody used it for IDLE_MS, and LONGEST_MS after its login in any case; of more than MOST of one account, the
oldest.
"""

from hashlib import sha256
from typing import NamedTuple

from peewee import IntegrityError

from sql import users
from sql.models_accounts import Session
from sql.row import db, fetched

IDLE_MS = 12 * 3600 * 1000
LONGEST_MS = 30 * 24 * 3600 * 1000
USED_EVERY_MS = 60_000
MOST = 1000  # of one account: clients that log in before every call would leave thousands behind them


class Found(NamedTuple):
    """Whose a living session is. `stale`: its use should be noted again; `key_id`: it was opened with that key, which ends as told."""

    account: users.Account
    stale: bool
    key_id: int | None
    key_expires_at: int | None


def hashed(value: str) -> str:
    return sha256(value.encode()).hexdigest()


def open_(user_id: int, value: str, key_id: int | None, until: int | None, now: int) -> bool:
    """Begin a session of this value, or renew one's own; False if the value is, or was, somebody else's session."""
    Session.delete().where(Session.user == user_id, (Session.expires_at <= now) | (Session.used_at <= now - IDLE_MS)).execute()
    fields = {"key": key_id, "created_at": now, "used_at": now, "expires_at": min(now + LONGEST_MS, until or 1 << 62)}
    try:
        with db.atomic():
            Session.insert(user=user_id, hash=hashed(value), **fields).execute()
        _end_oldest(user_id)
        return True
    except IntegrityError:
        return bool(Session.update(**fields).where(Session.hash == hashed(value), Session.user == user_id).execute())


def _end_oldest(user_id: int) -> None:
    mine = Session.user == user_id
    too_old = Session.select(Session.id).where(mine).order_by(Session.id.desc()).offset(MOST).limit(1).scalar()
    if too_old is not None:
        Session.delete().where(mine, Session.id <= too_old).execute()


def find(value: str, now: int) -> Found | None:
    """The living session of this value."""
    statement = f"""SELECT s.used_at, s.key_id, k.expires_at, {users.ACCOUNT} FROM session s
        JOIN user u ON u.id = s.user_id LEFT JOIN `key` k ON k.id = s.key_id
        WHERE s.hash = ? AND s.expires_at > ? AND s.used_at > ?"""
    for used_at, key_id, key_expires_at, *values in fetched(statement, hashed(value), now, now - IDLE_MS):
        account = users.living(tuple(values))
        return Found(account, used_at <= now - USED_EVERY_MS, key_id, key_expires_at) if account else None
    return None


def used(value: str, now: int) -> None:
    Session.update(used_at=now).where(Session.hash == hashed(value), Session.used_at <= now - USED_EVERY_MS).execute()


def end(user_id: int, value: str) -> bool:
    """End this account's session; False if it has none of this value."""
    return bool(Session.delete().where(Session.hash == hashed(value), Session.user == user_id).execute())
