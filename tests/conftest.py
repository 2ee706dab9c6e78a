"""A store for each test that asks for one."""

import shutil

import pytest

from sql import store
from tests import world as worlds


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory):
    """A migrated store, to be copied: making its tables takes a while."""
    path = tmp_path_factory.mktemp("store") / "carillon.sqlite"
    store.migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def opened(tmp_path, empty_store):
    """A migrated store with an open connection."""
    shutil.copy(empty_store, tmp_path / "store.sqlite")
    store.bind(f"sqlite:///{tmp_path}/store.sqlite")
    with store.connection():
        yield


@pytest.fixture
def world(opened) -> worlds.World:
    return worlds.make()
