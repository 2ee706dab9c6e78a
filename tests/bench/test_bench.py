"""The benchmark's own rules: both sides make the same calls, and a rate is what it says."""

from collections import Counter

import pytest

from engine.ami import headers
from engine.dialer import order
from sql.claims import Claimed
from sql.states import TrunkFacts
from tests.bench import bare, floor, mix

TRUNK = TrunkFacts(1, None, "demo", True, True, None, None, "plus", 10, None, None, None, None, None)


def test_the_bare_client_sends_the_products_own_originate():
    call = Claimed(bare.FIRST_ID, "+493000000000", 1, None, "voice", mix.RING_TIMEOUT_S, bare.MOST_SECONDS, None)
    ours = headers(order(call, TRUNK))
    told = [line.split(": ", 1) for line in bare.originate(call.call_id, call.phone).strip().split("\r\n")]
    variables = [value for name, value in told if name == "Variable"]
    assert {name: value for name, value in told if name != "Variable"} | {"Variable": variables} == ours


def test_of_twenty_calls_fourteen_are_answered_four_busy_one_invalid_one_rings():
    phones = mix.numbers(200)
    assert len(set(phones)) == 200
    assert not set(phones) & set(mix.WARM_UP)
    assert mix.expected(phones) == {"answered": 140, "busy": 40, "invalid-number": 10, "no-response": 10}
    assert max(int(phone[-2:]) for phone, word in zip(phones, map(ending, phones), strict=True) if word == "answered") < 10


def ending(phone: str) -> str:
    [word] = mix.expected([phone])
    return word


@pytest.mark.parametrize(
    ("moments", "rate"),
    [
        ([n / 100 for n in range(1000)], 100),
        ([*(n / 100 for n in range(900)), 30.0, 31.0], 100),  # a slow tail
        ([*(n / 10 for n in range(10)), *(1 + n / 100 for n in range(900))], 100),  # a slow start
        ([0.0, 0.5], 4.0),  # too short for whole seconds: all calls in all the time
    ],
)
def test_the_plateau_is_the_middle_of_a_run(moments, rate):
    assert mix.plateau(moments) == rate


def tried(cap: int, plateau: float, p95: float = 5.0, ended: int = 10) -> dict:
    return {"cap": cap, "plateau": plateau, "calls": 10, "ended": ended, "channel_ms_p95": p95, "channel_ms_p95_of_last_half": p95}


@pytest.mark.parametrize(
    ("tries", "cap"),
    [
        ([tried(25, 200), tried(40, 300)], 40),
        ([tried(25, 200), tried(40, 205)], 25),  # not worth it
        ([tried(25, 200), tried(40, 300, p95=400)], 25),  # Asterisk answered late
        ([tried(25, 200), tried(40, 300, ended=9)], 25),  # one was lost
    ],
)
def test_the_best_cap_is_the_smallest_that_none_beats_by_more_than_a_little(tries, cap):
    assert floor.best(tries) == cap


def test_a_percentile_is_a_value_that_was_seen():
    assert mix.percentile([3, 1, 2], 0.5) == 2
    assert mix.percentile([], 0.5) == 0
    assert Counter([mix.percentile(range(100), share) for share in (0.95, 1.0)]) == {95: 1, 99: 1}
