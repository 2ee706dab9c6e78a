"""Reports: what is counted, what is listed, and that large campaigns are counted by an index alone."""

import pytest

from sql import reports, store
from sql.models import Call, CampaignContact
from sql.row import db
from sql.states import Disposition, Status
from tests.world import NOW


def test_every_status_and_disposition_is_counted_with_zeros(world):
    ends = ["human", "rejected", "busy"]
    for contact_id, end in zip(world.contact_ids, ends, strict=False):
        CampaignContact.update(state="done", disposition=end).where(CampaignContact.id == contact_id).execute()
    CampaignContact.update(state="due", disposition="busy").where(CampaignContact.id == world.contact_ids[3]).execute()
    CampaignContact.update(state="busy").where(CampaignContact.id == world.contact_ids[4]).execute()
    tally = reports.tally(world.campaign_id)
    assert (tally.total, tally.done) == (5, 3)
    wanted = {"answered": 1, "human": 1, "failed": 1, "rejected": 1, "busy": 1, "pending": 1, "dialing": 1, "total": 5}
    assert tally.totals() == dict.fromkeys((*Status, *Disposition), 0) | wanted
    assert reports.tally(999).totals()["total"] == 0


def test_contacts_in_parts(world):
    first = reports.contact_list(world.campaign_id, 3, 0)
    rest = reports.contact_list(world.campaign_id, 3, first[-1].id)
    assert [one.phone for one in (*first, *rest)] == [f"+4930123400{n}" for n in range(5)]


def test_results_are_settled_calls_and_a_call_is_its_owners(world):
    sent = world.sent(3)
    Call.update(state="settled", disposition="busy", ended_at=NOW, final=True).where(Call.id == sent[0]).execute()
    Call.update(state="settled", disposition="rejected", ended_at=NOW, final=True).where(Call.id == sent[1]).execute()
    assert [call.id for call in reports.results(world.campaign_id, None, 10, 0)] == sent[:2]
    assert [call.id for call in reports.results(world.campaign_id, "failed", 10, 0)] == [sent[1]]
    assert reports.active(world.campaign_id) == 1
    assert [reports.call(call_id, "/1/").status for call_id in sent] == ["busy", "failed", "dialing"]
    assert reports.call(sent[0], "/2/") is None


COUNTS, LISTS = "campaigncontact_campaign_id_state_disposition", "campaigncontact_campaign_id"
PLANS = {
    "EXPLAIN QUERY PLAN": (
        f"SEARCH campaign_contact USING COVERING INDEX {COUNTS} (campaign_id=? AND state=? AND disposition=?)",
        f"SEARCH t1 USING INDEX {LISTS} (campaign_id=? AND rowid>?)",
    ),
    "EXPLAIN": (f"ref, {COUNTS}, Using where; Using index", f"ref, {LISTS}, Using index condition; Using where"),
}


@pytest.mark.parametrize(
    ("store_url", "explain"),
    [("sqlite", "EXPLAIN QUERY PLAN"), pytest.param("mariadb", "EXPLAIN", marks=pytest.mark.live)],
    indirect=["store_url"],
)
def test_large_campaigns_are_counted_and_listed_by_an_index_and_nothing_is_sorted(world, explain):
    for campaign_id in (2, 3, 1):
        rows = [{"campaign_id": campaign_id, "contact_id": n, "phone": f"+49302{n}", "next_at": NOW} for n in range(1000)]
        CampaignContact.insert_many(rows).execute()

    def steps(statement, args):
        rows = db.execute_sql(f"{explain} {statement}", args).fetchall()
        said = [row[3] if len(row) == 4 else f"{row[3]}, {row[5]}, {row[-1]}" for row in rows]
        return {one for one in said if "campaign" in one}

    counts, lists = PLANS[explain]
    assert steps(reports.TALLY.replace("?", db.param), [1] * len(reports.PLACES)) == {counts}
    assert steps(*reports._contact_list(1, 100, 500).sql()) == {lists}


@pytest.mark.soak
@pytest.mark.parametrize("store_url", ["sqlite"], indirect=True)
def test_a_million_contacts_are_filled_beside_other_writers_and_counted_at_once(world):
    """The figures themselves: slices leave the lock to others, status and summary answer in time."""
    import threading
    import time

    from sql import campaigns, members
    from sql.models_accounts import User
    from sql.models_contacts import Contact

    for first in range(0, 1_000_000, 5000):
        rows = [{"contact_group": 1, "phone": f"+49{n * 7919 % 10**9:09d}", "created_at": NOW} for n in range(first, first + 5000)]
        store.unit(Contact.insert_many(rows).execute)
    campaign = store.unit(campaigns.create, 1, 1, {"name": "c", "recording_id": 1}, NOW)
    waits, over = [], threading.Event()

    def other():
        with store.connection():
            while not over.is_set():
                began = time.monotonic()
                store.unit(User.update(phone=str(began)).where(User.id == 1).execute)
                waits.append(time.monotonic() - began)
                time.sleep(0.05)

    writer = threading.Thread(target=other)
    writer.start()
    members.fill(campaign)
    over.set()
    writer.join()
    waits.sort()
    assert waits[int(len(waits) * 0.95)] < 0.1
    took = []
    for _ in range(5):
        began = time.monotonic()
        reports.tally(campaign)
        reports.contact_list(campaign, 1000, 500_000)
        took.append(time.monotonic() - began)
    assert min(took) < 0.15
