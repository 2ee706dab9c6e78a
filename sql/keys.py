"""API keys: made, listed, used and deleted. Only a hash of each is kept, and the beginning by which a person recognises it."""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from sql import users
from sql.models_accounts import Key, Session
from sql.row import fetched
from sql.scope import within

USED_EVERY_MS = 60_000  # how precisely the last use is known


@dataclass(frozen=True)
class Found:
    """What a key stands for: `account` is None, and `why` says so, when it may not be used."""

    account: users.Account | None
    why: str
    id: int = 0
    expires_at: int | None = None
    stale: bool = False  # the last use should be noted again


def hashed(key: str) -> str:
    return sha256(key.encode()).hexdigest()


def create(user_id: int, name: str, key: str, prefix: str, expires_at: int | None, now: int) -> int:
    return Key.insert(user=user_id, name=name, prefix=prefix, hash=hashed(key), expires_at=expires_at, created_at=now).execute()


def find(key: str, now: int) -> Found:
    """Whose key this is."""
    columns = f"k.id, k.deleted_at, k.expires_at, k.used_at, {users.ACCOUNT}"
    rows = fetched(f"SELECT {columns} FROM `key` k JOIN user u ON u.id = k.user_id WHERE k.hash = ?", hashed(key))
    if not rows:
        return Found(None, "this API key is unknown; make one by User_Key_Create")
    key_id, deleted_at, expires_at, used_at, *values = rows[0]
    if deleted_at is not None:
        return Found(None, "this API key was deleted; make another one by User_Key_Create")
    if expires_at is not None and expires_at <= now:
        return Found(None, "this API key has expired; make another one by User_Key_Create")
    account = users.living(tuple(values))
    if account is None:
        return Found(None, "the account of this API key is not active")
    return Found(account, "", key_id, expires_at, stale=used_at is None or used_at <= now - USED_EVERY_MS)


def used(key_id: int, now: int) -> None:
    stale = Key.used_at.is_null() | (Key.used_at <= now - USED_EVERY_MS)
    Key.update(used_at=now).where(Key.id == key_id, stale).execute()


def listed(user_id: int, scope: str, limit: int, cursor: int) -> list[dict[str, Any]]:
    """The keys of this account within `scope` that were not deleted, after id `cursor`."""
    rows = (
        Key.select(Key.id.alias("key_id"), Key.user.alias("user_id"), Key.name, Key.prefix, Key.created_at, Key.expires_at, Key.used_at)
        .where(Key.user == user_id, within(Key.user, scope), Key.deleted_at.is_null(), Key.id > cursor)
        .order_by(Key.id)
        .limit(limit)
    )
    return list(rows.dicts())


def delete(key_id: int, scope: str, now: int) -> bool:
    """End the key, and the sessions that were opened with it; False if there is none within `scope`."""
    done = Key.update(deleted_at=now).where(Key.id == key_id, within(Key.user, scope), Key.deleted_at.is_null()).execute()
    if done:
        Session.delete().where(Session.key == key_id).execute()
    return bool(done)
