"""No receiver's bad day slows another one."""

import pytest

from engine import push
from sql import row
from tests.engine.push.trying import delivered, told, tries, wait_for, working, write
from tests.fakes.receivers import hangs, receiving, says


def test_a_dead_server_of_many_endpoints_does_not_slow_a_healthy_one(endpoint):
    """As when each campaign of a customer has an endpoint of its own. One of them worked until just now."""
    with receiving() as dead, receiving() as healthy:
        known, *others = [endpoint(dead) for _ in range(20)]
        one = endpoint(healthy)
        write(known, 1000)
        with working():
            wait_for("the last good answer", delivered(1))
            dead.behave = hangs
            with row.db.atomic():
                for call_id in range(1, 21):  # the dead ones' events are older, and many
                    for other in (known, *others):
                        write(other, call_id)
                for call_id in range(1, 101):
                    write(one, call_id)
            wait_for("all of the healthy one's", delivered(101))
            assert {status for _, status, _ in tries()} == {200}  # no try of the dead ones has even ended
            assert len(dead.wait_for(1 + push.PER_ENDPOINT + len(others))) == 1 + push.PER_ENDPOINT + len(others)
            dead.stopped.set()


def test_a_dead_lane_of_an_endpoint_does_not_hold_its_others(endpoint):
    def behave(talk, posted):
        says(500 if told(posted)[0] == 1 else 200)(talk, posted)

    with receiving(behave) as receiver:
        one = endpoint(receiver)
        for call_id in (1, 2, 3):
            write(one, call_id, seq=1)
            write(one, call_id, seq=2)
        with working():
            wait_for("the other calls'", delivered(4))
        assert [told(posted) for posted in receiver.posted].count((1, 1)) == 1
        assert (1, 2) not in [told(posted) for posted in receiver.posted]


@pytest.fixture
def clock(monkeypatch):
    now = [1000.0]
    monkeypatch.setattr(push.time, "monotonic", lambda: now[0])
    return now


def proven(room, endpoint):
    assert room.take(endpoint)
    room.give_back(endpoint, good=True)


def test_a_receiver_that_has_not_answered_yet_is_asked_by_one_try_at_a_time(clock):
    room = push.Endpoints()
    assert [room.take(7) for _ in range(2)] == [True, False]
    assert room.full() == {7}
    room.give_back(7, good=False)
    assert [room.take(7) for _ in range(2)] == [True, False]
    room.give_back(7, good=True)
    assert [room.take(7) for _ in range(7)] == [True] * 6 + [False]


def test_a_receiver_that_fails_is_given_less_room_and_rests_longer_each_time(clock):
    room = push.Endpoints()
    proven(room, 7)
    assert [room.take(7) for _ in range(7)] == [True] * 6 + [False]
    assert room.full() == {7}
    for _ in range(2):
        room.give_back(7, good=False)
    assert room.full() == set()
    room.give_back(7, good=False)  # the third in a row
    for _ in range(3):
        room.give_back(7, good=False)
    assert room.take(7)
    assert not room.take(7)
    room.give_back(7, good=False)
    for seconds in (30.0, 30.0):  # the rests of 1, 2, 5 and 10 seconds were used up by the others
        clock[0] += seconds - 0.1
        assert room.full() == {7}
        clock[0] += 0.2
        assert room.full() == set()
        assert room.take(7)
        assert room.full() == {7}
        room.give_back(7, good=False)
    proven(room, 8)
    assert [room.take(8) for _ in range(7)] == [True] * 6 + [False]  # another one's room is its own


def test_one_good_answer_ends_the_rest(clock):
    room = push.Endpoints()
    for _ in range(5):
        room.take(7)
        room.give_back(7, good=False)
    assert room.full() == {7}
    room.take(7)
    room.give_back(7, good=True)
    assert room.full() == set()
    assert [room.take(7) for _ in range(7)] == [True] * 6 + [False]
