"""`python -m tests.bench.api`: API calls per second, user name and password in each, against a bare Flask route that does the same
single read on the same server, in one run on this machine.

Ours is Contact_Get with urlencoded fields. `--servers` compares others than the one in use, as far as they are installed. Leaves its
figures in var/bench/api.json.
"""

import argparse
import json
import os
import selectors
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import flask

from api.app import create_app
from api.credentials import hashed
from sql import contacts, row, settings, store, users
from tests.bench import machine

HOME = Path("var/bench/api")
PASSWORD = "a good one"
CONNECTIONS, THREADS = 8, 8
WARM_UP_S, ROUNDS = 1.0, 3
COLUMNS = "id, phone, first_name, last_name, email, address, country, custom1, custom2, custom3, description"
SERVERS = {
    "waitress": ["waitress-serve", "--listen=127.0.0.1:{port}", f"--threads={THREADS}", "--call", "tests.bench.api:{app}"],
    "gunicorn": [
        "gunicorn", "--bind=127.0.0.1:{port}", "--workers=1", "--worker-class=gthread", f"--threads={THREADS}",
        "--keep-alive=30", "--no-control-socket", "tests.bench.api:{app}()",
    ],
    "granian": [
        "granian", "--interface=wsgi", "--host=127.0.0.1", "--port={port}", "--workers=1", f"--blocking-threads={THREADS}",
        "--no-ws", "--factory", "tests.bench.api:{app}",
    ],
}  # fmt: skip


def product() -> flask.Flask:
    """Carillon's face."""
    config = settings.read(HOME)
    store.bind(config.store_url)
    return create_app(config)


def bare() -> flask.Flask:
    """The least that reads a contact: one statement, one connection for each thread, one answer."""
    store.bind(settings.read(HOME).store_url)
    app = flask.Flask("bare")

    @app.route("/rest/Contact_Get", methods=["POST"])
    def read() -> flask.Response:
        row.db.connect(reuse_if_open=True)
        contact = flask.request.form["contact_id"]
        [found] = row.fetched(f"SELECT {COLUMNS} FROM contact WHERE id = ? AND deleted_at IS NULL", contact)
        body = json.dumps([True, dict(zip(COLUMNS.split(", "), found, strict=True))])
        return flask.Response(body, content_type="application/json")

    return app


def prepare() -> None:
    """A store with a user and his contact."""
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    settings.write_first(HOME, calling__country="DE")
    store.migrate(settings.read(HOME).store_url)
    with store.connection():
        account = {"username": "anna", "password_hash": hashed(PASSWORD), "role": "user"}
        user_id = store.unit(users.create, account, None, store.now())
        group_id = store.unit(contacts.create_group, user_id, "g", None, store.now())
        store.unit(contacts.put, group_id, [contacts.NewContact("+493012340000", None, {"first_name": "Ida"})], store.now())


def request() -> bytes:
    body = f"username=anna&password={PASSWORD.replace(' ', '+')}&contact_id=1"
    head = "POST /rest/Contact_Get HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


class Client:
    """One connection that sends the same again as soon as it is answered."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._send()

    def _send(self) -> None:
        self._sent, self._got = time.perf_counter(), b""
        self.socket.sendall(REQUEST)

    def took(self) -> float | None:
        """The seconds of the call that was answered now, or None while it is not."""
        self._got += self.socket.recv(65536)
        head, end, body = self._got.partition(b"\r\n\r\n")
        length = head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]
        if not end or len(body) < int(length):
            return None
        if b" 200 " not in head[:20] or not body.startswith(b"[true, {"):
            raise AssertionError(f"answered {self._got[:400]!r}")
        seconds = time.perf_counter() - self._sent
        self._send()
        return seconds


def load(port: int, seconds: float) -> dict[str, float]:
    """Calls per second and p95 in ms of that many seconds."""
    chosen, took = selectors.DefaultSelector(), []
    clients = [Client(port) for _ in range(CONNECTIONS)]
    for client in clients:
        chosen.register(client.socket, selectors.EVENT_READ, client)
    began = time.perf_counter()
    while not took or time.perf_counter() - began < seconds:  # a server may listen before its app is there
        took += [done for key, _ in chosen.select(1) if (done := key.data.took()) is not None]
    whole = time.perf_counter() - began
    for client in clients:
        client.socket.close()
    took.sort()
    return {"calls_per_second": round(len(took) / whole), "p95_ms": round(took[int(len(took) * 0.95)] * 1000, 2)}


def served(server: str, app: str, measure: Callable[[int], dict[str, float]]) -> dict[str, float]:
    """What `measure` says of the app on a server of its own; with the seconds that it takes to end."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    command = [str(_program(server)), *(word.format(port=port, app=app) for word in SERVERS[server][1:])]
    log = (HOME / f"{server}-{app}.log").open("w")
    with log, subprocess.Popen(command, stdout=log, stderr=log, env=os.environ | {"PYTHONPATH": "."}) as process:
        try:
            for _ in range(200):
                with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                time.sleep(0.1)
            load(port, WARM_UP_S)
            result = measure(port)
        finally:
            began = time.monotonic()
            process.terminate()
            process.wait(30)
    return result | {"ended_after_s": round(time.monotonic() - began, 1)}


def _program(server: str) -> Path:
    return Path(sys.executable).parent / SERVERS[server][0]


def compare(server: str, seconds: float) -> dict[str, object]:
    """Both apps in turns, so that what else the machine does falls on both; of each the best turn."""
    turns: dict[str, list[dict[str, float]]] = {"bare": [], "product": []}
    for _ in range(ROUNDS):
        for app, seen in turns.items():
            seen.append(served(server, app, lambda port: load(port, seconds)))
    best = {app: max(seen, key=lambda one: one["calls_per_second"]) for app, seen in turns.items()}
    return best | {"ratio": round(best["product"]["calls_per_second"] / best["bare"]["calls_per_second"], 2)}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.api", description=str(__doc__))
    parser.add_argument("--servers", nargs="+", choices=list(SERVERS), default=["waitress"])
    parser.add_argument("--seconds", type=float, default=4.0, help="of each turn")
    given = parser.parse_args()
    for server in given.servers:
        if not _program(server).exists():
            sys.exit(f"bench: {server} is not installed; run .venv/bin/pip install {server}")
    prepare()
    result: dict[str, object] = {"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "machine": machine.described("")}
    for server in given.servers:
        result[server] = compare(server, given.seconds)
        print(f"{server}: {json.dumps(result[server])}", flush=True)
    Path("var/bench/api.json").write_text(json.dumps(result, indent=2) + "\n")


REQUEST = request()
if __name__ == "__main__":
    main()
