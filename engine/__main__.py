"""The engine's process: `python -m engine`, for the installation in $CARILLON_HOME."""

import asyncio
import logging
import signal
import sys

from engine.ami import Link
from engine.core import Core, forever
from engine.dialer import Dialer
from engine.facts import Fact
from engine.reaper import Reaper
from engine.rules.gates import Calling
from engine.settler import Settler
from engine.watcher import Watcher
from sql import logs, nodes, settings, store
from sql.writer import Writer

BEAT_S = 0.5
BEAT_AGAIN_MS = 5000
LAST_CALLS_S = 2.0
log = logging.getLogger("engine")


async def run(config: settings.Settings) -> None:
    """All loops, until SIGTERM or SIGINT. Calls in progress go on without us."""
    facts: asyncio.Queue[Fact] = asyncio.Queue()
    logged_in, stop = asyncio.Event(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    host, port, user, secret = config.ami
    core = Core(config.node, Writer(), Link(host, port, user, secret, facts), Calling(config.text("calling", "hours"), config.destinations))
    logged_in.set()
    dialer = Dialer(core)
    loops = {
        "watcher": Watcher(core, facts, logged_in).step,
        "reaper": Reaper(core, config.asterisk_records, logged_in).step,
        "settler": Settler(core).step,
        "beat": Beat(core).step,
    }
    await core.link.start()
    tasks = [asyncio.create_task(forever(name, step), name=name) for name, step in loops.items()]
    dialling = asyncio.create_task(forever("dialer", dialer.step, stop), name="dialer")
    await stop.wait()
    log.info("stopping; calls in progress go on")
    await finished(dialling, dialer)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await core.link.stop()
    await core.write(nodes.describe, core.node, False, "the engine was stopped", store.now())
    core.writer.close()


async def finished(dialling: asyncio.Task, dialer: Dialer) -> None:
    """Let the dialer end what it began: a call that is marked and not sent would have to be closed as unknown."""
    try:
        async with asyncio.timeout(LAST_CALLS_S):
            await dialling
            await dialer.finish()
    except (TimeoutError, store.Unavailable) as error:
        log.error("calls that were being sent could not be finished in %.0f s: %s", LAST_CALLS_S, error or "too slow")


class Beat:
    """Says in the store that this engine lives and how its link to Asterisk is."""

    def __init__(self, core: Core) -> None:
        self._core = core
        self._said: tuple[bool, str] | None = None
        self._at = 0

    async def step(self) -> float:
        now, link = store.now(), self._core.link
        if (link.up, link.state) != self._said or now - self._at >= BEAT_AGAIN_MS:
            await self._core.write(nodes.describe, self._core.node, link.up, link.state, now)
            self._said, self._at = (link.up, link.state), now
        return BEAT_S


def main() -> None:
    logs.setup("engine")
    try:
        config = settings.read()
        store.bind(config.store_url)
        store.check()
    except (settings.SettingsError, store.StoreError) as error:
        sys.exit(f"engine: {error}")
    asyncio.run(run(config))


if __name__ == "__main__":
    main()
