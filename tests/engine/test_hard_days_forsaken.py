"""An engine that never comes back: its calls are finished by another one, and nobody is called twice for it."""

import asyncio

import pytest

from engine import forsaken
from engine.forsaken import Forsaken
from sql import calls, models, settling, store
from sql.states import CallState, ContactState
from tests.engine.loops import contact, engine


@pytest.fixture(autouse=True)
def short(monkeypatch):
    monkeypatch.setattr(forsaken, "SILENT_S", 0.1)


def owned(small, state: str, ago_ms: int) -> int:
    """A call of engine `gone`, in that state since then."""
    then = store.now() - ago_ms
    models.CampaignContact.update(next_at=then).execute()
    call_id = small.claim(1, then)[0].call_id if state == CallState.CLAIMED else small.sent(1, then)[0]
    models.Call.update(node="gone").execute()
    return call_id


def looked_at(tmp_path, beat=lambda look: None) -> models.Call:
    """The call after four looks that are spread over more than the silence; `beat` is done before each."""

    async def scenario():
        async with engine(tmp_path) as one:
            watch = Forsaken(one.core)
            for look in range(4):
                beat(look)
                await watch.step()
                await asyncio.sleep(0.06)

    asyncio.run(scenario())
    return models.Call.get()


def test_what_it_had_claimed_is_due_again(small, tmp_path, caplog):
    owned(small, CallState.CLAIMED, 0)
    assert looked_at(tmp_path).state == CallState.VOID
    assert (contact().state, contact().attempts) == (ContactState.DUE, 0)
    assert "engine gone is gone: 1 calls" in caplog.text


def test_what_may_have_gone_out_is_unknown_and_final(small, tmp_path):
    models.Campaign.update(max_attempts=5).execute()
    owned(small, CallState.SENDING, 56_000)
    assert looked_at(tmp_path).closed_why == "it may have gone out; engine gone is gone and nobody saw"

    async def settle():
        async with engine(tmp_path) as one:
            await one.until("the end", lambda: models.Call.get().state == CallState.SETTLED)
            assert one.peer.named("Originate") == []

    asyncio.run(settle())
    assert (models.Call.get().disposition, contact().state, contact().attempts) == ("unknown", ContactState.DONE, 1)


@pytest.mark.parametrize("fact", ["young", "answered", "ended"])
def test_what_may_still_be_up_or_was_seen_to_end_is_left(small, tmp_path, fact):
    call_id = owned(small, CallState.SENDING, 50_000 if fact == "young" else 56_000)
    if fact == "answered":
        store.unit(calls.answered, call_id, store.now() - 40_000)
    if fact == "ended":
        store.unit(calls.witnessed, call_id, store.now() - 40_000, 17, 486, None)
    call = looked_at(tmp_path)
    assert (call.state, call.closed_why) == (CallState.SENDING, None)
    assert bool(settling.to_settle(store.now(), 9)) is (fact == "ended")


@pytest.mark.parametrize("hours", [0, -1, 1])
def test_who_beats_lives_whatever_his_clock_says(small, tmp_path, hours):
    owned(small, CallState.CLAIMED, 0)
    models.Node.create(name="gone", link_since=1, beat_at=1)

    def beat(look: int) -> None:
        models.Node.update(beat_at=store.now() + hours * 3_600_000 + look).where(models.Node.name == "gone").execute()

    assert looked_at(tmp_path, beat).state == CallState.CLAIMED


@pytest.mark.parametrize("hours", [-1, 1])
def test_whose_beat_stands_still_is_gone_whatever_the_clock_says(small, tmp_path, hours):
    owned(small, CallState.CLAIMED, 0)
    models.Node.create(name="gone", link_since=1, beat_at=store.now() + hours * 3_600_000)
    assert looked_at(tmp_path).state == CallState.VOID


def test_ones_own_calls_are_the_reapers(small, tmp_path):
    owned(small, CallState.CLAIMED, 0)
    models.Call.update(node="main").execute()
    assert looked_at(tmp_path).state == CallState.CLAIMED
