"""A courier whose names all lead to loopback, and endpoints for receivers."""

import socket

import pytest

from engine import deliver, push
from engine.deliver import Courier
from engine.target import networks
from sql import pushes, store
from tests.engine.push.trying import NAME
from tests.fakes.names import Names


@pytest.fixture(autouse=True)
def names(monkeypatch) -> Names:
    names = Names()
    names.tell(NAME, ["127.0.0.1"])
    monkeypatch.setattr(socket, "getaddrinfo", names.lookup)
    return names


@pytest.fixture
def courier() -> Courier:
    return Courier(networks(["127.0.0.0/8", "::1"]), 4)


@pytest.fixture
def short(monkeypatch) -> float:
    """The time of a whole try, made short."""
    monkeypatch.setattr(deliver, "WHOLE_S", 0.25)
    return 0.25


@pytest.fixture
def endpoint(world, monkeypatch):
    """Makes an endpoint for a receiver."""
    monkeypatch.setattr(push, "LOOK_S", 0.02)
    return lambda receiver: pushes.create_endpoint(1, receiver.url(), "call.completed", None, store.now())
