"""Contacts by HTTP: made, found, changed, deleted, and told of; each in its group and in the campaigns of it."""

import pytest

from sql import claims, models, store
from tests.api import campaigning

NEW = {"phone": "030 123456", "first_name": "Ann", "custom1": "a 1"}


@pytest.fixture
def field(face) -> campaigning.Field:
    return campaigning.lay_out(face)


def pending(campaign_id: int) -> list[str]:
    with store.connection():
        return sorted(one.phone for one in claims.candidates(campaign_id, 1 << 62, 100))


def test_made_in_the_group_api_unless_another_is_named(field):
    first = field.done("Contact_Create", contact=NEW)
    assert first == {
        "contact_id": first["contact_id"], "contact_group_id": first["contact_group_id"], "phone": "+4930123456", "status": "created",
    }  # fmt: skip
    second = field.done("Contact_Create", contact={"phone": "+4930123457"})
    assert second["contact_group_id"] == first["contact_group_id"]
    assert field.done("Contact_Group_Get", contact_group_id=first["contact_group_id"])["name"] == "API"
    named = field.done("Contact_Create", contact=NEW, contact_group_id=field.group)
    assert named["contact_group_id"] == field.group
    assert named["contact_id"] != first["contact_id"]


def test_a_number_that_is_there_is_updated(field):
    made = field.done("Contact_Create", contact=NEW)
    again = field.done("Contact_Create", contact={"phone": "+49 30 123456", "last_name": "Lee", "first_name": ""})
    assert again == {**made, "status": "updated"}
    kept = field.done("Contact_Get", contact_id=made["contact_id"])
    assert (kept["first_name"], kept["last_name"], kept["custom1"]) == ("Ann", "Lee", "a 1")
    assert kept["timezones"] == ["Europe/Berlin"]


@pytest.mark.parametrize(
    ("contact", "says"),
    [
        ({}, "contact.phone is missing"),
        ({"phone": "12"}, "contact.phone: '12' lacks its area code"),
        ({"phone": "+49301234&SIP/x"}, "contact.phone: "),
        ({"phone": " 4930123456"}, "has to be sent as %2B"),
        ({"phone": "030 123456", "first_name": "x" * 81}, "contact.first_name: "),
        ({"phone": "030 123456", "email": "x" * 201}, "contact.email: "),
        ({"phone": "030 123456", "custom2": "x" * 256}, "contact.custom2: "),
    ],
)
def test_what_is_no_contact_is_refused_by_name(field, contact, says):
    assert says in field.refused("Contact_Create", contact=contact)
    assert field.done("Contact_Group_List", search={"name": "API"}) == []  # not even the group was made


def test_who_joins_a_group_joins_its_campaigns_until_they_are_archived(field):
    first, archived = field.campaign(), field.campaign()
    field.done("Campaign_Result", campaign_id=archived, status="archived")
    before = pending(first)
    field.done("Contact_Create", contact=NEW, contact_group_id=field.group)
    assert pending(first) == sorted([*before, "+4930123456"])
    assert pending(archived) == before
    field.done("Contact_Create", contact=NEW, contact_group_id=field.group)
    assert len(pending(first)) == len(before) + 1


def test_deleted_nobody_dials_it_and_the_number_comes_back_as_somebody_else(field):
    campaign = field.campaign()
    made = field.done("Contact_Create", contact=NEW, contact_group_id=field.group)
    gone = {"contact_id": made["contact_id"], "status": "deleted"}
    assert field.done("Contact_Delete", contact_id=made["contact_id"]) == gone
    assert "+4930123456" not in pending(campaign)
    row = models.CampaignContact
    with store.connection():
        ended = row.get(row.campaign_id == campaign, row.contact_id == made["contact_id"])
    assert (ended.state, ended.disposition, ended.reason) == ("done", "canceled", "the contact was deleted")
    for method in ("Contact_Get", "Contact_Delete", "Contact_Timeline"):
        assert field.refused(method, contact_id=made["contact_id"]) == f"contact {made['contact_id']} is not found"
    assert "is not found" in field.refused("Contact_Update", contact_id=made["contact_id"], contact={"last_name": "x"})
    back = field.done("Contact_Create", contact={"phone": NEW["phone"]}, contact_group_id=field.group)
    assert back["status"] == "created"
    assert back["contact_id"] != made["contact_id"]
    assert field.done("Contact_Get", contact_id=back["contact_id"])["first_name"] is None
    assert pending(campaign).count("+4930123456") == 1


def test_changed_also_where_it_is_still_to_be_dialled(field):
    campaign = field.campaign()
    made = field.done("Contact_Create", contact=NEW, contact_group_id=field.group)["contact_id"]
    changed = field.done("Contact_Update", contact_id=made, contact={"phone": "030 999888", "email": "ann@example.com"})
    assert (changed["phone"], changed["email"], changed["first_name"]) == ("+4930999888", "ann@example.com", "Ann")
    assert changed == field.done("Contact_Get", contact_id=made)
    assert "+4930999888" in pending(campaign)
    assert "+4930123456" not in pending(campaign)
    assert "has that number" in field.refused("Contact_Update", contact_id=made, contact={"phone": "+49301234000"})
    assert field.done("Contact_Update", contact_id=made, contact={}) == changed
    assert "contact.phone: " in field.refused("Contact_Update", contact_id=made, contact={"phone": "x"})


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ({}, [0, 1, 2, 3]),
        ({"phone": "+49301234"}, [0, 1, 2, 3]),
        ({"phone": "4001"}, [1]),
        ({"first_name": "ann"}, [3]),
        ({"first_name": "Ann", "custom1": "a 1"}, [3]),
        ({"first_name": "Ann", "custom1": "b"}, []),
        ({"custom1": "%"}, []),
        ({"custom1": "_"}, []),
        ({"last_name": "' OR 1=1 --"}, []),
    ],
)
def test_searched(field, search, found):
    made = field.done("Contact_Create", contact={**NEW, "phone": "+49301234999"}, contact_group_id=field.group)
    everybody = field.done("Contact_List", search={"contact_group_id": field.group})
    assert everybody[-1] == field.done("Contact_Get", contact_id=made["contact_id"])
    assert field.done("Contact_List", search=search) == [everybody[n] for n in found]
    assert field.done("Contact_List", search={"contact_id": made["contact_id"]}) == [everybody[3]]


def test_a_search_for_no_column_is_refused_by_name(field):
    assert "'shoe_size' is no column" in field.refused("Contact_List", search={"shoe_size": 44})


def test_listed_in_pages(field):
    ids = [row["contact_id"] for row in field.done("Contact_List")]
    assert len(ids) == 3
    assert [row["contact_id"] for row in field.done("Contact_List", limit=2)] == ids[:2]
    assert [row["contact_id"] for row in field.done("Contact_List", limit=2, cursor=ids[1])] == ids[2:]
    for limit in (0, 10_001):
        assert "limit" in field.refused("Contact_List", limit=limit)


def test_others_contacts_are_not_found(field):
    [first, *_] = field.done("Contact_List")
    assert field.face.done("Contact_List", "bea") == []
    assert field.face.done("Contact_List", "bea", search={"contact_group_id": field.group}) == []
    for method, more in (
        ("Contact_Get", {}),
        ("Contact_Delete", {}),
        ("Contact_Timeline", {}),
        ("Contact_Update", {"contact": {"email": "x"}}),
    ):
        assert field.face.refused(method, "bea", contact_id=first["contact_id"], **more) == f"contact {first['contact_id']} is not found"
    assert "is not found" in field.face.refused("Contact_Create", "bea", contact=NEW, contact_group_id=field.group)
    assert field.done("Contact_Get", contact_id=first["contact_id"]) == first


def test_the_whole_story(field):
    campaign = field.campaign(name="spring")
    call = field.ended(campaign, "human", answered_at=campaigning.NOW + 3000, heard_at=campaigning.NOW + 4000, heard_complete=True)
    with store.connection():
        contact = models.Call.get_by_id(call).contact_id
    story = field.done("Contact_Timeline", contact_id=contact)
    assert [event["at"] for event in story] == sorted(event["at"] for event in story)
    what = {event["what"]: event for event in story}
    assert {"created", "joined", "dialled", "answered", "heard", "ended", "settled"} <= set(what)
    assert f"campaign {campaign} (spring)" in what["joined"]["text"]
    assert (what["ended"]["call_id"], what["ended"]["campaign_id"]) == (call, campaign)
    assert what["ended"]["text"] == "human (SIP 200, cause 16)"
    assert (what["joined"]["call_id"], what["created"]["campaign_id"]) == (None, None)
