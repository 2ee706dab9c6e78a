"""What the evaluation profile adds for people who try Carillon: the trunk `demo` to the simulated carrier, a message, and first steps."""

import io
import json
import math
import os
import struct
import wave
from pathlib import Path

from dialplan.client import Client
from sql import claims, recordings, settings, store, trunks
from sql.settings import Settings

TRUNK = "demo"
MESSAGE = "welcome"
RATE = 8000


def profile(home: Path, port_base: int = settings.PORT_BASE, **changes: str) -> None:
    """Write the settings of an evaluation installation, unless there are settings."""
    settings.write_first(home, port_base, carillon__profile="evaluation", push__allow="127.0.0.0/8", **changes)


def demo_trunk(config: Settings) -> int:
    """Make the trunk `demo`, or let it lead to where the carrier listens now."""
    return trunks.simulated(TRUNK, "127.0.0.1", config.port("carrier_sip"))


def missing(config: Settings) -> str:
    """What keeps the trunk from being used; empty if nothing."""
    with store.connection():
        loaded = [trunk for trunk in claims.trunks(config.node) if trunk.name == TRUNK and trunk.loaded]
    return "" if loaded else f"Asterisk has not loaded trunk {TRUNK}, see log/provision.log"


def tone(seconds: float = 1.5) -> bytes:
    """A short melody as a wav file."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        notes = (523, 659, 784)
        for n in range(int(RATE * seconds)):
            pitch = notes[int(n / RATE * 2) % len(notes)]
            file.writeframesraw(struct.pack("<h", int(8000 * math.sin(2 * math.pi * pitch * n / RATE))))
    return out.getvalue()


def first_steps(config: Settings, url: str) -> None:
    """Lay a message ready, and print where things are and how a first call is placed."""
    admin = json.loads((config.home / "admin.json").read_text())
    with store.connection():
        message = recordings.titled(MESSAGE)
    if message is None:
        message = Client(url, **admin).call("Recording_Create", files={"media": tone()}, title=MESSAGE)
    curl = f'curl -s -u "admin:$(sed -n \'s/.*"password": "\\([^"]*\\)".*/\\1/p\' {config.home}/admin.json)" {url}/rest'
    print(f"""
This is an evaluation installation in {config.home}: pushes to this machine are allowed, and the trunk `{TRUNK}` leads to a
simulated carrier. What a number does there is told by its last two digits (docs/carrier.md): 00 answers, 70 is busy, 80 rings.
The administrator's credentials lie in {config.home}/admin.json. A first call, in three lines (the ids are those of a new installation):

  {curl}/Contact_Create --data-urlencode 'contact[phone]=+4930123400'
  {curl}/Campaign_Create -d 'campaign={{"contact_group_id":1,"message":{message},"trunk":"{TRUNK}"}}'
  {curl}/Campaign_Start -d campaign_id=1

How it went: {url}/rest/Campaign_Result with campaign_id=1. Ctrl-C stops everything.
""", flush=True)  # fmt: skip


if __name__ == "__main__":
    profile(Path(os.environ["CARILLON_HOME"]))
