"""Calling hours in the called person's zone, exact over clock changes, closed when in doubt."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.rules.window import Window, full_minute, hours, window

BERLIN, NEW_YORK, ANGELES, HOWE = "Europe/Berlin", "America/New_York", "America/Los_Angeles", "Australia/Lord_Howe"
DAY = hours("08:00-21:00")


def at(text: str, zone: str = "UTC") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()) * 1000


@pytest.mark.parametrize(
    ("rules", "zones", "now", "is_open", "changes"),
    [
        ([DAY], [BERLIN], at("2026-11-24 07:59", BERLIN), False, at("2026-11-24 08:00", BERLIN)),
        ([DAY], [BERLIN], at("2026-11-24 08:00", BERLIN), True, at("2026-11-24 21:00", BERLIN)),
        ([DAY], [BERLIN], at("2026-11-24 21:00", BERLIN), False, at("2026-11-25 08:00", BERLIN)),
        ([DAY], [NEW_YORK, ANGELES], at("2026-11-24 08:30", NEW_YORK), False, at("2026-11-24 08:00", ANGELES)),
        ([DAY], [NEW_YORK, ANGELES], at("2026-11-24 12:00", NEW_YORK), True, at("2026-11-24 21:00", NEW_YORK)),
        ([DAY, hours("18:00-23:00")], [BERLIN], at("2026-11-24 12:00", BERLIN), False, at("2026-11-24 18:00", BERLIN)),
        ([hours("08:00-21:00", "mon,tue")], [BERLIN], at("2026-11-25 12:00", BERLIN), False, at("2026-11-30 08:00", BERLIN)),
        ([hours("00:00-24:00", "sun")], [BERLIN], at("2026-11-29 23:59", BERLIN), True, at("2026-11-30 00:00", BERLIN)),
        ([hours("02:15-02:45")], [BERLIN], at("2027-03-28 00:00", BERLIN), False, at("2027-03-29 02:15", BERLIN)),  # the hour is missing
        ([hours("01:30-02:30")], [BERLIN], at("2027-03-28 01:45", BERLIN), True, at("2027-03-28 03:00", BERLIN)),
        ([DAY], [], at("2026-11-24 12:00"), False, None),
        ([], [BERLIN], at("2026-11-24 12:00"), False, None),
    ],
)
def test_windows(rules, zones, now, is_open, changes):
    assert window(tuple(rules), tuple(zones), now) == Window(is_open, changes)


def test_an_hour_that_comes_twice_is_open_twice():
    rule, base = hours("02:15-02:45"), at("2026-10-24 23:00", BERLIN)
    opened = sum(window((rule,), (BERLIN,), base + n * 60_000).open for n in range(420))
    assert opened == 60


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 366 * 24 * 60), st.sampled_from([BERLIN, NEW_YORK, HOWE, "Asia/Kathmandu"]), st.integers(0, 1400), st.integers(1, 40))
def test_the_next_change_is_exact(minute, zone, first, length):
    last = min(first + length, 1440)
    rule = hours(f"{first // 60:02d}:{first % 60:02d}-{last // 60:02d}:{last % 60:02d}")
    now = at("2026-01-01 00:00") + minute * 60_000
    seen = window((rule,), (zone,), now)
    local = datetime.fromtimestamp(now / 1000, UTC).astimezone(ZoneInfo(zone))
    assert seen.open == (first <= local.hour * 60 + local.minute < last)
    assert window((rule,), (zone,), seen.changes_at).open != seen.open
    assert window((rule,), (zone,), full_minute(seen.changes_at - 1)).open == seen.open


@pytest.mark.parametrize(
    ("text", "days", "says"),
    [
        ("8-21", None, "form 08:00"),
        ("0800", None, "form 08:00-21:00"),
        ("21:00-08:00", None, "end before they begin"),
        ("08:00-25:00", None, "not a time of day"),
        ("08:60-09:00", None, "not a time of day"),
        ("٠٨:00-21:00", None, "form 08:00"),
        ("08:00-21:00", "mon,fryday", "'fry' is none of"),
    ],
)
def test_what_is_no_window(text, days, says):
    with pytest.raises(ValueError, match=says):
        hours(text, days)
