"""The machine's clock, which may be set while we run, held against the steady one that nobody can set.

Rules and records take the machine's clock as it is (`store.now`). Here is what else is asked of time: whether something's turn has
come, which must not stall for an hour when the clock is set back by one, and whether the clock was set at all.
"""

import time

from sql import store

NOTICED_MS = 200
STEADY_LOOK_MS, LOOKS = 20, 5


def steady() -> int:
    """Milliseconds of a clock that only ever runs on."""
    return time.monotonic_ns() // 1_000_000


def _apart() -> int:
    """How far the machine's clock is from the steady one, read without being interrupted between the two."""
    for _ in range(LOOKS):
        before, wall = steady(), store.now()
        if steady() - before < STEADY_LOOK_MS:
            break
    return wall - before


class Onward:
    """UTC milliseconds that never go back: after the clock was set back they run on, until it has caught up. For any thread."""

    def __init__(self) -> None:
        self._apart = _apart()

    def now(self) -> int:
        self._apart = max(self._apart, _apart())
        return self._apart + steady()


class Watch:
    """Notices that the machine's clock was set."""

    def __init__(self) -> None:
        self._apart = _apart()

    def was_set(self) -> int:
        """By how many ms the clock was set since the last look, 0 for never; negative is back."""
        apart = _apart()
        by = apart - self._apart
        if abs(by) < NOTICED_MS:
            return 0
        self._apart = apart
        return by
