"""Campaign_Contact_Create: who joins one campaign, once, with what, and who does not."""

import json

import pytest

from sql import models, models_contacts, store
from tests.api.campaigning import lay_out
from tests.api.conftest import PASSWORD

ADA = {"phone": "030 999111", "first_name": "Ada", "custom1": "gold"}


@pytest.fixture
def anna(face):
    return lay_out(face)


def rows(campaign_id):
    with store.connection():
        found = models.CampaignContact.select().where(models.CampaignContact.campaign_id == campaign_id)
        return list(found.order_by(models.CampaignContact.id))


def contact(contact_id):
    with store.connection():
        return models_contacts.Contact.get_by_id(contact_id)


def finish(campaign_id, **columns):
    with store.connection():
        done = {"state": "done", "disposition": "busy", "attempts": 1} | columns
        models.CampaignContact.update(**done).where(models.CampaignContact.campaign_id == campaign_id).execute()


def test_a_new_person_joins_this_campaign_only(anna):
    first, second = anna.campaign(), anna.campaign()
    joined = anna.done("Campaign_Contact_Create", campaign_id=first, contact=ADA)
    status = anna.done("Campaign_Status", campaign_id=first)
    assert joined == status | {"contact_id": joined["contact_id"]}
    assert joined["contact_total"] == 4
    row = contact(joined["contact_id"])
    assert (row.phone, row.first_name, row.custom1, row.zone) == ("+4930999111", "Ada", "gold", "Europe/Berlin")
    assert anna.done("Campaign_Status", campaign_id=second)["contact_total"] == 3
    third = anna.campaign()  # made later on the same group
    assert anna.done("Campaign_Status", campaign_id=third)["contact_total"] == 3


@pytest.mark.parametrize("name", ["contact", "contact_id"])
@pytest.mark.parametrize("person", [3, "3", {"contact_id": "3"}, {"id": 3}, '{"contact_id": 3}', {"contact_id": 3, "phone": "030 1"}])
def test_an_existing_contact_by_its_id(anna, name, person):
    with store.connection():
        group = models_contacts.ContactGroup.create(user=anna.user_id, name="empty", created_at=1).id
    campaign = anna.done("Campaign_Create", campaign={"contact_group_id": group, "message": anna.recording})
    assert anna.done("Campaign_Contact_Create", campaign_id=campaign, **{name: person})["contact_id"] == 3
    assert [(row.contact_id, row.phone) for row in rows(campaign)] == [(3, "+49301234002")]


def test_an_answer_is_an_id_wherever_it_carries_that_id(anna):
    joined = anna.done("Campaign_Contact_Create", campaign_id=anna.campaign(), contact=ADA)
    whole = anna.done("Campaign_Get", campaign_id=joined)
    assert anna.done("Campaign_Contact_Create", campaign_id=whole, contact_id=joined)["contact_id"] == joined["contact_id"]
    assert anna.done("Campaign_Status", campaign_id=whole, usr_id=whole)["campaign_id"] == joined["campaign_id"]
    spoken = anna.done("Recording_Get", recording_id=anna.recording)
    assert anna.campaign(message=spoken, contact_group_id=anna.done("Contact_Group_Get", contact_group_id=anna.group)) > 0
    assert anna.done("Contact_Delete", contact_id=json.dumps(joined))["contact_id"] == joined["contact_id"]
    assert "carries no contact_id" in anna.refused("Contact_Delete", contact_id={"campaign_id": 1, "call_id": 2})


@pytest.mark.parametrize(
    "style",
    [
        {"json": {"contact": ADA, "remote": {"remote_id": 77, "remote_module": "Leads"}}},
        {"data": {"contact_id": json.dumps(ADA), "remote": '{"remote_id": "77", "remote_module": "Leads"}'}},
        {"data": {"contact[phone]": "030 999111", "remote[remote_id]": "77", "remote[remote_module]": "Leads", "expiry": ""}},
        {"data": {"contact": json.dumps(ADA), "remote": '{"remote_id":77,"remote_module":"Leads"}'}, "content_type": "multipart/form-data"},
    ],
    ids=["JSON", "urlencoded", "brackets", "multipart"],
)  # fmt: skip
def test_every_style_of_arguments(anna, style):
    campaign = anna.campaign()
    kind = "json" if "json" in style else "data"
    me = {"username": "anna", "password": PASSWORD, "campaign_id": str(campaign)}
    status, (done, payload) = anna.face.send("POST", "/rest/Campaign_Contact_Create", **style | {kind: style[kind] | me})
    assert (status, done) == (200, True), payload
    row = rows(campaign)[-1]
    assert (row.phone, row.remote_id, row.remote_module) == ("+4930999111", "77", "Leads")


def test_a_pending_number_is_updated_not_doubled(anna):
    campaign = anna.campaign()
    sent = {"campaign_id": campaign, "contact": {"phone": "+49301234001", "first_name": "Ben"}}
    first = anna.done("Campaign_Contact_Create", **sent, remote={"remote_id": "5"})
    again = anna.done("Campaign_Contact_Create", **sent, remote={"remote_id": "6"}, do_not_call="1")
    assert (first["contact_id"], again["contact_id"], again["contact_total"]) == (2, 2, 3)
    assert contact(2).first_name == "Ben"
    [row] = [row for row in rows(campaign) if row.contact_id == 2]
    assert (row.remote_id, row.do_not_call, row.state) == ("6", True, "due")
    assert anna.done("Campaign_Contact_Create", **sent, do_not_call=False)["contact_total"] == 3
    assert rows(campaign)[1].do_not_call, "the mark stays"


def test_one_that_is_being_called_is_updated_and_not_called_again(anna):
    campaign = anna.campaign()
    with store.connection():
        models.CampaignContact.update(state="busy", next_at=5).where(models.CampaignContact.contact_id == 2).execute()
    anna.done("Campaign_Contact_Create", campaign_id=campaign, contact=2, schedule_time="2999-01-01", remote={"remote_id": "6"})
    row = rows(campaign)[1]
    assert (len(rows(campaign)), row.state, row.next_at, row.remote_id) == (3, "busy", 5, "6")


def test_who_is_done_and_asked_for_once_more_is_dialled_once_more(anna):
    campaign = anna.campaign()
    finish(campaign, remote_id="old")
    with store.connection():
        models.Campaign.update(status="completed").where(models.Campaign.id == campaign).execute()
    assert anna.done("Campaign_Start", campaign_id=campaign)["status"] == "completed"
    joined = anna.done("Campaign_Contact_Create", campaign_id=campaign, contact={"phone": "+49301234001"})
    assert (joined["status"], joined["contact_total"], joined["contact_done"], joined["contact_id"]) == ("completed", 4, 3, 2)
    old, new = [row for row in rows(campaign) if row.contact_id == 2]
    assert (old.state, old.disposition, old.attempts, old.remote_id) == ("done", "busy", 1, "old")
    assert (new.state, new.disposition, new.attempts, new.remote_id, new.round) == ("due", None, 0, None, 1)
    assert anna.done("Campaign_Contact_Create", campaign_id=campaign, contact={"phone": "+49301234001"})["contact_total"] == 4
    assert anna.done("Campaign_Start", campaign_id=campaign)["status"] == "running"


def test_a_mark_do_not_call_outlives_the_next_request(anna):
    campaign = anna.campaign()
    finish(campaign, do_not_call=True, disposition="do-not-call")
    anna.done("Campaign_Contact_Create", campaign_id=campaign, contact={"phone": "+49301234001"})
    assert rows(campaign)[-1].do_not_call


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("2999-07-01 09:30:00", 32_487_809_400_000),  # Berlin, summer
        ("2999-07-01T09:30:00", 32_487_809_400_000),
        ("2999-07-01T09:30:00+02:00", 32_487_809_400_000),
        ("2999-07-01T07:30:00.250Z", 32_487_809_400_250),
        ("2999-01-01", 32_472_140_400_000),
        ("4102444800", 4_102_444_800_000),
        (4102444800, 4_102_444_800_000),
    ],
)
def test_times_as_people_write_them(anna, written, at):
    campaign = anna.campaign()
    anna.done("Campaign_Contact_Create", campaign_id=campaign, contact=ADA, schedule_time=written)
    row = rows(campaign)[-1]
    assert (row.next_at, row.gate, row.expires_at) == (at, "schedule", None)
    anna.done("Campaign_Contact_Create", campaign_id=anna.campaign(), contact=ADA, expiry=written)
    with store.connection():
        row = models.CampaignContact.select().order_by(models.CampaignContact.id.desc()).get()
    assert (row.expires_at, row.gate) == (at, None)
    assert row.next_at <= store.now()


def test_a_campaigns_zone_goes_before_the_users(anna):
    campaign = anna.campaign(timezone="Asia/Tokyo")
    anna.done("Campaign_Contact_Create", campaign_id=campaign, contact=ADA, expiry="2999-07-01 16:30:00")
    assert rows(campaign)[-1].expires_at == 32_487_809_400_000


def test_holding_tells_that_only_later_contacts_are_left(anna):
    with store.connection():
        group = models_contacts.ContactGroup.create(user=anna.user_id, name="empty", created_at=1).id
        trunk = models.Trunk.create(name="demo", host="127.0.0.1", simulated=True).id
        models.TrunkLoaded.create(node="main", trunk_id=trunk, version=1)
        models.Node.create(name="main", link_up=True, link_since=1, beat_at=store.now(), link_text="up")
    campaign = anna.done("Campaign_Create", campaign={"contact_group_id": group, "message": anna.recording, "trunk": "demo"})
    anna.done("Campaign_Start", campaign_id=campaign)
    joined = anna.done("Campaign_Contact_Create", campaign_id=campaign, contact=ADA, schedule_time="2999-07-01T07:30:00Z")
    assert joined["status"] == "running"
    assert joined["holding"].startswith("nobody is due before") and joined["holding"].endswith("until 2999-07-01 07:30:00Z")


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"contact": None}, "contact.phone is missing"),
        ({"contact": []}, "contact.phone is missing"),
        ({"contact": {"phone": "12"}}, "contact.phone: '12' lacks its area code"),
        ({"contact": {"phone": " 4930123456"}}, "contact.phone: begins with a space; a +"),
        ({"contact": "nobody"}, "contact: is not valid JSON"),
        ({"contact": 999}, "contact 999 is not found"),
        ({"contact": 4}, "contact 4 is not found"),
        ({"schedule_time": "soon"}, "schedule_time: 'soon' is no time"),
        ({"expiry": "2001-01-01"}, "expiry lies before"),
        ({"schedule_time": "2999-01-02", "expiry": "2999-01-01"}, "expiry lies before"),
        ({"do_not_call": "perhaps"}, "do_not_call: "),
        ({"remote": {"remote_id": "x" * 256}}, "remote.remote_id: "),
        ({"usr_id": 1}, "campaign 2 is not user 1's"),
        ({"campaign_id": 1}, "campaign 1 is not found"),
    ],
)
def test_what_is_refused_changes_nothing(anna, wrong, sentence):
    with store.connection():
        models_contacts.Contact.create(contact_group=2, phone="+49309", created_at=1)  # the other user's, number 4
    campaign = anna.campaign()
    said = anna.refused("Campaign_Contact_Create", **{"campaign_id": campaign, "contact": ADA} | wrong)
    assert said.startswith(sentence)
    assert len(rows(campaign)) == 3
    with store.connection():
        assert models_contacts.Contact.select().count() == 4


def test_nobody_joins_an_archived_campaign(anna):
    campaign = anna.campaign()
    anna.done("Campaign_Result", campaign_id=campaign, status="archived")
    assert "archived" in anna.refused("Campaign_Contact_Create", campaign_id=campaign, contact=ADA)
    assert len(rows(campaign)) == 3
