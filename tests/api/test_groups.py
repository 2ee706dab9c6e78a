"""Contact groups by HTTP: made, found, changed, and deleted with all that is in them, but never under a campaign."""

import pytest

from sql import groups, imports, models, store
from tests.api import campaigning


@pytest.fixture
def field(face) -> campaigning.Field:
    return campaigning.lay_out(face)


def test_made_found_and_changed(field):
    made = field.done("Contact_Group_Create", contact_group={"name": "friends", "description": "of ours"})
    assert isinstance(made, int)
    row = field.done("Contact_Group_Get", contact_group_id=made)
    assert {**row, "created_at": None} == {
        "contact_group_id": made, "user_id": field.user_id, "name": "friends", "description": "of ours", "campaign_id": None,
        "contacts": 0, "created_at": None,
    }  # fmt: skip
    field.done("Contact_Create", contact={"phone": "+4930123456"}, contact_group_id=made)
    changed = field.done("Contact_Group_Update", contact_group_id=made, contact_group={"name": "old friends"})
    assert changed == {**row, "name": "old friends", "contacts": 1}
    assert field.done("Contact_Group_List", search={"name": "OLD"}) == [changed]
    assert field.done("Contact_Group_Update", contact_group_id=made, contact_group={}) == changed


@pytest.mark.parametrize(
    ("method", "given", "says"),
    [
        ("Contact_Group_Create", {}, "contact_group is missing"),
        ("Contact_Group_Create", {"contact_group": {"name": ""}}, "contact_group.name is missing"),
        ("Contact_Group_Create", {"contact_group": {"name": "x" * 201}}, "contact_group.name: "),
        ("Contact_Group_Get", {"contact_group_id": 99}, "contact group 99 is not found"),
        ("Contact_Group_Update", {"contact_group_id": 99, "contact_group": {"name": "x"}}, "contact group 99 is not found"),
        ("Contact_Group_Delete", {"contact_group_id": 99}, "contact group 99 is not found"),
        ("Contact_Group_List", {"limit": 10_001}, "limit"),
    ],
)
def test_refused_by_name(field, method, given, says):
    assert says in field.refused(method, **given)


def test_listed_in_pages(field):
    made = [field.done("Contact_Group_Create", contact_group={"name": f"g{n}"}) for n in range(4)]
    assert [row["contact_group_id"] for row in field.done("Contact_Group_List")] == [field.group, *made]
    assert [row["contact_group_id"] for row in field.done("Contact_Group_List", limit=2, cursor=made[0])] == made[1:3]
    assert [row["contacts"] for row in field.done("Contact_Group_List", limit=2)] == [3, 0]


def test_others_groups_are_not_found(field):
    assert field.group not in [row["contact_group_id"] for row in field.face.done("Contact_Group_List", "bea")]
    for method, more in (("Get", {}), ("Delete", {}), ("Update", {"contact_group": {"name": "x"}})):
        said = field.face.refused(f"Contact_Group_{method}", "bea", contact_group_id=field.group, **more)
        assert said == f"contact group {field.group} is not found"
    assert field.done("Contact_Group_Get", contact_group_id=field.group)["name"] == "anna"


def test_not_deleted_while_a_campaign_uses_it(field):
    campaign = field.campaign(name="spring")
    said = field.refused("Contact_Group_Delete", contact_group_id=field.group)
    assert said.startswith(f"contact group {field.group} cannot be deleted: campaign {campaign} (spring) uses it")
    assert field.done("Contact_Group_Get", contact_group_id=field.group)["contacts"] == 3
    field.done("Campaign_Result", campaign_id=campaign, status="archived")
    assert field.done("Contact_Group_Delete", contact_group_id=field.group) is True
    assert field.refused("Contact_Group_Delete", contact_group_id=field.group) == f"contact group {field.group} is not found"


def test_deleted_with_its_contacts_wherever_they_are_still_to_be_dialled(field, monkeypatch):
    monkeypatch.setattr(groups, "SLICE", 2)  # in several transactions
    other = field.done("Contact_Group_Create", contact_group={"name": "others"})
    campaign = field.campaign(contact_group_id=other)
    [first, *_] = field.done("Contact_List", search={"contact_group_id": field.group})
    field.done("Campaign_Contact_Create", campaign_id=campaign, contact_id=first["contact_id"])
    assert field.done("Contact_Group_Delete", contact_group_id=field.group) is True
    assert field.done("Contact_List") == []
    assert field.refused("Contact_Get", contact_id=first["contact_id"]) == f"contact {first['contact_id']} is not found"
    with store.connection():
        row = models.CampaignContact.get(models.CampaignContact.campaign_id == campaign)
    assert (row.state, row.reason) == ("done", "the contact was deleted")
    assert "is not found" in field.refused("Contact_Create", contact={"phone": "+4930123456"}, contact_group_id=field.group)
    assert "is not found" in field.refused("Campaign_Create", campaign={"contact_group_id": field.group, "message": field.recording})


def test_a_deleted_group_api_is_made_again(field):
    made = field.done("Contact_Create", contact={"phone": "+4930123456"})
    field.done("Contact_Group_Delete", contact_group_id=made["contact_group_id"])
    again = field.done("Contact_Create", contact={"phone": "+4930123456"})
    assert again["status"] == "created"
    assert again["contact_group_id"] != made["contact_group_id"]


def test_not_deleted_while_an_import_is_read_into_it(field):
    with store.connection():
        now = store.now()
        made = imports.begin(field.user_id, field.group, None, field.user_id, None, now)
    said = field.refused("Contact_Group_Delete", contact_group_id=field.group)
    assert said == f"contact group {field.group} cannot be deleted: import {made} is being read into it; try again when that is done"
    with store.connection():
        store.unit(imports.end, made, now)
    assert field.done("Contact_Group_Delete", contact_group_id=field.group) is True
