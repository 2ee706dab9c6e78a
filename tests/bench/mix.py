"""The calls that a benchmark makes: their numbers, hence what the simulated carrier does with them, and what that must come to.

Of twenty calls fourteen are answered within a tenth of a second and hear the message, four are busy, one number does not
exist, and one rings for two seconds. Knows neither side that is measured.
"""

from collections import Counter
from collections.abc import Sequence
from statistics import median

from dialplan.carrier import behaviour

BLOCK = (0, 70, 1, 2, 3, 71, 4, 5, 6, 90, 7, 8, 72, 9, 0, 1, 73, 2, 86, 3)  # last two digits of twenty numbers in a row
PROMPT_S = 0.3
RING_TIMEOUT_S = 15
UP_TO = 0.9  # the end of a run is left out of its plateau: by then only the slow endings are left


def numbers(count: int, first: int = 0) -> list[str]:
    """`count` different numbers of the mix, from the `first` one on."""
    return [f"+4930{n:05d}{BLOCK[n % len(BLOCK)]:02d}" for n in range(first, first + count)]


# The first calls of an Asterisk are slow: both sides make these before anything is measured.
WARM_UP = numbers(40, 90_000)
WARM_UP_CPS = 20


def expected(phones: Sequence[str]) -> Counter[str]:
    """How many of these calls end with which disposition."""
    return Counter(behaviour(phone).disposition for phone in phones)


def plateau(moments: Sequence[float]) -> float:
    """Calls per second in the middle of a run: the median of its whole seconds, the first one and the last tenth of the calls left out."""
    ended = sorted(moments)
    first, last = ended[0], ended[int(len(ended) * UP_TO) - 1]
    each = Counter(int(moment - first) for moment in ended)
    inner = [each[second] for second in range(1, int(last - first))]
    return float(median(inner)) if inner else len(ended) / (ended[-1] - first or 1)


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` of the values lie."""
    return sorted(values)[min(int(len(values) * share), len(values) - 1)] if values else 0.0
