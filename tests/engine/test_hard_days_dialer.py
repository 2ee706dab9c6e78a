"""The dialer's hard days: full trunks in front, a late mark, a store that breaks off, two engines under the same caps."""

import asyncio
import time

import pytest

from engine import dialer
from sql import claims, models, models_contacts, snapshots, store, trunks
from sql.states import CallState, ContactState
from tests.engine.loops import contact, engine, sent
from tests.world import NOW


def more(world, count: int, prefix: str, next_at: int) -> None:
    """Contacts with numbers that begin so."""
    for n in range(count):
        person = models_contacts.Contact.create(contact_group=1, phone=f"{prefix}{n:07d}", created_at=1)
        models.CampaignContact.create(campaign_id=world.campaign_id, contact_id=person.id, phone=person.phone, next_at=next_at)


def dialled(one) -> list[str]:
    return [action["Channel"] for action in one.peer.named("Originate")]


def states() -> set[str]:
    return {row.state for row in models.Call.select(models.Call.state)}


@pytest.fixture
def crowd(small):
    """Three hundred contacts whose trunk is full, and behind them one for another trunk."""
    models.CampaignContact.delete().execute()
    models.Trunk.update(prefix="+49", max_channels=1).execute()
    second = trunks.create(name="second", host="127.0.0.1", prefix="+43")
    trunks.loaded("main", {1: 1, second: 1})
    now = store.now()
    more(small, 300, "+4930", now - 2000)
    more(small, 1, "+431", now - 1000)
    return small


def test_a_full_trunk_keeps_nobody_waiting_who_goes_over_another(crowd, tmp_path):
    async def scenario():
        async with engine(tmp_path) as one:
            await one.until("both trunks", lambda: len(one.peer.named("Originate")) == 2)
            return dialled(one)

    assert asyncio.run(scenario()) == ["PJSIP/+49300000000@trunk-1", "PJSIP/+4310000000@trunk-2"]
    assert models.Call.select().count() == 2


def test_the_look_behind_a_full_trunk_is_bounded(crowd, tmp_path, monkeypatch):
    asked = []
    original = claims.candidates

    def counted(*args):
        found = original(*args)
        asked.append(len(found))
        return found

    monkeypatch.setattr(claims, "candidates", counted)

    async def scenario():
        async with engine(tmp_path) as one:
            models.Campaign.update(max_channels=1000, cps=1000).execute()
            for _ in range(4):
                asked.clear()
                await one.loops[2].step()
                assert sum(asked) <= 50 + dialer.PAGE

    asyncio.run(scenario())


def test_held_contacts_in_front_let_others_through_in_the_same_round(small, tmp_path):
    models.CampaignContact.delete().execute()
    now = store.now()
    more(small, 60, "+99930", now - 2000)  # no trunk serves them
    more(small, 1, "+4930", now - 1000)
    models.Trunk.update(prefix="+49").execute()

    async def scenario():
        async with engine(tmp_path) as one:
            await one.loops[2].step()
            await one.loops[2].finish()
            return dialled(one)

    assert asyncio.run(scenario()) == ["PJSIP/+49300000000@trunk-1"]
    assert models.CampaignContact.select().where(models.CampaignContact.gate == "trunk").count() == 60


def test_candidates_behind_another_come_in_the_same_order(world):
    models.CampaignContact.update(next_at=models.CampaignContact.id % 2).execute()
    everybody = claims.candidates(world.campaign_id, 10, 9)
    assert len(everybody) == 5
    for n, last in enumerate(everybody, 1):
        assert claims.candidates(world.campaign_id, 10, 9, last) == everybody[n:]


def slow_mark(monkeypatch, then) -> None:
    """`then` is what happens after the mark was committed and before the call is written."""
    original = dialer.check_fresh

    def late(call, marked_at):
        then()
        original(call, marked_at)

    monkeypatch.setattr(dialer, "check_fresh", late)


def test_a_mark_that_got_old_is_handed_back(small, tmp_path, monkeypatch, caplog):
    """The engine was frozen between the mark and the writing; meanwhile the campaign may have been stopped."""
    monkeypatch.setattr(dialer, "FRESH_S", 0.2)
    slow_mark(monkeypatch, lambda: (time.sleep(0.3), models.Campaign.update(status="stopped").execute()))

    async def scenario():
        async with engine(tmp_path) as one:
            await one.until("the warning", lambda: "its mark is 0.3 s old" in caplog.text)
            await one.loops[2].step()
            return dialled(one)

    assert asyncio.run(scenario()) == []
    assert states() == {CallState.VOID}
    assert (contact().state, contact().attempts) == (ContactState.DUE, 0)


def test_a_window_that_closes_after_the_mark_is_kept(small, tmp_path, monkeypatch, caplog):
    original = claims.sending

    def closing(calls, now):
        return [claims.Claimed(**(vars(call) | {"not_after": now + 1})) for call in original(calls, now)]

    monkeypatch.setattr(claims, "sending", closing)
    slow_mark(monkeypatch, lambda: time.sleep(0.01))

    async def scenario():
        async with engine(tmp_path) as one:
            await one.until("the warning", lambda: "its window has closed" in caplog.text)
            await one.loops[2].finish()
            return dialled(one)

    assert asyncio.run(scenario()) == []
    assert states() == {CallState.VOID}


def test_a_mark_whose_commit_failed_is_handed_back_when_the_store_is_back(small, tmp_path, monkeypatch):
    original, failures = claims.sending, []

    def broken(calls, now):
        done = original(calls, now)
        if not failures:
            failures.append(done)
            raise store.CommitUnknown("the connection broke at the commit")
        return done

    monkeypatch.setattr(claims, "sending", broken)
    monkeypatch.setattr("engine.core.AFTER_FAULT_S", 0.05)

    async def scenario():
        async with engine(tmp_path) as one:
            await one.until("the originate", sent(one))

    asyncio.run(scenario())
    calls = [(row.state, row.attempt) for row in models.Call.select().order_by(models.Call.id)]
    assert calls == [(CallState.VOID, None), (CallState.SENDING, 1)]


def test_claim_and_mark_done_again_find_what_they_did(world):
    """The answer to a commit was lost: the same work is done a second time."""
    picks = [claims.Pick(person, 1, None, None) for person in claims.candidates(world.campaign_id, NOW, 3)]
    seen = {"campaign:1": 0, "trunk:1": 0}
    first = store.unit(claims.claim, world.campaign, picks, "main", NOW, seen)
    assert store.unit(claims.claim, world.campaign, picks, "main", NOW, seen) == first
    assert len(first) == models.Call.select().count() == 3
    going = store.unit(claims.sending, first, NOW + 5)
    assert store.unit(claims.sending, first, NOW + 5) == going == first
    models.Campaign.update(status="stopped").execute()
    assert store.unit(claims.sending, first, NOW + 5) == []
    assert states() == {CallState.VOID}


def test_what_another_engine_handed_back_is_not_sent(world, monkeypatch):
    """It took us for dead between our reading and our mark."""
    claimed = world.claim(2)
    original = claims.halts.none

    def meanwhile():
        store.unit(claims.hand_back, [claimed[0].call_id], CallState.CLAIMED)
        return original()

    monkeypatch.setattr(claims.halts, "none", meanwhile)
    assert store.unit(claims.sending, claimed, NOW) == [claimed[1]]


@pytest.mark.parametrize("seen", [{"campaign:1": 0}, {"trunk:1": 0}])
def test_who_counted_before_another_claimed_counts_anew(world, seen):
    picks = [claims.Pick(person, 1, None, None) for person in claims.candidates(world.campaign_id, NOW, 2)]
    store.unit(claims.claim, world.campaign, picks[:1], "a", NOW, {"campaign:1": 0, "trunk:1": 0})
    with pytest.raises(claims.LostClaim, match="somebody else claimed under"):
        store.unit(claims.claim, world.campaign, picks[1:], "b", NOW, seen)
    store.unit(claims.claim, world.campaign, picks[1:], "b", NOW, {"campaign:1": 1, "trunk:1": 1})
    assert snapshots.snapshot("a", NOW).turns == {"campaign:1": 2, "trunk:1": 2}


def test_two_engines_keep_the_caps_together(small, tmp_path):
    """Five channels of the campaign and three of the trunk, thirty contacts, two engines that look at the same moments."""
    more(small, 30, "+4931", store.now() - 1000)
    models.Campaign.update(max_channels=5, cps=1000).execute()
    models.Trunk.update(max_channels=3).execute()
    trunks.loaded("other", {1: 1})
    most = []

    async def scenario():
        async with engine(tmp_path) as one, engine(tmp_path, node="other") as two:
            for _ in range(30):
                await asyncio.gather(one.loops[2].step(), two.loops[2].step())
                most.append(models.Call.select().where(models.Call.state.in_(claims.OPEN)).count())
                if most[-1] == 3:
                    models.Call.update(state=CallState.SETTLED).where(models.Call.state == CallState.SENDING).execute()
            return len(dialled(one)) + len(dialled(two))

    assert asyncio.run(scenario()) >= 6
    assert max(most) == 3
