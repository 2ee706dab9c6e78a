"""The store's tests run on both databases."""

import shutil

import pytest


@pytest.fixture(params=["sqlite", pytest.param("mariadb", marks=pytest.mark.live)])
def store_url(request, tmp_path) -> str:
    if request.param == "mariadb":
        server = request.getfixturevalue("mariadb")
        server.clear()
        return server.url
    shutil.copy(request.getfixturevalue("empty_store"), tmp_path / "store.sqlite")
    return f"sqlite:///{tmp_path}/store.sqlite"
