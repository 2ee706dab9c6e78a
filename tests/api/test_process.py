"""The API as a process: it ends when it is told to, finishing what it does and waiting for no slow client."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from sql import settings, store

pytestmark = pytest.mark.slow


@pytest.fixture
def process(tmp_path):
    """`python -m api` on a port of its own, and that port."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    settings.write_first(tmp_path, calling__country="DE", carillon__port_base=str(port))
    store.migrate(settings.read(tmp_path).store_url)
    started = subprocess.Popen(
        [sys.executable, "-m", "api"], env=os.environ | {"CARILLON_HOME": str(tmp_path)}, stderr=subprocess.PIPE, text=True
    )
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and started.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            break
        except OSError:
            time.sleep(0.05)
    yield started, port
    started.kill()
    started.communicate()


def test_told_to_end_it_waits_for_no_slow_client(process):
    started, port = process
    with socket.create_connection(("127.0.0.1", port), 5) as slow:
        slow.sendall(b"POST /rest/User_Get HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
        time.sleep(0.2)
        started.send_signal(signal.SIGTERM)
        assert started.wait(5) == 0


def test_slow_clients_hold_up_nobody(process):
    _, port = process
    slow = [socket.create_connection(("127.0.0.1", port), 5) for _ in range(200)]
    for one in slow:
        one.sendall(b"POST /rest/User_Get HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nhalf")
    asking = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    asking.request("GET", "/rest/Nothing")
    assert asking.getresponse().status == 405
    asking.close()
    for one in slow:
        one.close()


def test_headers_that_nobody_needs_are_refused(process):
    _, port = process
    asking = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    asking.request("GET", "/rest/Nothing", headers={"X-Long": "x" * (70 << 10)})
    assert asking.getresponse().status == 431
    asking.close()
