"""One try of one push over HTTP: to the very address that was checked, without redirects, and over in 15 seconds whatever drips in.

The only file that knows requests. It records nothing and decides nothing.
"""

import heapq
import itertools
import logging
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError

from engine.target import Network, NotAllowed, Target, check

CONNECT_S, WHOLE_S = 5.0, 15.0
MOST_READ, MOST_KEPT = 64 << 10, 1 << 10
log = logging.getLogger(__name__)
_current = threading.local()  # `.watched` is the try that this thread is making


@dataclass(frozen=True)
class Reply:
    """What came of a try: HTTP status or None with `error`, milliseconds, first KiB of the answer, Retry-After in seconds."""

    status: int | None
    milliseconds: int
    answer: str | None = None
    error: str | None = None
    retry_after: int | None = None


class _Watched:
    """The socket of one try, so that the watchdog can end it.

    Held by a descriptor of its own: a TLS handshake, and an answer with `Connection: close`, take the socket from its connection.
    """

    def __init__(self) -> None:
        self.over = False
        self._handle: socket.socket | None = None
        self._lock = threading.Lock()

    def follow(self, sock: socket.socket) -> None:
        with self._lock:
            if self._handle is None:
                self._handle = socket.fromfd(sock.fileno(), sock.family, sock.type)
        if self.over:
            self.cut()

    def cut(self) -> None:
        with self._lock:
            self.over = True
            if self._handle is not None:
                with suppress(OSError):  # the other side has closed it
                    self._handle.shutdown(socket.SHUT_RDWR)

    def done(self) -> None:
        """The try is over; its connection may serve the next one."""
        with self._lock:
            if self._handle is not None:
                self._handle.close()
                self._handle = None


class _Watchdog:
    """One thread that cuts every try at its deadline."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, _Watched]] = []
        self._count = itertools.count()
        self._lock = threading.Lock()
        threading.Thread(target=self._run, name="watchdog", daemon=True).start()

    def watch(self, watched: _Watched) -> None:
        with self._lock:
            heapq.heappush(self._heap, (time.monotonic() + WHOLE_S, next(self._count), watched))

    def _run(self) -> None:
        while True:
            time.sleep(0.1)
            with self._lock:
                due = []
                while self._heap and self._heap[0][0] <= time.monotonic():
                    due.append(heapq.heappop(self._heap)[2])
            for watched in due:
                watched.cut()


class _Known:
    """What urllib3's connections do more here: they show their socket to the try that uses it."""

    sock: socket.socket | None

    def _new_conn(self) -> socket.socket:
        sock: socket.socket = super()._new_conn()  # type: ignore[misc]
        _current.watched.follow(sock)
        return sock

    def putrequest(self, *args: Any, **options: Any) -> Any:
        if self.sock is not None:
            _current.watched.follow(self.sock)
        return super().putrequest(*args, **options)  # type: ignore[misc]


class _Plain(_Known, HTTPConnection):
    pass


class _Secure(_Known, HTTPSConnection):
    pass


class _ToCheckedAddress(HTTPAdapter):
    """Connects to the checked address; SNI and the certificate are for the name."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        classes = self.poolmanager.pool_classes_by_scheme
        self.poolmanager.pool_classes_by_scheme = {
            scheme: type(f"_{scheme}", (classes[scheme],), {"ConnectionCls": connection})
            for scheme, connection in (("http", _Plain), ("https", _Secure))
        }

    def build_connection_pool_key_attributes(self, request: Any, verify: Any, cert: Any = None) -> Any:
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        target: Target = _current.target
        host["host"] = target.address
        if target.scheme == "https":
            return host, {**pool, "server_hostname": target.host, "assert_hostname": target.host}
        return host, pool


class Courier:
    """Posts; one for the process, used by many threads. `allowed` as in `engine.target`."""

    def __init__(self, allowed: Sequence[Network], connections: int) -> None:
        self._allowed = allowed
        self._watchdog = _Watchdog()
        self._adapter = _ToCheckedAddress(pool_connections=100, pool_maxsize=connections, max_retries=0)

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Reply:
        """One try. Never raises: whatever went wrong is in the reply."""
        began = time.monotonic()
        watched = _current.watched = _Watched()
        self._watchdog.watch(watched)
        try:
            target = _current.target = check(url, self._allowed)
            reply = self._post(url, target, body, headers, watched)
        except NotAllowed as error:
            return Reply(None, _ms(began), error=str(error))
        except (requests.RequestException, HTTPError, OSError, ValueError) as error:
            late = watched.over or time.monotonic() - began >= WHOLE_S
            return Reply(None, _ms(began), error=f"no complete answer within {WHOLE_S:.0f} s" if late else _plain(error))
        finally:
            watched.done()
        return Reply(reply[0], _ms(began), reply[1], retry_after=reply[2])

    def _post(self, url: str, target: Target, body: bytes, headers: Mapping[str, str], watched: _Watched) -> tuple[int, str, int | None]:
        more = {"Host": _host(target), "Content-Type": "application/json", "User-Agent": "Carillon"}
        request = requests.Request("POST", url, data=body, headers=more | dict(headers)).prepare()
        # Not by a session: it keeps cookies, and reads the whole body of a redirect even if it does not follow it.
        with self._adapter.send(request, stream=True, timeout=(CONNECT_S, WHOLE_S)) as response:
            answer = response.raw.read(MOST_READ, decode_content=False)  # of a longer one the rest goes with its connection
            if watched.over or (response.raw.length_remaining and len(answer) < MOST_READ):
                raise OSError("the answer broke off")
            text = answer[:MOST_KEPT].decode("utf-8", "replace").replace("\0", "\ufffd")
            return response.status_code, text, _seconds(response.headers.get("Retry-After"))


def _host(target: Target) -> str:
    host = f"[{target.host}]" if ":" in target.host else target.host
    return host if target.port == {"http": 80, "https": 443}[target.scheme] else f"{host}:{target.port}"


def _seconds(text: str | None) -> int | None:
    """Retry-After: seconds, or a date, which is in GMT whether it says so or not."""
    text = (text or "").strip()
    with suppress(ValueError, TypeError):  # what cannot be read is no wish
        if text.isascii() and text.isdigit():
            return min(int(text), 1 << 31)
        at = parsedate_to_datetime(text)
        return max(0, int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() - time.time()))
    return None


def _ms(began: float) -> int:
    return int((time.monotonic() - began) * 1000)


def _plain(error: Exception) -> str:
    """The innermost reason, without addresses of objects."""
    while error.__context__ is not None and isinstance(error.__context__, Exception):
        error = error.__context__
    return f"{type(error).__name__}: {getattr(error, 'strerror', None) or error}"[:300]
