"""An operation's arguments, flattened from its declaration, for faces and documents that name each of them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from api.operation import Operation


@dataclass(frozen=True)
class Argument:
    """One argument: its path (`campaign`, `name`), JSON schema without `null` and references, and whether it must be there."""

    path: tuple[str, ...]
    schema: dict[str, Any]
    required: bool

    @property
    def is_object(self) -> bool:
        return "properties" in self.schema

    @property
    def is_file(self) -> bool:
        return self.schema.get("format") == "binary"

    @property
    def is_flag(self) -> bool:
        return self.schema.get("type") == "boolean"


def arguments(operation: Operation) -> list[Argument]:
    """Every argument, objects before the fields in them."""
    schema = operation.input.model_json_schema()
    return list(_walk(schema, schema.get("$defs", {}), ()))


def _walk(schema: dict[str, Any], known: dict[str, Any], path: tuple[str, ...]) -> Iterator[Argument]:
    for name, field in schema.get("properties", {}).items():
        default = {"default": field["default"]} if field.get("default") is not None else {}
        one = Argument((*path, name), _plain(field, known) | default, name in schema.get("required", ()))
        yield one
        if one.is_object:
            yield from _walk(one.schema, known, one.path)


def _plain(field: dict[str, Any], known: dict[str, Any]) -> dict[str, Any]:
    [first, *_] = [one for one in field.get("anyOf", [field]) if one.get("type") != "null"]
    return known[first["$ref"].rsplit("/", 1)[1]] if "$ref" in first else first
