"""Trunks: the SIP carriers over which calls go out."""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator
from typing_extensions import TypedDict

from api.operation import ADMIN, Caller, Id, Input, Operation, Refused
from api.values import parsed
from sql import sip, store, trunks, users
from sql.events import iso

Digits = Annotated[str, StringConstraints(pattern=r"^\+?[0-9]{2,20}$", max_length=20)]


def _prefixes(text: str) -> str:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.startswith("+") and part[1:].isascii() and part[1:].isdigit() for part in parts):
        raise ValueError("is a list of E.164 prefixes, such as +49,+43")
    return ",".join(parts)


def _host(text: str) -> str:
    if not sip.is_host(text):
        raise ValueError("is neither a host's name nor an IPv4 or IPv6 address")
    return text


def _of(pattern: re.Pattern[str], meaning: str) -> AfterValidator:
    def check(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError(meaning)
        return text

    return AfterValidator(check)


Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.-]{0,79}$")]
Host = Annotated[str, AfterValidator(_host)]
Account = Annotated[str, _of(sip.ACCOUNT, "is a user name, or one with its domain as in me@example.net; of A-Z a-z 0-9 _ . + ~ -")]
Secret = Annotated[str, _of(sip.SECRET, "may hold printable ASCII characters without spaces and semicolons, at most 200")]
Codecs = Annotated[str, _of(sip.CODECS, "is a list of ulaw, alaw, g722, gsm, such as ulaw,alaw")]


class NewTrunk(Input):
    name: Name
    host: Host
    port: int = Field(5060, ge=1, le=65535)
    username: Account | None = Field(None, coerce_numbers_to_str=True)
    password: Secret | None = Field(None, coerce_numbers_to_str=True)
    register_: bool = Field(False, alias="register")
    caller_id: Digits | None = Field(None, coerce_numbers_to_str=True)
    caller_id_in: Literal["pai", "from"] = "pai"
    max_channels: int | None = Field(None, ge=1, le=100_000)
    cps: int | None = Field(None, ge=1, le=10_000)
    codecs: Codecs = "ulaw,alaw"
    prefix: Annotated[str, StringConstraints(max_length=200), AfterValidator(_prefixes)] | None = Field(None, coerce_numbers_to_str=True)
    add_prefix: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,10}$")] | None = Field(None, coerce_numbers_to_str=True)
    number_format: Literal["plus", "plain"] = "plus"
    priority: int = Field(10, ge=0, le=1000)
    qualify: int = Field(0, ge=0, le=3600)
    simulated: bool = False
    user_id: Id | None = None

    @model_validator(mode="after")
    def _together(self) -> "NewTrunk":
        if wrong := contradiction(self.columns() | {"host": self.host}):
            raise ValueError(wrong)
        return self

    def columns(self) -> dict[str, Any]:
        """What was given, by the names of the table."""
        given = self.given()
        return {{"register_": "register", "user_id": "user"}.get(name, name): value for name, value in given.items()}


class ChangedTrunk(NewTrunk):
    name: Name | None = None  # type: ignore[assignment]
    host: Host | None = None  # type: ignore[assignment]

    @model_validator(mode="after")
    def _together(self) -> "ChangedTrunk":
        return self  # held together with what is stored


def contradiction(columns: Mapping[str, Any]) -> str:
    """What is wrong about these columns taken together; empty if nothing."""
    if columns.get("username") and not columns.get("password"):
        return "a username needs a password"
    if columns.get("register") and not columns.get("username"):
        return "register needs username and password"
    if columns.get("simulated") and not _loopback(columns["host"]):
        return f"a simulated trunk must lead to this machine; host {columns['host']} does not, write 127.0.0.1"
    if columns.get("caller_id_in") == "from" and not columns.get("caller_id"):
        return "caller_id_in from needs a caller_id: calls of campaigns that have none would come from nobody"
    return ""


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class TrunkCreate(Input):
    trunk: NewTrunk


Clearable = Literal["username", "password", "caller_id", "max_channels", "cps", "prefix", "add_prefix", "user_id"]


def _words(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return parsed(value) if value.lstrip().startswith("[") else [word.strip() for word in value.split(",")]


class TrunkUpdate(Input):
    trunk_id: Id
    trunk: ChangedTrunk = Field(default_factory=lambda: ChangedTrunk.model_validate({}))
    clear: Annotated[list[Clearable], BeforeValidator(_words)] = Field(default_factory=list)

    def columns(self) -> dict[str, Any]:
        """What is to be stored, cleared fields as None."""
        return self.trunk.columns() | dict.fromkeys("user" if name == "user_id" else name for name in self.clear)


class TrunkId(Input):
    trunk_id: Id


class OnNode(TypedDict):
    """How one engine's Asterisk has the trunk."""

    node: str
    loaded: Annotated[bool, Field(description="it knows the trunk as it is now")]
    registered: Annotated[bool | None, Field(description="null: the trunk does not register")]
    reachable: Annotated[bool | None, Field(description="null: `qualify` is 0, or nothing came back yet")]
    why: Annotated[str | None, Field(description="what keeps it from being used")]


class Trunk(TypedDict):
    """A trunk. Its password is never shown."""

    trunk_id: int
    user_id: Annotated[int | None, Field(description="the account that may use it; null: all")]
    name: str
    host: str
    port: int
    username: str | None
    has_password: bool
    register: bool
    caller_id: str | None
    caller_id_in: str
    max_channels: int | None
    cps: int | None
    codecs: str
    prefix: str | None
    add_prefix: str | None
    number_format: str
    priority: int
    qualify: int
    simulated: bool
    version: Annotated[int, Field(description="grows with every change")]
    rests_until: Annotated[str | None, Field(description="it failed, and is not used before")]
    down_why: Annotated[str | None, Field(description="why it rests at the moment")]
    nodes: list[OnNode]


def create(caller: Caller, given: TrunkCreate) -> int:
    """Make a SIP trunk; Asterisk knows it within two seconds. Answers its id."""
    fields = given.trunk.columns()
    _check_user(fields)
    return store.unit(lambda: trunks.create(**fields))


def listed(caller: Caller, given: Input) -> list[Trunk]:
    """Every trunk, in the order of preference; in `nodes` how each engine's Asterisk has it."""
    nodes = trunks.on_nodes()
    return [_shown(row, nodes.get(row.id, ())) for row in trunks.listed(store.now())]


def update(caller: Caller, given: TrunkUpdate) -> Trunk:
    """Change a trunk; what is not named stays, what `clear` names is emptied. Nothing is dialled over it until Asterisk has loaded the
    change, within two seconds; its calls in progress go on.
    """
    stored, fields = _found(given.trunk_id), given.columns()
    if twice := set(given.clear) & given.trunk.given().keys():
        raise Refused(f"clear: {sorted(twice)[0]} is also given a value; leave one of them out")
    _check_user(fields)
    known = {name: getattr(stored, name) for name in ("username", "register", "simulated", "host", "caller_id", "caller_id_in")}
    if wrong := contradiction(known | {"password": stored.has_password} | fields):
        raise Refused(f"trunk: {wrong}")
    store.unit(lambda: trunks.change(stored.id, **fields))
    return _shown(_found(stored.id), trunks.on_nodes().get(stored.id, ()))


def delete(caller: Caller, given: TrunkId) -> bool:
    """Delete a trunk; its calls in progress finish. Refused while a campaign that is not archived names it."""
    found = _found(given.trunk_id)
    try:
        store.unit(trunks.delete, found.id, store.now())
    except trunks.InUse as error:
        raise Refused(f"trunk {found.id}: {error}") from None
    return True


def _found(trunk_id: int) -> trunks.Stored:
    found = trunks.get(trunk_id, store.now())
    if found is None:
        raise Refused(f"trunk {trunk_id} is not found")
    return found


def _check_user(fields: Mapping[str, Any]) -> None:
    user_id = fields.get("user")
    if user_id is not None and users.by_id(user_id) is None:
        raise Refused(f"trunk.user_id: user {user_id} is not found")


def _shown(row: trunks.Stored, nodes: Sequence[trunks.OnNode]) -> Trunk:
    return {
        "trunk_id": row.id, "user_id": row.user_id, "name": row.name, "host": row.host, "port": row.port, "username": row.username,
        "has_password": row.has_password, "register": row.register, "caller_id": row.caller_id, "caller_id_in": row.caller_id_in,
        "max_channels": row.max_channels, "cps": row.cps, "codecs": row.codecs, "prefix": row.prefix, "add_prefix": row.add_prefix,
        "number_format": row.number_format, "priority": row.priority, "qualify": row.qualify, "simulated": row.simulated,
        "version": row.version, "rests_until": iso(row.down_until), "down_why": row.down_why,
        "nodes": [
            {"node": one.node, "loaded": one.loaded, "registered": one.registered, "reachable": one.reachable, "why": one.why}
            for one in nodes
        ],
    }  # fmt: skip


OPERATIONS = (
    Operation("Trunk_Create", TrunkCreate, create, ADMIN, changes=True),
    Operation("Trunk_List", Input, listed, ADMIN, changes=False),
    Operation("Trunk_Update", TrunkUpdate, update, ADMIN, changes=True),
    Operation("Trunk_Delete", TrunkId, delete, ADMIN, changes=True),
)
