"""How many calls may start: caps, the spreading of a second, and the governor."""

import pytest

from engine.rules.pacing import MOST_IN_FLIGHT, MOST_PER_TICK, Delay, governed, room
from sql.states import Load


@pytest.mark.parametrize(
    ("load", "channels", "cps", "free"),
    [
        (Load(), 10, 5, 1),  # a second's calls are spread over its tenths
        (Load(), 10, 100, 10),
        (Load(), 3, 100, 3),
        (Load(open=10), 10, 100, 0),
        (Load(open=12), 10, 100, 0),  # the cap was lowered meanwhile
        (Load(second=5), 10, 5, 0),
        (Load(second=4, tenth=0), 10, 5, 1),
        (Load(second=4, tenth=1), 10, 5, 0),
        (Load(open=9, second=1), 10, 100, 1),
        (Load(), None, None, MOST_PER_TICK),
        (Load(open=500), None, 100, 10),
    ],
)
def test_room(load, channels, cps, free):
    assert room(load, channels, cps) == free


def test_a_second_never_holds_more_than_its_cap():
    for cps in (1, 3, 5, 10, 37, 400):
        started: list[int] = []
        for now in range(0, 5000, 7):
            load = Load(0, sum(at > now - 1050 for at in started), sum(at > now - 105 for at in started))
            started += [now] * room(load, None, cps)
        most = max(sum(at <= other < at + 1000 for other in started) for at in started)
        assert cps * 0.8 <= most <= cps


@pytest.mark.parametrize(
    ("in_flight", "p95", "free"),
    [
        (0, 5, MOST_PER_TICK),
        (MOST_IN_FLIGHT - 3, 5, 3),
        (MOST_IN_FLIGHT, 5, 0),
        (0, 250, MOST_PER_TICK),
        (0, 500, 12),
        (12, 500, 0),
        (0, 1900, 3),
        (1, 2000, 0),
        (0, 60_000, 1),  # never stuck: with nothing in flight one call may try
    ],
)
def test_the_governor(in_flight, p95, free):
    assert governed(in_flight, p95) == free


def test_delays_are_remembered_for_a_hundred_calls():
    delay = Delay()
    assert delay.p95 == 0
    for milliseconds in [5000] * 50 + [4] * 100:
        delay = delay.with_new(milliseconds)
    assert (len(delay.recent), delay.p95) == (100, 4)
    for _ in range(6):
        delay = delay.with_new(900)
    assert delay.p95 == 900
