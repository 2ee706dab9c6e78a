"""`carillon doctor`: looks at everything that can be wrong with an installation, and says what, why it matters and how to mend it.

Changes nothing, beside a running installation and on a stopped one. Each look has its time, and all together have theirs. Exit code 0: all
right; 1: something must be mended; 2: only warnings.
"""

import argparse
import json
import os
import sys
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from dialplan.checks.facts import Facts
from dialplan.checks.finding import Check, Seen, State, fault, skipped
from dialplan.checks.table import CHECKS

LOOK_S = 4.0
ALL_S = 12.5
CODES = {State.FAULT: 1, State.WARNING: 2}
STOPS = (State.FAULT, State.SKIPPED)  # what needs such a check is not asked
REPORT = "this is a fault of the doctor's: please report it"


@dataclass(frozen=True)
class Finding:
    """One check's line. `why` it matters, `remedy` where there is something to mend."""

    check: str
    state: State
    what: str
    why: str
    remedy: str


def examine(home: Path, checks: Sequence[Check] = CHECKS, seconds: float = ALL_S) -> Iterator[Finding]:
    """All findings, in the order of the checks."""
    facts, deadline = Facts(home), time.monotonic() + seconds
    seen: dict[str, Seen] = {}
    because: dict[str, str] = {}  # of a check that was not asked: the root of that
    for check in checks:
        stopped = next((name for name in check.needs if name in seen and seen[name].state in STOPS), None)
        if stopped is not None:
            because[check.name] = because.get(stopped, f"because of {stopped}: {seen[stopped].what}")
            seen[check.name] = skipped(because[check.name])
        else:
            seen[check.name] = _timed(check, facts, deadline)
        one = seen[check.name]
        yield Finding(check.name, one.state, one.what, check.why, one.remedy)


def _timed(check: Check, facts: Facts, deadline: float) -> Seen:
    left = deadline - time.monotonic()
    if left <= 0:
        return skipped("the time was over: what is said above took too long")
    answer: list[Seen] = []
    looker = threading.Thread(target=lambda: answer.append(_look(check, facts)), name=check.name, daemon=True)
    looker.start()
    looker.join(min(LOOK_S, left))
    if not answer:
        return fault(
            f"no answer within {min(LOOK_S, left):.0f} s", "see that what it asks (disk, network, database, Asterisk) does not hang"
        )
    return answer[0]


def _look(check: Check, facts: Facts) -> Seen:
    try:
        for reason in check.when:
            if why := reason(facts):
                return skipped(why)
        return check.look(facts)
    except Exception as error:  # the other checks are still worth asking
        return fault(f"this check itself failed: {type(error).__name__}: {' '.join(str(error).split())[:200]}", REPORT)


def code(findings: Iterable[Finding]) -> int:
    """0: all right; 1: something must be mended; 2: only warnings."""
    return min((CODES[one.state] for one in findings if one.state in CODES), default=0)


def line(one: Finding) -> str:
    """What a person reads."""
    head = f"{one.state:8} {one.check:17} {one.what}"
    return f"{head}. It matters: {one.why}. To mend it: {one.remedy}" if one.remedy else head


def summary(findings: Sequence[Finding]) -> str:
    counts = {state: sum(one.state == state for one in findings) for state in State}
    return (
        f"{len(findings)} checks: {counts[State.OK]} all right, {counts[State.WARNING]} warnings, {counts[State.FAULT]} faults, "
        f"{counts[State.SKIPPED]} skipped"
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="carillon doctor", description="Look at everything that can be wrong with an installation.")
    parser.add_argument("--json", action="store_true", help="an array of objects: check, state, what, why, remedy")
    given = parser.parse_args()
    findings = []
    for one in examine(Path(os.environ["CARILLON_HOME"]).absolute()):
        findings.append(one)
        if not given.json:
            print(line(one), flush=True)
    print(json.dumps([asdict(one) for one in findings], indent=1, ensure_ascii=False) if given.json else summary(findings), flush=True)
    sys.stderr.flush()
    os._exit(code(findings))  # a look that hangs holds nobody up


if __name__ == "__main__":
    main()
