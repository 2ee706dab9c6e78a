"""The floor: what the same two Asterisks carry when nothing is kept and nobody is told, under the best of several caps.

Brings up the engine's Asterisk and the simulated carrier as `carillon up` does, without the rest of an installation.
"""

import asyncio
import io
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import soundfile

from dialplan import demo, evaluation, runtime, sip
from sql import settings
from sql.trunks import Line
from tests.bench.bare import Agi, Ami, Run
from tests.bench.machine import Meter
from tests.bench.mix import PROMPT_S, WARM_UP

CAPS = (25, 40, 60, 80, 120)  # originates waiting for their response; beyond these Asterisk's cliff is near
TRY_CALLS = 1500
TRY_S = 20
BOOT_S = 30
STEADY_MS = 250  # p95 from Originate to channel; 3 to 10 is healthy
GAIN = 1.05  # a larger cap has to be worth it
PARTS = {"asterisk": [], "carrier": ["carrier"]}


class FloorFailed(Exception):
    """One sentence with the remedy."""


def measure(home: Path, phones: Sequence[str], until: float) -> dict[str, object]:
    """The figures of the floor: a search for the best cap, then all the calls under it."""
    base = demo.free_base()
    evaluation.profile(home, base)
    config = settings.read(home)
    _write_trunk(config)
    _write_message(home)
    with _up(home) as pids:
        return asyncio.run(_measure(config, phones, pids, until))


def _write_trunk(config: settings.Settings) -> None:
    path = config.home / "asterisk" / "etc" / runtime.ACCOUNTS
    path.parent.mkdir(parents=True, exist_ok=True)
    line = Line(1, 1, evaluation.TRUNK, "127.0.0.1", config.port("carrier_sip"), None, None, False, "ulaw,alaw", 0)
    runtime.write(path, runtime.ACCOUNTS_HEAD + sip.trunk_conf(line))


def _write_message(home: Path) -> None:
    sound, rate = soundfile.read(io.BytesIO(evaluation.tone(PROMPT_S)))
    path = home / "recordings" / f"{Agi.SOUND.rpartition('/')[2]}.ulaw"
    path.parent.mkdir(exist_ok=True)
    soundfile.write(path, sound, rate, format="RAW", subtype="ULAW")


@contextmanager
def _up(home: Path) -> Iterator[dict[str, int]]:
    """Both Asterisks, by name with their pids."""
    (home / "log").mkdir(exist_ok=True)
    running: dict[str, subprocess.Popen] = {}
    try:
        for name, arguments in PARTS.items():
            with (home / "log" / f"{name}.log").open("wb") as log:
                running[name] = subprocess.Popen(
                    [sys.executable, "-m", "dialplan.runtime", *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                    env=os.environ | {"CARILLON_HOME": str(home)},
                )  # fmt: skip
        yield {name: process.pid for name, process in running.items()}
    finally:
        for process in running.values():
            process.terminate()
        for process in running.values():
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


async def _measure(config: settings.Settings, phones: Sequence[str], pids: dict[str, int], until: float) -> dict[str, object]:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Agi, "127.0.0.1", config.port("agi"), backlog=1024)
    await (await _connected(config.port("carrier_ami"), asyncio.Protocol)).close()
    ami = await _connected(config.port("ami"), lambda: Ami(*config.ami[2:]))
    try:
        await _booted(ami.protocol, config)
        await ami.protocol.dial(WARM_UP, 5, TRY_S)
        tries = await _tries(ami.protocol, phones, until)
        cap = best(tries)
        meter = Meter(pids | {"client": os.getpid()})
        run = await ami.protocol.dial(phones, cap, until - time.monotonic())
        return {"cap": cap, **run.figures(), **meter.read(len(phones)), "tries": tries}
    finally:
        await ami.close()
        server.close()
        await server.wait_closed()


async def _booted(ami: Ami, config: settings.Settings) -> None:
    try:
        await asyncio.wait_for(ami.booted.wait(), BOOT_S)
    except TimeoutError:
        raise FloorFailed(f"Asterisk was not fully booted within {BOOT_S} s; see {config.home}/log/asterisk.log") from None


class _Connection:
    def __init__(self, transport: asyncio.BaseTransport, protocol: asyncio.Protocol) -> None:
        self._transport = transport
        self.protocol = protocol

    async def close(self) -> None:
        self._transport.close()
        await asyncio.sleep(0)


async def _connected(port: int, make) -> _Connection:
    deadline = time.monotonic() + BOOT_S
    while True:
        try:
            return _Connection(*await asyncio.get_running_loop().create_connection(make, "127.0.0.1", port))
        except OSError as error:
            if time.monotonic() > deadline:
                raise FloorFailed(f"Asterisk did not listen on port {port} within {BOOT_S} s ({error}); see its log") from error
            await asyncio.sleep(0.1)


async def _tries(ami: Ami, phones: Sequence[str], until: float) -> list[dict[str, object]]:
    """Short runs under growing caps, until Asterisk answers late."""
    tries: list[dict[str, object]] = []
    for cap in CAPS:
        run: Run = await ami.dial(phones[:TRY_CALLS], cap, min(TRY_S, until - time.monotonic()))
        tries.append(tried := {"cap": cap, **run.figures()})
        print(f"    at most {cap:3} unanswered: {tried['plateau']:.0f} calls/s, a channel within {tried['channel_ms_p95']} ms", flush=True)
        if not steady(tried):
            break
        await asyncio.sleep(1)
    return tries


def steady(tried: dict[str, object]) -> bool:
    """All calls ended, and Asterisk took them up in time to the end."""
    return tried["calls"] == tried["ended"] and max(tried["channel_ms_p95"], tried["channel_ms_p95_of_last_half"]) < STEADY_MS


def best(tries: Sequence[dict[str, object]]) -> int:
    """The smallest cap that was steady and that no steady one beats by more than a little."""
    good = [tried for tried in tries if steady(tried)] or tries[:1]
    most = max(tried["plateau"] for tried in good)
    return next(tried["cap"] for tried in good if GAIN * tried["plateau"] >= most)
