"""The outbox: lanes, tries, dead letters."""

from sql import events, models_push, pushes, store
from tests.world import NOW

OK = pushes.Tried(200, 12, "thanks", None)
BAD = pushes.Tried(None, 5000, None, "connection refused")


def write(world, seq, call_id=1, endpoint=None):
    store.unit(events.write, endpoint or world.endpoint_id, "call.completed", {"seq": seq}, NOW + seq, call_id, seq)


def due(now=NOW + 100, **options):
    return [(push.call_id, push.seq) for push in pushes.due(now, 10, **options)]


def test_one_lane_gives_one_event_at_a_time(world):
    write(world, 1)
    write(world, 2)
    write(world, 1, call_id=2)
    assert due() == [(1, 1), (2, 1)]
    store.unit(pushes.delivered, 1, NOW, OK)
    assert due() == [(2, 1), (1, 2)]


def test_a_failed_event_holds_its_lane_until_it_is_dead(world):
    write(world, 1)
    write(world, 2)
    store.unit(pushes.failed, 1, NOW, BAD, NOW + 5000)
    assert due() == []
    assert due(NOW + 5000) == [(1, 1)]
    store.unit(pushes.failed, 1, NOW + 5000, BAD, None)
    assert due() == [(1, 2)]
    row = models_push.Push.get_by_id(1)
    assert (row.state, row.tries, row.reason) == ("dead", 2, "connection refused")
    assert [(one.status, one.error) for one in models_push.PushTry.select()] == [(None, "connection refused")] * 2


def test_a_second_record_of_a_delivery_changes_nothing(world):
    write(world, 1)
    store.unit(pushes.delivered, 1, NOW, OK)
    store.unit(pushes.failed, 1, NOW, BAD, NOW)
    assert due() == []
    assert models_push.PushTry.select().count() == 1


def test_bytes_and_id_stay_the_same(world):
    write(world, 1)
    first = pushes.due(NOW + 100, 1)[0]
    store.unit(pushes.failed, 1, NOW, BAD, NOW)
    again = pushes.due(NOW + 100, 1)[0]
    assert (first.webhook_id, first.body) == (again.webhook_id, again.body)
    assert (first.tries, again.tries) == (0, 1)


def test_skipped_endpoints_and_deliveries_in_flight_are_left_out(world):
    other = pushes.create_endpoint(1, "http://127.0.0.1:8/", "call.completed", None, NOW)
    write(world, 1)
    write(world, 1, call_id=2, endpoint=other.id)
    assert due(skip=[world.endpoint_id]) == [(2, 1)]
    assert due(in_flight=[2]) == [(1, 1)]


def test_an_endpoint_switched_off_leaves_no_open_ends(world):
    write(world, 1)
    store.unit(pushes.endpoint_off, world.endpoint_id, NOW, "the receiver answered 410")
    assert due() == []
    assert models_push.Push.get_by_id(1).reason == "the receiver answered 410"


def test_two_secrets_sign_while_one_is_rotated(world):
    write(world, 1)
    models_push.PushEndpoint.update(old_secret="whsec_old", old_secret_until=NOW + 50).execute()
    assert len(pushes.due(NOW + 49, 1)[0].secrets) == 2
    assert len(pushes.due(NOW + 50, 1)[0].secrets) == 1


def test_a_secret_that_is_rotated_for_good_signs_no_more(world):
    write(world, 1)
    models_push.PushEndpoint.update(old_secret="whsec_old", old_secret_until=None).execute()
    assert len(pushes.due(NOW + 50, 1)[0].secrets) == 1


def test_nothing_is_due_for_a_deleted_endpoint(world):
    write(world, 1)
    models_push.PushEndpoint.update(deleted_at=NOW).execute()
    assert due() == []


def test_what_was_written_while_its_endpoint_was_switched_off_is_ended(world):
    other = pushes.create_endpoint(1, "http://127.0.0.1:8/", "call.completed", None, NOW)
    store.unit(pushes.endpoint_off, world.endpoint_id, NOW, "the receiver answered 410")
    write(world, 1)
    write(world, 1, call_id=2, endpoint=other.id)
    assert store.unit(pushes.bury, NOW + 9) == 1
    row = models_push.Push.get_by_id(1)
    assert (row.state, row.done_at, row.reason) == ("dead", NOW + 9, "the endpoint is switched off")
    assert due() == [(2, 1)]


def test_a_try_recorded_twice_counts_once(world):
    """The store's answer to the commit was lost."""
    write(world, 1)
    for _ in range(2):
        store.unit(pushes.failed, 1, NOW, BAD, NOW + 5000)
    assert (models_push.Push.get_by_id(1).tries, models_push.PushTry.select().count()) == (1, 1)
