"""What dialplan tests share."""

import pytest

from tests.dialplan.theirs import Site


@pytest.fixture
def site(tmp_path):
    return Site(tmp_path)
