"""When, if at all, a contact is called again after a call. Pure; the table below is the rule.

A careful operator's intervals: they act once a campaign's `max_attempts` is above its default of 1.
"""

from dataclasses import dataclass

from engine.rules.outcome import Again

MINUTE, HOUR = 60_000, 3_600_000

AFTER = {
    Again.SHORT: 10 * MINUTE,
    Again.MEDIUM: 1 * HOUR,
    Again.LONG: 4 * HOUR,
    Again.OTHER_TRUNK: 10 * MINUTE,  # when no other trunk is left to try
}
MOST = {Again.LONG: 2}  # attempts at the most, whatever the campaign allows


@dataclass(frozen=True)
class Verdict:
    """`next_at` None: nothing more follows. `other_trunk`: the same attempt goes on, over a trunk not yet tried."""

    next_at: int | None
    other_trunk: bool = False


def redial(again: Again, attempt: int, max_attempts: int, trunks_left: int, now: int) -> Verdict:
    """What follows attempt number `attempt`, when `trunks_left` trunks have not been tried within it."""
    if again is Again.OTHER_TRUNK and trunks_left:
        return Verdict(now, other_trunk=True)
    if again not in AFTER or attempt >= min(max_attempts, MOST.get(again, max_attempts)):
        return Verdict(None)
    return Verdict(now + AFTER[again])
