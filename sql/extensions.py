"""Extensions: SIP accounts of users, on which a telephone registers; made by the API, followed by the provisioner."""

from dataclasses import dataclass
from typing import Any

from peewee import IntegrityError, fn

from sql.models import Campaign, Extension
from sql.models_accounts import User
from sql.scope import below, within
from sql.states import CampaignStatus


class Taken(Exception):
    """The user name is another extension's."""


class InUse(Exception):
    """A campaign still connects people to this extension; the text names it."""


class NoOwner(Exception):
    """The account for which it is to be made is not there."""


@dataclass(frozen=True)
class Phone:
    """An extension as Asterisk has to know it."""

    id: int
    version: int
    username: str
    digest: str
    caller_id: str | None


@dataclass(frozen=True)
class Stored:
    """An extension as its owner may see it. Times in UTC ms."""

    id: int
    user_id: int
    name: str
    username: str
    caller_id: str | None
    created_at: int


def create(user_id: int, scope: str, name: str, username: str, digest: str, caller_id: str | None, now: int) -> Stored:
    """A new extension of this account, if the account is there within `scope`. NoOwner, Taken."""
    if not User.select(User.id).where(User.id == user_id, User.deleted_at.is_null(), below(scope)).exists():
        raise NoOwner(f"user {user_id} is not found")
    # Asterisk does not tell names apart by case
    if Extension.select(Extension.id).where(fn.LOWER(Extension.username) == username.lower()).exists():
        raise Taken(f"username {username!r} is taken; choose another one")
    try:
        row = Extension.create(user=user_id, name=name, username=username, digest=digest, caller_id=caller_id, created_at=now)
    except IntegrityError:
        raise Taken(f"username {username!r} is taken; choose another one") from None
    return _stored(row)


def visible(extension_id: int, scope: str) -> Stored | None:
    """This extension, if it is there within `scope`."""
    row = _within(scope).where(Extension.id == extension_id).first()
    return row and _stored(row)


def listed(scope: str, user_id: int | None, limit: int, cursor: int) -> list[Stored]:
    """The extensions within `scope` after id `cursor`, or only those of one account."""
    rows = _within(scope).where(Extension.id > cursor).order_by(Extension.id).limit(limit)
    return [_stored(row) for row in (rows if user_id is None else rows.where(Extension.user == user_id))]


def delete(extension_id: int, now: int) -> None:
    """Let Asterisk forget it, and its user name be free again. InUse."""
    used = Campaign.get_or_none(
        Campaign.extension == extension_id, Campaign.deleted_at.is_null(), Campaign.status != CampaignStatus.ARCHIVED
    )
    if used is not None:
        raise InUse(f"campaign {used.id} ({used.name}) connects people to it; archive or delete that campaign first")
    # No user name begins with a #.
    Extension.update(deleted_at=now, username=f"#{extension_id}", digest="").where(
        Extension.id == extension_id, Extension.deleted_at.is_null()
    ).execute()


def phones() -> list[Phone]:
    """Every extension that Asterisk has to know: those whose owner is still there."""
    rows = (
        Extension.select()
        .join(User, on=(User.id == Extension.user))
        .where(Extension.deleted_at.is_null(), User.deleted_at.is_null())
        .order_by(Extension.id)
    )
    return [Phone(**{name: getattr(row, name) for name in Phone.__dataclass_fields__}) for row in rows]


def _within(scope: str) -> Any:
    return Extension.select().where(Extension.deleted_at.is_null(), within(Extension.user, scope))


def _stored(row: Extension) -> Stored:
    return Stored(**{name: getattr(row, name) for name in Stored.__dataclass_fields__})
