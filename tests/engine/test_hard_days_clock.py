"""The machine's clock is set by an hour, forth or back, in the middle of the work: nothing stalls, nothing bursts, nobody looks dead."""

import asyncio
import contextlib
import time

import pytest

from engine import reaper
from engine.clock import Onward, Watch
from engine.governor import Governor
from engine.reaper import Reaper
from engine.rules import gates
from sql import calls, claims, models, snapshots, store
from sql.states import CallState, ContactState, NodeFacts
from tests.engine.loops import contact, done, engine, only_call, sent

HOUR_MS = 3_600_000
EITHER_WAY = pytest.mark.parametrize("by", [HOUR_MS, -HOUR_MS])


@EITHER_WAY
def test_that_the_clock_was_set_is_noticed_once(clock, by):
    watch = Watch()
    assert watch.was_set() == 0
    clock(by)
    assert abs(watch.was_set() - by) < 100
    assert watch.was_set() == 0


def test_a_clock_for_turns_never_goes_back_and_follows_forth(clock):
    onward, began = Onward(), store.now()
    clock(-HOUR_MS)
    assert began <= onward.now() < began + 1000
    clock(HOUR_MS)
    assert onward.now() >= began + HOUR_MS
    clock(0)
    assert onward.now() >= began + HOUR_MS


@EITHER_WAY
def test_a_call_in_progress_is_settled_at_its_end(small, tmp_path, clock, by):
    async def scenario():
        async with engine(tmp_path) as one:
            await one.until("the originate", sent(one))
            clock(by)
            await one.end_all(Cause="17", TechCause="486")
            await one.until("the end", done)

    asyncio.run(scenario())
    assert only_call().disposition == "busy"


def test_set_back_what_was_to_be_settled_is_settled(small, tmp_path, clock):
    async def scenario():
        async with engine(tmp_path) as one:
            await one.until("the originate", sent(one))
            await one.end_all(Cause="17", TechCause="486")
            calls.hung_up(only_call().id, store.now(), 17, 486, "Down")
            assert only_call().settle_at > store.now()
            clock(-HOUR_MS)
            await one.until("the end", done)

    asyncio.run(scenario())


def test_set_back_while_the_engine_was_away_whoever_was_due_is_dialled(small, tmp_path, clock):
    clock(-HOUR_MS)

    async def scenario():
        async with engine(tmp_path) as one:
            await one.until("the originate", sent(one))

    asyncio.run(scenario())


def test_set_back_while_it_dials_it_goes_on_with_those_who_joined_before(small, tmp_path, clock):
    async def scenario():
        async with engine(tmp_path) as one:
            await one.until("the originate", sent(one))
            models.CampaignContact.create(campaign_id=small.campaign_id, contact_id=1, phone="+49301234098", next_at=store.now())
            clock(-HOUR_MS)
            await one.until("the second", lambda: len(one.peer.named("Originate")) == 2)

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("gate", "wait_ms", "woken"),
    [
        (None, 5000, True),
        (None, 500, False),  # another machine's clock is a little ahead
        ("trunk", HOUR_MS, True),
        ("trunk", 5000, False),
        ("redial", HOUR_MS, False),
        ("schedule", HOUR_MS, False),
        ("window", 12 * HOUR_MS, False),
    ],
)
def test_only_those_are_woken_who_wait_for_nothing(small, gate, wait_ms, woken):
    now = store.now()
    models.CampaignContact.update(gate=gate, next_at=now + wait_ms).execute()
    assert store.unit(claims.wake, now, gates.BRIEF, gates.LOOK_AGAIN_MS) == int(woken)
    assert contact().next_at == (now if woken else now + wait_ms)


def test_set_forth_no_second_holds_twice_its_calls(small, tmp_path, clock):
    models.Campaign.update(cps=1).execute()
    other = models.CampaignContact.create(campaign_id=small.campaign_id, contact_id=1, phone="+49301234098", next_at=0)

    async def scenario():
        async with engine(tmp_path) as one:
            await one.until("the originate", sent(one))
            first = asyncio.get_running_loop().time()
            clock(HOUR_MS)
            await one.until("the second", lambda: len(one.peer.named("Originate")) == 2)
            assert asyncio.get_running_loop().time() - first >= 1.0

    asyncio.run(scenario())
    assert models.CampaignContact.get_by_id(other.id).state == ContactState.BUSY


def test_set_back_calls_of_the_last_second_are_not_counted_for_an_hour(small, clock):
    small.claim(1, store.now())
    assert snapshots.snapshot("main", store.now()).by_node.second == 1
    clock(-HOUR_MS)
    seen = snapshots.snapshot("main", store.now()).by_node
    assert (seen.second, seen.tenth, seen.open) == (0, 0, 1)


@EITHER_WAY
def test_the_governor_knows_no_clock_that_can_be_set(clock, by):
    governor = Governor()
    for call_id in range(100):
        governor.sent(call_id)
    assert governor.room() == 0
    clock(by)
    assert governor.room() == 0
    time.sleep(0.02)
    for call_id in range(100):
        governor.seen(call_id)
    assert 20 <= governor.p95 < 1000
    assert governor.room() > 0


@EITHER_WAY
def test_a_call_just_sent_is_not_gone_because_the_clock_was_set(small, tmp_path, clock, by, caplog):
    async def scenario():
        async with engine(tmp_path) as one:
            await one.until("the originate", sent(one))
            clock(by)
            one.logged_in.set()
            await one.reaper.step()
            assert one.reaper._pause == reaper.SOON_S

    asyncio.run(scenario())
    assert only_call().closed_why is None
    assert "the clock was set" in caplog.text


def test_set_back_a_call_that_is_gone_is_closed_within_the_minute(small, tmp_path, clock):
    async def scenario():
        async with engine(tmp_path) as one:
            await one.until("the originate", sent(one))
            clock(-HOUR_MS)
            one.logged_in.set()
            await one.reaper.step()
            await one.reaper.reconcile()

    asyncio.run(scenario())
    assert only_call().closed_why


def test_set_forth_a_conversation_is_not_beyond_its_end(small, tmp_path, clock):
    [call_id] = small.sent(1, store.now())
    models.Call.update(sending_at=models.Call.sending_at - 60_000).execute()

    async def scenario():
        async with engine(tmp_path) as one:
            one.peer.channels = [{"Uniqueid": f"{call_id:019d}", "Channel": "PJSIP/trunk-1-1"}]
            one.reaper = Reaper(one.core, (tmp_path / "a", tmp_path / "b"), one.logged_in)
            clock(2 * HOUR_MS)
            one.logged_in.set()
            await one.reaper.step()
            await one.reaper.reconcile()
            assert not one.peer.named("Hangup")

    asyncio.run(scenario())


def test_set_back_a_claim_of_the_time_before_is_handed_back(small, tmp_path, clock):
    small.claim(1, store.now())
    clock(-HOUR_MS)

    async def scenario():
        async with engine(tmp_path) as one:
            await one.reaper.release()

    asyncio.run(scenario())
    assert models.Call.get().state == CallState.VOID


@pytest.mark.parametrize(("beat_ago", "word"), [(0, None), (14_000, None), (20_000, "engine"), (-HOUR_MS, "engine")])
def test_an_engine_whose_beat_is_of_another_time_is_not_running(small, beat_ago, word):
    now = store.now()
    gate = gates.campaign_gate(small.campaign, claims.trunks("main"), NodeFacts("main", True, "up", now, now - beat_ago), None, now)
    assert (gate and gate.word) == word


@pytest.mark.parametrize(("down_for", "rests"), [(30_000, True), (0, False), (HOUR_MS, False)])
def test_set_back_no_trunk_rests_for_an_hour(small, down_for, rests):
    now = store.now()
    models.Trunk.update(down_until=now + down_for).execute()
    assert gates.resting(claims.trunks("main")[0], now) == rests


def test_nothing_else_is_dialled_twice(small, tmp_path, clock):
    """Forth and back again, with the call still open."""

    async def scenario():
        async with engine(tmp_path) as one:
            await one.until("the originate", sent(one))
            for by in (HOUR_MS, 0, -HOUR_MS, 0):
                clock(by)
                with contextlib.suppress(BaseException):
                    await one.until("nothing", lambda: len(one.peer.named("Originate")) > 1, 0.3)
            assert len(one.peer.named("Originate")) == 1

    asyncio.run(scenario())
