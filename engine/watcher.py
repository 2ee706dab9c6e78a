"""The watcher: every fact that comes over AMI is recorded, in the order of its arrival, and none is lost while the store is away."""

import asyncio
import logging
from collections.abc import Sequence

from engine.core import AFTER_FAULT_S, Core
from engine.facts import Created, Fact, Hangup, LinkUp, Reply
from sql import calls

MOST = 200
log = logging.getLogger(__name__)


class Watcher:
    """Takes facts from `facts`. `on_link_up` is told of every login, after all that came before it was recorded."""

    def __init__(self, core: Core, facts: asyncio.Queue[Fact], on_link_up: asyncio.Event) -> None:
        self._core = core
        self._facts = facts
        self._on_link_up = on_link_up

    async def step(self) -> float:
        batch = [await self._facts.get()]
        while len(batch) < MOST and not self._facts.empty():
            batch.append(self._facts.get_nowait())
        await self._keep([fact for fact in batch if isinstance(fact, Hangup | Reply)])
        for fact in batch:
            if isinstance(fact, Created | Reply | Hangup):
                self._core.governor.seen(fact.call_id)
            if isinstance(fact, Reply) and fact.success:
                self._core.scripts.answered(fact.call_id)
            if isinstance(fact, LinkUp):
                self._on_link_up.set()
        return 0.0

    async def _keep(self, batch: Sequence[Hangup | Reply]) -> None:
        failed = False
        while batch:
            try:
                await self._core.write(record, batch)
                if failed:
                    log.warning("the store is back; %d facts were kept and are recorded", len(batch))
                return
            except Exception as error:
                if not failed:
                    log.error("facts of %d calls cannot be recorded and are kept until they can: %s", len(batch), error)
                failed = True
                await asyncio.sleep(AFTER_FAULT_S)


def record(batch: Sequence[Hangup | Reply]) -> None:
    """Write each fact to its call's row."""
    for fact in batch:
        if isinstance(fact, Hangup):
            calls.hung_up(fact.call_id, fact.at, fact.cause, fact.sip_code, fact.state)
        else:
            calls.replied(fact.call_id, fact.at, fact.success, fact.reason)
