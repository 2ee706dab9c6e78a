"""Asterisk's end of one AGI conversation, over a socket pair or TCP: says what a script of answers tells it to, keeps what it was told."""

import socket
import struct
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import TextIO

ENV = {"agi_network": "yes", "agi_network_script": "voice.py", "agi_channel": "PJSIP/trunk-1-00000001", "agi_uniqueid": "7"}
ANSWERED = "200 result=0\n"
PLAYED = "200 result=0 endpos=16000\n"  # two seconds at 8 kHz

Answer = str | Callable[[], str]


def environment(*arguments: str, **more: str) -> str:
    pairs = ENV | more | {f"agi_arg_{n}": value for n, value in enumerate(arguments, 1)}
    return "".join(f"{key}: {value}\n" for key, value in pairs.items()) + "\n"


class Peer:
    """Answers the n-th command with the n-th of `answers` (raw text, may hold several lines; a function is asked for it); then closes."""

    def __init__(self, env: str, answers: Iterable[Answer] = ()) -> None:
        ours, self.script_end = socket.socketpair()
        self._begin(ours, env, answers)

    def _begin(self, ours: socket.socket, env: str, answers: Iterable[Answer]) -> None:
        self.commands: list[str] = []
        self._thread = threading.Thread(target=self._talk, args=(ours, env, list(answers)), daemon=True)
        self._thread.start()

    def stream(self) -> TextIO:
        self.script_end.settimeout(5)
        with self.script_end:  # the stream keeps it open until it is closed itself
            return self.script_end.makefile("rw", encoding="utf-8", errors="replace", newline="\n")

    def done(self, seconds: float = 5) -> list[str]:
        self._thread.join(seconds)
        assert not self._thread.is_alive()
        return self.commands

    def _talk(self, ours: socket.socket, env: str, answers: list[Answer]) -> None:
        with ours, ours.makefile("rw", encoding="utf-8", newline="\n") as stream:
            stream.write(env)
            stream.flush()
            for answer in answers:
                command = stream.readline()
                if not command:
                    return
                self.commands.append(command.rstrip("\n"))
                stream.write(answer if isinstance(answer, str) else answer())
                stream.flush()
            self._end(ours, stream)

    def _end(self, ours: socket.socket, stream: TextIO) -> None:
        """Closing is all there is to do."""


class Caller(Peer):
    """A call's AGI over TCP, as Asterisk's res_agi makes it: after the last answer it stays until the server has closed."""

    def __init__(self, port: int, env: str, answers: Iterable[Answer] = ()) -> None:
        self._begin(socket.create_connection(("127.0.0.1", port), timeout=10), env, answers)

    def _talk(self, ours: socket.socket, env: str, answers: list[Answer]) -> None:
        with suppress(ConnectionError):  # refused by the server while we still spoke
            super()._talk(ours, env, answers)

    def _end(self, ours: socket.socket, stream: TextIO) -> None:
        self.commands += [line.rstrip("\n") for line in stream]


class Leaver(Caller):
    """One that is gone after the last answer, as an Asterisk that was killed; `rudely`: by a reset."""

    def __init__(self, port: int, env: str, answers: Iterable[Answer] = (), rudely: bool = False) -> None:
        self._rudely = rudely
        super().__init__(port, env, answers)

    def _end(self, ours: socket.socket, stream: TextIO) -> None:
        if self._rudely:
            ours.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
