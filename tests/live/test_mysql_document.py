"""The pieces of docs/mysql.md, run as they stand there, in their order, on a server that was set as they say."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from dialplan import fetch
from sql import settings, store
from tests import mariadb as mariadbs
from tests.needs import need

TEXT = (Path(__file__).parents[2] / "docs" / "mysql.md").read_text()
URL = "mysql://carillon:choose-one@127.0.0.1/carillon"


def pieces(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)


@pytest.fixture
def server(tmp_path_factory):
    """With the settings that the document wants, and without any user or database of ours."""
    [wanted] = pieces("ini")
    given = [f"--{line.replace(' ', '').replace('_', '-')}" for line in wanted.splitlines() if "=" in line]
    with mariadbs.running(need(fetch.mariadb), tmp_path_factory.mktemp("mariadb"), *given) as one:
        one.root("drop user carillon@'127.0.0.1'")
        one.root("drop database carillon")
        yield one


def test_the_pieces_in_their_order(asterisk, tmp_path, server):
    """Another port than 3306, and another folder than /srv; a reader has the .venv in the folder where he works."""
    home, url = tmp_path / "srv" / "carillon", URL.replace("127.0.0.1", f"127.0.0.1:{server.port}")
    (tmp_path / ".venv").symlink_to(Path(sys.executable).parent.parent)

    def shell(text: str, code: int = 0) -> str:
        text = text.replace(URL, url).replace("/srv/carillon", str(home))
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text], cwd=tmp_path, env=os.environ, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == code, done.stdout + done.stderr
        assert "innodb_flush_log_at_trx_commit" not in done.stderr
        return done.stdout + done.stderr

    def administer(text: str) -> None:
        for statement in text.split(";\n"):
            if statement.strip():
                server.root(statement)

    made, emptied = pieces("sql")
    demo, new, moved = pieces("sh")
    administer(made)
    assert "All three accounts agree for all 200 contacts." in shell(demo)
    result = json.loads((tmp_path / "var" / "demo" / "result.json").read_text())
    assert result["expected"] == result["recorded"] == result["pushed"]
    assert not (tmp_path / "var" / "demo" / "carillon.sqlite").exists()
    assert "carillon: database carillon is not empty" in shell(demo, code=1)
    administer(emptied)
    assert "0001_initial" in shell(re.sub(r"(carillon init .*)", r"\1 < <(yes '')", new))
    assert settings.read(home).store_url == url
    administer(emptied)
    settings.change(home, {("store", "url"): ""})
    store.migrate(settings.read(home).store_url)
    assert "each was read back and is the same; the ledger adds up in both" in shell(moved)
    assert settings.read(home).store_url == url
    store.bind(url)
    store.check()


def test_the_numbers_are_those_of_the_code():
    from sql import server as servers

    assert f"at least {servers.SMALLEST_PACKET >> 20}M" in TEXT
    assert all(f"{kind} from {'.'.join(map(str, oldest))} on" in TEXT for kind, oldest in servers.OLDEST.items())
