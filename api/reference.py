"""The reference of the HTTP methods for people, made from their declarations: `python -m api.reference > docs/api.md`."""

import inspect

from api import fields
from api.operation import Operation
from api.operations import OPERATIONS

HEAD = """# The HTTP methods

Made by `python -m api.reference` from the declarations of the methods; do not edit.

Every method is `GET` or `POST` to `/rest/<Method_Name>`. Arguments travel as query string, form fields, PHP brackets
(`contact[phone]=…`) or a JSON object; an object may be JSON text in its field. Credentials are the fields `username` + `password`
or `api_username` + `api_password`, HTTP Basic, `Authorization: Bearer <key>` (User_Key_Create), or the cookie of User_Login; in a
query string only if `[api] query_credentials` allows it. With a cookie, what changes something must be POST and carry an `Origin`
header of this server. An empty value is an absent one. Names that a method does not know are ignored, and told in the header
`X-Carillon-Ignored`.

The answer is `[true, payload]`, or `[false, "what to change"]`. HTTP 401 is bad credentials, 405 an unknown method, 413 too much,
429 too many failed credentials, 500 our own fault with a reference into the log. A call that changes something may carry an
`Idempotency-Key` header: sent again within 24 hours it is done once, and answered the same.

In the tables `*` is required, and `campaign.name` is the field `name` of the object `campaign`.
"""
WORDS = {
    "maxLength": "at most {} characters",
    "minLength": "at least {} characters",
    "minimum": "from {}",
    "maximum": "to {}",
    "pattern": "`{}`",
}


def text() -> str:
    return HEAD + "".join(_method(operation) for operation in sorted(OPERATIONS, key=lambda one: one.name))


def _method(operation: Operation) -> str:
    rows = [_row(argument) for argument in fields.arguments(operation)]
    table = "| argument | | default |\n|---|---|---|\n" + "".join(f"| {' | '.join(row)} |\n" for row in rows) if rows else ""
    names = " = ".join((operation.name, *operation.aliases))
    return f"\n## {names}\n\n{inspect.getdoc(operation.run)}\n\nFor: {', '.join(sorted(operation.roles))}.\n\n{table}"


def _row(argument: fields.Argument) -> tuple[str, str, str]:
    name = f"`{'.'.join(argument.path)}`{'*' if argument.required else ''}"
    if argument.is_object:
        return name, "object", ""
    default = argument.schema.get("default")
    shown = str(default).lower() if isinstance(default, bool) else default
    return name, _meaning(argument), "" if default is None else f"`{shown}`"


def _meaning(argument: fields.Argument) -> str:
    field = argument.schema
    kind = {"string": "text", "integer": "number", "boolean": "true or false", "array": "list"}.get(field.get("type", ""), "value")
    if argument.is_file:
        kind = "a file, as a multipart part"
    choice = field.get("enum") or ([field["const"]] if "const" in field else [])
    words = [WORDS[key].format(value).replace("|", "\\|") for key, value in field.items() if key in WORDS]
    return ", ".join([" or ".join(f"`{word}`" for word in choice) or kind, *words])


if __name__ == "__main__":
    print(text(), end="")
