"""The signature of a push: Standard Webhooks v1, to the letter. Knows no HTTP client."""

import base64
import hmac
from collections.abc import Sequence
from hashlib import sha256


def headers(webhook_id: str, at_seconds: int, body: bytes, secrets: Sequence[str]) -> dict[str, str]:
    """The three headers of one try. `secrets` are `whsec_` and base64; several while one is being replaced."""
    signed = f"{webhook_id}.{at_seconds}.".encode() + body
    marks = [base64.b64encode(hmac.digest(_key(secret), signed, sha256)).decode() for secret in secrets]
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(at_seconds),
        "webhook-signature": " ".join(f"v1,{mark}" for mark in marks),
    }


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
