"""A store for each test that asks for one: SQLite, or MariaDB where a folder asks for both."""

import shutil
from pathlib import Path

import pytest

from dialplan import fetch
from sql import store
from tests import mariadb as mariadbs
from tests import world as worlds
from tests.needs import need

HERE = Path(__file__).parent


# Whole files that start processes or wait for timeouts; `make check` leaves them out, as it does tests marked `slow` one by one.
SLOW = {
    "agi/test_interactive", "agi/test_scripts", "agi/test_server", "agi/test_server_process", "api/test_cli", "api/test_tenancy",
    "bench/test_imports",
    "dialplan/test_attach", "dialplan/test_attach_refused", "dialplan/test_doctor", "dialplan/test_doctor_manager",
    "dialplan/test_doctor_running", "dialplan/test_init", "dialplan/test_provision_process", "dialplan/test_up",
    "engine/push/test_bad_days", "engine/push/test_clock", "engine/push/test_delivery", "engine/push/test_worker",
    "engine/test_hard_days_clock", "engine/test_hard_days_forsaken", "engine/test_hard_days_name", "engine/test_hard_days_scripts",
    "dialplan/test_storage", "dialplan/test_units", "sql/test_copy", "sql/test_number_plans",
}  # fmt: skip


def pytest_collection_modifyitems(items):
    for item in items:
        if item.path.relative_to(HERE).with_suffix("").as_posix() in SLOW:
            item.add_marker(pytest.mark.slow)


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
