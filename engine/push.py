"""The push worker's process: `python -m engine.push`, for the installation in $CARILLON_HOME. Delivers the outbox.

A few threads post; one thread owns the store. What is due stays due until its delivery is recorded, so a worker that is
killed delivers again, with the same id and the same bytes. A receiver that fails is given less room, and slows nobody else.
"""

import logging
import random
import signal
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from engine import sign
from engine.clock import Onward
from engine.deliver import Courier, Reply
from engine.rules.backoff import HONOURED, Verdict, again_at, verdict
from engine.target import networks
from sql import logs, pushes, settings, store
from sql.writer import Writer

THREADS = 96  # a receiver that hangs holds one for 15 s
PER_ENDPOINT = 6  # at once, after a first good answer; until then one
LOOK_S = 0.1
BATCH = 200
AFTER_FAULT_S = 1.0
BURY_S = 60.0
TROUBLED_AFTER = 3  # failures in a row: then one at a time, with a pause
TROUBLED_PAUSE_S = (1.0, 2.0, 5.0, 10.0, 30.0)
log = logging.getLogger("push")


class Endpoints:
    """How much room each receiver has: taken and given back by the worker's own thread only under its lock."""

    def __init__(self) -> None:
        self._busy: Counter[int] = Counter()
        self._failures: Counter[int] = Counter()
        self._proven: set[int] = set()
        self._rest_until: dict[int, float] = {}

    def full(self) -> set[int]:
        now = time.monotonic()
        resting = {endpoint for endpoint, until in self._rest_until.items() if now < until}
        return resting | {endpoint for endpoint in self._busy if not self.take(endpoint, look=True)}

    def take(self, endpoint: int, look: bool = False) -> bool:
        room = PER_ENDPOINT if endpoint in self._proven and self._failures[endpoint] < TROUBLED_AFTER else 1
        if self._busy[endpoint] >= room:
            return False
        if not look:
            self._busy[endpoint] += 1
        return True

    def give_back(self, endpoint: int, good: bool) -> None:
        self._busy[endpoint] -= 1
        if not self._busy[endpoint]:
            del self._busy[endpoint]
        if good:
            self._proven.add(endpoint)
            self._failures.pop(endpoint, None)
            self._rest_until.pop(endpoint, None)
            return
        self._failures[endpoint] += 1
        over = self._failures[endpoint] - TROUBLED_AFTER
        if over >= 0:
            self._rest_until[endpoint] = time.monotonic() + TROUBLED_PAUSE_S[min(over, len(TROUBLED_PAUSE_S) - 1)]


class Worker:
    def __init__(self, config: settings.Settings) -> None:
        self._timetable = [int(word) for word in config.words("push", "retry_after")]
        self._courier = Courier(networks(config.words("push", "allow")), THREADS)
        self._writer = Writer(0.005)
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="post")
        self._lock = threading.Lock()
        self._endpoints = Endpoints()
        self._in_flight: set[int] = set()
        self._freed = threading.Event()
        self._clock = Onward()
        self._bury_at = time.monotonic() + BURY_S
        self.stop = threading.Event()

    def run(self) -> None:
        """Until `stop` is set; what is being posted then is recorded."""
        said = ""
        while not self.stop.is_set():
            try:
                self._bury()
                began = self._begin()
                said = ""
            except Exception as error:
                if str(error) != said:
                    log.error("the outbox cannot be read and is tried again every %.0f s: %s", AFTER_FAULT_S, error)
                said, began = str(error), 0
                self.stop.wait(AFTER_FAULT_S)
            if not began:
                self._freed.wait(LOOK_S)
                self._freed.clear()
        self._pool.shutdown(wait=True)
        self._writer.close()

    def _bury(self) -> None:
        """Once a minute."""
        if time.monotonic() >= self._bury_at:
            self._bury_at = time.monotonic() + BURY_S
            self._writer.submit(pushes.bury, store.now()).result()

    def _begin(self) -> int:
        """Hand what is due to the threads; how many that were."""
        with self._lock:
            skip, in_flight = self._endpoints.full(), set(self._in_flight)
        room = THREADS - len(in_flight)  # what waited for a thread would wait behind those who hang
        if room <= 0:
            return 0
        began = 0
        for due in self._writer.ask(pushes.due, self._clock.now(), min(room, BATCH), skip, in_flight).result():
            with self._lock:
                if due.delivery_id in self._in_flight or not self._endpoints.take(due.endpoint_id):
                    continue
                self._in_flight.add(due.delivery_id)
            self._pool.submit(self._deliver, due)
            began += 1
        return began

    def _deliver(self, due: pushes.Due) -> None:
        good = False
        try:
            if not self.stop.is_set():
                at = store.now()
                reply = self._courier.post(due.url, due.body, sign.headers(due.webhook_id, at // 1000, due.body, due.secrets))
                good = verdict(reply.status) is Verdict.DELIVERED
                self._record(due, at, reply)
        except Exception:
            log.exception("push %s failed in us and is tried again", due.webhook_id)
        finally:
            with self._lock:
                self._in_flight.discard(due.delivery_id)
                self._endpoints.give_back(due.endpoint_id, good)
            self._freed.set()

    def _record(self, due: pushes.Due, at: int, reply: Reply) -> None:
        """Until the store has it, or we are stopped: then it is delivered once more."""
        tried = pushes.Tried(reply.status, reply.milliseconds, reply.answer, reply.error)
        means, wish = verdict(reply.status), reply.retry_after if reply.status in HONOURED else None
        next_at = again_at(due.tries + 1, self._timetable, random.random(), self._clock.now(), wish)
        while True:
            try:
                self._writer.submit(record, due, at, tried, next_at).result()
                break
            except Exception as error:
                log.error("push %s: its try cannot be recorded, trying again: %s", due.webhook_id, error)
                if self.stop.wait(AFTER_FAULT_S):
                    return
        if means is Verdict.OFF:
            log.warning("call=%s push %s: endpoint %d is switched off, it answered 410 Gone", due.call_id, due.webhook_id, due.endpoint_id)
        elif means is Verdict.AGAIN:
            when = "given up" if next_at is None else f"again in {(next_at - self._clock.now()) / 1000:.0f} s"
            log.warning("call=%s push %s to endpoint %d failed (%s), %s", due.call_id, due.webhook_id, due.endpoint_id,
                        reply.error or f"HTTP {reply.status}", when)  # fmt: skip


def record(due: pushes.Due, at: int, tried: pushes.Tried, next_at: int | None) -> None:
    """Write one try and what follows from it."""
    match verdict(tried.status):
        case Verdict.DELIVERED:
            pushes.delivered(due.delivery_id, at, tried)
        case Verdict.OFF:
            pushes.failed(due.delivery_id, at, tried, None)
            said = f": {' '.join(tried.answer.split())}" if tried.answer else ""
            pushes.endpoint_off(due.endpoint_id, at, f"the receiver answered 410 Gone{said}")
        case Verdict.AGAIN:
            pushes.failed(due.delivery_id, at, tried, next_at)


def main() -> None:
    logs.setup("push")
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    try:
        config = settings.read()
        store.bind(config.store_url)
        store.check()
        worker = Worker(config)
    except (settings.SettingsError, store.StoreError) as error:
        sys.exit(f"push: {error}")
    except ValueError as error:
        sys.exit(f"push: [push] allow or retry_after cannot be read ({error}); correct carillon.ini")
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: worker.stop.set())
    log.info("delivering")
    worker.run()


if __name__ == "__main__":
    main()
