"""The reaper: at every login and each minute, open calls are held against Asterisk's living channels and the witnesses.

Known and alive: adopted. Known and gone: finished from Asterisk's own records, or closed as unknown, and never dialled again
to be safe. Alive with a call's id and unknown to the store: hung up, and said so. Claimed but never marked: due again.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.clock import Watch
from engine.core import Core
from engine.witness import Seen, look
from sql import calls, claims, store
from sql.states import CallState

EVERY_S = 60.0
SOON_S = 12.0  # after a look that some calls were too young for
YOUNG_MS = 10_000  # an Originate just written may have no channel yet; a Hangup just sent may not be recorded yet
STALE_CLAIM_MS = 30_000
OVERDUE_MS = 30_000  # beyond the call's own deadline: Asterisk should have ended it
log = logging.getLogger(__name__)


class Reaper:
    """`records`: Asterisk's CDR and CEL files. `wake` is set at every login."""

    def __init__(self, core: Core, records: Sequence[Path], wake: asyncio.Event) -> None:
        self._core = core
        self._records = records
        self._wake = wake
        self._first = True
        self._pause = EVERY_S
        self._watch = Watch()
        self._set_at: int | None = None

    async def step(self) -> float:
        """Wait for a login or for the minute to pass, then look once."""
        try:
            async with asyncio.timeout(self._pause):
                await self._wake.wait()
        except TimeoutError:
            log.debug("the minute is over")
        self._wake.clear()
        self._pause = EVERY_S
        await self.release()
        if self._watch.was_set():
            log.warning("the clock was set: open calls are held against Asterisk once those before it are old in truth")
            self._set_at, self._pause = store.now(), SOON_S
        elif self._core.link.up:
            await self.reconcile()
        return 0.0

    async def release(self) -> None:
        """Hand back what was claimed and never marked `sending`: at the first look all of it, later what is stale."""
        now = store.now()
        before = now if self._first else now - STALE_CLAIM_MS
        stale = await self._core.read(claims.stale_claims, self._core.node, before, now + STALE_CLAIM_MS)
        if stale:
            back = await self._core.write(claims.hand_back, stale, CallState.CLAIMED)
            log.warning("%d calls were claimed and never sent; their contacts are due again", back)
        self._first = False

    async def reconcile(self) -> None:
        """Hold the store's open calls against what lives in Asterisk."""
        now = store.now()
        alive = await self._core.link.channels()
        opened = await self._core.read(calls.open_calls, self._core.node)
        missing = [call for call in opened if call.call_id not in alive and not call.ending]
        gone = [call for call in missing if abs(now - call.sending_at) > YOUNG_MS]  # or sent by a clock that was set back since
        if len(gone) < len(missing):
            self._pause = SOON_S
        timed = [call for call in opened if call.call_id in alive and call.sending_at > (self._set_at or 0)]
        overdue = [call for call in timed if call.deadline + OVERDUE_MS < now]
        await self._finish(gone, now)
        for call in overdue:
            log.error("call=%d is %d s past its end and still up: hanging it up", call.call_id, (now - call.deadline) // 1000)
            await self._core.link.hangup(call.call_id)
        await self._orphans(alive, {call.call_id for call in opened}, now)
        if opened:
            log.info("%d calls are open: %d live on, %d are gone", len(opened), len(opened) - len(gone), len(gone))

    async def _finish(self, gone: Sequence[calls.Open], now: int) -> None:
        if not gone:
            return
        since = min(call.sending_at for call in gone)
        if self._set_at is not None:
            since = min(since, self._set_at)
        seen = await asyncio.to_thread(look, self._records, [call.call_id for call in gone], since)
        await self._core.write(finish, gone, seen, now)
        for call in gone:
            if call.call_id in seen:
                log.warning("call=%d ended unseen; finished from Asterisk's records", call.call_id)
            else:
                log.warning("call=%d left no trace in Asterisk; closed as unknown, and never dialled again", call.call_id)

    async def _orphans(self, alive: Mapping[int, str], opened: set[int], now: int) -> None:
        strangers = [call_id for call_id in alive if call_id not in opened]
        for call_id in await self._core.read(calls.settled_before, strangers, now - YOUNG_MS):
            log.error("call=%d lives in Asterisk but is not open in the store: hanging it up", call_id)
            await self._core.link.hangup(call_id)


def finish(gone: Sequence[calls.Open], seen: Mapping[int, Seen], now: int) -> None:
    """Record of each gone call what Asterisk's files say, or that nobody saw it."""
    for call in gone:
        record = seen.get(call.call_id)
        if record is None:
            calls.closed(call.call_id, now, "it may have gone out; nobody saw what became of it")
        else:
            calls.on_record(call.call_id, record.ended_at or now, record.cause, record.answered_at)
