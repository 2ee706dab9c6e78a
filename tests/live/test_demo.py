"""The demo, as a new user starts it: the carrier's table, the rows and the pushes agree for all 200."""

import json
import os
import subprocess
import sys

import pytest

from dialplan import demo


def test_demo(asterisk, tmp_path):
    """On SQLite; tests/live/test_mysql_document.py has it on MariaDB."""
    command = [sys.executable, "-m", "dialplan.carillon", "demo"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    result = json.loads((tmp_path / "var" / "demo" / "result.json").read_text())
    assert result["contacts"] == 200
    assert result["expected"] == result["recorded"] == result["pushed"]
    assert sum(result["pushed"].values()) == 200
    assert len(result["expected"]) == 8
    assert result["calls_per_second"] > 0
    assert result["seconds"] < 45
    assert "All three accounts agree for all 200 contacts." in done.stdout
    assert (tmp_path / "var" / "demo" / "carillon.sqlite").exists()


@pytest.mark.parametrize("word", ["up", "demo"])
def test_a_database_that_cannot_be_reached_is_said_in_one_sentence(asterisk, tmp_path, word):
    url = {"CARILLON_STORE_URL": "mysql://anna:secret@127.0.0.1:1/calls"}
    base = ["--port-base", str(demo.free_base())] if word == "up" else []
    command = [sys.executable, "-m", "dialplan.carillon", word, "--home", str(tmp_path), *base]
    done = subprocess.run(command, cwd=tmp_path, env=os.environ | url, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("carillon: the database server 127.0.0.1:1 cannot be reached")
    assert "secret" not in done.stderr
