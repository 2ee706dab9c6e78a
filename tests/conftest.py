"""A store for each test that asks for one."""

import pytest

from sql import store
from tests import world as worlds


@pytest.fixture
def opened(tmp_path):
    """A migrated store with an open connection."""
    store.migrate(f"sqlite:///{tmp_path}/store.sqlite")
    with store.connection():
        yield


@pytest.fixture
def world(opened) -> worlds.World:
    return worlds.make()
