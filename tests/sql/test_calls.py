"""Facts of a call: each is kept once, late and doubled ones change nothing, and the end waits for the other witnesses."""

import pytest

from sql import calls, models, settling, store
from tests.world import NOW

STORY = {
    "answered": lambda i, at: calls.answered(i, at),
    "script": lambda i, at: calls.script_ended(i, at),
    "handler": lambda i, at: calls.witnessed(i, at, 16, 200, at - 5),
    "hangup": lambda i, at: calls.hung_up(i, at, 16, None, "Up"),
    "yes": lambda i, at: calls.replied(i, at, True, 4),
    "no": lambda i, at: calls.replied(i, at, False, 0),
    "record": lambda i, at: calls.on_record(i, at, 16, None),
    "closed": lambda i, at: calls.closed(i, at, "nobody saw"),
}


@pytest.mark.parametrize(
    ("story", "settle_after"),
    [
        ("", None),
        ("yes answered", None),
        ("hangup", 1 + calls.GRACE_MS),
        ("handler", 1 + calls.GRACE_MS),
        ("no", 1 + calls.GRACE_MS),
        ("no hangup handler", 3),
        ("hangup no handler", 3),
        ("answered hangup handler", 2 + calls.GRACE_MS),
        ("answered hangup handler script", 4),
        ("answered script handler hangup", 4),
        ("answered no", None),
        ("hangup handler handler hangup", 2),
        ("record", 1 + calls.GRACE_MS),
        ("closed", 1),
        ("hangup closed", 2),
    ],
)
def test_when_a_call_may_be_settled(world, story, settle_after):
    call_id = world.sent(1)[0]
    for n, word in enumerate(story.split(), 1):
        store.unit(STORY[word], call_id, NOW + n)
    expected = settle_after and NOW + settle_after
    assert models.Call.get_by_id(call_id).settle_at == expected
    if expected:
        assert settling.to_settle(expected - 1, 9) == []
        assert [ended.call_id for ended in settling.to_settle(expected, 9)] == [call_id]


@pytest.mark.parametrize("word", STORY)
def test_a_doubled_fact_changes_nothing(world, word):
    call_id = world.sent(1)[0]
    store.unit(STORY[word], call_id, NOW + 1)
    before = models.Call.select().where(models.Call.id == call_id).dicts().get()
    store.unit(STORY[word], call_id, NOW + 99)
    assert models.Call.select().where(models.Call.id == call_id).dicts().get() == before


@pytest.mark.parametrize("word", STORY)
def test_a_fact_after_the_settling_changes_nothing(world, word):
    call_id = world.sent(1)[0]
    store.unit(calls.hung_up, call_id, NOW, 17, 486, "Down")
    ended = settling.to_settle(NOW + 9999, 1)[0]
    store.unit(settling.settle, ended, settling.Decision("busy", 486, 17, None, NOW, 0), NOW)
    before = models.Call.select().where(models.Call.id == call_id).dicts().get()
    store.unit(STORY[word], call_id, NOW + 99)
    assert models.Call.select().where(models.Call.id == call_id).dicts().get() == before


def test_instructions_are_given_to_open_calls_only(world):
    claimed = world.claim(1)[0].call_id
    sent = world.sent(1)[0]
    phone = models.Call.get_by_id(sent).phone
    assert calls.instructions(sent) == calls.Instructions(sent, "voice", "carillon/1", phone, None, None)
    assert calls.instructions(claimed) is None
    assert calls.instructions(999) is None


def test_open_calls_know_their_deadline(world):
    ringing, talking = world.sent(2)
    store.unit(calls.answered, talking, NOW + 5)
    store.unit(calls.hung_up, talking, NOW + 9, 16, None, "Up")
    assert calls.open_calls("main") == [
        calls.Open(ringing, NOW, NOW + 25_000, False),
        calls.Open(talking, NOW, NOW + 3_625_000, True),
    ]
    assert calls.open_calls("other") == []


def test_which_living_channels_should_not_live(world):
    still_open, settled = world.sent(2)
    store.unit(calls.hung_up, settled, NOW, 17, 486, "Down")
    ended = settling.to_settle(NOW + 9999, 1)[0]
    store.unit(settling.settle, ended, settling.Decision("busy", 486, 17, None, NOW, 0), NOW)
    assert calls.settled_before([still_open, settled, 999], NOW) == {999}
    assert calls.settled_before([still_open, settled, 999], NOW + 1) == {settled, 999}
