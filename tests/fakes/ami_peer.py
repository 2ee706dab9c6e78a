"""Asterisk's manager interface as a small truthful peer over TCP, with its bad days: silence, drops, repeats, split packets."""

import asyncio
from collections.abc import Callable

GREETING = b"Asterisk Call Manager/11.0.0\r\n"


def message(**headers: str) -> bytes:
    return "".join(f"{key}: {value}\r\n" for key, value in headers.items()).encode() + b"\r\n"


class AmiPeer:
    """Answers as Asterisk does. `actions` keeps every action that arrived, as header lists; `silent` names those not answered."""

    def __init__(self, secret: str = "right") -> None:
        self.secret = secret
        self.actions: list[list[tuple[str, str]]] = []
        self.silent: set[str] = set()
        self.mute = False  # half-open: takes the connection and says nothing
        self.boots = True
        self.refuses: str | None = None
        self.channels: list[dict[str, str]] = []
        self.logins = 0
        self.connections = 0
        self._writers: list[asyncio.StreamWriter] = []
        self._talks: set[asyncio.Task] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self, port: int = 0) -> None:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server:
            self._server.close()
            self.drop()
            await self._server.wait_closed()
            await asyncio.gather(*self._talks)

    def drop(self) -> None:
        """The connection breaks."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def say(self, *chunks: bytes) -> None:
        """Send these bytes, each chunk in a packet of its own."""
        for chunk in chunks:
            for writer in self._writers:
                writer.write(chunk)
                await writer.drain()
            await asyncio.sleep(0.02)

    def named(self, action: str) -> list[dict[str, str]]:
        return [dict(headers) for headers in self.actions if dict(headers)["Action"] == action]

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._talks.add(asyncio.current_task())  # type: ignore[arg-type]
        self._writers.append(writer)
        try:
            if not self.mute:
                writer.write(GREETING)
            headers: list[tuple[str, str]] = []
            while line := await reader.readline():
                text = line.decode().rstrip("\r\n")
                if text:
                    key, _, value = text.partition(": ")
                    headers.append((key, value))
                elif headers:
                    self.actions.append(headers)
                    self._answer(dict(headers), writer)
                    headers = []
        except ConnectionError:
            return
        finally:
            writer.close()

    def _answer(self, action: dict[str, str], writer: asyncio.StreamWriter) -> None:
        name, action_id = action["Action"], action.get("ActionID", "")
        if self.mute or name in self.silent:
            return
        answers: dict[str, Callable[[], bytes]] = {
            "Login": lambda: self._login(action, action_id),
            "Ping": lambda: message(Response="Success", ActionID=action_id, Ping="Pong"),
            "Originate": lambda: self._originate(action_id),
            "CoreShowChannels": lambda: self._list(action_id),
            "Hangup": lambda: message(Response="Success", ActionID=action_id, Message="Channel Hungup"),
        }
        writer.write(answers.get(name, lambda: message(Response="Error", ActionID=action_id, Message="Invalid/unknown command"))())

    def _login(self, action: dict[str, str], action_id: str) -> bytes:
        self.logins += 1
        if action.get("Secret") != self.secret and action.get("secret") != self.secret:
            return message(Response="Error", ActionID=action_id, Message="Authentication failed")
        answer = message(Response="Success", ActionID=action_id, Message="Authentication accepted")
        return answer + message(Event="FullyBooted", Privilege="system,all", Status="Fully Booted") if self.boots else answer

    def _originate(self, action_id: str) -> bytes:
        if self.refuses:
            return message(Response="Error", ActionID=action_id, Message=self.refuses)
        return message(Response="Success", ActionID=action_id, Message="Originate successfully queued")

    def _list(self, action_id: str) -> bytes:
        head = message(Response="Success", ActionID=action_id, EventList="start", Message="Channels will follow")
        body = b"".join(message(Event="CoreShowChannel", ActionID=action_id, **channel) for channel in self.channels)
        count = str(len(self.channels))
        return head + body + message(Event="CoreShowChannelsComplete", ActionID=action_id, EventList="Complete", ListItems=count)
