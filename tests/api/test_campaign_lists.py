"""Lists of campaigns, and what Campaign_Filter finds."""

import json

import pytest

from sql import models, store
from tests.api.campaigning import lay_out


@pytest.fixture
def anna(face):
    return lay_out(face)


def ids(campaigns):
    return [campaign["campaign_id"] for campaign in campaigns]


def test_lists_are_ones_own_in_parts_and_by_user(anna):
    made = [anna.campaign(name=f"c{n}") for n in range(3)]
    assert ids(anna.done("Campaign_List")) == made
    assert ids(anna.done("Campaign_List", limit=2)) == made[:2]
    assert ids(anna.done("Campaign_List", limit="2", cursor=str(made[1]))) == made[2:]
    assert ids(anna.face.done("Campaign_List")) == [anna.other_campaign, *made]
    assert ids(anna.face.done("Campaign_List", usr_id=anna.other_user)) == [anna.other_campaign]
    assert anna.refused("Campaign_List", usr_id=anna.other_user) == f"user {anna.other_user} is not found"
    assert "limit" in anna.refused("Campaign_List", limit=10_001)


def test_lists_by_mode_and_by_status_as_it_is_shown(anna):
    ready, running, permanent = anna.campaign(), anna.campaign(), anna.campaign(mode="permanent")
    anna.done("Campaign_Start", campaign_id=running)
    assert ids(anna.done("Campaign_List_Permanent")) == [permanent]
    assert ids(anna.done("Campaign_List_Mode", status="ready")) == [ready, permanent]
    assert ids(anna.done("Campaign_List_Mode", status="running")) == ids(anna.done("Campaign_List_Mode", status="started")) == [running]
    assert ids(anna.done("Campaign_List_Mode")) == [ready, running, permanent]
    with store.connection():  # an engine without a link holds what runs, for a lasting reason
        models.Node.create(name="main", link_since=1, beat_at=store.now(), link_text="refused")
    assert anna.done("Campaign_Status", campaign_id=running)["status"] == "paused"
    assert ids(anna.done("Campaign_List_Mode", status="paused", limit=1)) == [running]
    assert anna.done("Campaign_List_Mode", status="running") == []
    assert "status" in anna.refused("Campaign_List_Mode", status="asleep")


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ({}, [2, 3]),
        ({"name": "PRI"}, [2]),
        ({"name": "100%_"}, [3]),
        ({"name": "%"}, [3]),
        ({"name": "_"}, [3]),
        ({"max_channels": "7"}, [3]),
        ({"name": "spring", "max_channels": 7}, []),
        ({"status": "ready", "campaign_id": 2}, [2]),
        ({"campaign_id": 1}, []),
        ({"user_id": 3}, []),
        ({"mode": "permanent"}, [3]),
        ({"message": 1, "contact_group_id": 1, "kind": "voice"}, [2, 3]),
        ({"created_from": "2026-03-01", "created_to": "2026-03-01"}, [2]),
        ({"created_at": "2026-03-01"}, [2]),
        ({"created_at": "2026-03-01 09:30:00"}, [2]),  # in anna's zone
        ({"created_at": "2026-03-01T08:30:00Z"}, [2]),
        ({"created_at": "2026-03-01T09:30:00"}, [2]),
        ({"created_at": "2026-03-01 08:30:00"}, []),
        ({"created_from": "2026-03-02"}, [3]),
        ({"created_to": "2026-03-01T08:29:59Z"}, []),
        ({"created_to": 1772353800}, [2]),
        ({"started_from": "2026-01-01"}, []),
    ],
)
def test_filter(anna, search, found):
    assert [anna.campaign(name="spring"), anna.campaign(name="100%_sure", max_channels=7, mode="permanent")] == [2, 3]
    with store.connection():
        models.Campaign.update(created_at=1_772_353_800_000).where(models.Campaign.id == 2).execute()
        models.Campaign.update(created_at=1_772_600_000_000).where(models.Campaign.id == 3).execute()
    assert ids(anna.done("Campaign_Filter", search=search)) == found
    assert ids(anna.done("Campaign_Filter", search=json.dumps(search))) == found


@pytest.mark.parametrize(
    ("search", "sentence"),
    [
        ({"colour": "red"}, "search.colour: there is no such column"),
        ({"created_from": "yesterday"}, "search.created_from: 'yesterday' is no time"),
        ({"created_from": 1_772_353_800_000}, "search.created_from: "),
        ({"status": "asleep"}, "search.status: "),
        ({"cps": 1 << 70}, "search.cps: "),
    ],
)
def test_a_filter_that_cannot_be(anna, search, sentence):
    assert anna.refused("Campaign_Filter", search=search).startswith(sentence)
