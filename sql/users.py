"""Accounts: made, found, and held against a password's hash. Hashing itself is the API's."""

from dataclasses import dataclass

from peewee import IntegrityError

from sql.models_accounts import User


class Taken(Exception):
    """The name is somebody else's."""


@dataclass(frozen=True)
class Account:
    """A living, active account. `country` in two letters."""

    id: int
    username: str
    role: str
    password_hash: str
    country: str | None
    path: str


def create(fields: dict[str, object], parent: int | None, now: int) -> int:
    """A new account's id, below `parent` (None: below nobody); `fields` are columns of the table. Taken."""
    above = "/" if parent is None else User.get_by_id(parent).path
    try:
        user_id = User.create(**fields, parent=parent, path=above, created_at=now).id
    except IntegrityError:
        raise Taken(f"username {fields['username']!r} is taken; choose another one") from None
    User.update(path=f"{above}{user_id}/").where(User.id == user_id).execute()
    return user_id


def named(username: str) -> Account | None:
    """The account that may log in under this name."""
    row = User.get_or_none(User.username == username, User.active, User.deleted_at.is_null())
    # MySQL's collation compares case-insensitively
    return _account(row) if row is not None and row.username == username else None


def by_id(user_id: int) -> Account | None:
    row = User.get_or_none(User.id == user_id, User.deleted_at.is_null())
    return None if row is None else _account(row)


def anybody() -> bool:
    """Whether there is any account at all."""
    return User.select(User.id).limit(1).exists()


def _account(row: User) -> Account:
    return Account(row.id, row.username, row.role, row.password_hash, row.country, row.path)
