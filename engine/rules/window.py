"""When a number may be called: hours and days in the called person's own zone. Pure.

A number that may lie in several zones must be inside the window in all of them. Fails closed: whatever cannot be understood is closed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ALL_DAY = "00:00-24:00"
MINUTE_MS, DAY_MS = 60_000, 86_400_000
HORIZON_DAYS = 9  # a week and a clock change


@dataclass(frozen=True)
class Window:
    """`open`: calls may start now, until `changes_at`. Closed: they may from `changes_at` on (None: never)."""

    open: bool
    changes_at: int | None


@dataclass(frozen=True)
class Hours:
    """Minutes of the day, from the first to before the last; `days` are 0 (Monday) to 6."""

    first: int
    last: int
    days: frozenset[int]


def hours(text: str, days: str | None = None) -> Hours:
    """`08:00-21:00` and `mon,tue,…` (None: all seven). ValueError names what is wrong."""
    begin, dash, end = text.partition("-")
    if not dash:
        raise ValueError(f"hours {text!r} are not of the form 08:00-21:00")
    first, last = _minute(begin), _minute(end)
    if first >= last:
        raise ValueError(f"hours {text!r} end before they begin")
    words = [word.strip().lower()[:3] for word in days.split(",")] if days else list(DAYS)
    wrong = [word for word in words if word not in DAYS]
    if wrong:
        raise ValueError(f"days {days!r}: {wrong[0]!r} is none of {', '.join(DAYS)}")
    return Hours(first, last, frozenset(DAYS.index(word) for word in words))


def _minute(text: str) -> int:
    parts = text.strip().split(":")
    if len(parts) != 2 or not all(part.isascii() and part.isdigit() and len(part) == 2 for part in parts):
        raise ValueError(f"time {text!r} is not of the form 08:00")
    hour, minute = int(parts[0]), int(parts[1])
    if minute > 59 or hour * 60 + minute > 24 * 60:
        raise ValueError(f"time {text!r} is not a time of day")
    return hour * 60 + minute


@lru_cache(maxsize=16384)
def window(rules: tuple[Hours, ...], zones: tuple[str, ...], minute_at: int) -> Window:
    """Whether all `rules` are met in all `zones` at the full minute `minute_at`, and when that changes. Exact over DST nights."""
    if not zones or not rules:
        return Window(False, None)
    state = _met(rules, zones, minute_at)
    edges = {edge for zone in zones for edge in _edges(rules, zone, minute_at)}
    changes = (edge for edge in sorted(edges) if edge > minute_at and _met(rules, zones, edge) != state)
    return Window(state, next(changes, None))


def full_minute(at: int) -> int:
    """The full minute that `at` lies in; windows change at full minutes only."""
    return at - at % MINUTE_MS


def _met(rules: tuple[Hours, ...], zones: tuple[str, ...], at: int) -> bool:
    return all(_inside(rule, _local(at, zone)) for zone in zones for rule in rules)


def _inside(rule: Hours, local: datetime) -> bool:
    return local.weekday() in rule.days and rule.first <= local.hour * 60 + local.minute < rule.last


def _edges(rules: tuple[Hours, ...], zone: str, at: int) -> Iterator[int]:
    """Every instant in the next days at which the answer may change in this zone: the rules' own times, and clock changes."""
    today = _local(at, zone).date()
    minutes = {0} | {minute % (24 * 60) for rule in rules for minute in (rule.first, rule.last)}
    for day in (today + timedelta(days=n) for n in range(HORIZON_DAYS)):
        for minute in minutes:
            for fold in (0, 1):
                wall = datetime(day.year, day.month, day.day, minute // 60, minute % 60, tzinfo=ZoneInfo(zone), fold=fold)
                yield int(wall.timestamp()) * 1000
    yield from _clock_changes(zone, at)


def _clock_changes(zone: str, at: int) -> Iterator[int]:
    for low in range(at, at + HORIZON_DAYS * DAY_MS, DAY_MS):
        high = low + DAY_MS
        if _offset(low, zone) != _offset(high, zone):
            before = _offset(low, zone)
            while high - low > MINUTE_MS:
                middle = full_minute((low + high) // 2)
                low, high = (middle, high) if _offset(middle, zone) == before else (low, middle)
            yield high


def _local(at: int, zone: str) -> datetime:
    return datetime.fromtimestamp(at // 1000, ZoneInfo(zone))


def _offset(at: int, zone: str) -> timedelta | None:
    return _local(at, zone).utcoffset()
