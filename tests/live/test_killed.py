"""kill -9 of the engine and of the push worker during calls: nobody is dialled twice, and every contact ends in a pushed outcome."""

import os
import random
import time
from collections import Counter

import pytest

from dialplan.carrier import behaviour
from tests.live.house import House, wait_for

SEED = int(os.environ.get("CARILLON_TEST_SEED", random.randrange(1 << 32)))


def endings(count: int) -> list[str]:
    """Numbers whose endings take no longer than a few seconds."""
    quick = [n for n in range(100) if n not in (*range(80, 86), 87)]
    return [f"+4930555{n // len(quick):02d}{quick[n % len(quick)]:02d}" for n in range(count)]


def survive(house: House, contacts: int, kills: int, cps: int, round: int = 0) -> None:
    dice = random.Random(SEED + round)
    print(f"seed {SEED}, round {round}")
    numbers = endings(contacts)
    campaign = house.campaign(numbers, cps=cps, max_channels=100)
    house.start(campaign)
    lasts = contacts / cps
    for part in ["engine"] * kills + ["push"]:
        time.sleep(dice.uniform(0.2, 1.0) * lasts / (kills + 1))
        house.kill(part)
    calls = house.finish(campaign, 120)
    judge(house, numbers, calls)


def judge(house: House, numbers: list[str], calls: list[dict]) -> None:
    """Hold the carrier's account, the rows and the pushes against one another."""
    invited = [(call_id, number) for call_id, number in house.seen_by_carrier() if number.startswith("4930555")]
    assert Counter(Counter(number for _, number in invited).values()).keys() <= {1}, "nobody is dialled twice"
    by_phone = {call["phone"]: call for call in calls}
    assert sorted(by_phone) == sorted(numbers), "every contact ends in an outcome"
    assert len(calls) == len(numbers)
    assert {f"+{number}" for _, number in invited} >= {call["phone"] for call in calls if call["disposition"] != "unknown"}
    assert all(by_phone[f"+{number}"]["call_id"] == int(call_id) for call_id, number in invited)
    wrong = [
        f"call {call['call_id']} to …{call['phone'][-2:]}: {call['disposition']} (SIP {call['sip_code']}, cause {call['hangup_cause']})"
        for call in calls
        if call["disposition"] not in (behaviour(call["phone"]).disposition, "unknown")
    ]
    assert wrong == []
    unknown = sum(call["disposition"] == "unknown" for call in calls)
    print(f"{len(calls)} calls, {unknown} unknown, {house.receiver.repeated} pushes delivered again")
    pushed = house.pushed()
    for call in calls:
        assert pushed[call["call_id"]]["disposition"] == call["disposition"]
        assert pushed[call["call_id"]]["final"] is True


def test_engine_and_push_worker_killed(own_house):
    survive(own_house, contacts=60, kills=3, cps=12)


@pytest.mark.soak
@pytest.mark.parametrize("round", range(5))
def test_engine_and_push_worker_killed_often(own_house, round):
    survive(own_house, contacts=200, kills=3, cps=20, round=round)


def test_what_was_claimed_and_not_sent_is_dialled_after_all(own_house):
    """An engine that died between its claim and the mark: written as such an engine leaves it."""
    from sql import claims, settings, store
    from sql.states import CallState

    house = own_house
    campaign = house.campaign(["+493055570"], cps=5)
    house.client.call("Campaign_Stop", campaign_id=campaign)
    store.bind(settings.read(house.home).store_url)
    with store.connection():
        facts = claims.campaigns([campaign])[campaign]
        picks = [claims.Pick(contact, 1, None, None) for contact in claims.candidates(campaign, store.now(), 1)]
        [claimed] = store.unit(claims.claim, facts, picks, "main", store.now())
    house.kill("engine")
    wait_for("the hand-back", lambda: "claimed and never sent" in house.log("engine"))
    house.start(campaign)
    [call] = house.finish(campaign)
    assert (call["disposition"], call["attempt"]) == ("busy", 1)
    assert call["call_id"] != claimed.call_id
    assert [number for _, number in house.seen_by_carrier()] == ["493055570"]
    with store.connection():
        from sql.models import Call

        assert Call.get_by_id(claimed.call_id).state == CallState.VOID
