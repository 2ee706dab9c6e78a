"""The face on a store of its own, and those who call it."""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest
from argon2 import PasswordHasher
from pydantic import TypeAdapter

from api import credentials
from api.app import create_app
from api.credentials import hashed
from api.operation import Operation
from api.operations import BY_NAME
from sql import settings, store, users

# thousands of tests log in: what argon2id costs in earnest is measured where that is the question
credentials._hasher, EARNEST = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1), credentials._hasher
PASSWORD = "a good one"
HASH = hashed(PASSWORD)


@cache
def declared(operation: Operation) -> TypeAdapter:
    """What the operation says that it answers."""
    return TypeAdapter(operation.output)


@dataclass
class Face:
    """Calls methods as a client does; every answer is (HTTP status, body), and holds what is declared."""

    client: Any
    home: Any

    def answer(self, method: str, username: str = "admin", **arguments: Any) -> tuple[int, Any]:
        """With a JSON body and credentials in it."""
        body = {"username": username, "password": PASSWORD, **arguments}
        return self.send("POST", f"/rest/{method}", json=body)

    def send(self, verb: str, url: str, **options: Any) -> tuple[int, Any]:
        response = self.client.open(url, method=verb, **options)
        assert response.content_type == "application/json"
        body = json.loads(response.data)
        operation = BY_NAME.get(url.partition("?")[0].removeprefix("/rest/"))
        if operation and response.status_code == 200 and body[0]:
            told = declared(operation)
            assert told.dump_python(told.validate_python(body[1], strict=True)) == body[1], "the answer holds what is declared nowhere"
        return response.status_code, body

    def done(self, method: str, username: str = "admin", **arguments: Any) -> Any:
        """The payload of a call that must be done."""
        status, body = self.answer(method, username, **arguments)
        assert (status, body[0]) == (200, True), body
        return body[1]

    def refused(self, method: str, username: str = "admin", **arguments: Any) -> str:
        """The sentence of a call that must be refused."""
        status, body = self.answer(method, username, **arguments)
        assert (status, body[0]) == (200, False), body
        return body[1]


@pytest.fixture
def face(tmp_path, store_url):
    """An installation's face with its first administrator, in Germany, at any hour."""
    settings.write_first(tmp_path, calling__country="DE", calling__hours="00:00-24:00", store__url=store_url)
    config = settings.read(tmp_path)
    store.bind(config.store_url)
    with store.connection():
        store.unit(users.create, {"username": "admin", "password_hash": HASH, "role": "admin"}, None, store.now())
    return Face(create_app(config).test_client(), tmp_path)


@pytest.fixture
def earnest(monkeypatch):
    """Passwords cost what they cost in earnest."""
    monkeypatch.setattr(credentials, "_hasher", EARNEST)
