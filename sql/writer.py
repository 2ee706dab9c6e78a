"""Two threads that each own a store connection: one commits the work handed to it in groups, the other one reads.

While one group is being committed the next one gathers, so a durable commit is shared by all who waited for it; readers do not
wait for it. Each job runs in a savepoint of its own: one that fails spoils no other. Jobs may run twice, even after they were
committed (lost races, lost answers), so each finds what it did before and does not do it again.
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

_Job = tuple[Future, Callable[..., Any], tuple[Any, ...]]


class Writer:
    """Work for the store, from any thread. `pause`: seconds to let a group gather before it is committed."""

    def __init__(self, pause: float = 0.0) -> None:
        self._writes = _Lane("store", _commit, GROUP, pause)
        self._reads = _Lane("store-reads", _read, 1, 0.0)

    def submit(self, work: Callable[..., Any], *args: Any) -> Future:
        """Run `work(*args)` in a transaction; the future holds its result once that is durably committed."""
        return self._writes.put(work, args)

    def ask(self, work: Callable[..., Any], *args: Any) -> Future:
        """Run `work(*args)`, which only reads, outside any transaction."""
        return self._reads.put(work, args)

    def close(self) -> None:
        """Finish what was handed over, then end."""
        self._writes.close()
        self._reads.close()


class _Lane:
    """One thread and its connection. `do` takes up to `most` jobs at once and returns their results."""

    def __init__(self, name: str, do: Callable[[list[_Job]], list[Any]], most: int, pause: float) -> None:
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._do, self._most, self._pause = do, most, pause
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, work: Callable[..., Any], args: tuple[Any, ...]) -> Future:
        future: Future = Future()
        self._jobs.put((future, work, args))
        return future

    def close(self) -> None:
        self._jobs.put(None)
        self._thread.join()

    def _run(self) -> None:
        last = False
        while not last:
            group, last = self._gather()
            if group:
                self._answer(group)
        if not db.is_closed():
            db.close()

    def _gather(self) -> tuple[list[_Job], bool]:
        job = self._jobs.get()
        group = []
        if job is not None and self._pause:
            time.sleep(self._pause)
        while job is not None:
            if job[0].set_running_or_notify_cancel():  # from here on it is done, whoever stops waiting for it
                group.append(job)
            if len(group) >= self._most or self._jobs.empty():
                return group, False
            job = self._jobs.get()
        return group, True

    def _answer(self, group: list[_Job]) -> None:
        try:
            db.connect(reuse_if_open=True)
            results = self._do(group)
        except Exception as error:  # whoever waits must learn of it
            store.drop_connection()
            if len(group) > 1:
                log.warning("store: a group of %d failed (%s), doing each alone", len(group), error)
                for job in group:
                    self._answer([job])
                return
            results = [error]
        for (future, *_), result in zip(group, results, strict=True):
            if isinstance(result, BaseException):
                future.set_exception(result)
            else:
                future.set_result(result)


def _read(group: list[_Job]) -> list[Any]:
    [(_, work, args)] = group
    try:
        return [work(*args)]
    except (OperationalError, InterfaceError) as error:
        if not store.broken(error):
            raise
        store.drop_connection()
        db.connect()
        return [work(*args)]


def _commit(group: list[_Job]) -> list[Any]:
    try:
        return store.unit(_each, group)
    except store.CommitUnknown as error:
        log.warning("store: %s; doing it again, what was done stays as it is", error)
        return store.unit(_each, group)


def _each(group: list[_Job]) -> list[Any]:
    results: list[Any] = []
    for _, work, args in group:
        try:
            with db.atomic():
                results.append(work(*args))
        except (OperationalError, InterfaceError):  # the connection, or a race: not this job's fault alone
            raise
        except Exception as error:
            results.append(error)
    return results
