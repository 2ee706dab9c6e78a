"""How many calls may start now: caps on channels and on calls per second, and the governor. Pure.

Caps are counted from the store's call rows; claiming a call is taking its place under every cap at once. The governor keeps
Asterisk away from the load at which it collapses for good: it bounds the originates that Asterisk has not yet taken up, and
slows dialling when Asterisk answers late.
"""

from dataclasses import dataclass

from sql.states import Load

PORTS_PER_CHANNEL = 2  # RTP and RTCP
CHANNELS_OF = {"interactive": 2}  # of one call of this kind: the person's, and the extension's
MOST_CHANNELS_OF_A_CALL = max(CHANNELS_OF.values())
SPARE_PART = 10  # of so many channels one stays free: Asterisk gives ports back late
MOST_IN_FLIGHT = 100  # originates that Asterisk was sent and has not yet made a channel for
SLOW_MS = 250  # p95 from Originate to channel; 3 to 10 ms is healthy
STOP_MS = 2000
MOST_PER_TICK = 50


def room(load: Load, max_channels: int | None, cps: int | None) -> int:
    """How many more calls this cap's owner may start now. None is no limit.

    A second's worth of calls is spread over its tenths, so that a carrier sees no bursts.
    """
    free = MOST_PER_TICK if max_channels is None else max_channels - load.open
    if cps is not None:
        free = min(free, cps - load.second, -(-cps // 10) - load.tenth)
    return max(free, 0)


def governed(in_flight: int, p95_ms: float) -> int:
    """How many originates Asterisk may be handed now."""
    if p95_ms >= STOP_MS and in_flight:
        return 0
    cap = MOST_IN_FLIGHT if p95_ms <= SLOW_MS else max(1, int(MOST_IN_FLIGHT * SLOW_MS / p95_ms / 4))
    return max(0, min(cap - in_flight, MOST_PER_TICK))


def channels(kind: str) -> int:
    """How many channels one call of this kind may take."""
    return CHANNELS_OF.get(kind, 1)


def most_channels(first_port: int, last_port: int) -> int:
    """How many channels an Asterisk with these RTP ports may be given."""
    ports = (last_port - first_port + 1) // PORTS_PER_CHANNEL
    return ports - ports // SPARE_PART


@dataclass(frozen=True)
class Delay:
    """Newest delays from Originate to channel, in ms, oldest first; those older than `KEEP` calls are forgotten."""

    recent: tuple[int, ...] = ()
    KEEP = 100

    def with_new(self, milliseconds: int) -> "Delay":
        return Delay((*self.recent[1 - self.KEEP :], milliseconds))

    @property
    def p95(self) -> float:
        return sorted(self.recent)[int(len(self.recent) * 0.95)] if self.recent else 0.0
