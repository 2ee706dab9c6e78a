"""The engine's loops together: what one contact goes through on good and bad days."""

import asyncio
import contextlib
import logging

from engine import ami, reaper, settler, watcher
from engine.core import forever
from engine.rules.gates import Calling
from sql import models, models_contacts, models_push, snapshots, store
from sql.states import CallState, CampaignStatus, ContactState
from tests.engine.loops import contact, done, engine, only_call, sent
from tests.fakes.ami_peer import message


def test_busy_from_claim_to_outbox(small, tmp_path):
    async def scenario():
        async with engine(tmp_path) as one:
            await one.until("the originate", sent(one))
            await one.end_all(Cause="17", TechCause="486")
            await one.until("the end", done)
            assert len(one.peer.named("Originate")) == 1

    asyncio.run(scenario())
    assert (only_call().disposition, only_call().sip_code, only_call().hangup_code) == ("busy", 486, 17)
    assert models.Campaign.get().status == CampaignStatus.COMPLETED
    push = models_push.Push.get()
    assert (push.event, push.seq, '"disposition":"busy"' in push.body) == ("call.completed", 1, True)


def test_while_the_link_is_down_nothing_is_claimed(small, tmp_path):
    async def scenario():
        async with engine(tmp_path) as one:
            await one.peer.stop()
            while one.core.link.up:
                await asyncio.sleep(0.01)
            with contextlib.suppress(BaseException):
                await one.until("nothing", lambda: models.Call.select().exists(), 0.6)

    asyncio.run(scenario())
    assert not models.Call.select().exists()
    assert contact().state == ContactState.DUE


def test_what_was_not_written_to_asterisk_is_due_again(small, tmp_path, monkeypatch):
    async def scenario():
        async with engine(tmp_path) as one:
            original, refused = one.core.link.originate, []

            async def once_down(order):
                if not refused:
                    refused.append(order)
                    raise ami.LinkDown("broken a moment ago")
                return await original(order)

            one.core.link.originate = once_down
            await one.until("the second try", sent(one))
            await one.end_all(Cause="17", TechCause="486")
            await one.until("the end", done)

    asyncio.run(scenario())
    assert [call.state for call in models.Call.select().order_by(models.Call.id)] == [CallState.VOID, CallState.SETTLED]
    assert (only_call().attempt, only_call().leg, contact().attempts) == (1, 1, 1)


def test_a_refused_originate_is_a_failed_call_and_an_alarm(small, tmp_path, caplog):
    async def scenario():
        async with engine(tmp_path) as one:
            one.peer.refuses = "Extension does not exist."
            await one.until("the end", done)

    with caplog.at_level(logging.INFO):
        asyncio.run(scenario())
    assert only_call().disposition == "failed"
    assert "Asterisk made no channel" in caplog.text
    assert f"call={only_call().id} was refused: Extension does not exist." in caplog.text


def test_a_failure_without_channel_is_failed_after_the_grace(small, tmp_path):
    async def scenario():
        async with engine(tmp_path) as one:
            await one.until("the originate", sent(one))
            call_id = str(only_call().id)
            await one.peer.say(message(Event="OriginateResponse", ActionID=call_id, Response="Failure", Reason="0", Uniqueid=call_id))
            await one.until("the end", done)

    asyncio.run(scenario())
    assert (only_call().disposition, only_call().sip_code) == ("failed", None)


def test_a_lost_acknowledgement_is_not_dialled_again(small, tmp_path, caplog):
    async def scenario():
        async with engine(tmp_path) as one:
            one.peer.silent.add("Originate")
            await one.until("the originate", sent(one))
            await one.until("the warning", lambda: "not acknowledged" in caplog.text)
            await one.end_all(Cause="1", TechCause="404")
            await one.until("the end", done)
            assert len(one.peer.named("Originate")) == 1

    asyncio.run(scenario())
    assert only_call().disposition == "invalid-number"


def test_doubled_and_late_events_change_nothing(small, tmp_path):
    async def scenario():
        async with engine(tmp_path) as one:
            await one.until("the originate", sent(one))
            await one.end_all(Cause="17", TechCause="486")
            await one.end_all(Cause="16", TechCause="200")
            await one.until("the end", done)
            await one.end_all(Cause="1", TechCause="404")
            await one.until("all facts", one.facts.empty)

    asyncio.run(scenario())
    assert (only_call().disposition, only_call().hangup_cause) == ("busy", 17)
    assert models_push.Push.select().count() == 1


def test_outside_the_hours_a_contact_waits_at_the_gate(small, tmp_path):
    models.CampaignContact.update(zone="Europe/Berlin").execute()
    models.Campaign.update(days="mon").execute()

    async def scenario():
        async with engine(tmp_path, Calling("00:00-00:01", ("*",))) as one:
            await one.until("the gate", lambda: contact().gate)
            assert not one.peer.named("Originate")

    asyncio.run(scenario())
    assert contact().gate == "window"
    assert contact().next_at > store.now()


def old_sending(small) -> int:
    """A call that was marked a while ago and about which nothing is known."""
    long_ago = store.now() - 30_000
    models.CampaignContact.update(next_at=long_ago).execute()
    [call_id] = small.sent(1, long_ago)
    return call_id


def reconcile(tmp_path, *channels: int):
    async def scenario():
        async with engine(tmp_path) as one:
            one.peer.channels = [{"Uniqueid": str(call_id), "Channel": f"PJSIP/trunk-1-{call_id}"} for call_id in channels]
            await one.reaper.reconcile()
            return [action["Channel"] for action in one.peer.named("Hangup")]

    return asyncio.run(scenario())


def test_known_and_alive_is_adopted(small, tmp_path):
    call_id = old_sending(small)
    assert reconcile(tmp_path, call_id) == []
    assert models.Call.get_by_id(call_id).settle_at is None


def test_known_and_gone_is_finished_from_asterisks_records(small, tmp_path):
    call_id = old_sending(small)
    now = store.now() / 1000
    (tmp_path / "cdr.csv").write_text(f"{call_id},{now - 50:f},{now - 45:f},{now - 5:f},40,ANSWERED\n")
    (tmp_path / "cel.csv").write_text(f'{call_id},{int(now - 5)},HANGUP,"{{""hangupcause"":16}}"\n')
    reconcile(tmp_path)
    ended = settler.settling.to_settle(store.now() + 5000, 10)
    store.unit(settler.settle_batch, ended, "main", store.now())
    call = models.Call.get_by_id(call_id)
    assert (call.disposition, call.hangup_code, call.billable_seconds) == ("answered", 16, 40)


def test_known_and_gone_without_a_trace_is_unknown_and_never_dialled_again(small, tmp_path):
    models.Campaign.update(max_attempts=5).execute()
    call_id = old_sending(small)
    reconcile(tmp_path)
    store.unit(settler.settle_batch, settler.settling.to_settle(store.now(), 10), "main", store.now())
    call = models.Call.get_by_id(call_id)
    assert (call.disposition, call.final, contact().state) == ("unknown", True, ContactState.DONE)
    assert '"disposition":"unknown"' in models_push.Push.get().body


def test_a_young_call_is_left_alone_and_looked_at_soon(small, tmp_path):
    now = store.now()
    models.CampaignContact.update(next_at=now).execute()
    [call_id] = small.sent(1, now)

    async def scenario():
        async with engine(tmp_path) as one:
            await one.reaper.reconcile()
            assert one.reaper._pause == reaper.SOON_S

    asyncio.run(scenario())
    assert models.Call.get_by_id(call_id).closed_why is None


def test_alive_and_unknown_is_hung_up(small, tmp_path, caplog):
    assert reconcile(tmp_path, 4711) == ["PJSIP/trunk-1-4711"]
    assert "call=4711 lives in Asterisk but is not open in the store" in caplog.text


def test_alive_beyond_its_end_is_hung_up(small, tmp_path, caplog):
    call_id = old_sending(small)
    models.Call.update(sending_at=store.now() - 200_000).execute()
    assert reconcile(tmp_path, call_id) == [f"PJSIP/trunk-1-{call_id}"]


def test_at_its_start_an_engine_hands_back_what_was_never_marked(small, tmp_path):
    models.CampaignContact.update(next_at=store.now() - 100).execute()
    small.claim(1, store.now() - 100)

    async def scenario():
        async with engine(tmp_path) as one:
            await one.reaper.release()

    asyncio.run(scenario())
    assert contact().state == ContactState.DUE
    assert models.Call.get().state == CallState.VOID


def test_facts_are_kept_while_the_store_is_away(small, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(watcher, "AFTER_FAULT_S", 0.05)
    original, failures = watcher.record, []

    def away(batch):
        if len(failures) < 3:
            failures.append(batch)
            raise ConnectionError("the store is away")
        original(batch)

    monkeypatch.setattr(watcher, "record", away)

    async def scenario():
        async with engine(tmp_path) as one:
            await one.until("the originate", sent(one))
            await one.end_all(Cause="17", TechCause="486")
            await one.until("the end", done)

    with caplog.at_level(logging.WARNING):
        asyncio.run(scenario())
    assert only_call().disposition == "busy"
    assert "kept until they can" in caplog.text
    assert "the store is back" in caplog.text


def test_a_loop_that_fails_is_told_once_and_goes_on(caplog):
    steps = []

    async def step():
        steps.append(1)
        if len(steps) < 3:
            raise ValueError("no")
        return 0.01

    async def scenario():
        from engine import core

        core.AFTER_FAULT_S, before = 0.01, core.AFTER_FAULT_S
        try:
            task = asyncio.create_task(forever("thing", step))
            while len(steps) < 5:
                await asyncio.sleep(0.01)
            task.cancel()
        finally:
            core.AFTER_FAULT_S = before

    asyncio.run(scenario())
    assert caplog.text.count("thing failed") == 1
    assert "thing: works again" in caplog.text


def test_claims_are_the_caps(small, tmp_path):
    """One channel: the second contact waits until the first call is settled."""
    other = models_contacts.Contact.create(contact_group=1, phone="+49301234099", created_at=1)
    models.CampaignContact.create(campaign_id=small.campaign_id, contact_id=other.id, phone=other.phone, next_at=0)
    models.Campaign.update(max_channels=1).execute()

    async def scenario():
        async with engine(tmp_path) as one:
            await one.until("the originate", sent(one))
            await one.until("time", lambda: True)
            await asyncio.sleep(0.3)
            assert len(one.peer.named("Originate")) == 1
            await one.end_all(Cause="17", TechCause="486")
            await one.until("the second", lambda: len(one.peer.named("Originate")) == 2)

    asyncio.run(scenario())
    assert snapshots.snapshot("main", store.now()).by_campaign[small.campaign_id].open == 1
