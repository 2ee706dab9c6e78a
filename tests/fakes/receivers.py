"""Customers' servers as small truthful peers over TCP or TLS, with their bad days: silence, drips, resets, endless answers.

Each connection has a thread; a behaviour writes the answer to one request and may leave the connection open for the next.
"""

import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass


@dataclass(frozen=True)
class Posted:
    """One request as it arrived. `connection` counts from 1; header names are lower case."""

    line: str
    headers: dict[str, str]
    body: bytes
    connection: int


class Talk:
    """One connection, for a behaviour to write to."""

    def __init__(self, sock: socket.socket, stopped: threading.Event) -> None:
        self.sock = sock
        self.stopped = stopped  # set when the receiver ends: whoever waits, waits for this

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def drip(self, pause: float) -> None:
        """A byte now and then, until one side ends it."""
        while not self.stopped.wait(pause):
            self.send(b"1")

    def close(self) -> None:
        with suppress(OSError):  # the other side may have closed it
            self.sock.shutdown(socket.SHUT_RDWR)


Behaviour = Callable[[Talk, Posted], None]


def says(status: int = 200, body: bytes = b"ok", after: float = 0.0, **headers: str) -> Behaviour:
    """Answers so; header names are written with `_`, such as `Retry_After="5"`."""
    framed = {} if "Transfer_Encoding" in headers else {"Content-Length": str(len(body))}
    fields = framed | {name.replace("_", "-"): value for name, value in headers.items()}
    head = f"HTTP/1.1 {status} Said\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items())

    def behave(talk: Talk, posted: Posted) -> None:
        talk.stopped.wait(after)
        talk.send(head.encode("latin-1") + b"\r\n" + body)

    return behave


def in_turn(*behaviours: Behaviour) -> Behaviour:
    """One for each request; the last one from then on."""
    left = list(behaviours)
    lock = threading.Lock()

    def behave(talk: Talk, posted: Posted) -> None:
        with lock:
            now = left.pop(0) if len(left) > 1 else left[0]
        now(talk, posted)

    return behave


def hangs(talk: Talk, posted: Posted) -> None:
    talk.stopped.wait()
    talk.close()


def resets(talk: Talk, posted: Posted) -> None:
    talk.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    talk.sock.close()


def breaks_off(data: bytes) -> Behaviour:
    """Says this much and closes."""

    def behave(talk: Talk, posted: Posted) -> None:
        talk.send(data)
        talk.close()

    return behave


def drips(head: bytes, pause: float = 0.05) -> Behaviour:
    """Begins with `head`, then goes on one byte at a time and never comes to an end."""

    def behave(talk: Talk, posted: Posted) -> None:
        talk.send(head)
        talk.drip(pause)

    return behave


class Receiver:
    """Listens on a loopback port. `raw` takes a new connection instead of HTTP (and of TLS). Use it through `receiving`."""

    def __init__(self, behave: Behaviour, host: str, port: int, tls: ssl.SSLContext | None, raw: Callable[[Talk], None] | None) -> None:
        self.behave = behave
        self.posted: list[Posted] = []
        self.connections = 0
        self.most_at_once = 0
        self.asked_names: list[str | None] = []  # of each TLS hello
        self.stopped = threading.Event()
        self._busy = 0
        self._lock = threading.Lock()
        self._raw = raw
        self._tls = tls
        if tls:
            tls.sni_callback = lambda _sock, name, _context: self.asked_names.append(name)
        self._listener = socket.create_server((host, port))
        self.port: int = self._listener.getsockname()[1]
        self._talks: list[Talk] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def url(self, host: str = "127.0.0.1", path: str = "/calls") -> str:
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}{path}"

    def stop(self) -> None:
        self.stopped.set()
        self._listener.shutdown(socket.SHUT_RDWR)  # wakes accept, which closing alone does not
        self._threads[0].join()
        self._listener.close()
        for talk in self._talks:
            talk.close()
        for thread in self._threads[1:]:
            thread.join()

    def wait_for(self, count: int, seconds: float = 10.0) -> list[Posted]:
        """What was posted, once it is `count` or more."""
        until = time.monotonic() + seconds
        while len(self.posted) < count:
            assert time.monotonic() < until, f"{len(self.posted)} of {count} posts came within {seconds} s"
            time.sleep(0.01)
        return list(self.posted)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._talks.append(Talk(sock, self.stopped))
            self._threads.append(threading.Thread(target=self._talk, args=(self._talks[-1], self.connections)))
            self._threads[-1].start()

    def _talk(self, talk: Talk, number: int) -> None:
        try:
            if self._raw:
                self._raw(talk)
            else:
                if self._tls:
                    talk.sock = self._tls.wrap_socket(talk.sock, server_side=True)
                self._serve(talk, number)
        except OSError:
            return  # the other side went away, or did not like our certificate
        finally:
            talk.sock.close()

    def _serve(self, talk: Talk, number: int) -> None:
        buffer = b""
        while True:
            while b"\r\n\r\n" not in buffer:
                more = talk.sock.recv(65536)
                if not more:
                    return
                buffer += more
            head, _, buffer = buffer.partition(b"\r\n\r\n")
            line, *fields = head.decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (field.partition(":") for field in fields)}
            length = int(headers.get("content-length", 0))
            while len(buffer) < length:
                buffer += talk.sock.recv(65536)
            with self._lock:
                self._busy += 1
                self.most_at_once = max(self.most_at_once, self._busy)
            self.posted.append(posted := Posted(line, headers, buffer[:length], number))
            buffer = buffer[length:]
            try:
                self.behave(talk, posted)
            finally:
                with self._lock:
                    self._busy -= 1


@contextmanager
def receiving(
    behave: Behaviour | None = None,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    tls: ssl.SSLContext | None = None,
    raw: Callable[[Talk], None] | None = None,
) -> Iterator[Receiver]:
    """A receiver for the length of a `with`; it answers 200 unless told otherwise."""
    receiver = Receiver(behave or says(), host, port, tls, raw)
    try:
        yield receiver
    finally:
        receiver.stop()
