"""Contacts and groups as their owners see them, on both databases: found, listed, told of, and ended in slices."""

import pytest

from sql import contacts, groups, people, store
from sql.contacts import NewContact
from sql.models import Call, Campaign, CampaignContact
from sql.models_contacts import Contact, ContactGroup
from sql.models_push import Push, PushTry
from sql.states import CampaignStatus
from tests.world import NOW

OTHERS = "/99/"


def put(phone: str, group: int = 1, **fields: str) -> int:
    [(contact_id, _)] = store.unit(contacts.put, group, [NewContact(phone, "Europe/Berlin", fields)], NOW)
    return contact_id


def test_a_contact_is_found_within_its_scope_until_it_or_its_group_is_deleted(world):
    contact = put("+4930123999", first_name="Ada")
    found = people.get(contact, "/1/")
    assert (found.phone, found.first_name, found.zone, found.contact_group_id) == ("+4930123999", "Ada", "Europe/Berlin", 1)
    assert people.get(contact, "") == found
    assert people.get(contact, OTHERS) is None
    ContactGroup.update(deleted_at=NOW).execute()
    assert people.get(contact, "") is None
    assert people.listed("", {}, {}, 10, 0) == []


@pytest.mark.parametrize(
    ("equal", "containing", "found"),
    [
        ({}, {}, 6),
        ({"contact_group": 1}, {}, 6),
        ({"contact_group": 2}, {}, 0),
        ({}, {"first_name": "ADA"}, 1),
        ({}, {"last_name": "Özgür"}, 1),
        ({}, {"first_name": "%"}, 0),
        ({}, {"first_name": "_da"}, 0),
        ({}, {"phone": "0123"}, 6),
        ({"contact_group": 1}, {"phone": "999", "first_name": "Ada"}, 1),
    ],
)
def test_contacts_are_searched_by_their_columns(world, equal, containing, found):
    put("+4930123999", first_name="Ada", last_name="Özgür")
    assert len(people.listed("/1/", equal, containing, 10, 0)) == found
    assert people.listed(OTHERS, equal, containing, 10, 0) == []


def test_lists_go_on_at_their_cursor(world):
    pages = [people.listed("", {}, {}, 2, cursor) for cursor in (0, 2, 4)]
    assert [[person.id for person in page] for page in pages] == [[1, 2], [3, 4], [5]]
    for name in ("a", "b", "c"):
        contacts.create_group(1, name, None, NOW)
    assert [group.name for group in groups.listed("/1/", None, 2, 1)] == ["a", "b"]
    assert [group.id for group in groups.listed("", "B", 9, 0)] == [3]
    assert groups.listed(OTHERS, None, 9, 0) == []


def test_a_group_counts_those_who_are_there(world):
    assert groups.get(1, "/1/").contacts == 5
    store.unit(contacts.delete, [2], NOW)
    assert groups.get(1, "/1/").contacts == 4
    assert groups.get(1, OTHERS) is None
    store.unit(groups.change, 1, {"name": "others"})
    assert groups.get(1, "").name == "others"


def test_a_group_is_deleted_in_slices_once_no_campaign_uses_it(world, monkeypatch):
    monkeypatch.setattr(groups, "SLICE", 2)
    with pytest.raises(groups.InUse, match=f"campaign {world.campaign_id} "):
        store.unit(groups.delete, 1, NOW)
    Campaign.update(status=CampaignStatus.ARCHIVED).execute()
    assert [store.unit(groups.delete, 1, NOW) for _ in range(4)] == [False, False, False, True]
    assert groups.get(1, "") is None
    assert Contact.select().where(Contact.gone == 0).count() == 0
    assert CampaignContact.select().where(CampaignContact.state == "due").count() == 0


def test_the_own_group_of_a_campaign_lives_as_long_as_it(world):
    own = contacts.create_group(1, "own", None, NOW)
    ContactGroup.update(campaign_id=world.campaign_id).where(ContactGroup.id == own).execute()
    with pytest.raises(groups.InUse, match=f"campaign {world.campaign_id} "):
        store.unit(groups.delete, own, NOW)


def test_the_story_of_a_contact_is_told_in_order(world):
    contact = put("+4930123999")
    CampaignContact.update(next_at=1).where(CampaignContact.contact_id == contact).execute()
    [call] = world.sent(1, NOW + 10)
    Call.update(
        state="settled", connected_at=NOW + 20, heard_at=NOW + 30, heard_ms=1500, heard_complete=False, pressed_at=NOW + 25, pressed="1",
        ended_at=NOW + 40, settled_at=NOW + 50, disposition="human", sip_code=200, hangup_code=16, final=True,
    ).where(Call.id == call).execute()  # fmt: skip
    CampaignContact.update(state="done", disposition="human", done_at=NOW + 51).where(CampaignContact.contact_id == contact).execute()
    push = Push.create(
        webhook_id="msg_1", endpoint_id=world.endpoint_id, call_id=call, seq=1, event="call.completed", body="{}", state="dead",
        next_at=NOW, created_at=NOW, done_at=NOW + 90, reason="answered 410",
    ).id  # fmt: skip
    PushTry.create(push_id=push, at=NOW + 60, status=None, milliseconds=5, error="it did not answer")
    PushTry.create(push_id=push, at=NOW + 80, status=410, milliseconds=5)
    story = people.timeline(contact, "")
    assert [(event.at - NOW, event.what) for event in story] == [
        (0, "created"), (0, "joined"), (10, "claimed"), (10, "dialled"), (20, "answered"), (25, "pressed"), (30, "heard"), (40, "ended"),
        (50, "settled"), (51, "done"), (60, "pushed"), (80, "pushed"), (90, "push-dead"),
    ]  # fmt: skip
    assert {event.call_id for event in story[2:9]} == {call}
    told = {event.what: event.text for event in story}
    assert told["ended"] == "human (SIP 200, cause 16)"
    assert told["heard"] == "the message was played for 1.5 s"
    assert told["push-dead"].endswith("was given up: answered 410")
