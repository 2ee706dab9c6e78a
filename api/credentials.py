"""Who calls: every form of credentials found, and held against what the store knows.

A password is verified slowly once and then remembered for minutes after each use, as a key that neither a memory page nor a
database dump turns into a password. Guessing is slowed before any hashing; somebody who was just verified is not held up by others'
guesses.
"""

import hmac
import re
import secrets
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import Request

from api.guesses import Guesses
from api.operation import Session
from sql import keys, sessions, store, users

REMEMBERED_S = 300
MOST_REMEMBERED = 10_000
FORMS = (("username", "password"), ("username", "passwd"), ("api_username", "api_password"))
COOKIE = "carillon_session"
SESSION = re.compile(r"[A-Za-z0-9_-]{22,200}", re.ASCII)  # what a session's value may be

_hasher = PasswordHasher(time_cost=2, memory_cost=19456, parallelism=1)  # argon2id, as OWASP's password storage sheet has it
_nobody = _hasher.hash(secrets.token_hex(16))  # so that an unknown name takes as long as a known one


class Unknown(Exception):
    """Bad or missing credentials; one sentence."""


class TooMany(Exception):
    """Too many failed credentials; `seconds` until it may be tried again."""

    def __init__(self, seconds: int) -> None:
        super().__init__(f"too many failed credentials; try again in {seconds} s")
        self.seconds = seconds


@dataclass(frozen=True)
class Found:
    """What a request carries. `by_cookie`: the session is all there is, and a browser sends its cookie by itself."""

    passwords: frozenset[tuple[str, str]]
    key: str | None
    session: str | None
    by_cookie: bool


@dataclass(frozen=True)
class Proven:
    """Whose they are. `key_id` is set when no password proved it, but a key, or a session that was opened with one."""

    account: users.Account
    key_id: int | None = None
    key_expires_at: int | None = None


def hashed(password: str) -> str:
    return _hasher.hash(password)


def find(request: Request, arguments: dict[str, Any], allow_query: bool, session: Session) -> Found:
    """The credentials of this request, taken out of its arguments. Unknown if they may not travel like that.

    Opening a session takes others than a session's; ending one may name it instead of sending its cookie.
    """
    in_query = {name.partition("[")[0] for name in request.args}
    pairs = [(name, secret) for name, secret in FORMS if name in arguments and secret in arguments]
    if not allow_query and in_query & {secret for _, secret in FORMS} | in_query & {name for name, _ in pairs}:
        raise Unknown("credentials in a query string are not accepted here; send them as form fields, or see [api] query_credentials")
    passwords = {(_text(name, arguments[name]), _text(secret, arguments[secret])) for name, secret in pairs}
    for name in {name for pair in pairs for name in pair}:  # `username` alone is another method's argument
        del arguments[name]
    sent = request.authorization
    if sent is not None and sent.type == "basic":
        passwords.add((sent.username or "", sent.password or ""))
    key = sent.token if sent is not None and sent.type == "bearer" else None
    whole = frozenset((name, secret) for name, secret in passwords if name and secret)
    may_name = allow_query or "session_id" not in in_query
    return Found(whole, key or None, *_session(request, arguments, may_name, session, alone=not (whole or key)))


def _session(request: Request, arguments: dict[str, Any], may_name: bool, session: Session, alone: bool) -> tuple[str | None, bool]:
    """The session's value, and whether the cookie is all there is. A value that stood in a query string opens no session."""
    named = str(arguments.get("session_id", ""))
    if session == "opens":
        if not (may_name and SESSION.fullmatch(named)):
            arguments.pop("session_id", None)
        return None, False
    if session == "ends" and may_name and alone and SESSION.fullmatch(named):
        return named, False
    cookie = request.cookies.get(COOKIE, "") if "Cookie" in request.headers else ""  # most callers have none, and looking costs
    if not SESSION.fullmatch(cookie):
        return None, False
    if session == "ends" and not SESSION.fullmatch(named):
        arguments["session_id"] = cookie
    return cookie, alone


def _text(name: str, value: Any) -> str:
    if isinstance(value, dict | list | bool):
        raise Unknown(f"{name} is no text")
    return "" if value is None else str(value)


class Verifier:
    """One for the process. Verifications take their turn: each needs much memory."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._turn = threading.Lock()
        self._known: OrderedDict[bytes, float] = OrderedDict()
        self._known_lock = threading.Lock()
        self._guesses = Guesses()

    def proven(self, found: Found, address: str) -> Proven:
        """The one account of all these credentials. Unknown, TooMany."""
        proofs: list[Proven] = []
        if found.key:
            key = keys.find(found.key, store.now())
            if key.account is None:
                raise Unknown(key.why)
            if key.stale:
                store.unit(keys.used, key.id, store.now())
            proofs.append(Proven(key.account, key.id, key.expires_at))
        proofs += [Proven(self.verify(username, password, address)) for username, password in sorted(found.passwords)]
        by_session = sessions.find(found.session, store.now()) if found.session else None
        if found.session and by_session:
            if by_session.stale:
                store.unit(sessions.used, found.session, store.now())
            proofs.append(Proven(by_session.account, by_session.key_id, by_session.key_expires_at))
        if not proofs:
            raise Unknown("the session is over; log in again" if found.session else "credentials are missing: send username and password")
        if len({proof.account.id for proof in proofs}) > 1:
            raise Unknown("the credentials in this call belong to different accounts; send those of one")
        return Proven(proofs[0].account) if found.passwords else proofs[0]

    def verify(self, username: str, password: str, address: str) -> users.Account:
        """The account of these credentials. Unknown, TooMany."""
        account = users.named(username)
        if account and self._remembered(account, password):
            return account
        self._hold_up(username, address)
        with self._turn:
            if account and self._remembered(account, password):  # somebody who had his turn before us sent the same
                return account
            self._hold_up(username, address)
            stored = account.password_hash if account else _nobody
            if _right(stored, password) and account:
                if _hasher.check_needs_rehash(stored):
                    account = replace(account, password_hash=hashed(password))
                    store.unit(users.rehashed, account.id, stored, account.password_hash)
                self._remember(account, password)
                return account
            self._guesses.failed(username, address)
        raise Unknown("user name or password is wrong")

    def _hold_up(self, username: str, address: str) -> None:
        if seconds := self._guesses.wait(username, address):
            raise TooMany(seconds)

    def _mark(self, account: users.Account, password: str) -> bytes:
        """A changed password changes the stored hash, and with it the mark."""
        return hmac.digest(self._key, "\0".join((str(account.id), account.password_hash, password)).encode(), sha256)

    def _remembered(self, account: users.Account, password: str) -> bool:
        mark = self._mark(account, password)
        with self._known_lock:
            if time.monotonic() >= self._known.get(mark, 0):
                return False
            self._known[mark] = time.monotonic() + REMEMBERED_S
            return True

    def _remember(self, account: users.Account, password: str) -> None:
        mark = self._mark(account, password)
        with self._known_lock:
            self._known[mark] = time.monotonic() + REMEMBERED_S
            self._known.move_to_end(mark)
            while len(self._known) > MOST_REMEMBERED:
                self._known.popitem(last=False)


def _right(stored: str, password: str) -> bool:
    try:
        return _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False
