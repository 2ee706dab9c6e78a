"""Asterisk's end of one AGI conversation, over a socket pair: says what a script of answers tells it to, keeps what it was told."""

import socket
import threading
from collections.abc import Iterable
from typing import TextIO

ENV = {"agi_network": "yes", "agi_network_script": "voice.py", "agi_channel": "PJSIP/trunk-1-00000001", "agi_uniqueid": "7"}


def environment(*arguments: str, **more: str) -> str:
    pairs = ENV | more | {f"agi_arg_{n}": value for n, value in enumerate(arguments, 1)}
    return "".join(f"{key}: {value}\n" for key, value in pairs.items()) + "\n"


class Peer:
    """Answers the n-th command with the n-th of `answers` (raw text, may hold several lines); then closes."""

    def __init__(self, env: str, answers: Iterable[str] = ()) -> None:
        self.commands: list[str] = []
        ours, self.script_end = socket.socketpair()
        self._thread = threading.Thread(target=self._talk, args=(ours, env, list(answers)), daemon=True)
        self._thread.start()

    def stream(self) -> TextIO:
        self.script_end.settimeout(5)
        with self.script_end:  # the stream keeps it open until it is closed itself
            return self.script_end.makefile("rw", encoding="utf-8", errors="replace", newline="\n")

    def done(self) -> list[str]:
        self._thread.join(5)
        assert not self._thread.is_alive()
        return self.commands

    def _talk(self, ours: socket.socket, env: str, answers: list[str]) -> None:
        with ours, ours.makefile("rw", encoding="utf-8", newline="\n") as stream:
            stream.write(env)
            stream.flush()
            for answer in answers:
                command = stream.readline()
                if not command:
                    return
                self.commands.append(command.rstrip("\n"))
                stream.write(answer)
                stream.flush()
