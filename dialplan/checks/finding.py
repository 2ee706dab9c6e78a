"""What a check is, and what it may say. Knows no check."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dialplan.checks.facts import Facts


class State(StrEnum):
    OK = "ok"
    WARNING = "warning"
    FAULT = "fault"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Seen:
    """What one look found: in a sentence, and the remedy where something is wrong."""

    state: State
    what: str
    remedy: str = ""


def fine(what: str) -> Seen:
    return Seen(State.OK, what)


def warning(what: str, remedy: str) -> Seen:
    return Seen(State.WARNING, what, remedy)


def fault(what: str, remedy: str) -> Seen:
    return Seen(State.FAULT, what, remedy)


def skipped(what: str) -> Seen:
    return Seen(State.SKIPPED, what)


@dataclass(frozen=True)
class Check:
    """`why` it matters. Asked only if none of the checks in `needs` is at fault or skipped, and each of `when` says nothing against it."""

    name: str
    why: str
    look: Callable[["Facts"], Seen]
    needs: tuple[str, ...] = ()
    when: tuple[Callable[["Facts"], str], ...] = ()


def listing(words: list[str], most: int = 3) -> str:
    """The first few of them, and how many more there are."""
    more = f" and {len(words) - most} more" if len(words) > most else ""
    return ", ".join(words[:most]) + more
