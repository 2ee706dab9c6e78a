"""The arguments of a request: the union of query string, form and JSON body, PHP's brackets unfolded. Knows no operation."""

import json
import re
from typing import Any

from flask import Request
from werkzeug.datastructures import FileStorage

DEEPEST = 5
BRACKETS = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])+)")


class Malformed(Exception):
    """The body cannot be read; one sentence."""


def arguments(request: Request) -> dict[str, Any]:
    """Every argument of this request by name; later sources win: query, form, JSON."""
    made: dict[str, Any] = {}
    for source in (request.args, request.form):
        for name, values in source.lists():
            _put(made, name, values)
    made |= _json(request)
    return made


def files(request: Request) -> dict[str, FileStorage]:
    return {name: file for name, file in request.files.items() if file.filename is not None}


def _json(request: Request) -> dict[str, Any]:
    if not request.is_json:
        return {}
    text = request.get_data(as_text=True).strip()
    try:
        body = json.loads(text) if text else {}
    except (ValueError, RecursionError):
        raise Malformed("the body is not valid JSON") from None
    if body == []:
        return {}
    if not isinstance(body, dict):
        raise Malformed("the JSON body is not an object")
    return body


def _put(made: dict[str, Any], name: str, values: list[str]) -> None:
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
