"""The listener: asks each second whether scripts run for the calls that were answered, and lets dialling rest if none does."""

import logging

from engine.core import Core
from engine.rules import gates
from engine.scripts import REST_MS, WAIT_MS
from sql import calls, store

EVERY_S = 1.0
log = logging.getLogger(__name__)


class Listener:
    def __init__(self, core: Core) -> None:
        self._core = core

    async def step(self) -> float:
        scripts, held = self._core.scripts, self._core.held
        if "script" in held and not scripts.resting:
            del held["script"]
            log.warning("a few calls are tried, to see whether the AGI server answers again")
        ripe = scripts.ripe()
        if ripe and scripts.judge(ripe, await self._core.read(calls.spoken, ripe)):
            held["script"] = gates.script_silent(store.now() + REST_MS)
            log.error("%d calls were answered and %d s later no script has spoken: %s", len(ripe), WAIT_MS // 1000, held["script"].text)
        return EVERY_S
