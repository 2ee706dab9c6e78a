"""Carillon's own HTTP methods, as the demo and the evaluation call them: a customer's view, with nothing but the standard library."""

import json
import secrets
import urllib.error
import urllib.request
from typing import Any

TIMEOUT_S = 30


class MethodRefused(Exception):
    """The API answered `[false, "…"]` or an error; its own words."""


class Client:
    def __init__(self, url: str, username: str, password: str) -> None:
        self._url = url
        self._credentials = {"username": username, "password": password}

    def call(self, method: str, files: dict[str, bytes] | None = None, **arguments: Any) -> Any:
        """The payload of `/rest/<method>`. `files` are sent as multipart parts, with the arguments as fields."""
        arguments |= self._credentials
        body, kind = _multipart(arguments, files) if files else (json.dumps(arguments).encode(), "application/json")
        request = urllib.request.Request(f"{self._url}/rest/{method}", body, {"Content-Type": kind})
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=TIMEOUT_S) as response:
                done, payload = json.load(response)
        except urllib.error.HTTPError as error:
            raise MethodRefused(f"{method}: {error.code} {error.read()[:500].decode('utf-8', 'replace')}") from None
        if not done:
            raise MethodRefused(f"{method}: {payload}")
        return payload


def _multipart(fields: dict[str, Any], files: dict[str, bytes]) -> tuple[bytes, str]:
    mark = secrets.token_hex(16)
    parts = []
    for name, value in fields.items():
        text = value if isinstance(value, str) else json.dumps(value)
        parts.append(f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n'.encode())
    for name, content in files.items():
        head = f'--{mark}\r\nContent-Disposition: form-data; name="{name}"; filename="{name}"\r\n'
        parts.append(head.encode() + b"Content-Type: application/octet-stream\r\n\r\n" + content + b"\r\n")
    return b"".join(parts) + f"--{mark}--\r\n".encode(), f"multipart/form-data; boundary={mark}"
