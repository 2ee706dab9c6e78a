"""A thread that owns one store connection and commits the work handed to it in groups.

While one group is being committed the next one gathers, so a durable commit is shared by all who waited for it. Each job runs
in a savepoint of its own: one that fails spoils no other. Jobs may run twice (lost races), so they must be re-runnable.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

from peewee import InterfaceError, OperationalError

from sql import store
from sql.row import db

GROUP = 200
log = logging.getLogger(__name__)

_Job = tuple[Future, bool, Callable[..., Any], tuple[Any, ...]]


class Writer:
    """Work for the store, from any thread. `pause`: seconds to let a group gather before it is committed."""

    def __init__(self, pause: float = 0.0) -> None:
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._pause = pause
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)
        self._thread.start()

    def submit(self, work: Callable[..., Any], *args: Any) -> Future:
        """Run `work(*args)` in a transaction; the future holds its result once that is durably committed."""
        return self._put(True, work, args)

    def ask(self, work: Callable[..., Any], *args: Any) -> Future:
        """Run `work(*args)`, which only reads, outside any transaction."""
        return self._put(False, work, args)

    def close(self) -> None:
        """Finish what was handed over, then end."""
        self._jobs.put(None)
        self._thread.join()

    def _put(self, writes: bool, work: Callable[..., Any], args: tuple[Any, ...]) -> Future:
        future: Future = Future()
        self._jobs.put((future, writes, work, args))
        return future

    def _run(self) -> None:
        last = False
        while not last:
            group, last = self._gather()
            for job in group:
                if not job[1]:
                    self._answer([job], self._read)
            writing = [job for job in group if job[1]]
            if writing:
                self._answer(writing, self._commit)
        if not db.is_closed():
            db.close()

    def _gather(self) -> tuple[list[_Job], bool]:
        first = self._jobs.get()
        group = []
        if first is not None and first[1] and self._pause:
            time.sleep(self._pause)
        job = first
        while job is not None:
            if job[0].set_running_or_notify_cancel():  # from here on it is done, whoever stops waiting for it
                group.append(job)
            if len(group) >= GROUP or self._jobs.empty():
                return group, False
            job = self._jobs.get()
        return group, True

    def _answer(self, group: list[_Job], do: Callable[[list[_Job]], list[Any]]) -> None:
        try:
            db.connect(reuse_if_open=True)
            results = do(group)
        except Exception as error:  # whoever waits must learn of it
            self._drop_connection()
            if len(group) > 1:
                log.warning("store: a group of %d failed (%s), doing each alone", len(group), error)
                for job in group:
                    self._answer([job], do)
                return
            results = [error]
        for (future, *_), result in zip(group, results, strict=True):
            if isinstance(result, BaseException):
                future.set_exception(result)
            else:
                future.set_result(result)

    def _read(self, group: list[_Job]) -> list[Any]:
        return [work(*args) for _, _, work, args in group]

    def _commit(self, group: list[_Job]) -> list[Any]:
        return store.unit(_each, group)

    def _drop_connection(self) -> None:
        try:
            db.close()
        except Exception as error:
            log.warning("store: the failed connection did not close cleanly: %s", error)


def _each(group: list[_Job]) -> list[Any]:
    results: list[Any] = []
    for _, _, work, args in group:
        try:
            with db.atomic():
                results.append(work(*args))
        except (OperationalError, InterfaceError):  # the connection, or a race: not this job's fault alone
            raise
        except Exception as error:
            results.append(error)
    return results
