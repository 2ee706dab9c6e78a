"""The OpenAPI 3.1 document of the methods, made from their declarations. Knows no request: what is true of all methods stands here,
what a method takes and answers is its operation's.
"""

import inspect
import json
import re
from functools import cache
from importlib.metadata import version
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from api import examples
from api.credentials import COOKIE
from api.operation import Operation
from api.operations import BY_NAME, OPERATIONS, SUBJECTS

Schema = dict[str, Any]
REF = "#/components/schemas/{model}"
ABOUT = """Methods with the convention of ICTContact. Every answer with HTTP 200 is `[true, payload]`, or `[false, "what to change"]`.

Arguments are the union of query string, form fields (PHP brackets too: `contact[phone]=…`) and a JSON object; an object may be JSON
text in its field, and numbers may be text. An empty value is an absent one. Names that a method does not know are ignored, and told
in the header `X-Carillon-Ignored`.

Credentials: HTTP Basic, an API key as Bearer, a session's cookie, or the fields `username` + `password` (`passwd`) or `api_username` +
`api_password` beside the arguments. In a query string they are accepted only if `[api] query_credentials` says so. With the cookie
alone, what changes something must be POST and carry an `Origin` of this server.

Methods that change something are documented as POST; old clients may send them as GET.
"""
SCHEMES = {
    "basic": {"type": "http", "scheme": "basic", "description": "user name and password"},
    "key": {"type": "http", "scheme": "bearer", "description": "an API key, made by User_Key_Create"},
    "session": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "a session, opened by User_Login"},
} | {
    name: {"type": "apiKey", "in": "query", "name": name, "description": "only if `[api] query_credentials` allows it"}
    for name in ("username", "password", "api_username", "api_password")
}
SECURITY: list[dict[str, list[str]]] = [
    {"basic": []},
    {"key": []},
    {"session": []},
    {"username": [], "password": []},
    {"api_username": [], "api_password": []},
]
FIELDS: Schema = {
    "username": {"type": "string", "description": "of the caller; or `api_username`; not needed with other credentials"},
    "password": {"type": "string", "format": "password", "description": "of the caller; or `passwd`, `api_password`"},
}
FAULT = {
    "type": "object",
    "properties": {"ErrorCode": {"type": "integer"}, "ErrorMessage": {"type": "string"}},
    "required": ["ErrorCode", "ErrorMessage"],
    "additionalProperties": False,
}
FAULTS = {
    "401": "Bad or missing credentials",
    "405": "No such method, or another verb than GET and POST",
    "413": "The request is too large",
    "429": "Too many failed credentials; `Retry-After` says for how many seconds",
    "500": "Our own fault; the message carries a reference into the log",
}
REFUSAL = {
    "type": "array",
    "prefixItems": [{"const": False}, {"type": "string", "description": "one sentence that says what to change"}],
    "items": False,
    "minItems": 2,
}
IGNORED = {"description": "Names in the arguments that nobody understood", "schema": {"type": "string"}}
ONCE = {
    "name": "Idempotency-Key",
    "in": "header",
    "description": "The same call with the same key within 24 hours is done once, and answered the same",
    "schema": {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[!-~]+$"},
}


class Plain(GenerateJsonSchema):
    """Schemas without titles; of an optional argument its meaning only, because a null one is an absent one."""

    def field_title_should_be_set(self, schema: Any) -> bool:
        return False

    def nullable_schema(self, schema: Any) -> Schema:
        return self.generate_inner(schema["schema"]) if self.mode == "validation" else super().nullable_schema(schema)

    def default_schema(self, schema: Any) -> Schema:
        made = super().default_schema(schema)
        if made.get("default", "") is None:
            del made["default"]
        return made


@cache
def document() -> Schema:
    """The whole document, as plain JSON values."""
    types: list[tuple[str, JsonSchemaMode, TypeAdapter[Any]]] = []
    for operation in OPERATIONS:
        types.append((operation.name, "validation", TypeAdapter(operation.input)))
        types.append((operation.name, "serialization", TypeAdapter(operation.output)))
    made, known = TypeAdapter.json_schemas(types, schema_generator=Plain, ref_template=REF)
    schemas = known.get("$defs", {})
    paths = {}
    for name, operation in BY_NAME.items():
        taken = _resolved(made[operation.name, "validation"], schemas)
        paths[f"/rest/{name}"] = _path(name, operation, taken, made[operation.name, "serialization"], schemas)
    used = set(re.findall(r"#/components/schemas/(\w+)", json.dumps([paths, schemas])))
    return {
        "openapi": "3.1.0",
        "info": {"title": "Carillon", "version": version("carillon"), "description": ABOUT},
        "servers": [{"url": "/"}],
        "security": SECURITY,
        "tags": [{"name": _tag(subject.__name__), "description": inspect.getdoc(subject) or ""} for subject in SUBJECTS],
        "paths": paths,
        "components": {
            "schemas": {name: _untitled(schema) for name, schema in schemas.items() if name in used} | {"Fault": FAULT, "Refusal": REFUSAL},
            "responses": {code: _fault(code, text) for code, text in FAULTS.items()},
            "securitySchemes": SCHEMES,
            "headers": {"X-Carillon-Ignored": IGNORED},
        },
    }


def _path(name: str, operation: Operation, taken: Schema, payload: Schema, known: dict[str, Schema]) -> Schema:
    text = inspect.getdoc(operation.run) or ""
    shared = {
        "tags": [_tag(operation.run.__module__)],
        "summary": re.split(r"[.:;]\s|\n\n", text)[0].replace("\n", " ").replace("`", "").rstrip("."),
        "description": f"{text}\n\nFor: {', '.join(sorted(operation.roles))}.",
        "responses": _responses(operation, payload),
    }
    if operation.session == "opens":
        shared["security"] = [{}]  # wrong credentials are answered with HTTP 200
    objects = {field for field, schema in taken.get("properties", {}).items() if "properties" in _resolved(schema, known)}
    post = shared | {"operationId": name, "requestBody": _body(operation, taken, objects)}
    if operation.changes:
        return {"post": post | {"parameters": [ONCE]}}
    required = taken.get("required", ())
    query = [
        {"name": field, "in": "query", "required": field in required}
        | ({"content": {"application/json": {"schema": schema}}} if field in objects else {"schema": schema})
        for field, schema in taken.get("properties", {}).items()
    ]
    return {"get": shared | {"operationId": f"{name}_by_query", "parameters": query}, "post": post}


def _body(operation: Operation, taken: Schema, objects: set[str]) -> Schema:
    schema = _untitled(taken) | {"properties": taken.get("properties", {}) | FIELDS}
    example = examples.INPUTS.get(operation.name)
    content = {"schema": schema} | ({} if example is None else {"example": example})
    form = content | {"encoding": {field: {"contentType": "application/json"} for field in sorted(objects)}}
    kinds = {"application/json": content, "application/x-www-form-urlencoded": form, "multipart/form-data": form}
    if operation.files:
        kinds = {"multipart/form-data": form}
    return {"content": kinds}


def _responses(operation: Operation, payload: Schema) -> Schema:
    done = {"type": "array", "prefixItems": [{"const": True}, payload], "items": False, "minItems": 2}
    answer: Schema = {"schema": {"oneOf": [done, {"$ref": REF.format(model="Refusal")}]}}
    if operation.name in examples.OUTPUTS:
        answer["example"] = [True, examples.OUTPUTS[operation.name]]
    headers: Schema = {"X-Carillon-Ignored": {"$ref": "#/components/headers/X-Carillon-Ignored"}}
    if operation.session:
        headers["Set-Cookie"] = {"description": f"`{COOKIE}`", "schema": {"type": "string"}}
    text = "`[true, payload]`, or `[false, sentence]`"
    faults = {code: {"$ref": f"#/components/responses/{code}"} for code in FAULTS}
    return {"200": {"description": text, "headers": headers, "content": {"application/json": answer}}} | faults


def _fault(code: str, text: str) -> Schema:
    said: Schema = {"description": text, "content": {"application/json": {"schema": {"$ref": REF.format(model="Fault")}}}}
    if code == "429":
        said["headers"] = {"Retry-After": {"schema": {"type": "integer"}, "required": True}}
    return said


def _resolved(schema: Schema, known: dict[str, Schema]) -> Schema:
    return known[schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema


def _untitled(schema: Schema) -> Schema:
    return {key: value for key, value in schema.items() if key != "title"}


def _tag(module: str) -> str:
    return module.rsplit(".", 1)[1]
