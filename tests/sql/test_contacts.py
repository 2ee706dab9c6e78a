"""Contacts in the store: one number once in a group and once in a campaign, whoever comes at the same moment; nothing after a deletion."""

import threading

import pytest

from sql import calls, claims, contacts, models, models_contacts, settling, store
from sql.contacts import NewContact
from tests.world import NOW

GROUP = 1


def put(*phones: str, now: int = NOW, group: int = GROUP, **fields: str) -> list[tuple[int, bool]]:
    return store.unit(contacts.put, group, [NewContact(phone, "Europe/Berlin", fields) for phone in phones], now)


def rows(campaign_id: int, phone: str) -> list[models.CampaignContact]:
    row = models.CampaignContact
    return list(row.select().where(row.campaign_id == campaign_id, row.phone == phone).order_by(row.round))


def finish(call_id: int, disposition: str, next_at: int | None) -> None:
    store.unit(calls.hung_up, call_id, NOW, 17, 486, "Down")
    [ended] = [one for one in settling.to_settle(NOW + 9999, 9) if one.call_id == call_id]
    store.unit(settling.settle, ended, settling.Decision(disposition, 486, 17, None, NOW, 0, next_at), NOW)


def test_put_answers_in_the_order_given(world):
    [known, new, again] = put("+49301234000", "+4930999", "+4930999")
    assert (known[1], new[1]) == (False, True)
    assert again[0] == new[0]
    assert models_contacts.Contact.get_by_id(new[0]).created_at == NOW


def test_update_keeps_what_is_not_given(world):
    [(contact_id, _)] = put("+4930999", first_name="Ann", custom1="x")
    assert put("+4930999", last_name="Lee") == [(contact_id, False)]
    row = models_contacts.Contact.get_by_id(contact_id)
    assert (row.first_name, row.last_name, row.custom1, row.zone) == ("Ann", "Lee", "x", "Europe/Berlin")


def test_new_ones_are_due_in_every_campaign_of_the_group_that_is_not_archived(world):
    user = models.Campaign.get().user
    made = {
        status: models.Campaign.create(user=user, contact_group=GROUP, name=status, created_at=NOW, status=status).id
        for status in ("ready", "running", "stopped", "completed", "archived")
    }
    deleted = models.Campaign.create(user=user, contact_group=GROUP, name="deleted", created_at=NOW, deleted_at=NOW).id
    put("+4930999")
    for status, campaign_id in made.items():
        joined = rows(campaign_id, "+4930999")
        assert [(row.state, row.next_at, row.joined_at, row.attempts) for row in joined] == (
            [("due", NOW, NOW, 0)] * (status != "archived")
        )
    assert rows(deleted, "+4930999") == []


def test_put_twice_is_dialled_once(world):
    call = world.sent(1)[0]
    put("+49301234000")
    finish(call, "human", None)
    put("+49301234000", "+49301234001")
    assert [(row.round, row.state) for row in rows(world.campaign_id, "+49301234000")] == [(0, "done")]
    assert [(row.round, row.state) for row in rows(world.campaign_id, "+49301234001")] == [(0, "due")]


@pytest.mark.parametrize("when", ["due", "claimed", "sending", "redial"])
def test_nothing_follows_a_deletion(world, when):
    phone = "+49301234000"
    [contact] = {row.contact_id for row in rows(world.campaign_id, phone)}
    claimed = world.claim(1) if when == "claimed" else []
    call = world.sent(1)[0] if when in ("sending", "redial") else None
    if when == "redial":
        finish(call, "busy", NOW)
    assert store.unit(contacts.delete, [contact], NOW + 1) == 1
    assert store.unit(contacts.delete, [contact], NOW + 2) == 0
    if claimed:
        assert store.unit(claims.sending, claimed, NOW) == []
    if when == "sending":
        assert [row.state for row in rows(world.campaign_id, phone)] == ["busy"]  # it goes on
        finish(call, "busy", NOW)
    assert [row.phone for row in claims.candidates(world.campaign_id, 1 << 62, 99) if row.phone == phone] == []
    [row] = rows(world.campaign_id, phone)
    assert row.state == "done"
    if when in ("due", "redial"):
        assert row.reason == contacts.DELETED
    if call is not None:
        assert models.Call.get_by_id(call).final is (when == "sending")


def test_a_number_that_was_deleted_comes_back_as_another_contact_and_is_dialled(world):
    phone = "+49301234000"
    call = world.sent(1)[0]
    finish(call, "human", None)
    old = models.Call.get_by_id(call).contact_id
    store.unit(contacts.delete, [old], NOW)
    [(new, is_new)] = put(phone, now=NOW + 5)
    assert is_new
    assert new != old
    first, second = rows(world.campaign_id, phone)
    assert (first.contact_id, first.state, first.disposition) == (old, "done", "human")
    assert (second.contact_id, second.state, second.round, second.next_at) == (new, "due", 1, NOW + 5)


def test_never_two_calls_to_one_number_at_once(world):
    """Deleted and put back while it is called: the campaign dials it once more only after that call."""
    phone = "+49301234000"
    call = world.sent(1)[0]
    store.unit(contacts.delete, [models.Call.get_by_id(call).contact_id], NOW)
    put(phone)
    assert [row.phone for row in claims.candidates(world.campaign_id, NOW, 99) if row.phone == phone] == []


def test_do_not_call_stays_with_the_number(world):
    phone = "+49301234000"
    [row] = rows(world.campaign_id, phone)
    models.CampaignContact.update(do_not_call=True).where(models.CampaignContact.id == row.id).execute()
    store.unit(contacts.delete, [row.contact_id], NOW)
    put(phone)
    assert [row.do_not_call for row in rows(world.campaign_id, phone)] == [True, True]


def test_a_new_number_is_dialled_instead_of_the_old_one(world):
    [row] = rows(world.campaign_id, "+49301234000")
    store.unit(contacts.change, row.contact_id, {"phone": "+4930999", "zone": None}, NOW)
    assert rows(world.campaign_id, "+49301234000") == []
    assert [one.id for one in rows(world.campaign_id, "+4930999")] == [row.id]
    with pytest.raises(contacts.NumberThere, match="of the same group has that number"):
        store.unit(contacts.change, row.contact_id, {"phone": "+49301234001", "zone": None}, NOW)


def test_whoever_comes_at_the_same_moment_the_number_stands_once(world):
    phones = [f"+4930777{n:03}" for n in range(20)]
    start, made, failed = threading.Barrier(4), [], []

    def one(turn: int) -> None:
        try:
            with store.connection():
                start.wait()
                for n in range(0, 20, 5):
                    batch = phones[n : n + 5] if turn % 2 else phones[n : n + 5][::-1]
                    made.extend(zip(batch, put(*batch), strict=True))
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=one, args=(turn,)) for turn in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert {len({contact_id for phone, (contact_id, _) in made if phone == one}) for one in phones} == {1}
    assert sum(new for _, (_, new) in made) == 20
    assert [len(rows(world.campaign_id, phone)) for phone in phones] == [1] * 20
