"""Who calls: user name and password in any of their forms, verified slowly once and remembered for minutes.

What is remembered is a key that neither a memory page nor a database dump turns into a password. Guessing is slowed before any
hashing; somebody who was just verified is not held up by others' guesses.
"""

import hmac
import secrets
import threading
import time
from collections import deque
from hashlib import sha256

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import Request

from sql import users

REMEMBERED_S = 300
MOST_REMEMBERED = 10_000
FAILURES, WITHIN_S = 10, 60
FORMS = (("username", "password"), ("username", "passwd"), ("api_username", "api_password"))

_hasher = PasswordHasher()  # argon2id, the library's current parameters
_nobody = _hasher.hash(secrets.token_hex(16))  # so that an unknown name takes as long as a known one


class Unknown(Exception):
    """Bad or missing credentials; one sentence."""


class TooMany(Exception):
    """Too many failed credentials; `seconds` until it may be tried again."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many failed credentials; try again in {seconds} s")
        self.seconds = seconds


def hashed(password: str) -> str:
    return _hasher.hash(password)


def find(request: Request, arguments: dict[str, object], allow_query: bool) -> tuple[str, str]:
    """(user name, password) of this request, taken out of its arguments. Unknown if there are none."""
    found = _basic(request)
    for name, secret in FORMS:
        in_query = name in request.args or secret in request.args
        # `username` alone is another method's argument
        if name in arguments and secret in arguments:
            given = str(arguments.pop(name)), str(arguments.pop(secret))
            if in_query and not allow_query:
                raise Unknown(
                    "credentials in a query string are not accepted here; send them as form fields, or see [api] query_credentials"
                )
            found = found or given
    if not found or not found[0] or not found[1]:
        raise Unknown("credentials are missing: send username and password")
    return found


def _basic(request: Request) -> tuple[str, str] | None:
    sent = request.authorization
    return (sent.username or "", sent.password or "") if sent is not None and sent.type == "basic" else None


class Verifier:
    """One for the process. Verifications take their turn: each needs much memory."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._turn = threading.Lock()
        self._known: dict[bytes, float] = {}
        self._failed: dict[str, deque[float]] = {}

    def verify(self, username: str, password: str, address: str) -> users.Account:
        """The account of these credentials. Unknown, TooMany."""
        account = users.named(username)
        stored = account.password_hash if account else _nobody
        mark = hmac.digest(self._key, "\0".join((username, password, stored)).encode(), sha256)
        if account and time.monotonic() < self._known.get(mark, 0):
            return account
        self._hold_up(username, address)
        with self._turn:
            right = _right(stored, password)
            if account and right:
                if len(self._known) >= MOST_REMEMBERED:
                    self._known.clear()
                self._known[mark] = time.monotonic() + REMEMBERED_S
                return account
            for who in (f"address {address}", f"{username} from {address}"):
                self._failed.setdefault(who, deque(maxlen=FAILURES)).append(time.monotonic())
        raise Unknown("user name or password is wrong")

    def _hold_up(self, username: str, address: str) -> None:
        now = time.monotonic()
        for who in (f"address {address}", f"{username} from {address}"):
            failures = self._failed.get(who)
            if failures and len(failures) == FAILURES and now - failures[0] < WITHIN_S:
                raise TooMany(int(WITHIN_S - (now - failures[0])) + 1)
        with self._turn:
            for who in [who for who, failures in self._failed.items() if now - failures[-1] > WITHIN_S]:
                del self._failed[who]


def _right(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False
