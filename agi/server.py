"""The AGI server: `python -m agi.server`, for the installation in $CARILLON_HOME. Runs each call's script in a thread.

Asterisk connects by FastAGI and names the script; only those in SCRIPTS exist. `classic` runs the same script in a process of
its own, for a dialplan that names the file instead of the server. Either way Asterisk is let go as soon as the script has ended: the
call does not last until its facts are durably written.
"""

import contextlib
import logging
import os
import re
import signal
import socket
import socketserver
import sys
import threading
from collections.abc import Callable

from agi import hangup, interactive, voice
from agi.book import Book, NotWritten
from agi.session import Hungup, Misunderstood, Session
from sql import logs, settings, store
from sql.writer import Writer

Script = Callable[[Session, Book, int], None]
SCRIPTS: dict[str, Script] = {"voice.py": voice.run, "interactive.py": interactive.run, "hangup.py": hangup.run}
MOST = 2000  # scripts at once
ENVIRONMENT_S = 5
LONGEST_S = 4 * 3600 + 60  # the longest call that a campaign may allow, and a little
FINISH_S = 3
OWN_THREADS = 3  # this one and the two of the store
GATHER_S = 0.01  # facts of many calls share one durable commit
CALL_ID = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)  # as many digits as any 64-bit column can hold
log = logging.getLogger("agi")


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 1024

    def __init__(self, address: tuple[str, int], writer: Writer) -> None:
        super().__init__(address, _Handler)
        self.writer = writer
        self.slots = threading.Semaphore(MOST)


class _Handler(socketserver.BaseRequestHandler):
    server: _Server
    request: socket.socket

    def handle(self) -> None:
        if not self.server.slots.acquire(blocking=False):
            log.error("%d scripts are at work; this one is refused, its call hangs up", MOST)
            return
        try:
            self._serve()
        except (Hungup, Misunderstood, OSError) as error:
            log.warning("a connection ended before its script began, or was not closed in peace: %s", error)
        finally:
            self.server.slots.release()

    def _serve(self) -> None:
        self.request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.request.settimeout(ENVIRONMENT_S)
        with self.request.makefile("rw", encoding="utf-8", errors="replace", newline="\n") as stream:
            session = Session(stream, stream)
            self.request.settimeout(LONGEST_S)
            name = session.env.get("agi_network_script", "")
            if name not in SCRIPTS:
                log.error("Asterisk asked for the script %r; there are %s", name, ", ".join(SCRIPTS))
                return
            perform(SCRIPTS[name], session, self.server.writer, self._let_go)

    def _let_go(self) -> None:
        with contextlib.suppress(OSError):  # Asterisk has closed its end
            self.request.shutdown(socket.SHUT_RDWR)


def perform(script: Script, session: Session, writer: Writer, let_go: Callable[[], None]) -> None:
    """Run one script to its end, let Asterisk go, and wait until its facts are durably written. Raises nothing: how it went is for the
    log.
    """
    call_id = (session.arguments or [""])[0]
    if not CALL_ID.fullmatch(call_id):
        log.error("a channel without call id (%r) asked for a script; it is none of ours", call_id)
        return
    book = Book(writer)
    try:
        script(session, book, int(call_id))
    except Hungup as error:
        log.info("call=%s the script ended early: %s", call_id, error)
    except Misunderstood as error:
        log.error("call=%s the script ended early, Asterisk did not accept its command: %s", call_id, error)
    except Exception:
        log.exception("call=%s the script failed", call_id)
    let_go()
    try:
        book.close()
    except NotWritten as error:
        log.error("call=%s facts are lost, Asterisk's own records remain: %s", call_id, error)


def classic(script: Script) -> None:
    """The `main` of a script that Asterisk runs itself, speaking on standard input and output."""
    logs.setup("agi")
    signal.alarm(LONGEST_S)
    try:
        store.bind(settings.read().store_url)
    except (settings.SettingsError, store.StoreError) as error:
        sys.exit(f"agi: {error}")
    writer = Writer()
    try:
        # A caller's name comes in any encoding, whatever the locale of this process.
        with open(sys.stdin.fileno(), encoding="utf-8", errors="replace", newline="\n", closefd=False) as stdin:
            perform(script, Session(stdin, sys.stdout), writer, _close_stdout)
    except (Hungup, Misunderstood) as error:
        log.warning("a process ended before its script began: %s", error)
    finally:
        writer.close()


def _close_stdout() -> None:
    """What Asterisk waits for. Closing Python's own object would leave the pipe open."""
    with contextlib.suppress(OSError):  # Asterisk may have closed its end
        sys.stdout.close()
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


def main() -> None:
    logs.setup("agi")
    try:
        config = settings.read()
        store.bind(config.store_url)
        store.check()
    except (settings.SettingsError, store.StoreError) as error:
        sys.exit(f"agi: {error}")
    writer = Writer(GATHER_S)
    try:
        server = _Server(("127.0.0.1", config.port("agi")), writer)
    except OSError as error:
        sys.exit(f"agi: port {config.port('agi')} cannot be used ({error.strerror}); end what uses it, or choose another port_base")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    threading.Thread(target=server.serve_forever, args=(0.1,), name="accept", daemon=True).start()
    log.info("serving %s on port %d", ", ".join(SCRIPTS), config.port("agi"))
    stop.wait()
    server.shutdown()
    _finish()
    writer.close()


def _finish() -> None:
    """Let scripts that are about to end write their facts."""
    for _ in range(FINISH_S * 20):
        if threading.active_count() <= OWN_THREADS:
            return
        threading.Event().wait(0.05)
    log.warning("%d scripts are still at work and are left", threading.active_count() - OWN_THREADS)


if __name__ == "__main__":
    main()
