"""One living engine per name. A second one with the name of a living one does not start, and who lost its name ends.

Of the same home the lock tells at once whether an engine lives; it falls when its process does, however that ends. Of another
home or machine only the beat in the store tells, and it is watched for long enough to be sure.
"""

import fcntl
import os
import secrets
import time
from pathlib import Path

from sql import nodes, store

LOCK_WAIT_S = 5.0  # the engine before us may be ending its last calls
BEATS_WITHIN_S = 11.0  # a living engine beats every 5 s
LOOK_S = 0.25


class NameTaken(Exception):
    """Another engine lives under this name; the text says what to do."""


def lock(home: Path) -> tuple[str, int]:
    """Be the one engine of this home: its token, and the descriptor that holds the lock for as long as we live."""
    path = home / "run" / "engine.lock"
    path.parent.mkdir(exist_ok=True)
    held = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    until = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            if time.monotonic() > until:
                os.close(held)
                raise NameTaken(f"another engine of {home} is running; stop it first") from None
            time.sleep(LOOK_S)
    token = os.pread(held, 64, 0).decode()
    if not token:
        token = secrets.token_hex(16)
        os.pwrite(held, token.encode(), 0)
    return token, held


def take(name: str, token: str) -> None:
    """Bear this name in the store."""
    with store.connection():
        before, beat_at = nodes.bearer(name) or (None, 0)
        until = time.monotonic() + BEATS_WITHIN_S
        while before not in (None, token) and time.monotonic() < until:
            time.sleep(LOOK_S)
            now_before, now_at = nodes.bearer(name) or (None, 0)
            if (now_before, now_at) != (before, beat_at) and now_before is not None:
                raise _taken(name)
            before = now_before
        if not store.unit(nodes.take, name, token, before, store.now()):
            raise _taken(name)


def _taken(name: str) -> NameTaken:
    text = f"an engine of another home or machine lives under the name {name!r} in this store"
    return NameTaken(f"{text}; give one of the two another name ([carillon] node), or stop the other one")
