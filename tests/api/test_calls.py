"""Call_Get: one call, ended or in progress."""

import pytest

from sql import models, store
from tests.api.campaigning import NOW, call_of, lay_out


@pytest.fixture
def anna(face):
    return lay_out(face)


def test_an_ended_call(anna):
    campaign = anna.campaign()
    with store.connection():
        models.CampaignContact.update(remote_id="77", remote_module="Leads").execute()
    call = anna.ended(campaign, "answered", caller_id="4930123")
    assert anna.done("Call_Get", call_id=str(call)) == {
        "call_id": call, "contact_id": 1, "phone": "+49301234000", "attempt": 1, "status": "answered", "disposition": "answered",
        "sip_code": 200, "hangup_cause": 16, "answered_by": "unknown", "response": None, "do_not_call": False,
        "started_at": "2027-01-15T08:00:00.000Z", "answered_at": "2027-01-15T08:00:03.000Z", "ended_at": "2027-01-15T08:00:07.001Z",
        "billable_seconds": 5, "amount": 0, "campaign_id": campaign, "user_id": anna.user_id, "trunk_id": 1, "leg": 1,
        "caller_id": "4930123", "remote_id": "77", "remote_module": "Leads", "final": True, "duration": 8,
    }  # fmt: skip


def test_a_call_in_progress_and_one_that_never_was(anna):
    campaign = anna.campaign()
    with store.connection():
        [first, second, _] = models.CampaignContact.select().where(models.CampaignContact.campaign_id == campaign)
        talking = call_of(first, anna.user_id, state="sending", sending_at=NOW, answered_at=NOW + 2000)
        void = call_of(second, anna.user_id, state="void")
    got = anna.done("Call_Get", call_id=talking)
    assert (got["status"], got["disposition"], got["answered_at"], got["final"]) == ("dialing", None, "2027-01-15T08:00:02.000Z", None)
    assert anna.refused("Call_Get", call_id=void) == f"call {void} is not found"


def test_whose_it_is(anna):
    campaign = anna.campaign()
    call = anna.ended(campaign, "busy")
    assert anna.face.refused("Call_Get", "bea", call_id=call) == f"call {call} is not found"
    assert anna.face.done("Call_Get", call_id=call)["call_id"] == call
    assert anna.refused("Call_Get", call_id=99) == "call 99 is not found"
    assert anna.refused("Call_Get") == "call_id is missing"
