"""An engine that is told to end ends, also when that comes in the very moment in which something else happens."""

import asyncio

from engine.reaper import Reaper
from tests.engine.loops import engine


async def ended(task: asyncio.Task) -> bool:
    task.cancel()
    await asyncio.wait({task}, timeout=1)
    return task.cancelled()


def test_the_reaper_ends_in_the_moment_of_a_login(small, tmp_path):
    async def scenario():
        async with engine(tmp_path) as one:
            wake = asyncio.Event()
            task = asyncio.create_task(Reaper(one.core, (), wake).step())
            await asyncio.sleep(0.05)
            wake.set()
            return await ended(task)

    assert asyncio.run(scenario())


def test_the_link_ends_in_the_moment_in_which_it_breaks(small, tmp_path):
    async def scenario():
        async with engine(tmp_path) as one:
            link = one.core.link
            await asyncio.sleep(0.05)
            link._manager.config["on_disconnect"](None, None)
            return await ended(link._task)

    assert asyncio.run(scenario())
