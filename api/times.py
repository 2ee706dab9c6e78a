"""Times as people write them: ISO 8601, `2026-03-01 09:30:00` or `2026-03-01` in somebody's zone, or epoch seconds. Knows no operation."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import Field, StringConstraints

EPOCH = re.compile(r"[0-9]{1,10}(\.[0-9]+)?", re.ASCII)
DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
Time = Annotated[str, StringConstraints(max_length=40), Field(coerce_numbers_to_str=True)]


@dataclass(frozen=True)
class Span:
    """What a written time stands for, in UTC ms: a day, a second or a millisecond, from `first` to before `end`."""

    first: int
    end: int


def span(text: str, zone: str | None) -> Span:
    """`zone` is for times that name none; without one they are UTC. ValueError says what is wrong."""
    if EPOCH.fullmatch(text):
        return _span(round(float(text) * 1000), text)
    try:
        at = datetime.fromisoformat(text)
        at = at if at.tzinfo else at.replace(tzinfo=ZoneInfo(zone) if zone else UTC)
        if DAY.fullmatch(text):
            return Span(_milliseconds(at), _milliseconds(at + timedelta(days=1)))
        return _span(_milliseconds(at), text)
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text!r} is no time; write 2026-03-01T09:30:00Z, 2026-03-01 09:30:00 or epoch seconds (a + in a form has to be sent as %2B)"
        ) from None


def moment(text: str, zone: str | None) -> int:
    """The beginning of a written time, in UTC ms. ValueError."""
    return span(text, zone).first


def _span(first: int, text: str) -> Span:
    return Span(first, first + (1 if "." in text else 1000))


def _milliseconds(at: datetime) -> int:
    """OverflowError where UTC is in a year that cannot be written any more."""
    at = at.astimezone(UTC)
    return int(at.timestamp()) * 1000 + at.microsecond // 1000
