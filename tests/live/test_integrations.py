"""The pieces of docs/integrations.md, run as they stand there, in their order, by the programs that a reader would use."""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from dialplan import evaluation
from tests.live.house import House, wait_for

DOCUMENT = Path(__file__).parents[2] / "docs" / "integrations.md"
RECEIVES = {"php": "php://input", "python": "app.run"}


def pieces() -> list[tuple[str, str, str]]:
    """(heading, language, text) of every piece."""
    found, heading = [], ""
    for title, language, text in re.findall(r"^## ([^\n]*)$|^```(\w+)\n(.*?)^```$", DOCUMENT.read_text(), re.MULTILINE | re.DOTALL):
        heading = title or heading
        if language:
            found.append((heading, language, text))
    return found


def piece(heading: str, language: str, having: str = "") -> str:
    [text] = [text for title, kind, text in pieces() if title == heading and kind == language and having in text]
    return text


def program(name: str) -> str:
    found = shutil.which(name)
    if found is None and os.environ.get("CI"):
        pytest.fail(f"with CI set nothing may be missing: {name}")
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


@pytest.fixture(scope="module")
def desk(house, tmp_path_factory) -> Path:
    """A reader's folder: a recording, a list."""
    folder = tmp_path_factory.mktemp("desk")
    (folder / "hello.wav").write_bytes(evaluation.tone(0.5))
    (folder / "contacts.csv").write_text(piece("From nothing to the first call, with curl", "csv"))
    return folder


def run(house: House, desk: Path, command: list[str], **more: str) -> str:
    account = {"CARILLON": f"{house.url}/rest", "CARILLON_USER": "customer", "CARILLON_PASSWORD": "a good one"}
    done = subprocess.run(command, cwd=desk, env=os.environ | account | more, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def shell(house: House, desk: Path, text: str, **more: str) -> str:
    return run(house, desk, ["bash", "-euo", "pipefail", "-c", text], **more)


def answers(output: str) -> list:
    """Every answer that curl showed, one after the other."""
    decoder, found, rest = json.JSONDecoder(), [], output.strip()
    while rest:
        value, end = decoder.raw_decode(rest)
        found.append(value)
        rest = rest[end:].strip()
    return found


def test_every_piece_is_run_here():
    kinds = [(heading, language) for heading, language, _ in pieces()]
    assert kinds == [
        ("", "sh"),
        ("From nothing to the first call, with curl", "sh"),
        ("From nothing to the first call, with curl", "csv"),
        ("A key instead of a password", "sh"),
        ('A button "call" in a CRM, in PHP', "php"),
        ("An import with progress, and the results, in Python", "python"),
        ("Press 1 to be connected", "sh"),
        ("Receive the outcome of every call", "sh"),
        ("Receive the outcome of every call", "php"),
        ("Receive the outcome of every call", "python"),
    ]


def test_curl(house, desk):
    imported, started, status = answers(shell(house, desk, piece("From nothing to the first call, with curl", "sh")))
    assert imported == [True, 2]
    assert started[0] is True and status[0] is True
    assert status[1]["contact_total"] == 2
    calls = house.finish(status[1]["campaign_id"])
    assert {call["phone"]: call["status"] for call in calls} == {"+4930123400": "answered", "+4930123470": "busy"}


def test_a_key(house, desk):
    [[done, campaigns]] = answers(shell(house, desk, piece("A key instead of a password", "sh")))
    assert done is True
    assert {"campaign_id", "name", "status"} <= set(campaigns[0])


def test_php(house, desk):
    php = program("php")
    (desk / "button.php").write_text(piece('A button "call" in a CRM, in PHP', "php"))
    said = run(house, desk, [php, "button.php"])
    contact, campaign = map(int, re.findall(r"\d+", said))
    push = wait_for("the push", lambda: [event for event in house.pushed().values() if event["campaign_id"] == campaign])
    assert [(event["contact_id"], event["remote_id"], event["remote_module"]) for event in push] == [(contact, "4711", "Leads")]


def test_python(house, desk):
    (desk / "spring.py").write_text(piece("An import with progress, and the results, in Python", "python"))
    lines = run(house, desk, [sys.executable, "spring.py"]).splitlines()
    assert lines[0].startswith("2 imported; 0 rejected: []")
    assert sorted(line.split()[:3] for line in lines[1:]) == [["+4930123400", "answered", "answered"], ["+4930123470", "busy", "busy"]]


def test_press_one(house, desk):
    [[done, campaign]] = answers(shell(house, desk, piece("Press 1 to be connected", "sh")))
    assert done is True
    made = house.client.call("Campaign_Get", campaign_id=campaign)
    assert (made["extension_key"], type(made["extension_id"])) == ("1", int)


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.parametrize("language", ["php", "python"])
def test_a_receiver(house, desk, language, tmp_path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    [[done, endpoint]] = answers(
        shell(house, desk, piece("Receive the outcome of every call", "sh"), RECEIVER=f"http://127.0.0.1:{port}/calls")
    )
    assert done is True
    command = [sys.executable, "receiver.py"] if language == "python" else [program("php"), "-S", f"127.0.0.1:{port}", "receiver.py"]
    (tmp_path / "receiver.py").write_text(piece("Receive the outcome of every call", language, RECEIVES[language]))
    environment = os.environ | {"CARILLON_SECRET": endpoint["secret"], "PORT": str(port)}
    with (
        (tmp_path / "said").open("w") as said,
        subprocess.Popen(command, cwd=tmp_path, env=environment, stdout=said, stderr=said) as server,
    ):
        try:
            wait_for("the receiver", lambda: listens(port))
            forged = urllib.request.Request(f"http://127.0.0.1:{port}/calls", b"{}", {"webhook-id": "x", "webhook-timestamp": "1"})
            with pytest.raises(urllib.error.HTTPError, match="401"):
                urllib.request.urlopen(forged, timeout=10)
            campaign = house.campaign(["+4930123470"])
            house.start(campaign)
            wait_for("the outcome", lambda: (tmp_path / "calls.txt").exists() and (tmp_path / "calls.txt").read_text().endswith("\n"))
        finally:
            server.terminate()
            house.client.call("Push_Endpoint_Delete", endpoint_id=endpoint["endpoint_id"])
    assert re.fullmatch(r"msg_\w+ \+4930123470 busy (None)?\n", (tmp_path / "calls.txt").read_text())
