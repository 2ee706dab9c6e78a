"""What the loops share: the store's thread, the link to Asterisk, the installation's ceiling, and how a loop is kept alive.

A loop is a step that is done again and again. One that fails is logged and tried again: everything it has to know lies in the store.
"""

import asyncio
import logging
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from engine.ami import Link
from engine.governor import Governor
from engine.rules.gates import Calling, Gate
from engine.scripts import Scripts
from sql import store
from sql.states import NodeFacts
from sql.writer import Writer

AFTER_FAULT_S = 1.0
log = logging.getLogger(__name__)


@dataclass
class Core:
    """`most_channels`: how many this node's Asterisk may be given; `held`: what keeps all of this engine from dialling, by gate."""

    node: str
    writer: Writer
    link: Link
    calling: Calling
    most_channels: int = sys.maxsize
    governor: Governor = field(default_factory=Governor)
    scripts: Scripts = field(default_factory=Scripts)
    held: dict[str, Gate] = field(default_factory=dict)

    def facts(self) -> NodeFacts:
        """This engine as it is now."""
        now, gate = store.now(), next(iter(self.held.values()), None)
        held = (gate.word, gate.text, gate.opens_at) if gate else (None, None, None)
        return NodeFacts(self.node, self.link.up, self.link.state, now, now, *held)

    async def write(self, work: Callable[..., Any], *args: Any) -> Any:
        """Do `work(*args)` in a durable transaction."""
        return await asyncio.wrap_future(self.writer.submit(work, *args))

    async def read(self, work: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.wrap_future(self.writer.ask(work, *args))


async def forever(name: str, step: Callable[[], Awaitable[float]], stop: asyncio.Event | None = None) -> None:
    """Do `step` again and again, until `stop` is set between two steps; it returns the seconds to wait before the next one."""
    last = ""
    while stop is None or not stop.is_set():
        try:
            pause = await step()
            if last:
                log.warning("%s: works again", name)
            last = ""
        except Exception as error:
            if repr(error) != last:
                log.exception("%s failed and is tried again every %.0f s", name, AFTER_FAULT_S)
            last = repr(error)
            pause = AFTER_FAULT_S
        await asyncio.sleep(pause)
