"""Days on which the whole engine has to hold back: answered people hear nothing, or Asterisk has no port left."""

import asyncio
import contextlib
import logging
import sys

import pytest

from engine import scripts
from engine.listener import Listener
from engine.rules import gates, pacing
from engine.scripts import TRIAL, Scripts
from sql import calls, claims, models, models_contacts, nodes, snapshots, store
from sql.states import NodeFacts
from tests.engine.loops import engine, sent
from tests.fakes.ami_peer import message


@pytest.fixture
def soon(monkeypatch):
    monkeypatch.setattr(scripts, "WAIT_MS", 200)
    monkeypatch.setattr("engine.listener.EVERY_S", 0.05)


def more(small, count: int) -> None:
    """More contacts whose turn is now."""
    for n in range(count):
        other = models_contacts.Contact.create(contact_group=1, phone=f"+4930999{n:04d}", created_at=1)
        models.CampaignContact.create(campaign_id=small.campaign_id, contact_id=other.id, phone=other.phone, next_at=0)


async def answer(one, call_id: int) -> None:
    await one.peer.say(
        message(Event="Newchannel", Uniqueid=f"{call_id:019d}", Channel="PJSIP/x")
        + message(Event="OriginateResponse", ActionID=str(call_id), Response="Success", Reason="4", Uniqueid=f"{call_id:019d}")
    )


def first_call() -> int:
    return models.Call.select().order_by(models.Call.id).get().id


def test_dialling_rests_when_an_answered_call_meets_no_script(small, tmp_path, soon, caplog):
    async def scenario():
        async with engine(tmp_path) as one:
            one.loops.append(Listener(one.core))
            await one.until("the originate", sent(one))
            await answer(one, first_call())
            await one.until("the rest", lambda: "script" in one.core.held)
            more(small, 1)
            with contextlib.suppress(BaseException):
                await one.until("nothing", lambda: len(one.peer.named("Originate")) > 1, 0.6)
            assert len(one.peer.named("Originate")) == 1
            return one.core.facts()

    with caplog.at_level(logging.ERROR):
        facts = asyncio.run(scenario())
    assert "1 calls were answered and" in caplog.text
    gate = gates.campaign_gate(small.campaign, claims.trunks("main"), facts, None, store.now())
    assert gate
    assert (gate.word, gate.pauses, gate.opens_at) == ("script", True, facts.held_until)
    assert "answered calls hear nothing" in gate.text


def test_after_the_rest_a_few_calls_are_tried_until_one_is_heard_of(small, tmp_path, soon, monkeypatch):
    monkeypatch.setattr(scripts, "REST_MS", 300)
    models.Campaign.update(cps=100, max_channels=100).execute()

    async def scenario():
        async with engine(tmp_path) as one:
            one.loops.append(Listener(one.core))
            await one.until("the originate", sent(one))
            await answer(one, first_call())
            await one.until("the rest", lambda: "script" in one.core.held)
            more(small, 10)
            await one.until("the trial", lambda: len(one.peer.named("Originate")) == TRIAL)
            with contextlib.suppress(BaseException):
                await one.until("nothing", lambda: len(one.peer.named("Originate")) > TRIAL, 0.5)
            assert len(one.peer.named("Originate")) == TRIAL
            heard = max(row.id for row in models.Call.select())
            calls.answered(heard, store.now())
            await answer(one, heard)
            await one.until("the others", lambda: len(one.peer.named("Originate")) == 11)

    asyncio.run(scenario())


def test_a_call_that_its_script_or_its_end_was_heard_of_holds_nothing(small, tmp_path, soon):
    async def scenario():
        async with engine(tmp_path) as one:
            one.loops.append(Listener(one.core))
            await one.until("the originate", sent(one))
            calls.witnessed(first_call(), store.now(), 16, 200, None)  # hung up at once
            await answer(one, first_call())
            with contextlib.suppress(BaseException):
                await one.until("nothing", lambda: one.core.held, 0.6)
            assert not one.core.held

    asyncio.run(scenario())


def test_one_that_is_heard_of_speaks_for_all_and_a_rest_is_not_prolonged(monkeypatch):
    seen = Scripts()
    assert not seen.judge([1, 2], {2})
    assert seen.room(50) == sys.maxsize
    assert seen.judge([1, 2], set())
    assert not seen.judge([3], set())
    assert [seen.room(open_calls) for open_calls in (0, 2, 9)] == [3, 1, 0]
    assert not seen.judge([4], {4})
    assert seen.room(50) == sys.maxsize


def test_what_holds_the_engine_is_said_in_the_store(opened):
    now = store.now()
    assert nodes.take("main", "a", None, now)
    assert nodes.describe(NodeFacts("main", True, "up", now, now, "ports", "all in use", None), "a")
    assert nodes.facts("main") == [NodeFacts("main", True, "up", now, now, "ports", "all in use", None)]


def test_the_ports_bound_the_channels():
    assert pacing.most_channels(7100, 9099) == 900
    assert (pacing.channels("voice"), pacing.channels("interactive")) == (1, 2)


def test_no_more_calls_than_there_are_ports(small, tmp_path):
    more(small, 10)
    models.Campaign.update(cps=100, max_channels=100).execute()

    async def scenario():
        async with engine(tmp_path) as one:
            one.core.most_channels = 5
            with contextlib.suppress(BaseException):
                await one.until("nothing", lambda: len(one.peer.named("Originate")) > 5, 0.8)
            assert len(one.peer.named("Originate")) == 5
            gate = gates.campaign_gate(small.campaign, claims.trunks("main"), one.core.facts(), None, store.now())
            assert gate
            assert (gate.word, gate.pauses, "all 5 channels" in gate.text) == ("ports", False, True)

    asyncio.run(scenario())


def test_a_call_that_may_be_connected_takes_two_channels(small, tmp_path):
    more(small, 10)
    models.Campaign.update(cps=100, max_channels=100, kind="interactive", extension_key="1", extension_id=extension(small)).execute()

    async def scenario():
        async with engine(tmp_path) as one:
            one.core.most_channels = 5
            with contextlib.suppress(BaseException):
                await one.until("nothing", lambda: len(one.peer.named("Originate")) > 2, 0.8)
            assert len(one.peer.named("Originate")) == 2

    asyncio.run(scenario())
    load = snapshots.snapshot("main", store.now()).by_node
    assert (load.open, load.channels) == (2, 4)


def extension(small) -> int:
    return models.Extension.create(user=1, name="desk", username="desk", digest="0" * 32, created_at=1).id
