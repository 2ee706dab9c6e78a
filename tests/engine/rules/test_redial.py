"""What follows a call: the redial table, its caps, and the way over another trunk."""

import pytest

from engine.rules.outcome import Again
from engine.rules.redial import HOUR, MINUTE, Verdict, redial

NOW = 5_000_000


@pytest.mark.parametrize(
    ("again", "attempt", "most", "trunks_left", "verdict"),
    [
        (Again.NO, 1, 3, 2, Verdict(None)),
        (Again.NEVER, 1, 3, 2, Verdict(None)),
        (Again.SHORT, 1, 1, 2, Verdict(None)),
        (Again.SHORT, 1, 2, 2, Verdict(NOW + 10 * MINUTE)),
        (Again.SHORT, 2, 2, 2, Verdict(None)),
        (Again.MEDIUM, 1, 3, 0, Verdict(NOW + HOUR)),
        (Again.LONG, 1, 5, 0, Verdict(NOW + 4 * HOUR)),
        (Again.LONG, 2, 5, 0, Verdict(None)),
        (Again.OTHER_TRUNK, 1, 1, 1, Verdict(NOW, other_trunk=True)),
        (Again.OTHER_TRUNK, 1, 1, 0, Verdict(None)),
        (Again.OTHER_TRUNK, 1, 2, 0, Verdict(NOW + 10 * MINUTE)),
    ],
)
def test_redial(again, attempt, most, trunks_left, verdict):
    assert redial(again, attempt, most, trunks_left, NOW) == verdict
