"""What live tests share: a real Asterisk, and one installation for those that leave it whole."""

import pytest

from dialplan import fetch
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


@pytest.fixture
def own_house(asterisk, tmp_path):
    """An installation that a test may kill parts of."""
    with House(tmp_path) as one:
        yield one


def pytest_collection_modifyitems(items):
    for item in items:
        if "/live/" in item.path.as_posix():
            item.add_marker(pytest.mark.live)
