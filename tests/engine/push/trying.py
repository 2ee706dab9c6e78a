"""What the tests of the push share: a try to make, a worker to run, and what became of it."""

import json
import threading
import time
from contextlib import contextmanager
from pathlib import Path

from engine import push
from sql import events, models_push, settings, store
from sql.states import DeliveryState

BODY = b'{"type":"call.completed","data":{"call_id":7}}'
HEADERS = {"webhook-id": "msg_1", "webhook-timestamp": "1800000000", "webhook-signature": "v1,abc"}
NAME = "push.example.com"
HEAD = b"HTTP/1.1 200 OK\r\n"  # the beginning of a good answer


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def post(courier, url):
    return courier.post(url, BODY, HEADERS)


ROOT = Path(__file__).parents[3]
NEVER = "3600"  # a timetable whose next try no test lives to see


def write(endpoint, call_id, seq=1):
    data = {"call_id": call_id, "seq": seq, "campaign": "Grüße"}
    store.unit(events.write, endpoint.id, "call.completed", data, store.now(), call_id, seq)


@contextmanager
def working(retry_after=NEVER):
    """A worker in this process, stopped at the end as SIGTERM stops one."""
    values = {where: default for where, (default, _) in settings.KEYS.items()}
    values |= {("push", "allow"): "127.0.0.0/8", ("push", "retry_after"): retry_after}
    worker = push.Worker(settings.Settings(Path("/nowhere"), values))
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield worker
    finally:
        worker.stop.set()
        thread.join(30)
        assert not thread.is_alive()


def wait_for(what, found, seconds=10.0):
    until = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < until, f"{what} did not come within {seconds:.0f} s"
        time.sleep(0.01)
    return answer


def in_state(state):
    return list(models_push.Push.select().where(models_push.Push.state == state).order_by(models_push.Push.id))


def delivered(number):
    return lambda: len(in_state(DeliveryState.DELIVERED)) == number


def tries():
    query = models_push.PushTry.select().order_by(models_push.PushTry.id)
    return [(one.push_id, one.status, one.answer) for one in query]


def told(posted):
    data = json.loads(posted.body)["data"]
    return data["call_id"], data["seq"]
