"""Campaigns by API: made, changed, deleted, listed, started and stopped."""

import json
from datetime import UTC, datetime

import pytest

from sql import models, models_contacts, models_push, store
from tests.api.campaigning import lay_out
from tests.api.conftest import PASSWORD

WHOLE = {
    "name": "spring", "status": "ready", "kind": "voice", "mode": "standard", "extension_key": None, "extension_id": None, "trunk": None,
    "caller_id": None, "max_channels": 10, "cps": 5, "max_attempts": 1, "ring_timeout": 25, "max_duration": 3600, "hours": None,
    "days": None, "timezone": None, "description": None, "started_at": None, "stopped_at": None, "completed_at": None, "push_url": None,
}  # fmt: skip
EVERY = {
    "name": "all of it", "caller_id": "4930123", "max_channels": 7, "cps": 3, "max_attempts": 4, "ring_timeout": 30, "max_duration": 90,
    "hours": "09:00-17:30", "days": "mon,fri", "timezone": "Asia/Tokyo", "mode": "permanent", "push_url": "https://crm.example.com/calls",
    "description": "for the spring",
}  # fmt: skip


@pytest.fixture
def anna(face):
    return lay_out(face)


def stored(campaign_id):
    with store.connection():
        return models.Campaign.get_by_id(campaign_id)


def test_two_fields_are_enough_and_the_rest_has_its_defaults(anna):
    campaign = anna.campaign()
    got = anna.done("Campaign_Get", campaign_id=campaign)
    assert got.pop("name").startswith("campaign 20")
    assert datetime.fromisoformat(got.pop("created_at")).tzinfo == UTC
    told = {"campaign_id": campaign, "user_id": anna.user_id, "contact_group_id": anna.group, "message": anna.recording}
    assert got == {name: value for name, value in WHOLE.items() if name != "name"} | told
    assert anna.done("Campaign_Start", campaign_id=campaign)["contact_total"] == 3


def test_every_documented_field_is_kept(anna):
    with store.connection():
        trunk = models.Trunk.create(name="carrier", host="sip.example.net").id
    campaign = anna.campaign(trunk="carrier", **EVERY)
    got = anna.done("Campaign_Get", campaign_id=campaign)
    assert {name: got[name] for name in EVERY} == EVERY
    assert got["trunk"] == trunk


@pytest.mark.parametrize(
    "style",
    [
        {"json": {"campaign": {"contact_group_id": 2, "message": "2", "days": ["mon", "fri"]}}},
        {"data": {"campaign": ',{"contact_group_id": "2", "recording_id": 2, "days": "mon,fri"}'}},
        {"data": {"campaign[contact_group_id]": "2", "campaign[message]": "2", "campaign[days][]": ["mon", "fri"]}},
        {
            "data": {"campaign": json.dumps({"group_id": {"contact_group_id": 2}, "message_id": 2, "days": '["mon","fri"]'})},
            "content_type": "multipart/form-data",
        },
    ],
    ids=["JSON", "urlencoded", "brackets", "multipart"],
)
def test_every_style_of_arguments(anna, style):
    kind = "json" if "json" in style else "data"
    sent = style | {kind: style[kind] | {"username": "anna", "password": PASSWORD}}
    assert (anna.group, anna.recording) == (1, 1)
    sent = json.loads(json.dumps(sent).replace("2", "1"))
    assert anna.face.send("POST", "/rest/Campaign_Create", **sent) == (200, [True, 2])
    assert stored(2).days == "mon,fri"


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"contact_group_id": 2}, "campaign.contact_group_id: contact group 2 is not found"),
        ({"contact_group_id": 99}, "campaign.contact_group_id: contact group 99 is not found"),
        ({"message": 2}, "campaign.message: recording 2 is not found"),
        ({"message": ""}, "campaign.message is missing"),
        ({"trunk": "nowhere"}, "campaign.trunk: trunk 'nowhere' is not found"),
        ({"trunk": "9" * 60}, "campaign.trunk: trunk"),
        ({"ring_timeout": 14}, "campaign.ring_timeout: "),
        ({"hours": "25:00-26:00"}, "campaign.hours: "),
        ({"days": "funday"}, "campaign.days: "),
        ({"timezone": "Berlin"}, "campaign.timezone: "),
        ({"mode": "odd"}, "campaign.mode: "),
        ({"push_url": "ftp://example.com"}, "campaign.push_url: "),
        ({"cps": "many"}, "campaign.cps: "),
        ({"caller_id": "+" + "1" * 20}, "campaign.caller_id: "),
        ({"redial": {"busy": 3}}, "campaign.redial: is not offered yet"),
        ({"start_at": "2027-01-01"}, "campaign.start_at: is not offered yet"),
        ({"stop_at": "2027-01-01"}, "campaign.stop_at: is not offered yet"),
        ({"amd": "hangup"}, "campaign.amd: "),
        ({"voicemail": 1}, "campaign.voicemail: is not offered yet"),
        ({"opt_out_key": "9"}, "campaign.opt_out_key: is not offered yet"),
    ],
)
def test_what_cannot_be_is_refused_by_name_and_makes_nothing(anna, wrong, sentence):
    campaign = {"contact_group_id": anna.group, "message": anna.recording} | wrong
    assert anna.refused("Campaign_Create", campaign=campaign).startswith(sentence)
    assert anna.done("Campaign_List") == []


def test_a_push_url_makes_an_endpoint_and_a_later_one_moves_it(anna):
    campaign = anna.campaign(push_url="https://crm.example.com/a")
    with store.connection():
        first = models_push.PushEndpoint.get()
    assert (first.campaign_id, first.user_id, first.url) == (campaign, anna.user_id, "https://crm.example.com/a")
    changed = anna.done("Campaign_Update", campaign_id=campaign, campaign={"push_url": "https://crm.example.com/b"})
    assert changed["push_url"] == "https://crm.example.com/b"
    with store.connection():
        [row] = models_push.PushEndpoint.select()
    assert (row.id, row.url, row.secret) == (first.id, "https://crm.example.com/b", first.secret)


def test_an_interactive_campaign_names_a_key_and_an_extension_of_its_owner(anna):
    with store.connection():
        hers = models.Extension.create(user=anna.user_id, name="desk", username="desk", digest="x", created_at=1).id
        others = models.Extension.create(user=anna.other_user, name="desk", username="desk2", digest="x", created_at=1).id
    fields = {"contact_group_id": anna.group, "message": anna.recording, "extension_key": 1, "extension_id": hers}
    campaign = anna.done("Campaign_Interactive_Create", campaign=fields)
    got = anna.done("Campaign_Get", campaign_id=campaign)
    assert (got["kind"], got["extension_key"], got["extension_id"]) == ("interactive", "1", hers)
    refused = {
        "campaign.extension_key: ": {"extension_key": "12"},
        "campaign.extension_key is missing": {"extension_key": ""},
        "campaign.extension_id is missing": {"extension_id": None},
        f"campaign.extension_id: extension {others} is not found": {"extension_id": others},
    }
    for sentence, wrong in refused.items():
        assert anna.refused("Campaign_Interactive_Create", campaign=fields | wrong).startswith(sentence)
    assert anna.done("Campaign_Update", campaign_id=campaign, campaign={"extension_key": "#"})["extension_key"] == "#"
    said = anna.refused("Campaign_Update", campaign_id=anna.campaign(), campaign={"extension_key": "#"})
    assert "Campaign_Interactive_Create" in said


def test_an_update_changes_what_it_names_also_while_it_runs(anna):
    campaign = anna.campaign(name="spring")
    anna.done("Campaign_Start", campaign_id=campaign)
    changes = {name: value for name, value in EVERY.items() if name != "name"}
    got = anna.done("Campaign_Update", campaign_id=campaign, campaign=changes)
    assert {name: got[name] for name in changes} == changes
    assert (got["name"], got["status"], got["message"]) == ("spring", "running", anna.recording)
    assert anna.done("Campaign_Update", campaign_id=campaign, campaign={"name": ""})["name"] == "spring"
    assert anna.refused("Campaign_Update", campaign_id=campaign, campaign={"message": 2}) == "campaign.message: recording 2 is not found"
    assert "redial" in anna.refused("Campaign_Update", campaign_id=campaign, campaign={"redial": 3})


def test_another_group_takes_the_place_of_the_first_once_the_campaign_is_at_rest(anna):
    with store.connection():
        group = models_contacts.ContactGroup.create(user=anna.user_id, name="new", created_at=1).id
        models_contacts.Contact.create(contact_group=group, phone="+49301239", created_at=1)
    campaign = anna.campaign()
    anna.ended(campaign, "busy")
    anna.done("Campaign_Start", campaign_id=campaign)
    said = anna.refused("Campaign_Update", campaign_id=campaign, campaign={"contact_group_id": group})
    assert said == f"campaign {campaign}: it is running; stop it before its contact_group_id is changed"
    anna.done("Campaign_Stop", campaign_id=campaign)
    assert anna.done("Campaign_Update", campaign_id=campaign, campaign={"contact_group_id": group})["contact_group_id"] == group
    with store.connection():
        rows = models.CampaignContact.select().order_by(models.CampaignContact.id)
        assert [(row.phone, row.state) for row in rows] == [("+49301234000", "done"), ("+49301239", "due")]
    said = anna.face.refused("Campaign_Update", campaign_id=campaign, campaign={"contact_group_id": 2})
    assert said == f"campaign.contact_group_id: contact group 2 is not user {anna.user_id}'s"


def test_an_archived_campaign_is_not_changed(anna):
    campaign = anna.campaign()
    anna.done("Campaign_Result", campaign_id=campaign, status="archived")
    for fields in ({"name": "other"}, {"contact_group_id": anna.group, "cps": 2}):
        assert "is archived" in anna.refused("Campaign_Update", campaign_id=campaign, campaign=fields)


def test_a_deleted_campaign_stops_and_is_not_found_while_its_call_finishes(anna):
    campaign = anna.campaign()
    anna.done("Campaign_Start", campaign_id=campaign)
    call = anna.ended(campaign, "busy")
    assert anna.done("Campaign_Delete", campaign_id=campaign) is True
    assert stored(campaign).status == "stopped"
    for method in ("Campaign_Get", "Campaign_Status", "Campaign_Start", "Campaign_Delete", "Campaign_Summary", "Campaign_Result"):
        assert anna.refused(method, campaign_id=campaign) == f"campaign {campaign} is not found"
    assert anna.done("Campaign_List") == anna.done("Campaign_Filter") == []
    assert anna.done("Call_Get", call_id=call)["campaign_id"] == campaign


@pytest.mark.parametrize(
    "method",
    ["Campaign_Get", "Campaign_Status", "Campaign_Start", "Campaign_Stop", "Campaign_Delete", "Campaign_Summary", "Campaign_Result"],
)
def test_whose_a_campaign_is(anna, method):
    campaign = anna.campaign()
    assert anna.refused(method, campaign_id=anna.other_campaign) == f"campaign {anna.other_campaign} is not found"
    assert anna.refused(method, campaign_id=campaign, usr_id=99) == f"campaign {campaign} is not user 99's"
    assert anna.face.refused(method, campaign_id=campaign, user_id="1") == f"campaign {campaign} is not user 1's"
    with store.connection():
        assert {row.status for row in models.Campaign.select()} == {"ready"}
    assert anna.done(method, campaign_id={"campaign_id": campaign}, usr_id=anna.user_id) is not False


def test_start_and_stop(anna):
    campaign = anna.campaign(name="spring")
    status = {"campaign_id": campaign, "name": "spring", "contact_total": 3, "contact_done": 0, "calls_active": 0}
    assert anna.done("Campaign_Status", campaign_id=campaign) == status | {"status": "ready", "holding": None}
    for _ in range(2):
        started = anna.done("Campaign_Start", campaign_id=campaign)
        assert started["holding"].startswith("the engine is not running (it never was)")
        assert started == status | {"status": "running", "holding": started["holding"]}
    first = stored(campaign).started_at
    anna.done("Campaign_Start", campaign_id=campaign)
    assert stored(campaign).started_at == first
    for _ in range(2):
        assert anna.done("Campaign_Stop", campaign_id=campaign) == status | {"status": "stopped", "holding": None}
    for _ in range(3):
        anna.ended(campaign, "busy")
    with store.connection():
        models.Campaign.update(status="completed").execute()
    for method in ("Campaign_Start", "Campaign_Stop", "Campaign_Status"):
        assert anna.done(method, campaign_id=campaign) == status | {"status": "completed", "contact_done": 3, "holding": None}
    anna.done("Campaign_Result", campaign_id=campaign, status="archived")
    for method in ("Campaign_Start", "Campaign_Stop"):
        assert "archived" in anna.refused(method, campaign_id=campaign)


def test_a_campaign_whose_filling_was_broken_off_is_filled_before_it_starts(anna):
    campaign = anna.campaign()
    with store.connection():
        models.CampaignContact.delete().where(models.CampaignContact.phone != "+49301234000").execute()
        models.Campaign.update(filled_to=1).where(models.Campaign.id == campaign).execute()
    assert anna.done("Campaign_Start", campaign_id=campaign)["contact_total"] == 3
