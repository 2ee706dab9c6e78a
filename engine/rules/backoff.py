"""When a push is tried again, and when it is given up. Pure: the timetable, the receiver's answer and the dice are arguments."""

from collections.abc import Sequence
from enum import StrEnum

JITTER = 0.1
LONGEST_RETRY_AFTER_S = 24 * 3600
HONOURED = (429, 503)  # whose Retry-After counts


class Verdict(StrEnum):
    DELIVERED = "delivered"
    AGAIN = "again"
    OFF = "off"  # the receiver wants no more pushes at all


def verdict(status: int | None) -> Verdict:
    """What a receiver's HTTP status means; None: there was no answer. A redirect is a failure and is not followed."""
    if status is not None and 200 <= status < 300:
        return Verdict.DELIVERED
    return Verdict.OFF if status == 410 else Verdict.AGAIN


def again_at(tries: int, timetable: Sequence[int], dice: float, now: int, retry_after: int | None = None) -> int | None:
    """When try number `tries` (1 for the first) is followed by the next one (UTC ms); None: never, it was the last.

    `timetable` in seconds; `dice` from 0 to 1 is spread over ±10 %. `retry_after` in seconds is the receiver's wish, and is
    honoured if it is longer.
    """
    if tries > len(timetable):
        return None
    wait = timetable[tries - 1] * (1 + JITTER * (2 * dice - 1))
    return now + int(1000 * max(wait, min(retry_after or 0, LONGEST_RETRY_AFTER_S)))
