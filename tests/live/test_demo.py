"""The demo, as a new user starts it: the carrier's table, the rows and the pushes agree for all 200."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest


def demo(folder: Path, store: dict[str, str]) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "dialplan.carillon", "demo"]
    return subprocess.run(command, cwd=folder, env=os.environ | store, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("database", ["sqlite", "mariadb"])
def test_demo(asterisk, tmp_path, request, database):
    store = {"CARILLON_STORE_URL": request.getfixturevalue("mariadb").empty("demo")} if database == "mariadb" else {}
    done = demo(tmp_path, store)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    result = json.loads((tmp_path / "var" / "demo" / "result.json").read_text())
    assert result["contacts"] == 200
    assert result["expected"] == result["recorded"] == result["pushed"]
    assert sum(result["pushed"].values()) == 200
    assert len(result["expected"]) == 8
    assert result["calls_per_second"] > 0
    assert result["seconds"] < 45
    assert "All three accounts agree for all 200 contacts." in done.stdout
    assert (tmp_path / "var" / "demo" / "carillon.sqlite").exists() is (not store)
    if store:
        again = demo(tmp_path, store)
        assert again.returncode == 1
        assert "carillon: database carillon_demo is not empty" in again.stderr


@pytest.mark.parametrize("word", ["up", "demo"])
def test_a_database_that_cannot_be_reached_is_said_in_one_sentence(asterisk, tmp_path, word):
    url = {"CARILLON_STORE_URL": "mysql://anna:secret@127.0.0.1:1/calls"}
    command = [sys.executable, "-m", "dialplan.carillon", word, "--home", str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, env=os.environ | url, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("carillon: the database server 127.0.0.1:1 cannot be reached")
    assert "secret" not in done.stderr
