"""The calls of engines that do not come back: any engine that lives finishes them, so that nothing stays open for ever.

Claimed and never marked: due again. Marked `sending`: closed as unknown once Asterisk must have ended it, and never dialled again;
those whose end a witness saw are settled as always. Whether an engine is gone is told by its beat standing still, held against a
steady clock: no clock that is set, here or there, makes anybody look dead.
"""

import logging
import time

from engine.core import Core
from sql import calls, claims, nodes, store
from sql.states import CallState

LOOK_S = 10.0
SILENT_S = 60.0  # an engine says that it lives every few seconds
OVERDUE_MS = 30_000  # beyond the call's own deadline
ALL = 1 << 62
log = logging.getLogger(__name__)


class Forsaken:
    def __init__(self, core: Core) -> None:
        self._core = core
        self._beats: dict[str, tuple[int | None, float]] = {}  # of other engines with open calls: the last beat, and since when

    async def step(self) -> float:
        others = await self._core.read(calls.open_nodes) - {self._core.node}
        last = {engine.name: engine.beat_at for engine in await self._core.read(nodes.facts)} if others else {}
        self._beats = {node: self._since(node, last.get(node)) for node in others}
        for node, (_, since) in self._beats.items():
            if time.monotonic() - since >= SILENT_S:
                await self._finish(node)
        return LOOK_S

    def _since(self, node: str, beat: int | None) -> tuple[int | None, float]:
        before = self._beats.get(node)
        return before if before is not None and before[0] == beat else (beat, time.monotonic())

    async def _finish(self, node: str) -> None:
        now = store.now()
        claimed = await self._core.read(claims.stale_claims, node, ALL)
        if claimed:
            back = await self._core.write(claims.hand_back, claimed, CallState.CLAIMED)
            log.warning("engine %s is gone: %d calls that it had claimed and not sent are due again", node, back)
        for call in await self._core.read(calls.open_calls, node):
            if not call.ending and call.deadline + OVERDUE_MS < now:
                await self._core.write(calls.closed, call.call_id, now, f"it may have gone out; engine {node} is gone and nobody saw")
                log.warning("call=%d of engine %s, which is gone, is closed as unknown, and never dialled again", call.call_id, node)
