"""Trunks: the SIP carriers over which calls go out."""

import ipaddress
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from api.operation import ADMIN, Caller, Id, Input, Operation, Refused
from sql import store, trunks, users

Digits = Annotated[str, StringConstraints(pattern=r"^\+?[0-9]{2,20}$")]


def _prefixes(text: str) -> str:
    parts = [part.strip() for part in text.split(",")]
    if not all(part.startswith("+") and part[1:].isascii() and part[1:].isdigit() for part in parts):
        raise ValueError("is a list of E.164 prefixes, such as +49,+43")
    return ",".join(parts)


class NewTrunk(Input):
    name: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9 _.-]{0,79}$")]
    host: Annotated[str, StringConstraints(pattern=r"^([A-Za-z0-9]([A-Za-z0-9.-]{0,252}[A-Za-z0-9])?|[0-9A-Fa-f:]{2,45})$")]
    port: int = Field(5060, ge=1, le=65535)
    username: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.+@~-]{1,80}$")] | None = None
    password: Annotated[str, StringConstraints(pattern=r"^[!-:<-~]{1,200}$")] | None = None
    register_: bool = Field(False, alias="register")
    caller_id: Digits | None = None
    max_channels: int | None = Field(None, ge=1, le=100_000)
    cps: int | None = Field(None, ge=1, le=10_000)
    codecs: Annotated[str, StringConstraints(pattern=r"^(ulaw|alaw|g722|gsm)(,(ulaw|alaw|g722|gsm))*$")] = "ulaw,alaw"
    prefix: Annotated[str, StringConstraints(max_length=200), AfterValidator(_prefixes)] | None = None
    add_prefix: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,10}$")] | None = None
    number_format: Literal["plus", "plain"] = "plus"
    priority: int = Field(10, ge=0, le=1000)
    qualify: int = Field(0, ge=0, le=3600)
    simulated: bool = False
    user_id: Id | None = None

    @model_validator(mode="after")
    def _together(self) -> "NewTrunk":
        if self.username and not self.password:
            raise ValueError("a username needs a password")
        if self.register_ and not self.username:
            raise ValueError("register needs username and password")
        if self.simulated and not _loopback(self.host):
            raise ValueError(f"a simulated trunk must lead to this machine; host {self.host} does not, write 127.0.0.1")
        return self


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class TrunkCreate(Input):
    trunk: NewTrunk


def create(caller: Caller, given: TrunkCreate) -> int:
    """Make a SIP trunk; Asterisk knows it within two seconds. Answers its id."""
    fields = given.trunk.given()
    fields["register"] = fields.pop("register_", False)
    user_id = fields.pop("user_id", None)
    if user_id is not None and users.by_id(user_id) is None:
        raise Refused(f"trunk.user_id: user {user_id} is not found")
    return store.unit(lambda: trunks.create(user=user_id, **fields))


OPERATIONS = (Operation("Trunk_Create", TrunkCreate, create, ADMIN, changes=True),)
