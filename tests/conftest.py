"""A store for each test that asks for one: SQLite, or MariaDB where a folder asks for both."""

import shutil

import pytest

from dialplan import fetch
from sql import store
from tests import mariadb as mariadbs
from tests import world as worlds
from tests.needs import need


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory):
    """A migrated store, to be copied: making its tables takes a while."""
    path = tmp_path_factory.mktemp("store") / "store.sqlite"
    store.migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory):
    with mariadbs.running(need(fetch.mariadb), tmp_path_factory.mktemp("mariadb")) as server:
        yield server


def pytest_addoption(parser):
    parser.addoption("--store", choices=["sqlite", "mariadb"], default="sqlite", help="what tests run on that do not ask for both")


@pytest.fixture
def store_url(request, tmp_path, empty_store) -> str:
    """Where a migrated store is that holds nothing."""
    if request.config.getoption("--store") == "mariadb":
        server = request.getfixturevalue("mariadb")
        server.clear()
        return server.url
    shutil.copy(empty_store, tmp_path / "store.sqlite")
    return f"sqlite:///{tmp_path}/store.sqlite"


@pytest.fixture
def opened(store_url):
    """A migrated store with an open connection."""
    store.bind(store_url)
    with store.connection():
        yield


@pytest.fixture
def world(opened) -> worlds.World:
    return worlds.make()
