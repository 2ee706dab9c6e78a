"""What the simulated carrier does with a number, by its last two digits: the table that tests and the demo compare with.

`carrier/extensions.conf` is what Asterisk runs; a live test holds the two together. Knows nothing of campaigns.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Behaviour:
    """Last two digits `first` to `last`; what a campaign records when it plays a message; the final SIP code on the wire."""

    first: int
    last: int
    what: str
    disposition: str
    sip_code: int


BEHAVIOURS = (
    Behaviour(0, 55, "a person answers within a second and listens", "answered", 200),
    Behaviour(56, 56, "a person answers, presses 1 after two seconds and hangs up three seconds later", "answered", 200),
    Behaviour(57, 57, "a person answers and presses 1 after seven seconds", "answered", 200),
    Behaviour(58, 58, "a person answers and presses 2 after two seconds", "answered", 200),
    Behaviour(59, 59, "a person answers and presses 2 and 1 after two seconds", "answered", 200),
    Behaviour(60, 64, "a person answers and hangs up after a second", "answered", 200),
    Behaviour(65, 67, "an answering machine: greeting, beep, silence", "answered", 200),
    Behaviour(68, 68, "a person answers and presses 1 after two seconds", "answered", 200),
    Behaviour(69, 69, "a person answers and presses 1, 2, 3 and # after two seconds", "answered", 200),
    Behaviour(70, 79, "busy", "busy", 486),
    Behaviour(80, 84, "rings, nobody answers", "no-response", 487),
    Behaviour(85, 85, "silent early media (183), nobody answers", "no-response", 487),
    Behaviour(86, 86, "rings two seconds, then the carrier says: no answer", "no-response", 480),
    Behaviour(87, 87, "five seconds of nothing, then a person answers", "answered", 200),
    Behaviour(88, 89, "rejected", "rejected", 603),
    Behaviour(90, 93, "no such number", "invalid-number", 404),
    Behaviour(94, 94, "the number has changed", "invalid-number", 410),
    Behaviour(95, 96, "congestion", "congestion", 503),
    Behaviour(97, 97, "server error", "congestion", 500),
    Behaviour(98, 98, "destination out of order", "unreachable", 502),
    Behaviour(99, 99, "the trunk refuses", "failed", 403),
)


def behaviour(number: str) -> Behaviour:
    """What the carrier does with this number."""
    last = int(number[-2:])
    return next(row for row in BEHAVIOURS if row.first <= last <= row.last)
