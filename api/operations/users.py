"""Accounts and roles: who there is, and who may change whom. A tenant manages the accounts below it, an administrator all."""

from functools import cache
from typing import Annotated, Any
from zoneinfo import available_timezones

from pydantic import AfterValidator, AliasChoices, Field, StringConstraints
from typing_extensions import TypedDict

from api.credentials import hashed
from api.operation import EVERYBODY, MANAGERS, Caller, Id, Input, Operation, Page, Refused
from sql import events, ledger, numbers, store, users

SETTERS = {"username": MANAGERS, "role": MANAGERS, "active": MANAGERS}  # fields that not everybody may set, and who may
SEARCHABLE = (*users.TEXTS, "user_id")

Text = Annotated[str, StringConstraints(max_length=80)]
UserId = Annotated[Id, Field(validation_alias=AliasChoices("user_id", "usr_id"))]


def _country(text: str) -> str:
    numbers.country_prefix(text)
    return text.upper()


@cache
def _timezones() -> set[str]:
    return available_timezones()


def _timezone(text: str) -> str:
    if text not in _timezones():
        raise ValueError(f"{text!r} is no time zone; write one like Europe/Berlin")
    return text


def _role(text: str) -> str:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 4 else 0
    name = users.ROLES[number - 1] if 0 < number <= len(users.ROLES) else text.lower()
    if name not in users.ROLES:
        raise ValueError(f"{text!r} is no role; there are {', '.join(users.ROLES)}")
    return name


def _column(text: str) -> str:
    name = {"usr_id": "user_id", "role_id": "role"}.get(text, text)
    if name not in SEARCHABLE:
        raise ValueError(f"{text!r} cannot be searched; there are {', '.join(SEARCHABLE)}")
    return name


Country = Annotated[str, AfterValidator(_country)]
Timezone = Annotated[str, AfterValidator(_timezone)]
Username = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.@+-]{1,80}$")]
Password = Annotated[str, StringConstraints(min_length=1, max_length=200, strip_whitespace=False)]
Role = Annotated[str, AfterValidator(_role)]


class Person(Input):
    """What is told of an account, whoever made it."""

    email: Annotated[str, StringConstraints(max_length=200)] | None = None
    first_name: Text | None = None
    last_name: Text | None = None
    phone: Annotated[str, StringConstraints(max_length=40)] | None = None
    mobile: Annotated[str, StringConstraints(max_length=40)] | None = None
    company: Text | None = None
    address: Annotated[str, StringConstraints(max_length=200)] | None = None
    country: Country | None = None
    timezone: Timezone | None = None


class NewUser(Person):
    username: Username
    password: Password = Field(validation_alias=AliasChoices("password", "passwd"))
    role: Role = Field("user", validation_alias=AliasChoices("role", "role_id"))
    active: bool = True
    parent_id: Id | None = None


class ChangedUser(Person):
    username: Username | None = None
    password: Password | None = Field(None, validation_alias=AliasChoices("password", "passwd"))
    role: Role | None = Field(None, validation_alias=AliasChoices("role", "role_id"))
    active: bool | None = None


class UserCreate(Input):
    user: NewUser


class UserUpdate(Input):
    user_id: UserId
    user: ChangedUser


class UserOf(Input):
    user_id: UserId


class UserGet(Input):
    user_id: Id | None = Field(None, validation_alias=AliasChoices("user_id", "usr_id"))
    search: Annotated[str, AfterValidator(_column)] | None = None
    value: Annotated[str, StringConstraints(max_length=200)] | None = None


class Made(TypedDict):
    user_id: int
    username: str


class User(TypedDict):
    """An account. `credit` is what it may still spend; `parent_id` the account that it stands below."""

    user_id: int
    username: str
    role: str
    role_id: int
    parent_id: int | None
    email: str | None
    first_name: str | None
    last_name: str | None
    phone: str | None
    mobile: str | None
    company: str | None
    address: str | None
    country: str | None
    timezone: str | None
    active: bool
    created_at: str
    credit: float


class RoleOut(TypedDict):
    role_id: int
    name: str
    permissions: list[str]


def shown(rows: list[dict[str, Any]]) -> list[User]:
    credits = ledger.credits([row["user_id"] for row in rows])
    return [
        User(
            **row
            | {
                "active": bool(row["active"]),
                "role_id": users.ROLES.index(row["role"]) + 1,
                "created_at": events.iso(row["created_at"]),
                "credit": events.money(credits[row["user_id"]]),
            }  # type: ignore[typeddict-item]
        )
        for row in rows
    ]


def by(caller: Caller) -> users.By:
    return users.By(caller.user_id, caller.role, caller.scope)


def visible(caller: Caller, user_id: int) -> users.Account:
    """The account, if the caller may see it."""
    account = users.visible(user_id, caller.scope)
    if account is None:
        raise Refused(f"user {user_id} is not found")
    return account


def create(caller: Caller, given: UserCreate) -> Made:
    """Make an account. Answers its id and name.

    It stands below the account `parent_id`: by default below the tenant that makes it; an administrator's stand alone.
    """
    fields = given.user.given()
    _settable(caller, fields)
    parent = fields.pop("parent_id", None)
    if parent is not None:
        visible(caller, parent)
    elif caller.role != "admin":
        parent = caller.user_id
    fields["password_hash"] = hashed(fields.pop("password"))
    try:
        user_id = store.unit(users.create, fields, parent, store.now())
    except (users.Taken, users.Wrong) as error:
        raise Refused(f"user: {error}") from None
    return {"user_id": user_id, "username": given.user.username}


def update(caller: Caller, given: UserUpdate) -> User:
    """Change an account; what is not given stays. Answers the account. A new password ends its sessions; its keys stay."""
    visible(caller, given.user_id)
    fields = given.user.given()
    _settable(caller, fields)
    for name, own in {"role": caller.role, "active": True}.items():
        if given.user_id == caller.user_id and fields.get(name, own) != own:
            raise Refused(f"user.{name}: nobody changes this of his own account; ask another one that manages yours")
    if "password" in fields:
        fields["password_hash"] = hashed(fields.pop("password"))
    try:
        store.unit(users.update, given.user_id, by(caller), fields, store.now())
    except (users.Taken, users.Wrong) as error:
        raise Refused(f"user: {error}") from None
    return shown(users.found(caller.scope, given.user_id, None, None, 1))[0]


def _settable(caller: Caller, fields: dict[str, Any]) -> None:
    """Refused names the first field that this role may not set, or not so high."""
    for name, roles in SETTERS.items():
        if name in fields and caller.role not in roles:
            raise Refused(f"user.{name}: a {caller.role} may not set this")
    if users.ranks_above(fields.get("role", "agent"), caller.role):
        raise Refused(f"user.role: a {caller.role} may not make anybody {fields['role']}")


def get(caller: Caller, given: UserGet) -> User:
    """One account: by `user_id`, or the one whose column `search` is exactly `value`, or both."""
    if (given.search is None) != (given.value is None) or (given.user_id is None and given.search is None):
        raise Refused("send user_id, or search (a column) together with value")
    user_id, column, value = given.user_id, given.search, given.value
    if column == "user_id" and value is not None:
        wanted = int(value) if value.isascii() and value.isdigit() and len(value) < 19 else 0
        user_id, column = (wanted if user_id in (None, wanted) else 0), None
    if column == "role" and value is not None:
        value = _role_name(value)
    rows = users.found(caller.scope, user_id, column, value, 2)
    if not rows:
        raise Refused(f"user {given.user_id} is not found" if given.search is None else f"no user's {given.search} is {given.value!r}")
    if len(rows) > 1:
        raise Refused(f"more than one user's {given.search} is {given.value!r}; see User_List")
    return shown(rows)[0]


def _role_name(text: str) -> str:
    try:
        return _role(text)
    except ValueError as error:
        raise Refused(f"value: {error}") from None


def delete(caller: Caller, given: UserOf) -> bool:
    """End an account that has none below it: its campaigns stop, its keys, sessions and extensions end at once; calls and payments stay."""
    try:
        store.unit(users.delete, given.user_id, by(caller), store.now())
    except users.Wrong as error:
        raise Refused(str(error)) from None
    return True


def list_(caller: Caller, given: Page) -> list[User]:
    """The accounts that the caller manages, and his own, `limit` at a time after the user_id `cursor`."""
    return shown(users.listed(caller.scope, given.limit, given.cursor))


def role_list(caller: Caller, given: Input) -> list[RoleOut]:
    """The roles, and what each may do. The usual test of a connection."""
    from api.operations import OPERATIONS  # this one is among them

    return [
        {"role_id": number, "name": name, "permissions": sorted(o.name for o in OPERATIONS if name in o.roles)}
        for number, name in enumerate(users.ROLES, 1)
    ]


OPERATIONS = (
    Operation("User_Create", UserCreate, create, MANAGERS, changes=True),
    Operation("User_Update", UserUpdate, update, EVERYBODY, changes=True),
    Operation("User_Get", UserGet, get, EVERYBODY, changes=False),
    Operation("User_Delete", UserOf, delete, MANAGERS, changes=True),
    Operation("User_List", Page, list_, MANAGERS, changes=False),
    Operation("User_Role_List", Input, role_list, EVERYBODY, changes=False),
)
