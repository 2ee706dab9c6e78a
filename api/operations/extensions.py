"""Extensions: SIP accounts of users, on which a softphone registers to be called when somebody presses a campaign's key."""

import secrets
import socket
from typing import Annotated

from pydantic import AfterValidator, AliasChoices, Field, StringConstraints
from typing_extensions import TypedDict

from api.operation import DIALLING, EVERYBODY, Caller, Id, Input, Operation, Page, Refused
from api.operations.trunks import Digits
from api.operations.users import UserId
from sql import extensions, sip, store, users

SHORTEST, LEAST_DIFFERENT = 12, 6  # characters of a password that is no invitation to guess
MADE_UP_BYTES = 18  # 24 characters
ANY = ("0.0.0.0", "::")


def _username(text: str) -> str:
    if not sip.EXTENSION.fullmatch(text):
        raise ValueError(
            "is no user name for a telephone: 2 to 40 of A-Z a-z 0-9 _ . -, a letter or digit first, not beginning with trunk- or ext-"
        )
    return text


def _password(text: str) -> str:
    if not text.isascii() or not text.isprintable() or " " in text or len(text) > 200:
        raise ValueError("may hold printable ASCII characters without spaces, at most 200; leave it out and one is made up")
    if len(text) < SHORTEST or len(set(text)) < LEAST_DIFFERENT:
        raise ValueError(
            f"is weak: write at least {SHORTEST} characters, {LEAST_DIFFERENT} different ones; or leave it out and one is made up"
        )
    return text


class NewExtension(Input):
    name: Annotated[str, StringConstraints(max_length=80)] | None = None
    username: Annotated[str, AfterValidator(_username)] | None = Field(None, coerce_numbers_to_str=True)
    password: Annotated[str, AfterValidator(_password)] | None = Field(
        None, validation_alias=AliasChoices("password", "passwd"), coerce_numbers_to_str=True
    )
    caller_id: Digits | None = Field(None, coerce_numbers_to_str=True)


class ExtensionCreate(Input):
    user_id: UserId
    extension: NewExtension


class ExtensionList(Page):
    user_id: Id | None = Field(None, validation_alias=AliasChoices("user_id", "usr_id"))


class ExtensionId(Input):
    extension_id: Id


class Extension(TypedDict):
    """An extension, and where its telephone registers."""

    extension_id: int
    user_id: int
    name: str
    username: Annotated[str, Field(description="the telephone's user name and, unless it asks, its login")]
    caller_id: str | None
    host: Annotated[str, Field(description="the SIP server on which the telephone registers, by UDP")]
    port: int


class NewlyMade(Extension):
    """An extension with its password, which is shown in this answer only."""

    password: str


def create(caller: Caller, given: ExtensionCreate) -> NewlyMade:
    """Make a SIP account for a softphone; it can register within two seconds. The password, made up if none is given, is shown this
    once. The telephone that registered last is the one that rings; it is called by campaigns and can call nobody.
    """
    wanted = given.extension
    username = wanted.username or f"phone{secrets.randbelow(10**9):09}"
    password = wanted.password or secrets.token_urlsafe(MADE_UP_BYTES)
    if wanted.password and len(username) >= LEAST_DIFFERENT and username.lower() in password.lower():
        raise Refused("extension.password: is weak: it holds the user name; leave it out and one is made up")
    try:
        made = store.unit(
            extensions.create, given.user_id, caller.scope, wanted.name or username, username,
            sip.digest(username, password), wanted.caller_id, store.now(),
        )  # fmt: skip
    except extensions.Taken as error:
        raise Refused(f"extension.{error}") from None
    except extensions.NoOwner as error:
        raise Refused(str(error)) from None
    return {**_shown(caller, made), "password": password}


def listed(caller: Caller, given: ExtensionList) -> list[Extension]:
    """The extensions that the caller may see, or those of one account, by id, `limit` at a time after `cursor`."""
    if given.user_id is not None and users.visible(given.user_id, caller.scope) is None:
        raise Refused(f"user {given.user_id} is not found")
    return [_shown(caller, row) for row in extensions.listed(caller.scope, given.user_id, given.limit, given.cursor)]


def delete(caller: Caller, given: ExtensionId) -> bool:
    """Delete an extension: its telephone rings no more. Refused while a campaign that is not archived connects people to it."""
    found = extensions.visible(given.extension_id, caller.scope)
    if found is None:
        raise Refused(f"extension {given.extension_id} is not found")
    try:
        store.unit(extensions.delete, found.id, store.now())
    except extensions.InUse as error:
        raise Refused(f"extension {found.id}: {error}") from None
    return True


def _shown(caller: Caller, row: extensions.Stored) -> Extension:
    return {
        "extension_id": row.id,
        "user_id": row.user_id,
        "name": row.name,
        "username": row.username,
        "caller_id": row.caller_id,
        "host": _server(caller),
        "port": caller.config.port("sip"),
    }


def _server(caller: Caller) -> str:
    """Where telephones find our Asterisk: as set, or by this machine's name if it listens on every address."""
    bound = caller.config.text("sip", "bind")
    return caller.config.text("sip", "external_address") or (socket.gethostname() if bound in ANY else bound)


OPERATIONS = (
    Operation("User_Extension_Create", ExtensionCreate, create, DIALLING, changes=True, aliases=("Client_Extension_Create",)),
    Operation("User_Extension_List", ExtensionList, listed, EVERYBODY, changes=False),
    Operation("User_Extension_Delete", ExtensionId, delete, DIALLING, changes=True),
)
