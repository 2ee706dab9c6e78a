"""What live tests share: a real Asterisk, and one installation for those that leave it whole."""

import pytest

from dialplan import fetch
from tests import mariadb as mariadbs
from tests.live.house import House
from tests.needs import need


@pytest.fixture(scope="session")
def asterisk():
    return need(fetch.asterisk)


@pytest.fixture(scope="session")
def house(asterisk, tmp_path_factory):
    """An installation that tests leave as they found it."""
    with House(tmp_path_factory.mktemp("house")) as one:
        yield one


@pytest.fixture(scope="session")
def house_on_mariadb(asterisk, mariadb, tmp_path_factory):
    """The same, with its store in MariaDB."""
    with House(tmp_path_factory.mktemp("house"), mariadb.empty("house")) as one:
        yield one


@pytest.fixture(scope="module", params=["house", "house_on_mariadb"])
def either_house(request):
    """For modules that run on both databases."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def own_house(asterisk, tmp_path):
    """An installation that a test may kill parts of."""
    with House(tmp_path) as one:
        yield one


@pytest.fixture
def own_mariadb(tmp_path_factory):
    """A server that a test may kill, and that forgets no commit then."""
    folder = tmp_path_factory.mktemp("mariadb")
    with mariadbs.running(need(fetch.mariadb), folder, "--innodb-flush-log-at-trx-commit=1") as server:
        yield server


def pytest_collection_modifyitems(items):
    for item in items:
        if "/live/" in item.path.as_posix():
            item.add_marker(pytest.mark.live)
