"""The machine's clock, which may be set while we run, held against the steady one that nobody can set.

Rules and records take the machine's clock as it is (`store.now`). Here is what else is asked of time: whether something's turn has
come, which must not stall for an hour when the clock is set back by one, and whether the clock was set at all.
"""

import time

from sql import store

NOTICED_MS = 500


def steady() -> int:
    """Milliseconds of a clock that only ever runs on."""
    return time.monotonic_ns() // 1_000_000


class Onward:
    """UTC milliseconds that never go back: after the clock was set back they run on, until it has caught up. For any thread."""

    def __init__(self) -> None:
        self._apart = store.now() - steady()

    def now(self) -> int:
        self._apart = max(self._apart, store.now() - steady())
        return self._apart + steady()


class Watch:
    """Notices that the machine's clock was set."""

    def __init__(self) -> None:
        self._apart = store.now() - steady()

    def was_set(self) -> int:
        """By how many ms the clock was set since the last look, 0 for never; negative is back."""
        apart = store.now() - steady()
        by = apart - self._apart
        if abs(by) < NOTICED_MS:
            return 0
        self._apart = apart
        return by
