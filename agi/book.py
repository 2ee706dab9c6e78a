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


class Book:
    """The facts of one call. `ask` reads, `note` writes without waiting, `close` waits until all is durably written."""

    def __init__(self, writer: Writer) -> None:
        self._writer = writer
        self._notes: list[tuple[Future, Callable[..., Any], tuple[Any, ...]]] = []

    def ask(self, work: Callable[..., Any], *args: Any) -> Any:
        return self._insist(self._writer.ask(work, *args), lambda: self._writer.ask(work, *args))

    def note(self, work: Callable[..., Any], *args: Any) -> None:
        self._notes.append((self._writer.submit(work, *args), work, args))

    def close(self) -> None:
        """Raises what kept the last unwritten fact from being written."""
        for future, work, args in self._notes:
            self._insist(future, lambda work=work, args=args: self._writer.submit(work, *args))  # type: ignore[misc]

    def _insist(self, future: Future, again: Callable[[], Future]) -> Any:
        for pause in AGAIN_AFTER_S:
            try:
                return future.result()
            except Exception as error:
                log.warning("the store did not take it, trying again in %.1f s: %s", pause, error)
                time.sleep(pause)
                future = again()
        return future.result()
