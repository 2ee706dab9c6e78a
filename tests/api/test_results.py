"""Campaign_Summary and Campaign_Result: what is read, and what Campaign_Result sets."""

import json
from base64 import b64encode

import pytest

from sql import models, store, users
from sql.states import Disposition, Status
from tests.api.campaigning import NOW, call_of, lay_out
from tests.api.conftest import HASH, PASSWORD

ZEROS = dict.fromkeys((*map(str, Status), *map(str, Disposition), "total"), 0)


@pytest.fixture
def anna(face):
    return lay_out(face)


def status_of(campaign_id):
    with store.connection():
        return models.Campaign.get_by_id(campaign_id).status


def test_a_summary_counts_everything_with_zeros_and_lists_everybody(anna):
    campaign = anna.campaign(name="spring")
    anna.ended(campaign, "human")
    anna.ended(campaign, "rejected")
    got = anna.done("Campaign_Summary", campaign_id=campaign)
    assert got == {
        "campaign_id": campaign, "name": "spring", "status": "ready", "next": None,
        "totals": ZEROS | {"pending": 1, "answered": 1, "human": 1, "failed": 1, "rejected": 1, "total": 3},
        "contacts": [
            {"contact_id": 1, "phone": "+49301234000", "status": "answered", "disposition": "human"},
            {"contact_id": 2, "phone": "+49301234001", "status": "failed", "disposition": "rejected"},
            {"contact_id": 3, "phone": "+49301234002", "status": "pending", "disposition": None},
        ],
    }  # fmt: skip
    assert list(got)[3] == "totals" and list(got["totals"])[-1] == "total"


def test_a_summary_in_parts(anna):
    campaign = anna.campaign()
    seen, cursor = [], ""
    for _ in range(2):
        part = anna.done("Campaign_Summary", campaign_id=campaign, limit="2", cursor=cursor)
        seen += [contact["contact_id"] for contact in part["contacts"]]
        cursor = part["next"]
    assert (seen, cursor) == ([1, 2, 3], None)


def test_results_are_those_of_ended_calls(anna):
    campaign = anna.campaign()
    first = anna.ended(campaign, "human", response='{"keys": "1"}', amount=12_500)
    second = anna.ended(campaign, "busy")
    in_progress(anna, campaign)
    got = anna.done("Campaign_Result", campaign_id=campaign)
    assert got[0] == {
        "call_id": first, "contact_id": 1, "phone": "+49301234000", "attempt": 1, "status": "answered", "disposition": "human",
        "sip_code": 200, "hangup_cause": 16, "answered_by": "human", "response": {"keys": "1"}, "do_not_call": False,
        "started_at": "2027-01-15T08:00:00.000Z", "answered_at": "2027-01-15T08:00:03.000Z", "ended_at": "2027-01-15T08:00:07.001Z",
        "billable_seconds": 5, "amount": 0.0125,
    }  # fmt: skip
    assert [(row["call_id"], row["answered_by"], row["amount"]) for row in got[1:]] == [(second, None, 0)]
    assert anna.done("Campaign_Result", campaign_id=campaign, limit=1) == got[:1]
    assert anna.done("Campaign_Result", campaign_id=campaign, cursor=first) == got[1:]


def in_progress(anna, campaign):
    with store.connection():
        row = models.CampaignContact.get(models.CampaignContact.campaign_id == campaign, models.CampaignContact.state == "due")
        return call_of(row, anna.user_id, state="sending", sending_at=NOW)


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("", ["human", "rejected"]),
        ("completed", ["human", "rejected"]),
        ("answered", ["human"]),
        ("human", ["human"]),
        ("failed", ["rejected"]),
        ("rejected", ["rejected"]),
        ("busy", []),
        ("pending", []),
    ],
)
def test_a_word_filters(anna, word, found):
    campaign = anna.campaign()
    anna.ended(campaign, "human")
    anna.ended(campaign, "rejected")
    assert [row["disposition"] for row in anna.done("Campaign_Result", campaign_id=campaign, status=word)] == found
    assert status_of(campaign) == "ready"


def test_an_unknown_word_and_a_foreign_user_are_refused(anna):
    campaign = anna.campaign()
    assert anna.refused("Campaign_Result", campaign_id=campaign, status="fine").startswith("status 'fine' is none; there are answered, ")
    assert anna.refused("Campaign_Result", campaign_id=campaign, usr_id=99) == f"campaign {campaign} is not user 99's"
    assert anna.refused("Campaign_Result", campaign_id=campaign, status="started", usr_id=99) == f"campaign {campaign} is not user 99's"
    assert status_of(campaign) == "ready"


def test_the_words_of_the_document_set_the_status(anna):
    campaign = anna.campaign(name="spring")
    anna.ended(campaign, "busy")
    for word, becomes in [
        ("started", "running"), ("running", "running"), ("paused", "stopped"), ("stopped", "stopped"), ("started", "running"),
    ]:  # fmt: skip
        got = anna.done("Campaign_Result", campaign_id=campaign, status=word)
        assert (got["campaign_id"], got["name"], got["status"], got["contact_total"]) == (campaign, "spring", becomes, 3)
        assert [row["disposition"] for row in got["results"]] == ["busy"]
        assert status_of(campaign) == becomes
    got = anna.done("Campaign_Result", campaign_id=campaign, status="completed", usr_id=anna.user_id)
    assert got["status"] == status_of(campaign) == "completed"
    assert anna.done("Campaign_Result", campaign_id=campaign, status="archived")["status"] == "archived"


@pytest.mark.parametrize(
    ("before", "word", "sentence"),
    [
        ("ready", "completed", "the campaign is ready and cannot become completed; start it first"),
        ("stopped", "completed", "the campaign is stopped and cannot become completed; start it first"),
        ("running", "archived", "the campaign is running and cannot become archived; stop it first"),
        ("archived", "started", "the campaign is archived; it can be neither started nor stopped"),
    ],
)
def test_by_the_usual_transitions_only(anna, before, word, sentence):
    campaign = anna.campaign()
    with store.connection():
        models.Campaign.update(status=before).where(models.Campaign.id == campaign).execute()
    said = anna.refused("Campaign_Result", campaign_id=campaign, status=word, usr_id=anna.user_id)
    assert said == f"campaign {campaign}: {sentence}"
    assert status_of(campaign) == before


def test_reading_by_get_and_setting_by_post_only(anna):
    campaign = anna.campaign()
    headers = {"Authorization": "Basic " + b64encode(f"anna:{PASSWORD}".encode()).decode()}
    url = f"/rest/Campaign_Result?campaign_id={campaign}"
    assert anna.face.send("GET", url, headers=headers) == (200, [True, []])
    status, body = anna.face.send("GET", f"{url}&status=started", headers=headers)
    assert (status, body) == (200, [False, "changing a campaign's status needs POST, and with a session an Origin of our own"])
    assert status_of(campaign) == "ready"
    assert anna.face.send("POST", f"{url}&status=started", headers=headers)[1][0] is True
    assert status_of(campaign) == "running"


def test_setting_under_an_idempotency_key_is_done_once(anna):
    campaign = anna.campaign()
    anna.done("Campaign_Start", campaign_id=campaign)
    body = {"username": "anna", "password": PASSWORD, "campaign_id": campaign, "status": "stopped"}
    headers = {"Idempotency-Key": "stop it"}
    first = anna.face.send("POST", "/rest/Campaign_Result", json=body, headers=headers)
    anna.done("Campaign_Start", campaign_id=campaign)
    assert anna.face.send("POST", "/rest/Campaign_Result", json=body, headers=headers) == first
    assert status_of(campaign) == "running"


def test_an_agent_reads_and_does_not_set(anna):
    with store.connection():
        agent = store.unit(users.create, {"username": "alf", "password_hash": HASH, "role": "agent"}, anna.user_id, 1)
        campaign = anna.campaign()
        models.Campaign.update(user=agent).where(models.Campaign.id == campaign).execute()
    assert anna.face.done("Campaign_Result", "alf", campaign_id=campaign) == []
    said = anna.face.refused("Campaign_Result", "alf", campaign_id=campaign, status="started")
    assert said == "status: a agent may not change a campaign's status"
    assert status_of(campaign) == "ready"


@pytest.mark.parametrize("content", ["application/x-www-form-urlencoded", "multipart/form-data"])
def test_the_published_clients_way_of_completing(anna, content):
    campaign = anna.campaign()
    anna.done("Campaign_Start", campaign_id=campaign)
    data = {"username": "anna", "password": PASSWORD, "campaign_id": campaign, "status": "completed", "usr_id": anna.user_id}
    status, body = anna.face.send("POST", "/rest/Campaign_Result", data=data, content_type=content)
    assert (status, body[0], body[1]["status"]) == (200, True, "completed"), json.dumps(body)
