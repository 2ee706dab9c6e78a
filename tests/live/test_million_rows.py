"""A file of a million rows with every kind of fault, through the API's own process: every row accounted for, in bounded memory."""

import http.client
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from sql import imports, settings
from tests.api.test_imports import FAULTS
from tests.api.test_imports_killed import api, home, left
from tests.bench.imports import peak_mb

__all__ = ["home"]  # a fixture
ROWS = 1_000_000
RARE = 1000  # lines that are too long stand so far apart: a million of them would be no file that anybody sends
MOST_MB = 60


def lines() -> Iterator[tuple[str, str | None]]:
    """Every line with why it is rejected. Rejected for its length is one of `RARE`, for the rest they take turns."""
    *usual, (too_long, why) = FAULTS
    for n in range(ROWS):
        text, wrong = (too_long, why) if n % RARE == 0 else usual[n % len(usual)]
        yield text.format(n=n, long="x" * 81), wrong


def write(path: Path) -> list[tuple[int, str]]:
    """The file, and its first rejected lines."""
    rejected = []
    with path.open("w", newline="") as file:
        for number, (text, why) in enumerate(lines(), 1):
            file.write(f"{text}\r\n")
            if why and len(rejected) < imports.MOST_REJECTS:
                rejected.append((number, why))
    return rejected


def upload(port: int, path: Path, fields: dict[str, str]) -> list:
    """Sent in pieces: the client holds no more of it in memory than the API."""
    head = "".join(f'--m\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n' for name, value in fields.items())
    head += '--m\r\nContent-Disposition: form-data; name="source_file"; filename="people.csv"\r\n\r\n'
    tail = "\r\n--m--\r\n"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1800)
    connection.putrequest("POST", "/rest/Contact_Import")
    connection.putheader("Content-Type", "multipart/form-data; boundary=m")
    connection.putheader("Content-Length", str(len(head) + path.stat().st_size + len(tail)))
    connection.endheaders(head.encode())
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            connection.send(block)
    connection.send(tail.encode())
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return answer


@pytest.mark.soak
def test_a_million_rows_with_every_kind_of_fault(home, tmp_path):
    path = tmp_path / "people.csv"
    rejected = write(path)
    good = sum(why is None for _, why in lines())
    with api(home) as (process, client):
        client.call("Contact_Group_Create", contact_group={"name": "friends"})
        before = peak_mb(process.pid)
        login = json.loads((home / "admin.json").read_text())
        answer = upload(settings.read(home).port("api"), path, login | {"contact_group_id": "1", "import_id": "million"})
        assert answer == [True, good]
        told = client.call("Import_Get", import_id="million")
        assert peak_mb(process.pid) - before < MOST_MB
    assert (told["read"], told["imported"], told["rejected"], told["state"]) == (ROWS, good, ROWS - good, "done")
    for reject, (line, why) in zip(told["rejects"], rejected, strict=True):
        assert reject["line"] == line
        assert why in reject["reason"], reject
    assert left(home) == []
