"""JSON, read strictly: no NaN, no text that no database or header could hold, no depth that nobody needs. Knows no request."""

import json
import math
import re
from typing import Any, NoReturn

DEEPEST = 20
NO_TEXT = re.compile("[\0\ud800-\udfff]")  # NUL, and halves of characters


def parsed(text: str | bytes) -> Any:
    """The value of a JSON text. ValueError says what is wrong with it."""
    try:
        value = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise ValueError("is not valid JSON") from None
    return checked(value)


def checked(value: Any, depth: int = 0) -> Any:
    """The same value. ValueError if it cannot be used."""
    if depth > DEEPEST:
        raise ValueError("is nested too deeply")
    if isinstance(value, str) and NO_TEXT.search(value):
        raise ValueError("holds a character that is no text")
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("holds a number that is none")
    if isinstance(value, dict):
        for name, inner in value.items():
            checked(name)
            checked(inner, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            checked(inner, depth + 1)
    return value


def _no_number(word: str) -> NoReturn:
    raise ValueError(f"{word} is no number")
