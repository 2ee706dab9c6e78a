"""The engine's loops on a real store, linked to a truthful AMI peer: what the tests of its days share."""

import asyncio
import contextlib

import pytest

from engine.ami import Link
from engine.core import Core, forever
from engine.dialer import Dialer
from engine.reaper import Reaper
from engine.rules.gates import Calling
from engine.settler import Settler
from engine.watcher import Watcher
from sql import models
from sql.states import CallState, ContactState
from sql.writer import Writer
from tests.fakes.ami_peer import AmiPeer, message

ANY_TIME = Calling("00:00-24:00", ("*",))


class Engine:
    """Core and loops on a store, linked to a peer. `step` runs the loops until something is so."""

    def __init__(self, peer: AmiPeer, records, calling: Calling, node: str) -> None:
        self.peer = peer
        self.facts: asyncio.Queue = asyncio.Queue()
        self.logged_in = asyncio.Event()
        self.core = Core(node, Writer(), Link("127.0.0.1", peer.port, "carillon", "right", self.facts), calling)
        self.reaper = Reaper(self.core, records, self.logged_in)
        self.loops = [Watcher(self.core, self.facts, self.logged_in), Settler(self.core), Dialer(self.core)]

    async def until(self, what: str, found, seconds: float = 6.0) -> None:
        tasks = [asyncio.create_task(forever(type(loop).__name__, loop.step)) for loop in self.loops]
        try:
            async with asyncio.timeout(seconds):
                while not found():
                    await asyncio.sleep(0.02)
        except TimeoutError:
            pytest.fail(f"{what} did not come; calls: {list(models.Call.select().dicts())}")
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def end_all(self, **headers: str) -> None:
        """Every call that was originated ends like this."""
        for action in self.peer.named("Originate"):
            call_id = action["ActionID"]
            await self.peer.say(
                message(Event="Newchannel", Uniqueid=call_id, Channel=f"PJSIP/{call_id}")
                + message(Event="Hangup", Uniqueid=call_id, Channel=f"PJSIP/{call_id}", ChannelStateDesc="Down", **headers)
                + message(Event="OriginateResponse", ActionID=call_id, Response="Failure", Reason="0", Uniqueid=call_id)
            )


@contextlib.asynccontextmanager
async def engine(tmp_path, calling=ANY_TIME, up=True, node="main"):
    peer = AmiPeer()
    await peer.start()
    made = Engine(peer, (tmp_path / "cdr.csv", tmp_path / "cel.csv"), calling, node)
    await made.core.link.start()
    try:
        while up and not made.core.link.up:
            await asyncio.sleep(0.01)
        yield made
    finally:
        await made.core.link.stop()
        await peer.stop()
        made.core.writer.close()


def contact() -> models.CampaignContact:
    return models.CampaignContact.select().get()


def only_call() -> models.Call:
    return models.Call.select().where(models.Call.state != CallState.VOID).get()


def sent(one: Engine):
    return lambda: one.peer.named("Originate")


def done() -> bool:
    return contact().state == ContactState.DONE
