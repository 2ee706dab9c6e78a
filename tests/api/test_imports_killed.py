"""The API's process killed in the middle of an import, and an upload cut off on its way: nothing is lost, doubled or left behind."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import pytest

from dialplan.client import Client
from sql import settings, store
from sql.models_contacts import Contact, Import
from tests.live.house import wait_for

ROWS = 40_000


@pytest.fixture
def home(tmp_path):
    settings.write_first(tmp_path, calling__country="DE")
    store.migrate(settings.read(tmp_path).store_url)
    return tmp_path


@contextmanager
def api(home):
    """The process, its port, and a client of it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = os.environ | {"CARILLON_HOME": str(home), "CARILLON_CARILLON_PORT_BASE": str(port)}
    with (home / "api.log").open("a") as log:
        process = subprocess.Popen([sys.executable, "-m", "api"], env=environment, stdout=log, stderr=log)
    try:
        wait_for("the API", lambda: process.poll() is not None or ((home / "admin.json").exists() and answers(port)), 30)
        assert process.poll() is None, (home / "api.log").read_text()
        yield process, port, Client(f"http://127.0.0.1:{port}", **json.loads((home / "admin.json").read_text()))
    finally:
        process.kill()
        process.wait(10)


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 2).close()
    except OSError:
        return False
    return True


def state(home) -> tuple[str, int, int] | None:
    """Of the only import: (state, rows read, contacts made)."""
    store.bind(settings.read(home).store_url)
    with store.connection():
        row = Import.select().first()
        return row and (row.state, row.read, row.new_rows)


def left(home) -> list[str]:
    return [path.name for path in (home / "imports").glob("*")]


@pytest.mark.slow
def test_killed_in_the_middle_it_is_finished_once_by_the_next_process(home):
    lines = [f"030{n * 61_803 % 10**7:08},Ann{n}" for n in range(ROWS)]
    file = "\n".join(lines).encode()

    def upload(client) -> None:
        with pytest.raises(OSError):  # it dies under the request
            client.call("Contact_Import", {"source_file": file}, contact_group_id=1, import_id="big")

    with api(home) as (process, _, client):
        client.call("Contact_Group_Create", contact_group={"name": "friends"})
        sending = threading.Thread(target=upload, args=(client,))
        sending.start()
        wait_for("the first rows", lambda: (now := state(home)) and now[1] > 1000, 60)
        process.kill()
        sending.join(30)
    was, read, made = state(home)
    assert was == "running"
    assert 1000 < read == made < ROWS
    assert left(home) == ["1"]
    (home / "imports" / "0011.part").write_bytes(b"half an upload")
    with api(home) as (_, _, client):
        wait_for("its end", lambda: state(home)[0] == "done", 120)
        assert client.call("Import_Get", import_id="big")["imported"] == ROWS
        wait_for("the files to go", lambda: left(home) == [], 5)
    assert state(home) == ("done", ROWS, ROWS)
    with store.connection():
        assert Contact.select().count() == ROWS
        assert Contact.select(Contact.phone).distinct().count() == ROWS


@pytest.mark.slow
def test_an_upload_that_is_cut_off_leaves_nothing(home):
    with api(home) as (_, port, client):
        client.call("Contact_Group_Create", contact_group={"name": "friends"})
        login = json.loads((home / "admin.json").read_text())
        parts = "".join(
            f'--m\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in (login | {"contact_group_id": "1"}).items()
        )
        body = parts + '--m\r\nContent-Disposition: form-data; name="source_file"; filename="a.csv"\r\n\r\n' + "+4930123456,Ann\n" * 50_000
        head = "POST /rest/Contact_Import HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=m\r\n"
        with socket.create_connection(("127.0.0.1", port)) as cut:
            cut.sendall(f"{head}Content-Length: {2 * len(body)}\r\n\r\n{body}".encode())
        time.sleep(1)
        assert client.call("Contact_List") == []
        assert state(home) is None
        assert left(home) == []
