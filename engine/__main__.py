"""The engine's process: `python -m engine`, for the installation in $CARILLON_HOME."""

import asyncio
import logging
import signal
import sys
from dataclasses import replace

from engine import bearer
from engine.ami import Link
from engine.core import Core, forever
from engine.dialer import Dialer
from engine.facts import Fact
from engine.forsaken import Forsaken
from engine.listener import Listener
from engine.reaper import Reaper
from engine.rules import pacing
from engine.rules.gates import Calling
from engine.settler import Settler
from engine.watcher import Watcher
from sql import logs, nodes, settings, store
from sql.states import NodeFacts
from sql.writer import Writer

BEAT_S = 0.5
BEAT_AGAIN_MS = 5000
LAST_CALLS_S = 2.0
log = logging.getLogger("engine")


async def run(config: settings.Settings, token: str) -> None:
    """All loops, until SIGTERM or SIGINT, or until another engine has our name. Calls in progress go on without us."""
    facts: asyncio.Queue[Fact] = asyncio.Queue()
    logged_in, stop = asyncio.Event(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    host, port, user, secret = config.ami
    calling = Calling(config.text("calling", "hours"), config.destinations)
    # Of an Asterisk that is not ours the ports are not known.
    most = pacing.most_channels(config.port("rtp"), config.port("rtp_end")) if config.own_asterisk else sys.maxsize
    core = Core(config.node, Writer(), Link(host, port, user, secret, facts), calling, most)
    logged_in.set()
    dialer = Dialer(core)
    loops = {
        "watcher": Watcher(core, facts, logged_in).step,
        "reaper": Reaper(core, config.asterisk_records, logged_in).step,
        "settler": Settler(core).step,
        "forsaken": Forsaken(core).step,
        "listener": Listener(core).step,
        "beat": Beat(core, token, stop).step,
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
    await core.write(nodes.leave, core.node, token, store.now())
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
    """Says in the store that this engine lives and how it is; sets `stop` once its name is another process'."""

    def __init__(self, core: Core, token: str, stop: asyncio.Event) -> None:
        self._core = core
        self._token = token
        self._stop = stop
        self._said: NodeFacts | None = None

    async def step(self) -> float:
        facts, said = self._core.facts(), self._said
        # After the clock was set, back or forth, the last beat looks wrong at once.
        stale = said is None or not 0 <= facts.beat_at - said.beat_at < BEAT_AGAIN_MS
        if said is None or stale or facts != replace(said, link_since=facts.link_since, beat_at=facts.beat_at):
            if not await self._core.write(nodes.describe, facts, self._token):
                log.error("another engine has taken the name %r in the store; this one ends", facts.name)
                self._stop.set()
            self._said = facts
        return BEAT_S


def main() -> None:
    logs.setup("engine")
    try:
        config = settings.read()
        store.bind(config.store_url)
        store.check()
        token, _ = bearer.lock(config.home)
        bearer.take(config.node, token)
    except (settings.SettingsError, store.StoreError, bearer.NameTaken) as error:
        sys.exit(f"engine: {error}")
    asyncio.run(run(config, token))


if __name__ == "__main__":
    main()
