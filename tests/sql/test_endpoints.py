"""Push endpoints and deliveries in the store: secrets in turn, replay in the lanes' order."""

from sql import deliveries, endpoints, events, pushes, store
from sql.models_push import Push, PushEndpoint, PushTry
from tests.world import NOW

HOUR = 3_600_000


def write(world, seq, call_id=1, at=NOW):
    return store.unit(events.write, world.endpoint_id, "call.completed", {"seq": seq}, at, call_id, seq)


def due(now=NOW + HOUR):
    return sorted((push.call_id, push.seq) for push in pushes.due(now, 10))


def end(delivery_id, status=200):
    at, tried = NOW + 1000 + PushTry.select().count(), pushes.Tried(status, 1, None, None)
    if status == 200:
        store.unit(pushes.delivered, delivery_id, at, tried)
    else:
        store.unit(pushes.failed, delivery_id, at, tried, None)


def test_a_secret_gives_way_to_the_next_and_signs_along_for_a_day(world):
    first = endpoints.get(world.endpoint_id, "").secret
    store.unit(endpoints.rotate, world.endpoint_id, NOW)
    second = endpoints.get(world.endpoint_id, "")
    assert (second.secret != first, second.old_secret_until) == (True, NOW + 24 * HOUR)
    write(world, 1)
    assert pushes.due(NOW + 24 * HOUR - 1, 1)[0].secrets == (second.secret, first)
    assert pushes.due(NOW + 24 * HOUR, 1)[0].secrets == (second.secret,)
    store.unit(endpoints.rotate, world.endpoint_id, NOW + HOUR)
    assert pushes.due(NOW + HOUR, 1)[0].secrets == (endpoints.get(world.endpoint_id, "").secret, second.secret)


def test_whose_an_endpoint_is(world):
    assert endpoints.get(world.endpoint_id, "/1/").id == world.endpoint_id
    assert endpoints.get(world.endpoint_id, "/2/") is None
    assert endpoints.listed("/2/", 10, 0) == []
    delivery = write(world, 1)
    assert deliveries.endpoint_of(delivery, "/1/") == deliveries.endpoint_of(delivery, "") == world.endpoint_id
    assert deliveries.endpoint_of(delivery, "/2/") is None
    assert deliveries.listed("/2/", 10, 0, {}) == []


def test_an_endpoint_of_a_campaign_keeps_its_secret_when_it_moves(world):
    store.unit(endpoints.of_campaign, 1, world.campaign_id, "http://127.0.0.1:7/", NOW)
    [first] = PushEndpoint.select().where(PushEndpoint.campaign_id == world.campaign_id)
    store.unit(pushes.endpoint_off, first.id, NOW, "the receiver answered 410 Gone")
    store.unit(endpoints.of_campaign, 1, world.campaign_id, "http://127.0.0.1:7/", NOW)
    [second] = PushEndpoint.select().where(PushEndpoint.campaign_id == world.campaign_id)
    assert (second.id, second.secret, second.active, second.off_why) == (first.id, first.secret, True, None)


def test_switched_off_or_deleted_nothing_stays_due(world):
    write(world, 1)
    store.unit(endpoints.change, world.endpoint_id, {"active": False}, NOW)
    assert (due(), Push.get_by_id(1).state) == ([], "dead")
    store.unit(endpoints.change, world.endpoint_id, {"active": True}, NOW)
    assert store.unit(deliveries.again, 1, NOW) == 1
    assert due() == [(1, 1)]
    store.unit(endpoints.delete, world.endpoint_id, NOW)
    assert (due(), Push.get_by_id(1).state, endpoints.get(world.endpoint_id, "")) == ([], "dead", None)


def test_replayed_the_first_of_a_lane_goes_before_those_that_wait(world):
    first, second = write(world, 1), write(world, 2)
    end(first, 500)
    assert due() == [(1, 2)]
    assert store.unit(deliveries.again, first, NOW) == 1
    assert due() == [(1, 1)]
    end(first)
    assert due() == [(1, 2)]
    end(second)
    assert store.unit(deliveries.again, first, NOW) + store.unit(deliveries.again, second, NOW) == 2
    assert due() == [(1, 1)]


def test_a_range_is_sent_again_slice_by_slice(world, monkeypatch):
    monkeypatch.setattr(deliveries, "SLICE", 2)
    inside = [write(world, seq, at=NOW + seq) for seq in (1, 2, 3)]
    outside = [write(world, 1, call_id=2, at=NOW), write(world, 1, call_id=3, at=NOW + 9)]
    still_due = write(world, 1, call_id=4, at=NOW + 1)
    for delivery in (*inside, *outside):
        end(delivery)
    bodies = {row.id: (row.webhook_id, row.body) for row in Push.select()}
    after, counts = 0, []
    while after is not None:
        count, after = store.unit(deliveries.again_between, world.endpoint_id, NOW + 1, NOW + 9, after, NOW)
        counts.append(count)
    assert counts == [2, 1]
    assert due() == [(1, 1), (4, 1)]
    assert {row.id: (row.webhook_id, row.body) for row in Push.select()} == bodies
    assert [Push.get_by_id(delivery).state for delivery in outside] == ["delivered"] * 2
    assert store.unit(deliveries.again, still_due, NOW) == 0
