"""The API's own process, with and without a proxy in front of it that is trusted."""

import http.client
import os
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from urllib.parse import urlencode

import pytest

from sql import settings, store
from tests.api.conftest import HASH, PASSWORD

GUESSES = 10


@contextmanager
def process(home, **changes):
    """`python -m api` for an installation of its own; yields a function that sends a form and answers (status, Set-Cookie)."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings.write_first(home, port_base=port, **changes)
    url = settings.read(home).store_url
    store.migrate(url)
    with store.connection():
        from sql import users

        store.unit(users.create, {"username": "admin", "password_hash": HASH, "role": "admin"}, None, store.now())
    running = subprocess.Popen([sys.executable, "-m", "api"], env={**os.environ, "CARILLON_HOME": str(home)}, stderr=subprocess.DEVNULL)

    def send(method: str, headers: dict[str, str], **form: str) -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        connection.request("POST", f"/rest/{method}", urlencode({"username": "admin", "password": PASSWORD} | form), kind | headers)
        response = connection.getresponse()
        response.read()
        connection.close()
        return response.status, response.headers.get("Set-Cookie", "")

    try:
        until = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert running.poll() is None
                assert time.monotonic() < until
                time.sleep(0.05)
        yield send
    finally:
        running.terminate()
        running.wait(20)


@pytest.mark.parametrize(("trusted", "status", "secure"), [("127.0.0.1", 200, True), ("", 429, False), ("192.0.2.9", 429, False)])
@pytest.mark.slow
def test_behind_a_trusted_proxy_everybody_has_his_own_address(tmp_path, trusted, status, secure):
    with process(tmp_path, api__trusted_proxy=trusted) as send:
        for _ in range(GUESSES):
            assert send("User_Role_List", {"X-Forwarded-For": "198.51.100.1"}, password="guess")[0] == 401
        assert send("User_Role_List", {"X-Forwarded-For": "198.51.100.1"})[0] == 429
        forwarded = {"X-Forwarded-For": "198.51.100.2", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "pbx.example.com"}
        answered, cookie = send("User_Login", forwarded | {"Origin": "https://pbx.example.com"} if trusted == "127.0.0.1" else forwarded)
        assert (answered, "Secure" in cookie) == (status, secure)
