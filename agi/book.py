"""Where scripts write what they see: the store, through one thread that commits for all of them.

A fact that cannot be written now is tried again for a while; what is lost after that is said, and Asterisk's own records
remain as a witness.
"""

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from sql.writer import Writer

AGAIN_AFTER_S = (0.2, 1.0, 3.0)
log = logging.getLogger(__name__)

_Note = tuple[Future, Callable[..., Any], tuple[Any, ...]]


class NotWritten(Exception):
    """Facts that the store did not take: how many, and what kept the last of them."""


class Book:
    """The facts of one call. `ask` reads, `note` writes without waiting, `close` waits until all is durably written."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._notes: list[_Note] = []

    def ask(self, work: Callable[..., Any], *args: Any) -> Any:
        for pause in AGAIN_AFTER_S:
            try:
                return self._writer.ask(work, *args).result()
            except Exception as error:
                _wait(pause, error)
        return self._writer.ask(work, *args).result()

    def note(self, work: Callable[..., Any], *args: Any) -> None:
        self._notes.append((self._writer.submit(work, *args), work, args))

    def close(self) -> None:
        """NotWritten if facts are lost. One that can never be written keeps no other from being tried again."""
        for pause in AGAIN_AFTER_S:
            why = self._settle()
            if why is None:
                return
            _wait(pause, why)
            self._notes = [(self._writer.submit(work, *args), work, args) for _, work, args in self._notes]
        if why := self._settle():
            raise NotWritten(f"{len(self._notes)} could not be written: {why}") from why

    def _settle(self) -> Exception | None:
        """Wait for every note, keep the unwritten ones; what kept the last of them."""
        unwritten, why = [], None
        for note in self._notes:
            try:
                note[0].result()
            except Exception as error:
                why = error
                unwritten.append(note)
        self._notes = unwritten
        return why


def _wait(pause: float, error: Exception) -> None:
    log.warning("the store did not take it, trying again in %.1f s: %s", pause, error)
    time.sleep(pause)
