"""Whether answered calls meet their script. The AGI server alone can say so, and if it is silent people hear nothing.

Some seconds after each answer the store is asked whether script or hangup handler has said anything of that call. Of none: dialling
rests, and then goes on with a few calls, until one of them is heard of.
"""

import sys
from collections.abc import Sequence

from engine.clock import steady

WAIT_MS = 5_000  # facts of a script are in the store within a fraction of a second
REST_MS = 30_000
TRIAL = 3  # open calls after a rest
SAMPLE = 20


class Scripts:
    """Told of every answer, and of what the store knows of those that are `ripe`."""

    def __init__(self) -> None:
        self._answered: dict[int, int] = {}
        self._rest_until = 0
        self._trusted = True

    def answered(self, call_id: int) -> None:
        self._answered.setdefault(call_id, steady())

    def ripe(self) -> list[int]:
        """The calls that the script should have spoken of by now, a sample of them; they are forgotten."""
        now = steady()
        ripe = [call_id for call_id, at in self._answered.items() if now - at >= WAIT_MS]
        for call_id in ripe:
            del self._answered[call_id]
        return ripe[-SAMPLE:]

    def judge(self, ripe: Sequence[int], spoken: set[int]) -> bool:
        """Whether a rest begins: of these calls none was spoken of."""
        if spoken:
            self._trusted = True
            return False
        if not ripe or self.resting:
            return False
        self._trusted = False
        self._rest_until = steady() + REST_MS
        return True

    @property
    def resting(self) -> bool:
        return steady() < self._rest_until

    def room(self, open_calls: int) -> int:
        """How many calls may start: any number, or a few while it is not known whether scripts run again."""
        return sys.maxsize if self._trusted else max(0, TRIAL - open_calls)
