"""The arguments of a request: the union of query string, form and JSON body, PHP's brackets unfolded. Knows no operation."""

import re
from typing import Any
from urllib.parse import unquote_to_bytes

from flask import Request
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import RequestEntityTooLarge

from api.values import checked, parsed

DEEPEST = 5
MOST_FIELDS = 1000
BRACKETS = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])+)")
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")


class Malformed(Exception):
    """The request cannot be read; one sentence."""


def arguments(request: Request) -> dict[str, Any]:
    """Every argument of this request by name; later sources win: query, form, JSON."""
    _utf8(request.query_string, "the query string")
    if request.mimetype == FORMS[0]:
        form = request.get_data()
        if form.count(b"&") >= MOST_FIELDS:  # of a multipart form the reader sees to it
            raise RequestEntityTooLarge(f"the form has more than {MOST_FIELDS} fields")
        _utf8(form, "the form")
    made: dict[str, Any] = {}
    for source in (request.args, request.form):
        for name, values in source.lists():
            _put(made, name, values)
    return made | _json(request)


def files(request: Request) -> dict[str, FileStorage]:
    return {name: file for name, file in request.files.items() if file.filename is not None}


def _utf8(text: bytes, what: str) -> None:
    """Malformed unless it is: the form's reader leaves what it cannot decode as it stands."""
    try:
        unquote_to_bytes(text).decode()
    except UnicodeDecodeError:
        raise Malformed(f"{what} is not UTF-8") from None


def _json(request: Request) -> dict[str, Any]:
    if not request.content_length or request.mimetype in FORMS:
        return {}
    if not request.is_json:
        kind = f"Content-Type {request.mimetype[:80]!r} is not understood" if request.mimetype else "Content-Type is missing"
        raise Malformed(f"{kind}; send application/json, {FORMS[0]} or {FORMS[1]}")
    text = request.get_data().strip()
    try:
        body = parsed(text) if text else {}
    except ValueError as error:
        raise Malformed(f"the body {error}") from None
    if body is None or body == []:
        return {}
    if not isinstance(body, dict):
        raise Malformed("the JSON body is not an object")
    return body


def _put(made: dict[str, Any], name: str, values: list[str]) -> None:
    for text in (name, *values):
        if "\N{REPLACEMENT CHARACTER}" in text:  # what the form's reader makes of bytes that it cannot decode
            raise Malformed(f"{name[:60]} is not UTF-8")
        try:
            checked(text)
        except ValueError as error:
            raise Malformed(f"{name[:60]} {error}") from None
    found = BRACKETS.fullmatch(name)
    if not found:
        made[name] = values[-1]
        return
    keys = [found[1], *re.findall(r"\[([^\[\]]*)\]", found[2])]
    if len(keys) > DEEPEST:
        raise Malformed(f"{name[:60]} is nested too deeply")
    *path, last = keys
    inner = made
    for key in path:
        inner = inner.setdefault(key, {})
        if not isinstance(inner, dict):
            raise Malformed(f"{name[:60]} contradicts another argument")
    if last:
        inner[last] = values[-1]
    else:  # name[]: a list, kept by its numbers until somebody wants it
        inner |= {str(len(inner) + n): value for n, value in enumerate(values)}
