"""Settling: decision, contact, campaign, trunk and push in one transaction, once."""

import json

import pytest

from sql import calls, models, models_push, pushes, settling, store
from sql.states import CallState, CampaignStatus, ContactState
from tests.world import NOW

BUSY = settling.Decision("busy", 486, 17, None, NOW + 3000, 0)


def ended(world, decision=BUSY, now=NOW + 4000):
    call_id = world.sent(1)[0]
    store.unit(calls.hung_up, call_id, NOW + 3000, 17, 486, "Ringing")
    ready = settling.to_settle(NOW + 9999, 1)[0]
    assert store.unit(settling.settle, ready, decision, now)
    return ready


def test_a_final_call_ends_its_contact_and_is_pushed(world):
    call_id = ended(world).call_id
    call, contact = models.Call.get_by_id(call_id), world.contact(call_id)
    assert (call.state, call.disposition, call.final, call.settle_at) == (CallState.SETTLED, "busy", True, None)
    assert (contact.state, contact.disposition, contact.attempts, contact.done_at) == (ContactState.DONE, "busy", 1, NOW + 4000)
    push = pushes.due(NOW + 4000, 9)[0]
    body = json.loads(push.body)
    assert body["type"] == "call.completed"
    assert body["data"] | {"seq": 1} == {
        "call_id": call_id, "attempt": 1, "leg": 1, "final": True, "seq": 1,
        "campaign_id": world.campaign_id, "campaign": "c", "contact_id": contact.contact_id, "phone": "+49301234000",
        "remote_id": None, "remote_module": None, "event": "completed", "status": "busy", "disposition": "busy",
        "sip_code": 486, "hangup_cause": 17, "started_at": "2027-01-15T08:00:00.000Z", "answered_at": None,
        "ended_at": "2027-01-15T08:00:03.000Z", "duration": 3, "billable_seconds": 0, "amount": 0, "response": None,
        "answered_by": None, "recording": None, "user_id": 1,
    }  # fmt: skip


def test_a_call_is_settled_once(world):
    ready = ended(world)
    assert not store.unit(settling.settle, ready, BUSY, NOW + 5000)
    assert models_push.Push.select().count() == 1


def test_a_redial_makes_the_contact_due_later(world):
    decision = settling.Decision("busy", 486, 17, None, NOW, 0, next_at=NOW + 600_000)
    contact = world.contact(ended(world, decision).call_id)
    assert (contact.state, contact.next_at, contact.attempts, contact.legs, contact.gate) == (
        ContactState.DUE, NOW + 600_000, 1, 0, "redial",
    )  # fmt: skip
    assert json.loads(pushes.due(NOW + 4000, 9)[0].body)["data"]["final"] is False


def test_another_trunk_goes_on_with_the_same_attempt(world):
    decision = settling.Decision("congestion", 503, 34, None, NOW, 0, NOW, True, NOW + 30_000, "it does not answer")
    first = ended(world, decision)
    second = world.sent(5)[0]
    rows = [models.Call.get_by_id(call_id) for call_id in (first.call_id, second)]
    assert [(row.attempt, row.leg, row.campaign_contact_id) for row in rows] == [
        (1, 1, rows[0].campaign_contact_id), (1, 2, rows[0].campaign_contact_id),
    ]  # fmt: skip
    assert world.contact(second).tried == "1"
    trunk = models.Trunk.get_by_id(1)
    assert (trunk.down_until, trunk.down_why) == (NOW + 30_000, "it does not answer")


def test_a_campaign_completes_with_its_last_call(world):
    for _ in range(4):
        ended(world)
        assert store.unit(settling.complete_campaigns, [world.campaign_id], NOW) == []
        assert settling.unfinished(world.campaign_id)
    ended(world)
    assert store.unit(settling.complete_campaigns, [world.campaign_id], NOW) == [world.campaign_id]
    assert models.Campaign.get_by_id(world.campaign_id).status == CampaignStatus.COMPLETED


@pytest.mark.parametrize("change", [{"mode": "permanent"}, {"status": "stopped"}])
def test_a_campaign_that_does_not_complete(world, change):
    for _ in range(5):
        ended(world)
    models.Campaign.update(**change).execute()
    assert store.unit(settling.complete_campaigns, [world.campaign_id], NOW) == []


def test_a_refused_contact_is_done_with_its_reason(world):
    store.unit(settling.refuse, world.contact_ids[0], "do-not-call", "marked do-not-call", NOW)
    contact = models.CampaignContact.get_by_id(world.contact_ids[0])
    assert (contact.state, contact.disposition, contact.reason) == (ContactState.DONE, "do-not-call", "marked do-not-call")


def test_a_campaigns_own_endpoint_takes_the_place_of_the_general_one(world):
    own = pushes.create_endpoint(1, "http://127.0.0.1:8/", "call.completed", world.campaign_id, NOW)
    other = pushes.create_endpoint(1, "http://127.0.0.1:7/", "call.completed", 99, NOW)
    ended(world)
    assert [push.endpoint_id for push in models_push.Push.select()] == [own.id]
    assert other.id != own.id
