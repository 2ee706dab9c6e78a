"""What a receiver's answer means, and when a push is tried again: the whole timetable by a fake clock."""

import pytest

from engine.rules.backoff import HONOURED, LONGEST_RETRY_AFTER_S, Verdict, again_at, verdict
from sql.settings import KEYS

NOW = 1_800_000_000_000
MINUTE, HOUR = 60, 3600
TIMETABLE = [5, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR]
LOWEST, MIDDLE, HIGHEST = 0.0, 0.5, 1.0  # the dice


@pytest.mark.parametrize(
    ("status", "means"),
    [
        (None, Verdict.AGAIN),
        (100, Verdict.AGAIN),
        (199, Verdict.AGAIN),
        (200, Verdict.DELIVERED),
        (201, Verdict.DELIVERED),
        (204, Verdict.DELIVERED),
        (299, Verdict.DELIVERED),
        (300, Verdict.AGAIN),
        (301, Verdict.AGAIN),
        (302, Verdict.AGAIN),
        (307, Verdict.AGAIN),
        (400, Verdict.AGAIN),
        (401, Verdict.AGAIN),
        (404, Verdict.AGAIN),
        (409, Verdict.AGAIN),
        (410, Verdict.OFF),
        (429, Verdict.AGAIN),
        (500, Verdict.AGAIN),
        (503, Verdict.AGAIN),
        (599, Verdict.AGAIN),
        (999, Verdict.AGAIN),
    ],
)
def test_what_an_answer_means(status, means):
    assert verdict(status) is means


def test_the_settings_hold_the_promised_timetable():
    assert [int(word) for word in KEYS["push", "retry_after"][0].split(",")] == TIMETABLE


@pytest.mark.parametrize("tries", range(1, 10))
@pytest.mark.parametrize(("dice", "share"), [(LOWEST, 0.9), (0.25, 0.95), (MIDDLE, 1.0), (HIGHEST, 1.1)])
def test_each_wait_is_the_timetables_within_a_tenth(tries, dice, share):
    wait = again_at(tries, TIMETABLE, dice, NOW) - NOW
    assert wait == pytest.approx(TIMETABLE[tries - 1] * 1000 * share, abs=1)


@pytest.mark.parametrize(("dice", "hours"), [(LOWEST, 68), (MIDDLE, 75.6), (HIGHEST, 83.1)])
def test_ten_tries_over_three_days_then_never(dice, hours):
    now, tries = NOW, 1
    while (following := again_at(tries, TIMETABLE, dice, now)) is not None:
        assert following > now
        now, tries = following, tries + 1
    assert tries == 10
    assert (now - NOW) / 3_600_000 == pytest.approx(hours, abs=0.1)


@pytest.mark.parametrize(
    ("tries", "retry_after", "seconds"),
    [
        (1, None, 5),
        (1, 0, 5),
        (1, 4, 5),  # shorter than the timetable: the timetable
        (1, 6, 6),
        (1, 3600, 3600),
        (2, 299, 300),
        (2, 301, 301),
        (9, HOUR, 24 * HOUR),
        (1, LONGEST_RETRY_AFTER_S, 24 * HOUR),
        (1, LONGEST_RETRY_AFTER_S + 1, 24 * HOUR),  # nobody parks a push for longer than a day
        (1, 1 << 31, 24 * HOUR),
    ],
)
def test_the_receivers_wish_is_heard_if_it_is_longer(tries, retry_after, seconds):
    assert again_at(tries, TIMETABLE, MIDDLE, NOW, retry_after) == NOW + seconds * 1000


def test_the_receivers_wish_is_kept_whatever_the_dice_say():
    assert again_at(1, TIMETABLE, LOWEST, NOW, 60) == again_at(1, TIMETABLE, HIGHEST, NOW, 60) == NOW + 60_000


@pytest.mark.parametrize(("tries", "timetable"), [(10, TIMETABLE), (11, TIMETABLE), (1, []), (3, [1, 2])])
def test_the_last_try_is_followed_by_none_even_if_the_receiver_wishes_one(tries, timetable):
    assert again_at(tries, timetable, MIDDLE, NOW) is None
    assert again_at(tries, timetable, MIDDLE, NOW, 60) is None


def test_only_those_who_ask_for_patience_are_given_it():
    assert set(HONOURED) == {429, 503}
