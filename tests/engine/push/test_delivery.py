"""The push worker as a whole, on a real store and real servers: what each customer gets."""

import time
from collections import defaultdict
from itertools import count

import pytest
from standardwebhooks.webhooks import Webhook

from engine import push
from sql import models_push, pushes, row, store
from sql.states import DeliveryState
from tests.engine.push.trying import delivered, in_state, told, tries, wait_for, working, write
from tests.fakes.receivers import breaks_off, in_turn, receiving, resets, says


def test_events_arrive_signed_once_each_and_in_order_per_call(endpoint):
    turns = count()
    answers = [says(200), says(204, b"", after=0.02), says(202, after=0.01)]
    with receiving(lambda talk, posted: answers[next(turns) % 3](talk, posted)) as receiver:
        one = endpoint(receiver)
        for seq in (1, 2, 3):
            for call_id in range(1, 21):
                write(one, call_id, seq)
        with working():
            wait_for("the last event", delivered(60))
        arrived = defaultdict(list)
        for posted in receiver.posted:
            assert Webhook(one.secret).verify(posted.body, posted.headers)["type"] == "call.completed"
            arrived[told(posted)[0]].append(told(posted)[1])
        assert arrived == {call_id: [1, 2, 3] for call_id in range(1, 21)}
        assert len({posted.headers["webhook-id"] for posted in receiver.posted}) == 60
        assert 1 < receiver.most_at_once <= push.PER_ENDPOINT
        assert receiver.connections <= push.PER_ENDPOINT
    assert len(tries()) == 60
    assert {status for _, status, _ in tries()} == {200, 202, 204}


def test_what_is_written_while_the_worker_runs_arrives_at_once(endpoint):
    with receiving() as receiver:
        one = endpoint(receiver)
        with working():
            for call_id in (1, 2, 3):
                began = time.monotonic()
                write(one, call_id)
                receiver.wait_for(call_id)
                assert time.monotonic() - began < 1.0


def test_while_a_secret_is_rotated_receivers_with_either_accept(endpoint):
    with receiving() as receiver:
        one = endpoint(receiver)
        old, new = one.secret, pushes.new_secret()
        until = store.now() + 60_000
        models_push.PushEndpoint.update(secret=new, old_secret=old, old_secret_until=until).where(
            models_push.PushEndpoint.id == one.id
        ).execute()
        write(one, 1)
        with working():
            [posted] = receiver.wait_for(1)
        for secret in (old, new):
            Webhook(secret).verify(posted.body, posted.headers)


def test_a_receiver_that_fails_and_then_works_gets_the_same_bytes_under_the_same_id(endpoint):
    with receiving(in_turn(says(500, b"oops"), resets, says(302, Location="/x"), says(200, b"thanks"))) as receiver:
        one = endpoint(receiver)
        write(one, 1, seq=1)
        write(one, 1, seq=2)
        with working("0,1,0"):
            wait_for("both", delivered(2))
        assert [told(posted)[1] for posted in receiver.posted] == [1, 1, 1, 1, 2]
        first = receiver.posted[:4]
        assert {(posted.headers["webhook-id"], posted.body) for posted in first} == {(first[0].headers["webhook-id"], first[0].body)}
        assert len({posted.headers["webhook-timestamp"] for posted in first}) > 1  # of each try, or receivers refuse it as too old
        for posted in receiver.posted:
            Webhook(one.secret).verify(posted.body, posted.headers)
    assert tries() == [(1, 500, "oops"), (1, None, None), (1, 302, "ok"), (1, 200, "thanks"), (2, 200, "thanks")]
    assert "ConnectionResetError" in models_push.PushTry.get_by_id(2).error
    assert models_push.Push.get_by_id(1).tries == 4


def test_after_the_last_try_a_push_is_dead_and_its_lane_goes_on(endpoint, caplog):
    with receiving(in_turn(says(500), says(500), says(200))) as receiver:
        one = endpoint(receiver)
        write(one, 1, seq=1)
        write(one, 1, seq=2)
        with working("0"):
            wait_for("the second", delivered(1))
        assert [told(posted)[1] for posted in receiver.posted] == [1, 1, 2]
    [dead] = in_state(DeliveryState.DEAD)
    assert (dead.seq, dead.tries, dead.reason) == (1, 2, "the receiver answered 500")
    assert "failed (HTTP 500), given up" in caplog.text


def test_an_answer_that_breaks_off_is_a_failed_try_like_any_other(endpoint):
    with receiving(breaks_off(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")) as receiver:
        write(endpoint(receiver), 1)
        with working():
            wait_for("the record", tries)
            time.sleep(0.2)
        assert len(receiver.posted) == 1
    assert tries() == [(1, None, None)]
    assert models_push.Push.get().next_at > store.now() + 3_000_000


@pytest.mark.parametrize(("status", "wish", "seconds"), [(429, "7000", 7000), (503, "7000", 7000), (503, "60", 3600), (500, "7000", 3600)])
def test_retry_after_is_honoured_where_it_is_meant(endpoint, status, wish, seconds):
    with receiving(says(status, Retry_After=wish)) as receiver:
        write(endpoint(receiver), 1)
        with working():
            wait_for("the record", tries)
    wait = (models_push.Push.get().next_at - store.now()) / 1000
    assert wait == pytest.approx(seconds, rel=0.11)


WHY = "the receiver answered 410 Gone: moved to another house"


def test_410_switches_the_endpoint_off_and_no_other(endpoint, caplog):
    with receiving(in_turn(says(200), says(410, body=b"moved to\r\nanother house"))) as gone, receiving() as healthy:
        one, other = endpoint(gone), endpoint(healthy)
        write(one, 1000)
        with working():
            wait_for("the last good answer", delivered(1))
            with row.db.atomic():
                for call_id in range(1, 31):
                    write(one, call_id)
                write(other, 1)
            wait_for("the switch", lambda: len(in_state(DeliveryState.DEAD)) == 30)
            write(one, 99)
            healthy.wait_for(1)
            time.sleep(0.2)
        assert len(gone.posted) <= 1 + push.PER_ENDPOINT
    gone_row = models_push.PushEndpoint.get_by_id(one.id)
    assert (gone_row.active, gone_row.off_why) == (False, WHY)
    assert models_push.PushEndpoint.get_by_id(other.id).active
    assert {dead.reason for dead in in_state(DeliveryState.DEAD)} <= {"the receiver answered 410", WHY}
    assert f"endpoint {one.id} is switched off" in caplog.text
    assert "again in" not in caplog.text
