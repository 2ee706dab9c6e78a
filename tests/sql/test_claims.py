"""The claim: a compare-and-set whose row count is believed, the durable mark, and the way back."""

import threading

import pytest

from sql import claims, models, models_contacts, row, snapshots, store
from sql.states import CallState, ContactState, Load
from tests.world import NOW

INDEX = "campaigncontact_campaign_id_state_next_at_id"


def test_a_claim_takes_contacts_and_caps_in_one(world):
    claimed = world.claim(3)
    assert [call.phone for call in claimed] == ["+49301234000", "+49301234001", "+49301234002"]
    seen = snapshots.snapshot("main", NOW)
    assert seen.by_campaign == {world.campaign_id: Load(open=3, second=3, tenth=3, channels=3)}
    assert seen.by_trunk == {1: Load(3, 3, 3, 3)}
    assert seen.by_node == Load(3, 3, 3, 3)
    assert seen.trunks[0].loaded
    assert len(claims.candidates(world.campaign_id, NOW, 9)) == 2


@pytest.mark.parametrize(("later", "load"), [(0, Load(2, 2, 2, 2)), (200, Load(2, 2, 0, 2)), (1100, Load(2, 0, 0, 2))])
def test_load_is_counted_per_second_and_tenth(world, later, load):
    world.claim(2)
    assert snapshots.snapshot("main", NOW + later).by_campaign[world.campaign_id] == load


def test_a_contact_is_not_claimed_twice(world):
    picks = [claims.Pick(contact, 1, None, None) for contact in claims.candidates(world.campaign_id, NOW, 2)]
    store.unit(claims.claim, world.campaign, picks[:1], "other", NOW)
    with pytest.raises(claims.LostClaim, match="1 of 2"):
        store.unit(claims.claim, world.campaign, picks, "main", NOW)
    assert models.Call.select().count() == 1
    assert models.CampaignContact.get_by_id(picks[1].contact.id).state == ContactState.DUE


def test_two_engines_race_and_nobody_is_taken_twice(world):
    campaign = world.campaign
    picks = [claims.Pick(contact, 1, None, None) for contact in claims.candidates(world.campaign_id, NOW, 5)]
    wins: list[int] = []
    start = threading.Barrier(4)

    def engine(node: str) -> None:
        with store.connection():
            start.wait()
            for pick in picks:
                try:
                    wins.append(len(store.unit(claims.claim, campaign, [pick], node, NOW)))
                except claims.LostClaim:
                    continue

    threads = [threading.Thread(target=engine, args=(f"node{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wins == [1] * 5
    assert models.Call.select().count() == 5


def test_the_mark_is_refused_when_something_changed_after_the_claim(world):
    claimed = world.claim(5)
    rows = {call.call_id: world.contact(call.call_id) for call in claimed}
    dnc, deleted, late = claimed[0], claimed[1], claimed[2]
    models.CampaignContact.update(do_not_call=True).where(models.CampaignContact.id == rows[dnc.call_id].id).execute()
    models_contacts.Contact.update(deleted_at=NOW).where(models_contacts.Contact.id == rows[deleted.call_id].contact_id).execute()
    closing = [claims.Claimed(**(vars(call) | {"not_after": NOW})) if call is late else call for call in claimed]
    going = store.unit(claims.sending, closing, NOW)
    assert [call.call_id for call in going] == [claimed[3].call_id, claimed[4].call_id]
    for call in (dnc, deleted, late):
        assert models.Call.get_by_id(call.call_id).state == CallState.VOID
        assert world.contact(call.call_id).state == (ContactState.DONE if call is deleted else ContactState.DUE)


def test_nothing_is_sent_for_a_campaign_that_was_stopped(world):
    claimed = world.claim(3)
    models.Campaign.update(status="stopped").execute()
    assert store.unit(claims.sending, claimed, NOW) == []
    assert models.CampaignContact.select().where(models.CampaignContact.state == ContactState.DUE).count() == 5


def test_handing_back_is_no_attempt(world):
    first = world.claim(1)[0]
    store.unit(claims.hand_back, [first.call_id], CallState.CLAIMED)
    again = world.claim(1)[0]
    row = models.Call.get_by_id(again.call_id)
    assert (again.phone, row.attempt, row.leg) == (first.phone, 1, 1)
    assert again.call_id > first.call_id


def test_a_call_marked_sending_is_not_handed_back_as_claimed(world):
    call_id = world.sent(1)[0]
    assert store.unit(claims.hand_back, [call_id], CallState.CLAIMED) == 0
    assert models.Call.get_by_id(call_id).state == CallState.SENDING


def test_stale_claims_are_found(world):
    claimed = world.claim(2)
    world.sent(1)
    assert claims.stale_claims("main", NOW + 1) == [call.call_id for call in claimed]
    assert claims.stale_claims("main", NOW) == []
    assert claims.stale_claims("other", NOW + 1) == []


def test_a_deferred_contact_waits(world):
    store.unit(claims.defer, world.contact_ids[:3], "window", NOW + 1000)
    assert len(claims.candidates(world.campaign_id, NOW, 9)) == 2
    assert [row.id for row in claims.candidates(world.campaign_id, NOW + 1000, 9)][2:] == world.contact_ids[:3]


@pytest.mark.parametrize(
    ("store_url", "explain", "plan"),
    [
        ("sqlite", "EXPLAIN QUERY PLAN", f"SEARCH t1 USING INDEX {INDEX} (campaign_id=? AND state=? AND next_at<?)"),
        pytest.param("mariadb", "EXPLAIN", f"range, {INDEX}, Using where", marks=pytest.mark.live),
    ],
    indirect=["store_url"],
)
def test_the_claim_uses_its_index(world, explain, plan):
    rows = [{"campaign_id": 1, "contact_id": 100 + n, "phone": f"+49302{n}", "next_at": NOW} for n in range(1000)]
    models.CampaignContact.insert_many(rows).execute()
    query = models.CampaignContact.select().where(
        models.CampaignContact.campaign_id == 1, models.CampaignContact.state == "due", models.CampaignContact.next_at <= NOW
    )
    sql, args = query.order_by(models.CampaignContact.next_at, models.CampaignContact.id).limit(50).sql()
    [step] = row.db.execute_sql(f"{explain} {sql}", args).fetchall()  # one step: neither sorts anything
    assert (step[3] if len(step) == 4 else f"{step[3]}, {step[5]}, {step[-1]}") == plan
