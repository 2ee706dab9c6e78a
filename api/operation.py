"""What an operation is: its name, its input, who may use it, whether it changes state. Faces and documents come from this declaration.

Knows no HTTP.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal, get_type_hints

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import SkipJsonSchema
from werkzeug.datastructures import FileStorage

from api.values import parsed
from sql import settings

ADMIN = frozenset({"admin"})
EVERYBODY = frozenset({"admin", "tenant", "user", "agent"})
MANAGERS = frozenset({"admin", "tenant"})
DIALLING = frozenset({"admin", "tenant", "user"})
CALLED = {"usr_id": "user_id", "message": "recording_id", "trunk": "trunk_id"}  # fields, and the id's name in the object itself
AS_OBJECT = "send its fields as a JSON object, or in brackets as in name[field]=value"
SENTENCES = {  # instead of the validator's own, which speak of Python
    "model_type": f"is no object; {AS_OBJECT}",
    "is_instance_of": "is no file; send it as a part of multipart/form-data",
    "string_type": "is no text; send a string or a number",
    "int_parsing": "is no whole number; send one in digits",
    "int_type": "is no whole number; send one in digits",
    "bool_parsing": "is neither true nor false; send 1 or 0",
    "bool_type": "is neither true nor false; send 1 or 0",
}
NO_ID = "is no id; send a whole number above 0"
DIGITS = re.compile(r"[0-9]{1,19}", re.ASCII)
Session = Literal["", "opens", "ends"]


class Refused(Exception):
    """The call is refused: one sentence that says what to change."""


@dataclass(frozen=True)
class Caller:
    """Who calls. `scope` is what the caller may see and change: what belongs to the accounts of this path and below.

    `posted`: the call came in a form that may change state. `key_id` is set where an API key proved who it is. `hands` takes what the
    face hands over beside the payload: `session`, the value of a session, empty when it is over.
    """

    user_id: int
    username: str
    role: str
    country: str | None
    path: str
    config: settings.Settings
    posted: bool = True
    key_id: int | None = None
    key_expires_at: int | None = None
    hands: dict[str, str] = field(default_factory=dict)

    @property
    def scope(self) -> str:
        return "" if self.role == "admin" else self.path

    @property
    def recordings(self) -> Path:
        return self.config.home / "recordings"


def _object(value: Any) -> Any:
    """An object may come as JSON text, with a stray comma in front, or as the empty list that PHP makes of it."""
    if isinstance(value, str):
        try:
            value = parsed(value.strip().lstrip(","))
        except ValueError as error:
            raise ValueError(f"{error}; {AS_OBJECT}") from None
    return {} if value == [] else value


class Input(BaseModel):
    """Arguments, or an object among them. Unknown names are kept aside, to be told."""

    model_config = ConfigDict(
        extra="allow", str_strip_whitespace=True, coerce_numbers_to_str=True, populate_by_name=True, arbitrary_types_allowed=True
    )

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, value: Any) -> Any:
        value = _object(value)
        return {key: kept for key, kept in value.items() if kept not in ("", None)} if isinstance(value, dict) else value

    def given(self) -> dict[str, Any]:
        """The declared fields that were given, as plain values."""
        return {name: getattr(self, name) for name in self.model_fields_set if name in type(self).model_fields}


class Page(Input):
    """A part of a list that is ordered by id: at most `limit`, those after id `cursor`."""

    limit: int = Field(1000, ge=1, le=10_000)
    cursor: int = Field(0, ge=0, lt=1 << 63)


def ignored(given: Input) -> list[str]:
    """The names that nobody understood, those inside objects as `contact.foo`."""
    names = list(given.model_extra or ())
    for name in type(given).model_fields:
        inner = getattr(given, name)
        if isinstance(inner, Input):
            names += [f"{name}.{deeper}" for deeper in ignored(inner)]
    return names


def _carried_id(value: Any, info: ValidationInfo) -> Any:
    """Where an id is expected, an object that carries it will do: under the field's own name, or as the only id in it."""
    value = _object(value) if isinstance(value, str) and value.strip(" ,").startswith("{") else value
    if isinstance(value, dict):
        ids = [inner for key, inner in value.items() if key == "id" or key.endswith("_id")]
        own = [value[name] for name in (CALLED.get(info.field_name or "", info.field_name), "id") if name in value][:1]
        if len(own or ids) != 1:
            raise ValueError(f"is an object that carries no {info.field_name or 'id'}, or several ids; send the number alone")
        [value] = own or ids
    if isinstance(value, bool) or (isinstance(value, str) and not DIGITS.fullmatch(value.strip())):
        raise ValueError(NO_ID)
    return value


def _positive(value: int) -> int:
    if not 0 < value < 1 << 63:
        raise ValueError(NO_ID)
    return value


def _not_offered(value: Any) -> Any:
    raise ValueError("is not offered yet; leave it out")


Id = Annotated[int, BeforeValidator(_carried_id), AfterValidator(_positive)]
NotOffered = SkipJsonSchema[Annotated[Any, BeforeValidator(_not_offered)]]
File = Annotated[FileStorage, WithJsonSchema({"type": "string", "format": "binary"})]


@dataclass(frozen=True)
class Operation:
    """`run(caller, input)` answers the payload or raises Refused; its docstring is what people read of it, and its return annotation
    is the declared output.

    `sets`: whether this input makes it change something, where `changes` says that it does not. `files`: names of the multipart parts
    it takes. `session`: whether it opens or ends one.
    """

    name: str
    input: type[Input]
    run: Callable[[Caller, Any], Any]
    roles: frozenset[str]
    changes: bool
    sets: Callable[[Any], bool] = lambda _: False
    aliases: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    session: Session = ""

    @property
    def output(self) -> Any:
        """The type of the payload."""
        return get_type_hints(self.run)["return"]


def understood(operation: Operation, arguments: dict[str, Any]) -> Input:
    """The arguments as the operation's input. Refused names the first that is wrong."""
    try:
        return operation.input.model_validate(arguments)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or operation.name
        if first["type"] == "missing":
            raise Refused(f"{where} is missing") from None
        said = SENTENCES.get(first["type"]) or first["msg"].removeprefix("Value error, ")
        raise Refused(f"{where}: {said[:1].lower()}{said[1:]}") from None
