"""The governor's memory: which originates Asterisk has not taken up yet, and how late it takes them up.

Asterisk does not bend under load, it falls; `engine.rules.pacing` says how far dialling may go.
"""

from engine.clock import steady
from engine.rules.pacing import Delay, governed

GIVEN_UP_MS = 10_000


class Governor:
    """Told of every originate and of its first sign of life; asked how many more may go."""

    def __init__(self) -> None:
        self._sent: dict[int, int] = {}
        self._delay = Delay()

    def sent(self, call_id: int) -> None:
        self._sent[call_id] = steady()

    def seen(self, call_id: int) -> None:
        """Asterisk made the channel, or refused to."""
        at = self._sent.pop(call_id, None)
        if at is not None:
            self._delay = self._delay.with_new(steady() - at)

    def room(self) -> int:
        now = steady()
        for call_id in [call_id for call_id, at in self._sent.items() if now - at > GIVEN_UP_MS]:
            self.seen(call_id)
        return governed(len(self._sent), self._delay.p95)

    @property
    def p95(self) -> float:
        return self._delay.p95
