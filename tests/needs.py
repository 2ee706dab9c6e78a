"""Programs that live tests need: fetched like a user's; missing ones are skipped and named on a laptop, and fail with CI set."""

import os
from collections.abc import Callable

import pytest

from dialplan.fetch import FetchError, Program


def need(find: Callable[[], Program]) -> Program:
    try:
        return find()
    except FetchError as error:
        if os.environ.get("CI"):
            pytest.fail(f"with CI set nothing may be missing: {error}")
        pytest.skip(str(error))
