"""Accounts: made, found, changed and deleted. An account lives while it and every account above it is active and not deleted.

Hashing passwords is the API's, and so is what a role may do.
"""

from dataclasses import dataclass
from typing import Any

from peewee import IntegrityError, fn

from sql.models import Campaign, Extension
from sql.models_accounts import Key, Session, User
from sql.row import db, fetched
from sql.scope import below, within
from sql.states import CampaignStatus

ROLES = ("admin", "tenant", "user", "agent")  # role_id is the place in this list, from 1; each ranks above the next
ACCOUNT = "u.id, u.username, u.role, u.password_hash, u.country, u.path, u.active, u.deleted_at"  # as `living` takes them
LONGEST_PATH = 230
TEXTS = ("username", "role", "email", "first_name", "last_name", "phone", "mobile", "company", "address", "country", "timezone")


class Taken(Exception):
    """The name is somebody else's."""


class Wrong(Exception):
    """It cannot be done to this account; one sentence."""


@dataclass(frozen=True)
class Account:
    """A living account. `country` in two letters."""

    id: int
    username: str
    role: str
    password_hash: str
    country: str | None
    path: str


@dataclass(frozen=True)
class By:
    """Who asks for a change, and what he may see."""

    id: int
    role: str
    scope: str


def ranks_above(role: str, other: str) -> bool:
    return ROLES.index(role) < ROLES.index(other)


def create(fields: dict[str, object], parent: int | None, now: int) -> int:
    """A new account's id, below `parent` (None: below nobody); `fields` are columns of the table. Taken, Wrong."""
    _free(str(fields["username"]))
    above = "/"
    if parent is not None:
        row = User.get_by_id(parent)
        above = row.path
        if len(above) > LONGEST_PATH:
            raise Wrong(f"accounts stand too deep below each other under user {parent}; make it further up")
        if row.role == ROLES[-1]:
            raise Wrong(f"user {parent} is an {row.role}; nobody stands below one")
        if ranks_above(str(fields.get("role", "user")), row.role):
            raise Wrong(f"user {parent} is a {row.role}; nobody below may be more than that")
    try:
        with db.atomic():
            user_id = User.create(**fields, parent=parent, path=above, created_at=now).id
    except IntegrityError:
        raise _taken(str(fields["username"])) from None
    User.update(path=f"{above}{user_id}/").where(User.id == user_id).execute()
    return user_id


def update(user_id: int, by: By, changes: dict[str, object], now: int) -> None:
    """Change columns of the account. Taken, Wrong.

    A new password ends the sessions. An account that is no longer active loses its sessions and its campaigns stop, and so do
    those of the accounts below it.
    """
    row = _to_change(user_id, by)
    if "username" in changes and str(changes["username"]).lower() != row.username.lower():
        _free(str(changes["username"]))
    if changes.get("active") is False and User.get_by_id(by.id).path.startswith(row.path):
        raise Wrong(f"user {user_id} stands above your own account, which would end with it; ask an account that does not stand below it")
    role = str(changes.get("role", row.role))
    if role != row.role:
        if row.parent is not None and ranks_above(role, row.parent.role):
            raise Wrong(f"user {user_id} stands below user {row.parent.id}, a {row.parent.role}; it cannot become {role}")
        if ranks_above(row.role, role) and _has_below(row):
            raise Wrong(f"user {user_id} has accounts below it; delete them before it becomes {role}")
    try:
        with db.atomic():
            User.update(**changes, version=User.version + 1).where(User.id == user_id).execute()
    except IntegrityError:
        raise _taken(str(changes["username"])) from None
    if "password_hash" in changes:
        Session.delete().where(Session.user == user_id).execute()
    if changes.get("active") is False:
        _stand_down(row.path, now)


def delete(user_id: int, by: By, now: int) -> None:
    """End the account: campaigns stop, keys, sessions and extensions are over; calls and ledger stay, and the name is free. Wrong."""
    row = _to_change(user_id, by)
    if row.role == "admin" and not _other_administrator(user_id):
        raise Wrong(f"user {user_id} is the last administrator; make another one first")
    if by.id == user_id:
        raise Wrong("nobody deletes himself; ask another account that manages yours")
    if _has_below(row):
        raise Wrong(f"user {user_id} has accounts below it; delete them first")
    _stand_down(row.path, now)
    Key.update(deleted_at=now).where(Key.user == user_id, Key.deleted_at.is_null()).execute()
    for phone in Extension.select(Extension.id).where(Extension.user == user_id, Extension.deleted_at.is_null()):
        # as when it is deleted by itself: the user name is free again
        Extension.update(deleted_at=now, username=f"#{phone.id}", digest="").where(Extension.id == phone.id).execute()
    name = f"{row.username[:60]}#{user_id}"  # no name that anybody can have
    User.update(deleted_at=now, active=False, username=name, version=User.version + 1).where(User.id == user_id).execute()


def rehashed(user_id: int, old: str, new: str) -> None:
    """The same password, hashed by newer parameters."""
    User.update(password_hash=new).where(User.id == user_id, User.password_hash == old).execute()


def named(username: str) -> Account | None:
    """The account that may log in under this name."""
    for row in fetched(f"SELECT {ACCOUNT} FROM user u WHERE u.username = ?", username):
        if row[1] == username:  # MySQL's collation compares case-insensitively
            return living(row)
    return None


def by_id(user_id: int) -> Account | None:
    row = User.get_or_none(User.id == user_id, User.deleted_at.is_null())
    return None if row is None else _account(row)


def visible(user_id: int, scope: str) -> Account | None:
    """This account, if it is there within `scope`, active or not."""
    row = User.get_or_none(User.id == user_id, User.deleted_at.is_null(), below(scope))
    return None if row is None else _account(row)


def found(scope: str, user_id: int | None, column: str | None, value: str | None, most: int) -> list[dict[str, Any]]:
    """The accounts within `scope` that are meant, at most so many; `column` one of TEXTS, exactly `value`."""
    rows = _listed(scope).limit(most)
    if user_id is not None:
        rows = rows.where(User.id == user_id)
    if column is not None and value is not None:
        field = getattr(User, column)
        # the comparison serves the index; the bytes make it exact, whatever the database's collation takes as equal
        rows = rows.where(field == value, fn.HEX(field) == value.encode().hex().upper())
    return list(rows.dicts())


def listed(scope: str, limit: int, cursor: int) -> list[dict[str, Any]]:
    """The accounts within `scope` after id `cursor`."""
    return list(_listed(scope).where(User.id > cursor).limit(limit).dicts())


def anybody() -> bool:
    """Whether there is any account at all."""
    return User.select(User.id).limit(1).exists()


def country(user_id: int, usual: str) -> str | None:
    """The country of national numbers that this account writes: its own, or else the usual one."""
    return User.select(User.country).where(User.id == user_id, User.deleted_at.is_null()).scalar() or usual or None


def administrator() -> Account | None:
    """The first administrator who may log in."""
    row = User.select().where(User.role == "admin", User.active, User.deleted_at.is_null()).order_by(User.id).first()
    return None if row is None else _account(row)


def living(row: tuple) -> Account | None:
    """The account of these values of ACCOUNT, unless it or one above it is deactivated or deleted."""
    *values, active, deleted_at = row
    if not active or deleted_at is not None:
        return None
    account = Account(*values)
    above = account.path.strip("/").split("/")[:-1]
    if above:
        marks = ", ".join("?" * len(above))
        alive = fetched(f"SELECT COUNT(*) FROM user WHERE id IN ({marks}) AND active AND deleted_at IS NULL", *map(int, above))
        if alive != [(len(above),)]:
            return None
    return account


def _listed(scope: str) -> Any:
    columns = [getattr(User, name) for name in TEXTS]
    shown = (User.id.alias("user_id"), User.parent.alias("parent_id"), User.active, User.created_at, *columns)
    return User.select(*shown).where(below(scope), User.deleted_at.is_null()).order_by(User.id)


def _free(username: str) -> None:
    """Names differ in more than case, in every database. Taken."""
    if User.select().where(fn.LOWER(User.username) == username.lower()).exists():
        raise _taken(username)


def _taken(username: str) -> Taken:
    return Taken(f"username {username!r} is taken; choose another one")


def _to_change(user_id: int, by: By) -> User:
    """The account, if `by` may change it. Wrong.

    That `by` lives still is written, not only read: of two administrators that end each other at once, one is too late.
    """
    row = User.get_or_none(User.id == user_id, User.deleted_at.is_null(), below(by.scope))
    if row is None:
        raise Wrong(f"user {user_id} is not found")
    if ranks_above(row.role, by.role):
        raise Wrong(f"user {row.id} is a {row.role}; a {by.role} may not change it")
    alive = (User.id == by.id) & (User.role == by.role) & User.active & User.deleted_at.is_null()
    if not User.update(version=User.version + 1).where(alive).execute():
        raise Wrong("your own account was changed meanwhile; log in again")
    return row


def _has_below(row: User) -> bool:
    return User.select().where(below(row.path), User.id != row.id, User.deleted_at.is_null()).exists()


def _other_administrator(user_id: int) -> bool:
    return User.select().where(User.role == "admin", User.active, User.deleted_at.is_null(), User.id != user_id).exists()


def _stand_down(path: str, now: int) -> None:
    """Nothing is dialled, and nobody is logged in, at this account and below."""
    Session.delete().where(within(Session.user, path)).execute()
    Campaign.update(status=CampaignStatus.STOPPED, stopped_at=now).where(
        within(Campaign.user, path), Campaign.status == CampaignStatus.RUNNING
    ).execute()


def _account(row: User) -> Account:
    return Account(row.id, row.username, row.role, row.password_hash, row.country, row.path)
