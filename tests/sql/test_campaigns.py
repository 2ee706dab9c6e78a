"""Campaigns in the store: filled slice by slice, joined alone, moved, changed, listed."""

import threading
import time
from types import SimpleNamespace

import pytest

from sql import campaigns, contacts, members, models, models_accounts, models_contacts, settling, store
from sql.models import Campaign, CampaignContact
from sql.states import CAMPAIGN_MOVES, CampaignStatus
from tests.world import NOW


@pytest.fixture
def group(opened):
    """Of user 1: ten contacts, another group's among them; recording 1."""
    user = models_accounts.User.create(username="anna", password_hash="x", path="/1/", created_at=NOW)
    group = models_contacts.ContactGroup.create(user=user, name="g", created_at=NOW).id
    other = models_contacts.ContactGroup.create(user=user, name="o", created_at=NOW).id
    models.Recording.create(user=user, title="r", milliseconds=1000, created_at=NOW)
    for n in range(10):
        put(group, f"+493012340{n}")
        put(other, f"+493012350{n}")
    return group


def put(group_id, phone, **columns):
    return models_contacts.Contact.create(contact_group=group_id, phone=phone, created_at=NOW, **columns).id


def made(group_id):
    return store.unit(campaigns.create, 1, group_id, {"name": "c", "recording_id": 1}, NOW)


def phones(campaign_id):
    rows = CampaignContact.select(CampaignContact.phone).where(CampaignContact.campaign_id == campaign_id).order_by(CampaignContact.id)
    return [row.phone for row in rows]


def all_of(group_id):
    rows = models_contacts.Contact.select().where(models_contacts.Contact.contact_group == group_id).order_by(models_contacts.Contact.id)
    return [row.phone for row in rows]


@pytest.fixture
def small(monkeypatch):
    """Slices of three."""
    for name in ("FIRST", "SMALLEST", "LARGEST"):
        monkeypatch.setattr(members, name, 3)


def test_a_campaign_is_filled_in_slices_in_the_groups_order(group, small):
    campaign = made(group)
    assert phones(campaign) == []
    assert members.fill(campaign) == 4
    assert phones(campaign) == all_of(group)
    assert Campaign.get_by_id(campaign).filled_to is None
    assert members.fill(campaign) == 0
    row = CampaignContact.select().order_by(CampaignContact.id).get()
    assert (row.state, row.attempts, row.legs, row.round, row.do_not_call) == ("due", 0, 0, 0, False)


def test_filling_goes_on_where_it_was_broken_off(group, small, monkeypatch):
    campaign = made(group)
    # this module's clock only: other threads sleep too
    monkeypatch.setattr(members, "time", SimpleNamespace(sleep=stop_after(2), monotonic=time.monotonic))
    with pytest.raises(Killed):
        members.fill(campaign)
    assert len(phones(campaign)) == 6
    late = put(group, "+49301239")  # an import that runs beside it
    store.unit(contacts_join, campaign, late)
    monkeypatch.undo()
    members.fill(campaign)
    assert sorted(phones(campaign)) == sorted(all_of(group))


class Killed(Exception):
    pass


def stop_after(count):
    left = [count]

    def sleep(_):
        left[0] -= 1
        if not left[0]:
            raise Killed

    return sleep


def contacts_join(campaign_id, contact_id):
    row = models_contacts.Contact.get_by_id(contact_id)
    CampaignContact.insert(campaign_id=campaign_id, contact_id=row.id, phone=row.phone, next_at=NOW).execute()


def test_two_who_fill_at_once_double_nobody(group, small, store_url):
    campaign, faults = made(group), []

    def fill():
        try:
            with store.connection():
                members.fill(campaign)
        except Exception as error:
            faults.append(error)

    threads = [threading.Thread(target=fill) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert phones(campaign) == all_of(group)


def test_deleted_contacts_and_deleted_campaigns_are_left_alone(group, small):
    first, second = made(group), made(group)
    models_contacts.Contact.update(deleted_at=NOW).where(models_contacts.Contact.phone == "+4930123404").execute()
    members.fill(first)
    assert phones(first) == [phone for phone in all_of(group) if phone != "+4930123404"]
    store.unit(campaigns.delete, second, NOW)
    assert members.fill(second) == 0


def test_leaving_takes_only_those_who_were_not_dialled(group, small):
    campaign = made(group)
    members.fill(campaign)
    CampaignContact.update(state="done", disposition="busy", attempts=1).where(CampaignContact.phone == "+4930123401").execute()
    CampaignContact.update(attempts=1).where(CampaignContact.phone == "+4930123402").execute()
    alone = members.Known(put(group + 1, "+49301239"), "+49301239", None)
    store.unit(members.join, campaign, alone, members.Wish(), NOW)
    members.leave(campaign, group)
    assert phones(campaign) == ["+4930123401", "+4930123402", "+49301239"]


def test_rounds_of_one_number(group):
    campaign = made(group)
    ada = members.Known(1, "+4930123400", "Europe/Berlin")
    for n in range(3):
        assert store.unit(members.join, campaign, ada, members.Wish(remote_id=str(n)), NOW + n) == 1
        assert store.unit(members.join, campaign, ada, members.Wish(), NOW + n) == 1
        CampaignContact.update(state="done", disposition="busy").execute()
    rows = CampaignContact.select().order_by(CampaignContact.id)
    assert [(row.round, row.remote_id, row.next_at) for row in rows] == [(0, "0", NOW), (1, "1", NOW + 1), (2, "2", NOW + 2)]


def test_a_person_is_kept_in_the_campaigns_own_group_once(group):
    campaign = made(group)
    members.fill(campaign)
    new = contacts.NewContact("+49301239", None, {"first_name": "Ada"})
    first = store.unit(members.person, campaign, 1, new, NOW)
    store.unit(members.join, campaign, first, members.Wish(), NOW)
    assert store.unit(members.person, campaign, 1, new, NOW) == first
    own = models_contacts.Contact.get_by_id(first.contact_id).contact_group
    assert (own.campaign_id, own.user_id) == (campaign, 1)
    of_group = store.unit(members.person, campaign, 1, contacts.NewContact("+4930123400", None, {"first_name": "Ben"}), NOW)
    assert (of_group.contact_id, models_contacts.Contact.get_by_id(1).first_name) == (1, "Ben")


@pytest.mark.parametrize("here", list(CAMPAIGN_MOVES))
@pytest.mark.parametrize("to", list(CAMPAIGN_MOVES))
def test_states_move_only_along_the_table(group, here, to):
    campaign = made(group)
    members.fill(campaign)
    Campaign.update(status=here).execute()
    harmless = here == to or (here, to) == (CampaignStatus.COMPLETED, CampaignStatus.STOPPED)
    try:
        store.unit(campaigns.move, campaign, to, NOW)
    except campaigns.WrongState:
        assert not harmless
    moved = Campaign.get_by_id(campaign).status
    assert moved == here or to in CAMPAIGN_MOVES[here]
    if to in CAMPAIGN_MOVES[here] and not harmless:
        assert moved == to


def test_a_completed_campaign_runs_again_only_for_those_who_are_pending(group):
    campaign = made(group)
    members.fill(campaign)
    CampaignContact.update(state="done").execute()
    Campaign.update(status="running").execute()
    assert store.unit(settling.complete_campaigns, [campaign], NOW) == [campaign]
    store.unit(campaigns.move, campaign, CampaignStatus.RUNNING, NOW)
    assert Campaign.get_by_id(campaign).status == "completed"
    store.unit(members.join, campaign, members.Known(1, "+4930123400", None), members.Wish(), NOW)
    store.unit(campaigns.move, campaign, CampaignStatus.RUNNING, NOW + 5)
    assert (Campaign.get_by_id(campaign).status, Campaign.get_by_id(campaign).started_at) == ("running", NOW + 5)


def test_a_change_of_group_needs_rest_and_begins_filling_anew(group):
    campaign = made(group)
    members.fill(campaign)
    Campaign.update(status="running").execute()
    with pytest.raises(campaigns.WrongState, match="it is running; stop it"):
        store.unit(campaigns.change, campaign, {"contact_group_id": group + 1})
    store.unit(campaigns.change, campaign, {"cps": 9})
    Campaign.update(status="stopped").execute()
    store.unit(campaigns.change, campaign, {"contact_group_id": group + 1, "name": "d"})
    row = Campaign.get_by_id(campaign)
    assert (row.contact_group_id, row.filled_to, row.cps, row.name) == (group + 1, 0, 9, "d")


def test_listed_by_part_of_the_name_with_its_wildcards_meant(group):
    for name in ("50% off", "505 off", "a_b", "axb", "back\\slash"):
        Campaign.create(user=1, name=name, created_at=NOW)
    names = {part: [row.name for _, row in campaigns.listed("", 10, 0, {}, part)] for part in ("50%", "a_b", "OFF", "k\\s")}
    assert names == {"50%": ["50% off"], "a_b": ["a_b"], "OFF": ["50% off", "505 off"], "k\\s": ["back\\slash"]}


def test_two_who_start_it_at_once_are_both_right(group, monkeypatch):
    campaign = made(group)
    before = Campaign.get_by_id(campaign)
    store.unit(campaigns.move, campaign, CampaignStatus.RUNNING, NOW)
    seen = iter([before])  # the other one read it before our commit
    monkeypatch.setattr(Campaign, "get_by_id", lambda key: next(seen, None) or Campaign.get(Campaign.id == key))
    store.unit(campaigns.move, campaign, CampaignStatus.RUNNING, NOW + 5)
    assert (Campaign.get_by_id(campaign).status, Campaign.get_by_id(campaign).started_at) == ("running", NOW)
