"""A receiver's wish for a pause, in seconds or as a date."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from tests.engine.push.trying import post
from tests.fakes.receivers import receiving, says


def http_date(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("120", 120),
        (" 120 ", 120),
        ("0", 0),
        ("99999999999999999999", 1 << 31),
        ("9" * 5000, None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("１２", None),
        ("5, 10", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0),
        ("Wed, 99 Oct 2015 07:28:00 GMT", None),
    ],
)
def test_retry_after_in_seconds(courier, text, seconds):
    with receiving(says(503, Retry_After=text.encode().decode("latin-1"))) as receiver:
        reply = post(courier, receiver.url())
    assert (reply.status, reply.retry_after) == (503, seconds)


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo"])
@pytest.mark.parametrize("form", [http_date, lambda s: (datetime.now(UTC) + timedelta(seconds=s)).strftime("%a %b %d %H:%M:%S %Y")])
def test_retry_after_as_a_date_is_in_greenwich_time_wherever_we_are(courier, monkeypatch, zone, form):
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        with receiving(says(429, Retry_After=form(600))) as receiver:
            assert 597 <= post(courier, receiver.url()).retry_after <= 600
    finally:
        monkeypatch.undo()
        time.tzset()
