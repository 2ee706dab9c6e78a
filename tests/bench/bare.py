"""A bare AMI client and a bare AGI server: the least that can place calls and play a message. It keeps nothing and tells nobody.

They speak plain sockets on one event loop. What they reach is what Asterisk can carry on this machine.
"""

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.bench.mix import RING_TIMEOUT_S, percentile, plateau

FIRST_ID = 10**18  # Asterisk refuses a channel id that another living channel's id begins with: all have to be equally long
MOST_SECONDS = 3600  # a campaign's default
HEADER = re.compile(rb"([A-Za-z]+): ([^\r]*)")


@dataclass
class Run:
    """What happened to the calls of one run. Times in seconds of the monotonic clock, by call id."""

    sent: dict[int, float] = field(default_factory=dict)
    created: dict[int, float] = field(default_factory=dict)
    ended: dict[int, float] = field(default_factory=dict)
    answered: int = 0
    refused: int = 0

    @property
    def delays_ms(self) -> list[float]:
        """From Originate to channel, in the order of sending."""
        return [1000 * (self.created[call] - at) for call, at in self.sent.items() if call in self.created]

    def figures(self) -> dict[str, object]:
        seconds = max(self.ended.values()) - min(self.sent.values()) if self.ended else 0.0
        delays = self.delays_ms
        return {
            "calls": len(self.sent),
            "ended": len(self.ended),
            "answered": self.answered,
            "seconds": round(seconds, 2),
            "calls_per_second": round(len(self.ended) / seconds, 1) if seconds else 0.0,
            "plateau": round(plateau(list(self.ended.values())), 1) if self.ended else 0.0,
            "channel_ms_p50": round(percentile(delays, 0.5), 1),
            "channel_ms_p95": round(percentile(delays, 0.95), 1),
            "channel_ms_p95_of_last_half": round(percentile(delays[len(delays) // 2 :], 0.95), 1),
        }


def originate(call: int, phone: str) -> str:
    """The product's own Originate, word for word."""
    return (
        f"Action: Originate\r\nActionID: {call}\r\nChannelId: {call}\r\nChannel: PJSIP/{phone}@trunk-1\r\n"
        f"Context: carillon\r\nExten: voice\r\nPriority: 1\r\nTimeout: {RING_TIMEOUT_S * 1000}\r\nAsync: true\r\n"
        f"Variable: CALL_ID={call}\r\nVariable: MAX_SECONDS={MOST_SECONDS}\r\n"
        "Variable: CHANNEL(hangup_handler_push)=carillon-hangup\\,s\\,1\r\n"
        f"Variable: PJSIP_HEADER(add\\,X-Carillon-Call)={call}\r\n\r\n"
    )


class Ami(asyncio.Protocol):
    """Sends Originates with at most `cap` of them waiting for their OriginateResponse."""

    def __init__(self, user: str, secret: str) -> None:
        self._login = (user, secret)
        self._rest = b""
        self._next_id = FIRST_ID
        self._run, self._free, self._waiting, self._done = Run(), 0, list[str](), asyncio.Event()
        self.booted = asyncio.Event()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        user, secret = self._login
        self._say(f"Action: Login\r\nUsername: {user}\r\nSecret: {secret}\r\nEvents: system,call,user\r\n\r\n")

    def _say(self, text: str) -> None:
        self._transport.write(text.encode())  # type: ignore[attr-defined]

    async def dial(self, phones: Sequence[str], cap: int, seconds: float) -> Run:
        """Call each of these numbers; over when all of them ended, or when the time is."""
        self._run, self._free, self._waiting, self._done = Run(), cap, list(reversed(phones)), asyncio.Event()
        self._fill()
        try:
            await asyncio.wait_for(self._done.wait(), seconds)
        except TimeoutError:
            self._waiting.clear()
        return self._run

    def _fill(self) -> None:
        orders = []
        while self._free > 0 and self._waiting:
            self._next_id += 1
            self._free -= 1
            call, phone = self._next_id, self._waiting.pop()
            self._run.sent[call] = time.monotonic()
            orders.append(originate(call, phone))
        if orders:
            self._say("".join(orders))

    def data_received(self, data: bytes) -> None:
        *messages, self._rest = (self._rest + data).split(b"\r\n\r\n")
        now = time.monotonic()
        for message in messages:
            self._take(dict(HEADER.findall(message)), now)

    def _take(self, message: dict[bytes, bytes], now: float) -> None:
        match message.get(b"Event"):
            case b"FullyBooted":
                self.booted.set()
            case b"Newchannel" if (call := _id(message, b"Uniqueid")) in self._run.sent:
                self._run.created[call] = now
            case b"OriginateResponse" if (call := _id(message, b"ActionID")) in self._run.sent:
                self._run.answered += message[b"Response"] == b"Success"
                self._freed()
            case b"Hangup" if (call := _id(message, b"Uniqueid")) in self._run.sent:
                self._run.ended[call] = now
            case None if message.get(b"Response") == b"Error":
                self._run.refused += 1
                self._freed()
        if len(self._run.ended) + self._run.refused == len(self._run.sent) and not self._waiting:
            self._done.set()

    def _freed(self) -> None:
        self._free += 1
        self._fill()


def _id(message: dict[bytes, bytes], name: bytes) -> int:
    value = message.get(name, b"")
    return int(value) if value.isdigit() else 0


class Agi(asyncio.Protocol):
    """Plays the message to a call that is answered; to every other request it says nothing. Records nothing."""

    SOUND = "carillon/1"

    def __init__(self) -> None:
        self._text = b""
        self._played = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._text += data
        if self._played:
            if b"200 result=" in self._text:
                self._transport.close()
        elif self._text.endswith(b"\n\n"):
            if b"agi_network_script: voice.py\n" in self._text:
                self._transport.write(f'STREAM FILE {self.SOUND} ""\n'.encode())  # type: ignore[attr-defined]
                self._text, self._played = b"", True
            else:
                self._transport.close()
