"""The kill switch of the whole installation."""

from typing import Annotated

from pydantic import StringConstraints
from typing_extensions import TypedDict

from api.operation import ADMIN, Caller, Input, Operation
from sql import events, halts, store


class SystemStop(Input):
    reason: Annotated[str, StringConstraints(max_length=200)] | None = None


class Halted(TypedDict):
    """Since when nothing is dialled, who stopped it, and why."""

    since: str
    by: str
    reason: str | None


def stop(caller: Caller, given: SystemStop) -> Halted:
    """Stop all dialling, of everybody, on every engine; calls in progress go on. Answers what stands: the first who stopped it."""
    halted = store.unit(halts.throw, caller.user_id, given.reason, store.now())
    return {"since": events.iso(halted.at) or "", "by": halted.by, "reason": halted.reason}


def start(caller: Caller, given: Input) -> bool:
    """Let everything dial again after System_Stop. Answers whether anything was stopped."""
    return store.unit(halts.lift, caller.user_id, store.now())


OPERATIONS = (
    Operation("System_Stop", SystemStop, stop, ADMIN, changes=True),
    Operation("System_Start", Input, start, ADMIN, changes=True),
)
