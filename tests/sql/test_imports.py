"""Imports on both databases: what a batch writes, that each place in the file is written once, and who joins what."""

import pytest

from sql import contacts, imports, store
from sql.contacts import NewContact
from sql.models import Call, Campaign, CampaignContact
from sql.models_contacts import Contact, ContactGroup, Import
from sql.states import CampaignStatus
from tests.world import NOW


def begin(campaign_id: int | None = None, token: str | None = None) -> int:
    return store.unit(imports.begin, 1, None if campaign_id else 1, campaign_id, 1, token, NOW)


def news(*ends: int, **fields: str) -> list[NewContact]:
    return [NewContact(f"+49301239{end:03}", "Europe/Berlin", fields) for end in ends]


def write(import_id: int, place: int, rows: list[NewContact], rejects: tuple[imports.Reject, ...] = ()) -> imports.Report:
    store.unit(imports.batch, import_id, place, len(rows) + len(rejects), rows, rejects, NOW)
    return imports.report(import_id)


def counts(report: imports.Report) -> tuple[int, int, int, int, int]:
    return report.read, report.new_rows, report.updated, report.duplicates, report.rejected


def joined(campaign_id: int) -> list[tuple[str, int]]:
    rows = CampaignContact.select().where(CampaignContact.campaign_id == campaign_id, CampaignContact.phone.startswith("+49301239"))
    return [(row.phone[-3:], row.round) for row in rows.order_by(CampaignContact.id)]


def test_new_ones_join_the_group_and_its_campaigns_once(world):
    import_id = begin()
    assert counts(write(import_id, 0, news(1, 2, 1, first_name="Anna"))) == (3, 2, 0, 1, 0)
    assert counts(write(import_id, 3, news(2, 3))) == (5, 3, 0, 2, 0)
    assert joined(world.campaign_id) == [("001", 0), ("002", 0), ("003", 0)]
    assert {row.import_id for row in Contact.select().where(Contact.first_name == "Anna")} == {import_id}


def test_a_known_number_is_updated_by_the_next_import(world):
    write(begin(), 0, news(1, first_name="Anna", email="a@example.com"))
    assert counts(write(begin(), 0, news(1, 1, first_name="Berta"))) == (2, 0, 1, 1, 0)
    [row] = Contact.select().where(Contact.phone == "+49301239001")
    assert (row.first_name, row.email) == ("Berta", "a@example.com")
    assert joined(world.campaign_id) == [("001", 0)]


def test_only_campaigns_that_are_not_archived_are_joined(world):
    same = {"user": 1, "contact_group": 1, "recording": 1, "created_at": NOW}
    archived = Campaign.create(name="old", status=CampaignStatus.ARCHIVED, **same).id
    deleted = Campaign.create(name="gone", deleted_at=NOW, **same).id
    stopped = Campaign.create(name="stopped", status=CampaignStatus.STOPPED, **same).id
    write(begin(), 0, news(1))
    assert [joined(one) for one in (world.campaign_id, archived, deleted, stopped)] == [[("001", 0)], [], [], [("001", 0)]]


def test_an_import_into_a_campaign_joins_that_one_alone(world):
    other = Campaign.create(user=1, contact_group=1, recording=1, name="other", created_at=NOW).id
    write(begin(), 0, news(1))
    import_id = begin(campaign_id=other)
    assert counts(write(import_id, 0, news(1, 2, 3))) == (3, 2, 0, 1, 0)  # the first is in it by its group
    assert joined(other) == [("001", 0), ("002", 0), ("003", 0)]
    assert joined(world.campaign_id) == [("001", 0)]
    group = ContactGroup.get_by_id(imports.report(import_id).contact_group_id)
    assert (group.campaign_id, group.user_id) == (other, 1)
    again = begin(campaign_id=other)
    assert imports.report(again).contact_group_id == group.id
    assert counts(write(again, 0, news(2))) == (1, 0, 1, 0, 0)


@pytest.mark.parametrize("place", [0, 1, 3])
def test_a_place_is_written_once(world, place):
    import_id = begin()
    write(import_id, 0, news(1, 2))
    with pytest.raises(imports.TakenOver):
        write(import_id, place, news(7))
    assert counts(imports.report(import_id)) == (2, 2, 0, 0, 0)
    assert not Contact.select().where(Contact.phone == "+49301239007").exists()


def test_nothing_is_written_once_it_is_over(world):
    import_id = begin()
    store.unit(imports.end, import_id, NOW)
    with pytest.raises(imports.TakenOver):
        write(import_id, 0, news(1))
    store.unit(imports.end, import_id, NOW, "too late")
    assert imports.report(import_id).state == imports.DONE
    assert imports.job(import_id) is None
    assert imports.unfinished() == []


def test_a_deleted_group_ends_it(world):
    import_id = begin()
    ContactGroup.update(deleted_at=NOW).execute()
    with pytest.raises(imports.Gone, match="contact group 1 was deleted"):
        write(import_id, 0, news(1))


@pytest.mark.parametrize(("change", "word"), [({"status": CampaignStatus.ARCHIVED}, "archived"), ({"deleted_at": NOW}, "deleted")])
def test_a_campaign_that_nobody_can_join_ends_it(world, change, word):
    import_id = begin(campaign_id=world.campaign_id)
    Campaign.update(**change).execute()
    with pytest.raises(imports.Gone, match=f"campaign {world.campaign_id} was {word}"):
        write(import_id, 0, news(1))


def test_the_same_token_waits_for_the_import_that_has_it(world):
    first = begin(token="a")
    with pytest.raises(imports.Running, match=f"import {first} of that import_id is running"):
        begin(token="a")
    assert begin(token="b") != begin() != begin()
    Import.update(beat_at=NOW - imports.FRESH_MS).where(Import.id == first).execute()  # nobody works on it
    second = begin(token="a")
    store.unit(imports.end, second, NOW)
    assert begin(token="a") > second


def test_rejects_are_counted_all_and_kept_some(world, monkeypatch):
    monkeypatch.setattr(imports, "MOST_REJECTS", 3)
    import_id = begin()
    two = tuple(imports.Reject(line, "x" * 400) for line in (1, 2))
    write(import_id, 0, [], two)
    report = write(import_id, 2, news(1), (imports.Reject(4, "is no number"), imports.Reject(5, "is no number")))
    assert counts(report) == (5, 1, 0, 0, 4)
    assert [(one.line, len(one.reason)) for one in imports.rejects(import_id)] == [(1, 300), (2, 300), (4, 12)]


def test_a_deleted_contact_comes_back_as_a_new_one(world):
    write(begin(), 0, news(1))
    [old] = Contact.select().where(Contact.phone == "+49301239001")
    store.unit(contacts.delete, [old.id], NOW)
    assert counts(write(begin(), 0, news(1))) == (1, 1, 0, 0, 0)
    assert joined(world.campaign_id) == [("001", 0), ("001", 1)]
    first, second = CampaignContact.select().where(CampaignContact.phone == "+49301239001").order_by(CampaignContact.id)
    assert (first.state, first.reason, second.state) == ("done", contacts.DELETED, "due")
    assert first.contact_id == old.id != second.contact_id


def test_one_who_is_called_at_this_moment_does_not_join_beside_that_call(world):
    write(begin(), 0, news(1))
    row = CampaignContact.get(CampaignContact.phone == "+49301239001")
    CampaignContact.update(state="busy").where(CampaignContact.id == row.id).execute()
    store.unit(contacts.delete, [row.contact_id], NOW)
    write(begin(), 0, news(1))
    assert joined(world.campaign_id) == [("001", 0)]


def test_the_token_finds_the_newest_of_that_name(world):
    first = begin(token="a")
    store.unit(imports.end, first, NOW)
    second, third = begin(token="a"), begin(token="7")
    assert imports.find("", "a").id == second
    assert imports.find("", str(first)).id == first
    assert imports.find("", "7").id == third
    assert imports.find("", None).id == third
    assert imports.find("", "b") is None
    assert imports.find("/99/", "a") is None


def test_open_calls_are_seen(world):
    assert not imports.calls_open()
    world.sent(1)
    assert imports.calls_open()
    Call.update(state="settled").execute()
    assert not imports.calls_open()


def test_the_last_batch_counts_what_a_lost_race_did_again(world):
    """A unit may run twice: what it did the first time is rolled back with it."""
    import_id = begin()

    def twice() -> None:
        imports.batch(import_id, 0, 2, news(1, 2), (), NOW)
        if not tried:
            tried.append(True)
            raise store.OperationalError(1213, "Deadlock found")

    tried: list[bool] = []
    store.unit(twice)
    assert counts(imports.report(import_id)) == (2, 2, 0, 0, 0)
    assert Import.get_by_id(import_id).beat_at == NOW
