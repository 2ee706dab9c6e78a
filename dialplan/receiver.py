"""A little receiver of pushes, as a customer might write it: verifies each signature with the standard library, keeps what came."""

import base64
import hmac
import json
import threading
import time
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOLERANCE_S = 300


class Receiver:
    """Listens on a free loopback port. `secret` is set once the endpoint exists; `events` maps webhook-id to what was pushed."""

    def __init__(self) -> None:
        self.secret = ""
        self.events: dict[str, dict[str, Any]] = {}
        self.refused: list[str] = []
        self.repeated = 0
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(receiver.take(self.headers, body))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Silent: the demo shows what came."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._lock = threading.Lock()
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/calls"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def take(self, headers: Any, body: bytes) -> int:
        """The HTTP status for one push."""
        webhook_id, at = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
        if not self._genuine(webhook_id, at, headers.get("webhook-signature", ""), body):
            self.refused.append(webhook_id)
            return 401
        with self._lock:
            self.repeated += webhook_id in self.events
            self.events.setdefault(webhook_id, json.loads(body))
        return 204

    def _genuine(self, webhook_id: str, at: str, marks: str, body: bytes) -> bool:
        if not at.isdigit() or abs(time.time() - int(at)) > TOLERANCE_S:
            return False
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        wanted = "v1," + base64.b64encode(hmac.digest(key, f"{webhook_id}.{at}.".encode() + body, sha256)).decode()
        return any(hmac.compare_digest(wanted, mark) for mark in marks.split())
