"""Idempotency-Key: the same call under the same key is done once in 24 hours, and answered the same.

What is kept can be read only by whoever has the key: the answer may hold a secret, the request a password.
"""

import hmac
import json
from base64 import b64decode, b64encode
from collections.abc import Callable
from hashlib import sha256, shake_256
from typing import Any

from api.operation import Caller, Operation, Refused
from sql import idempotency, store

LONGEST_KEY = 200


def once(
    caller: Caller, key: str, operation: Operation, given: dict[str, Any], sent: dict[str, Any], run: Callable[[], tuple[bool, Any]]
) -> tuple[bool, Any]:
    """What `run` answers, unless the same call was answered under this key before. Refused, Conflict."""
    if not 0 < len(key) <= LONGEST_KEY:
        raise Refused(f"Idempotency-Key must have 1 to {LONGEST_KEY} characters")
    secret = key.encode("utf-8", "surrogateescape")
    name = sha256(secret).hexdigest()  # a fixed form: databases compare text differently
    now = store.now()
    before = store.unit(idempotency.begin, caller.user_id, name, _fingerprint(secret, operation, given, sent), now)
    if before is not None:
        done, payload = json.loads(_sealed(secret, caller.user_id, before.at, b64decode(before.answer)))
        return done, payload
    # should this be interrupted, the key stays taken: nobody knows what was done
    done, payload = run()
    answer = _sealed(secret, caller.user_id, now, json.dumps([done, payload]).encode()) if done else None
    store.unit(idempotency.end, caller.user_id, name, answer and b64encode(answer).decode())
    return done, payload


def _sealed(secret: bytes, user_id: int, at: int, text: bytes) -> bytes:
    """Closed, or opened again: combined with a stream of bytes that follows from the key."""
    stream = shake_256(hmac.digest(secret, f"answer {user_id} {at}".encode(), sha256)).digest(len(text))
    return bytes(one ^ other for one, other in zip(text, stream, strict=True))


def _fingerprint(secret: bytes, operation: Operation, given: dict[str, Any], sent: dict[str, Any]) -> str:
    digest = hmac.new(secret, json.dumps([operation.name, given], sort_keys=True, default=str).encode(), sha256)
    for name, file in sorted(sent.items()):
        digest.update(f"\0{name}\0".encode())
        while block := file.stream.read(1 << 20):
            digest.update(block)
        file.stream.seek(0)
    return digest.hexdigest()
