"""The push worker while the machine's clock is set: nothing stalls, nothing is posted in a hurry."""

import time

from sql import models_push, store
from tests.engine.push.trying import delivered, tries, wait_for, working, write
from tests.fakes.receivers import in_turn, receiving, says

HOUR_MS = 3_600_000


def test_set_back_by_an_hour_what_was_due_is_delivered(endpoint, clock):
    with receiving() as receiver, working():
        clock(5000)
        write(endpoint(receiver), 1)
        clock(-HOUR_MS)
        write(endpoint(receiver), 2)
        wait_for("both", delivered(2))


def test_set_back_by_an_hour_a_failed_push_is_tried_again_by_its_timetable(endpoint, clock):
    with receiving(in_turn(says(500), says(200))) as receiver, working(retry_after="1"):
        clock(-HOUR_MS)
        write(endpoint(receiver), 1)
        wait_for("the first try", tries)
        first = time.monotonic()
        wait_for("the delivery", delivered(1))
        assert 0.5 < time.monotonic() - first < 3


def test_set_forward_by_an_hour_new_pushes_go_at_once(endpoint, clock):
    with receiving() as receiver, working():
        clock(HOUR_MS)
        write(endpoint(receiver), 1)
        wait_for("it", delivered(1))
    assert models_push.Push.get().done_at > store.now() - 60_000
