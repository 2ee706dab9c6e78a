"""Push endpoints by API: made, read, changed, given a new secret, tested, deleted; deliveries with every try; replay."""

import json

import pytest

from sql import endpoints, events, models_push, pushes, store
from tests.api.campaigning import lay_out
from tests.api.conftest import PASSWORD

URL = "https://crm.example.com/calls"
DAY_MS = 24 * 3600 * 1000
AT = 1_772_353_800_000  # 2026-03-01 08:30:00 UTC


@pytest.fixture
def anna(face):
    return lay_out(face)


def endpoint(anna, **fields):
    return anna.done("Push_Endpoint_Create", endpoint={"url": URL, **fields})["endpoint_id"]


def told(endpoint_id, *seqs, call_id=1, at=AT):
    """Outbox rows of one call, the deliveries' ids."""
    with store.connection():
        return [store.unit(events.write, endpoint_id, "call.completed", {"seq": seq}, at + seq, call_id, seq) for seq in seqs]


def tried(delivery_id, status, next_at=None):
    with store.connection():
        one = pushes.Tried(status, 12, "thanks" if status else None, None if status else "connection refused")
        at = AT + 500 * (1 + models_push.PushTry.select().count())
        done = (pushes.delivered, delivery_id, at, one) if status == 200 else (pushes.failed, delivery_id, at, one, next_at)
        store.unit(*done)


def row(delivery_id):
    with store.connection():
        return models_push.Push.get_by_id(delivery_id)


def due():
    with store.connection():
        return sorted((one.call_id, one.seq) for one in pushes.due(store.now(), 100))


@pytest.mark.parametrize(
    "style",
    [
        {"json": {"endpoint": {"url": URL, "events": ["call.completed"]}}},
        {"data": {"endpoint": json.dumps({"url": URL, "events": '["call.completed"]'})}},
        {"data": {"endpoint[url]": URL, "endpoint[events][]": "call.completed"}},
        {"data": {"endpoint": f'{{"url": "{URL}", "events": "call.completed"}}'}, "content_type": "multipart/form-data"},
    ],
    ids=["JSON", "urlencoded", "brackets", "multipart"],
)  # fmt: skip
def test_an_endpoint_is_made_and_read_again_by_its_owner(anna, style):
    kind = "json" if "json" in style else "data"
    sent = style | {kind: style[kind] | {"username": "anna", "password": PASSWORD}}
    status, (done, made) = anna.face.send("POST", "/rest/Push_Endpoint_Create", **sent)
    assert (status, done, sorted(made)) == (200, True, ["endpoint_id", "secret"])
    [listed] = anna.done("Push_Endpoint_List")
    assert listed.pop("created_at").endswith("Z")
    assert listed == made | {
        "user_id": anna.user_id, "campaign_id": None, "url": URL, "format": "json", "events": ["call.completed"],
        "old_secret_until": None, "active": True, "off_why": None,
    }  # fmt: skip
    [seen] = anna.face.done("Push_Endpoint_List")
    assert (seen["endpoint_id"], seen["secret"]) == (made["endpoint_id"], None), "an administrator sees it without its secret"
    assert anna.face.done("Push_Endpoint_List", "bea") == []


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"url": "ftp://x"}, "endpoint.url: "),
        ({"url": "https://me:secret@example.com/"}, "endpoint.url: may hold no user name"),
        ({"url": ""}, "endpoint.url is missing"),
        ({"events": "call.ringing"}, "endpoint.events: 'call.ringing' is not offered yet"),
        ({"events": ["ping"]}, "endpoint.events: 'ping' is not offered yet"),
        ({"format": "template"}, "endpoint.format: "),
        ({"campaign_id": 1}, "endpoint.campaign_id: campaign 1 is not found"),
    ],
)
def test_what_is_refused_makes_nothing(anna, wrong, sentence):
    assert anna.refused("Push_Endpoint_Create", endpoint={"url": URL} | wrong).startswith(sentence)
    assert anna.done("Push_Endpoint_List") == []


def test_endpoints_in_parts(anna):
    made = [endpoint(anna) for _ in range(3)]
    assert [one["endpoint_id"] for one in anna.done("Push_Endpoint_List", limit=1, cursor=made[0])] == [made[1]]


def test_a_new_secret_is_told_and_the_old_one_signs_along_for_a_day(anna):
    one = endpoint(anna)
    old = anna.done("Push_Endpoint_List")[0]["secret"]
    before = store.now()
    changed = anna.done("Push_Endpoint_Update", endpoint_id=one, rotate="true")
    assert changed["secret"].startswith("whsec_") and changed["secret"] != old
    assert anna.done("Push_Endpoint_List")[0] == changed
    told(one, 1)
    with store.connection():
        [first] = pushes.due(store.now(), 1)
        [later] = pushes.due(before + DAY_MS - 1, 1)
        [after] = pushes.due(store.now() + DAY_MS + 1, 1)
    assert first.secrets == later.secrets == (changed["secret"], old)
    assert after.secrets == (changed["secret"],)
    again = anna.done("Push_Endpoint_Update", endpoint_id=one, endpoint={"rotate": True})["secret"]
    assert again not in (old, changed["secret"])
    assert anna.face.done("Push_Endpoint_Update", endpoint_id=one, rotate=1)["secret"], "who rotates is told once"


def test_an_update_changes_what_it_names(anna):
    one = endpoint(anna)
    before = anna.done("Push_Endpoint_List")[0]
    assert anna.done("Push_Endpoint_Update", endpoint_id=one) == before
    assert anna.done("Push_Endpoint_Update", endpoint_id=one, endpoint={"url": URL + "2"}) == before | {"url": URL + "2"}
    assert "endpoint.url" in anna.refused("Push_Endpoint_Update", endpoint_id=one, endpoint={"url": "no"})


def test_switched_off_and_on(anna):
    one = endpoint(anna)
    [delivery] = told(one, 1)
    off = anna.done("Push_Endpoint_Update", endpoint_id=one, endpoint={"active": "0"})
    assert (off["active"], off["off_why"]) == (False, "switched off by its owner")
    assert (row(delivery).state, row(delivery).reason) == ("dead", "switched off by its owner")
    for method, sent in (("Push_Endpoint_Test", {"endpoint_id": one}), ("Push_Replay", {"delivery_id": delivery})):
        assert anna.refused(method, **sent).startswith(f"endpoint {one} is switched off (switched off by its owner); ")
    on = anna.done("Push_Endpoint_Update", endpoint_id=one, endpoint={"active": True})
    assert (on["active"], on["off_why"]) == (True, None)
    assert anna.done("Push_Replay", delivery_id=delivery) == 1
    assert due() == [(1, 1)]


def test_a_deleted_endpoint_is_told_nothing_more_and_its_past_stays(anna):
    one = endpoint(anna)
    [delivery] = told(one, 1)
    assert anna.done("Push_Endpoint_Delete", endpoint_id=one) is True
    assert due() == anna.done("Push_Endpoint_List") == []
    for method in ("Push_Endpoint_Update", "Push_Endpoint_Delete", "Push_Endpoint_Test"):
        assert anna.refused(method, endpoint_id=one) == f"endpoint {one} is not found"
    assert anna.refused("Push_Replay", delivery_id=delivery) == f"endpoint {one} is not found"
    [seen] = anna.done("Push_Delivery_List", endpoint_id=one)
    assert (seen["status"], seen["reason"]) == ("dead", "the endpoint was deleted")


def test_a_ping_is_written_to_the_outbox(anna):
    one = endpoint(anna)
    delivery = anna.done("Push_Endpoint_Test", endpoint_id=one)["delivery_id"]
    with store.connection():
        [push] = pushes.due(store.now(), 10)
    body = json.loads(push.body)
    assert (push.delivery_id, push.call_id, push.seq) == (delivery, None, None)
    assert (body["type"], body["data"]) == ("ping", {"endpoint_id": one})
    assert [seen["event"] for seen in anna.done("Push_Delivery_List", endpoint_id=one)] == ["ping"]


def test_every_try_is_seen(anna):
    one = endpoint(anna)
    [delivery] = told(one, 1)
    tried(delivery, None, AT + 5000)
    tried(delivery, 500, AT + 9000)
    [seen] = anna.done("Push_Delivery_List")
    assert seen["webhook_id"] == row(delivery).webhook_id
    assert {name: seen[name] for name in ("delivery_id", "endpoint_id", "call_id", "seq", "event", "status", "next_at", "done_at")} == {
        "delivery_id": delivery, "endpoint_id": one, "call_id": 1, "seq": 1, "event": "call.completed", "status": "due",
        "next_at": "2026-03-01T08:30:09.000Z", "done_at": None,
    }  # fmt: skip
    assert seen["tries"] == [
        {"at": "2026-03-01T08:30:00.500Z", "milliseconds": 12, "status": None, "answer": None, "error": "connection refused"},
        {"at": "2026-03-01T08:30:01.000Z", "milliseconds": 12, "status": 500, "answer": "thanks", "error": None},
    ]
    tried(delivery, 200)
    [seen] = anna.done("Push_Delivery_List", status="delivered")
    assert (seen["next_at"], seen["done_at"], len(seen["tries"])) == (None, "2026-03-01T08:30:01.500Z", 3)


def test_deliveries_by_endpoint_call_and_status(anna):
    call, other = anna.ended(anna.campaign(), "busy"), anna.ended(anna.campaign(), "busy")
    one, two = endpoint(anna), endpoint(anna)
    first, second, third = *told(one, 1, call_id=call), *told(two, 1, call_id=call), *told(two, 1, call_id=other)
    tried(second, None)

    def seen(username="anna", **filters):
        return [delivery["delivery_id"] for delivery in anna.face.done("Push_Delivery_List", username, **filters)]

    assert seen() == seen("admin") == [first, second, third]
    assert seen("bea") == []
    assert seen(endpoint_id=two) == [second, third]
    assert seen(call_id=call) == [first, second]
    assert seen(status="dead") == [second]
    assert seen(status="due", endpoint_id=two, call_id=other) == [third]
    assert seen(limit=1, cursor=first) == [second]
    for name, value in (("endpoint_id", one), ("call_id", call)):
        word = name.removesuffix("_id")
        assert anna.face.refused("Push_Delivery_List", "bea", **{name: value}) == f"{word} {value} is not found"
    assert "status" in anna.refused("Push_Delivery_List", status="lost")


def test_replay_of_one_keeps_id_and_bytes(anna):
    one = endpoint(anna)
    [delivery] = told(one, 1)
    assert anna.done("Push_Replay", delivery_id=delivery) == 0, "it is due still"
    tried(delivery, 200)
    before = row(delivery)
    assert anna.done("Push_Replay", delivery_id=str(delivery)) == 1
    after = row(delivery)
    assert (after.webhook_id, after.body, after.seq, after.created_at) == (before.webhook_id, before.body, before.seq, before.created_at)
    assert (after.state, after.tries, after.done_at) == ("due", 0, None)
    assert anna.face.refused("Push_Replay", "bea", delivery_id=delivery) == f"delivery {delivery} is not found"
    assert len(anna.done("Push_Delivery_List")[0]["tries"]) == 1, "earlier tries stay on record"


def test_replay_of_a_range_keeps_the_order_within_a_call(anna, monkeypatch):
    monkeypatch.setattr("sql.deliveries.SLICE", 2)
    one, other = endpoint(anna), endpoint(anna)
    of_first, of_second = told(one, 1, 2, 3), told(one, 1, call_id=2, at=AT + 3_600_000)
    outside, foreign = told(one, 1, call_id=3, at=AT + DAY_MS), told(other, 1, call_id=1)
    for delivery in (*of_first, *of_second, *outside, *foreign):
        tried(delivery, 200 if delivery != of_first[1] else None)
    sent = {"endpoint_id": one, "from": "2026-03-01 09:30:00", "to": "2026-03-01"}
    assert anna.done("Push_Replay", **sent) == 4
    assert due() == [(1, 1), (2, 1)]
    tried(of_first[0], 200)
    assert due() == [(1, 2), (2, 1)]
    assert [row(delivery).state for delivery in (*outside, *foreign)] == ["delivered", "delivered"]


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({}, "give a delivery_id, or an endpoint_id with from and to"),
        ({"endpoint_id": 1, "from": "2026-03-01"}, "give a delivery_id, or an endpoint_id with from and to"),
        ({"endpoint_id": 1, "from": "then", "to": "2026-03-01"}, "from: 'then' is no time"),
        ({"endpoint_id": 99, "from": "2026-03-01", "to": "2026-03-01"}, "endpoint 99 is not found"),
        ({"delivery_id": 99}, "delivery 99 is not found"),
    ],
)
def test_a_replay_that_cannot_be(anna, sent, sentence):
    endpoint(anna)
    assert anna.refused("Push_Replay", **sent).startswith(sentence)


def test_a_page_of_deliveries_is_short_because_each_may_be_long(anna):
    assert anna.refused("Push_Delivery_List", limit=1001) == "limit: input should be less than or equal to 1000"


def test_nobody_makes_every_call_end_in_a_crowd_of_pushes(anna, monkeypatch):
    monkeypatch.setattr(endpoints, "MOST", 2)
    campaign = anna.campaign()
    ids = [endpoint(anna) for _ in range(2)]
    of_campaign = [endpoint(anna, campaign_id=campaign) for _ in range(2)]
    for more, whose in ({}, f"user {anna.user_id}"), ({"campaign_id": campaign}, f"campaign {campaign}"):
        said = anna.refused("Push_Endpoint_Create", endpoint={"url": URL, **more})
        assert said == f"{whose} has 2 endpoints already; delete one of them first"
    anna.done("Push_Endpoint_Delete", endpoint_id=ids[0])
    assert endpoint(anna) > of_campaign[-1]
