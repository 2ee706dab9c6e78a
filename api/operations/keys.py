"""API keys: made by an account for its own programs; a key acts as its account."""

import secrets
import string
from typing import Annotated

from pydantic import AliasChoices, Field, StringConstraints
from typing_extensions import TypedDict

from api import times
from api.operation import EVERYBODY, Caller, Id, Input, Operation, Page, Refused
from api.operations.users import visible
from sql import events, keys, store

SIGNS = string.ascii_letters + string.digits
PREFIX, SECRET = 8, 43  # characters


class KeyCreate(Input):
    name: Annotated[str, StringConstraints(max_length=200)] = "API key"
    expires: times.Time | None = None


class KeyList(Page):
    user_id: Id | None = Field(None, validation_alias=AliasChoices("user_id", "usr_id"))


class KeyId(Input):
    key_id: Id


class MadeKey(TypedDict):
    """`key` is shown this once."""

    key_id: int
    key: str


class Key(TypedDict):
    """`prefix` is how the key begins; `used_at` is true to the minute."""

    key_id: int
    user_id: int
    name: str
    prefix: str
    created_at: str
    expires: str | None
    used_at: str | None


def create(caller: Caller, given: KeyCreate) -> MadeKey:
    """Make an API key of the caller's own account, which is shown this once: send it as `Authorization: Bearer <key>`.

    Without `expires` it lasts until it is deleted. One that was made with another key ends no later than that one.
    """
    now = store.now()
    try:
        expires_at = caller.key_expires_at if given.expires is None else times.moment(given.expires, None)
    except ValueError as error:
        raise Refused(f"expires: {error}") from None
    if expires_at is not None and expires_at <= now:
        raise Refused("expires is over already; choose a time to come")
    if expires_at is not None and caller.key_expires_at is not None and expires_at > caller.key_expires_at:
        raise Refused(f"expires is later than the key that makes it; choose {events.iso(caller.key_expires_at)} at the latest")
    prefix = "cln_" + _random(PREFIX)
    key = prefix + _random(SECRET)
    return {"key_id": store.unit(keys.create, caller.user_id, given.name, key, prefix, expires_at, now), "key": key}


def _random(length: int) -> str:
    return "".join(secrets.choice(SIGNS) for _ in range(length))


def list_(caller: Caller, given: KeyList) -> list[Key]:
    """The keys of an account (by default the caller's own) that were not deleted, `limit` at a time after the key_id `cursor`."""
    user_id = visible(caller, given.user_id or caller.user_id).id
    return [
        {
            "key_id": row["key_id"],
            "user_id": row["user_id"],
            "name": row["name"],
            "prefix": row["prefix"],
            "created_at": events.iso(row["created_at"]) or "",
            "expires": events.iso(row["expires_at"]),
            "used_at": events.iso(row["used_at"]),
        }
        for row in keys.listed(user_id, caller.scope, given.limit, given.cursor)
    ]


def delete(caller: Caller, given: KeyId) -> bool:
    """End a key at once, and the sessions that were opened with it. A manager may end those of the accounts below."""
    if not store.unit(keys.delete, given.key_id, caller.scope, store.now()):
        raise Refused(f"key {given.key_id} is not found")
    return True


OPERATIONS = (
    Operation("User_Key_Create", KeyCreate, create, EVERYBODY, changes=True),
    Operation("User_Key_List", KeyList, list_, EVERYBODY, changes=False),
    Operation("User_Key_Delete", KeyId, delete, EVERYBODY, changes=True),
)
