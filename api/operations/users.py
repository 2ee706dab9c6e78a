"""Accounts and roles."""

from typing import Annotated, Any
from zoneinfo import available_timezones

from pydantic import AfterValidator, AliasChoices, Field, StringConstraints

from api.credentials import hashed
from api.operation import ADMIN, EVERYBODY, Caller, Input, Operation, Refused
from sql import numbers, store, users

ROLES = ("admin", "tenant", "user", "agent")  # role_id is the place in this list, from 1

Text = Annotated[str, StringConstraints(max_length=80)]


def _country(text: str) -> str:
    numbers.country_prefix(text)
    return text.upper()


def _timezone(text: str) -> str:
    if text not in available_timezones():
        raise ValueError(f"{text!r} is no time zone; write one like Europe/Berlin")
    return text


def _role(text: str) -> str:
    name = ROLES[int(text) - 1] if text.isascii() and text.isdigit() and 0 < int(text) <= len(ROLES) else text
    if name not in ROLES:
        raise ValueError(f"{text!r} is no role; there are {', '.join(ROLES)}")
    return name


Country = Annotated[str, AfterValidator(_country)]
Timezone = Annotated[str, AfterValidator(_timezone)]


class NewUser(Input):
    username: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.@+-]{1,80}$")]
    password: Annotated[str, StringConstraints(min_length=1, max_length=200)] = Field(validation_alias=AliasChoices("password", "passwd"))
    email: Annotated[str, StringConstraints(max_length=200)] | None = None
    role: Annotated[str, AfterValidator(_role)] = Field(
        "user", validation_alias=AliasChoices("role", "role_id"), coerce_numbers_to_str=True
    )
    first_name: Text | None = None
    last_name: Text | None = None
    phone: Annotated[str, StringConstraints(max_length=40)] | None = None
    mobile: Annotated[str, StringConstraints(max_length=40)] | None = None
    company: Text | None = None
    address: Annotated[str, StringConstraints(max_length=200)] | None = None
    country: Country | None = None
    timezone: Timezone | None = None
    active: bool = True


class UserCreate(Input):
    user: NewUser


def create(caller: Caller, given: UserCreate) -> dict[str, Any]:
    """Make an account. Answers its id and name."""
    fields = given.user.given()
    fields["password_hash"] = hashed(fields.pop("password"))
    try:
        user_id = store.unit(users.create, fields, caller.user_id, store.now())
    except users.Taken as error:
        raise Refused(f"user.{error}") from None
    return {"user_id": user_id, "username": given.user.username}


def role_list(caller: Caller, given: Input) -> list[dict[str, Any]]:
    """The roles, and what each may do. The usual test of a connection."""
    from api.operations import OPERATIONS  # this one is among them

    return [
        {"role_id": number, "name": name, "permissions": sorted(o.name for o in OPERATIONS if name in o.roles)}
        for number, name in enumerate(ROLES, 1)
    ]


OPERATIONS = (
    Operation("User_Create", UserCreate, create, ADMIN, changes=True),
    Operation("User_Role_List", Input, role_list, EVERYBODY, changes=False),
)
