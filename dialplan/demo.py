"""`carillon demo`: a campaign of 200 contacts dialled over SIP against the simulated carrier, and all accounts of it compared.

Uses Carillon as a customer does: the command that brings it up, its HTTP methods, its pushes. Leaves everything in var/demo, but for
the store if $CARILLON_STORE_URL names one; that has to be empty.
"""

import csv
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from dialplan import evaluation
from dialplan.carrier import behaviour
from dialplan.client import Client, MethodRefused
from dialplan.receiver import Receiver
from sql import store
from sql.settings import PORTS, SettingsError

HOME = Path("var/demo")
CONTACTS = 200
CPS, CHANNELS = 40, 100
UP_S, DIAL_S = 60, 90
BASES = range(7000, 56000, 3000)


class DemoFailed(Exception):
    """One sentence with the remedy."""


def free_base() -> int:
    """The first port base whose main ports are free."""
    for base in BASES:
        if all(_free(base + PORTS[part], kind) for part, kind in _PROBED):
            return base
    raise DemoFailed("no free port base from 7000 on; end some of what listens there")


_PROBED = (
    ("api", socket.SOCK_STREAM), ("ami", socket.SOCK_STREAM), ("agi", socket.SOCK_STREAM), ("carrier_ami", socket.SOCK_STREAM),
    ("sip", socket.SOCK_DGRAM), ("carrier_sip", socket.SOCK_DGRAM),
)  # fmt: skip


def _free(port: int, kind: int) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


class Up:
    """`carillon up` as a process, until the end of the `with`."""

    def __init__(self, home: Path, base: int) -> None:
        self._home = home.absolute()
        self._base = base
        self.url = ""

    def __enter__(self) -> "Up":
        (self._home / "log").mkdir(parents=True, exist_ok=True)
        with (self._home / "log" / "up.log").open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "dialplan.up", "--port-base", str(self._base)],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True,
                env=os.environ | {"CARILLON_HOME": str(self._home)},
            )  # fmt: skip
        signal.signal(signal.SIGALRM, self._too_late)
        signal.alarm(UP_S)
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("ready: "):
                self.url = line.split()[1]
                signal.alarm(0)
                return self
        signal.alarm(0)
        with self._process:
            self._process.wait()
        raise DemoFailed(f"carillon up did not get ready: {self._last_words()}")

    def _too_late(self, *_: object) -> None:
        self._process.terminate()

    def _last_words(self) -> str:
        lines = (self._home / "log" / "up.log").read_text().strip().splitlines()
        return lines[-1] if lines else f"see {self._home}/log"

    def __exit__(self, *_: object) -> None:
        with self._process:
            self._process.terminate()


def numbers() -> list[str]:
    """Two numbers for each of the carrier's hundred endings."""
    return [f"+49301234{n:03d}" for n in range(CONTACTS)]


def set_up(url: str, receiver: Receiver, admin: dict[str, str], carrier_port: int) -> tuple[Client, int]:
    """Create everything by HTTP, as the administrator and as a customer; the customer's client and the campaign's id."""
    root = Client(url, **admin)
    root.call("User_Create", user={"username": "demo", "password": "demo-password"})
    root.call("Trunk_Create", trunk={"name": "carrier", "host": "127.0.0.1", "port": carrier_port, "simulated": True})
    client = Client(url, "demo", "demo-password")
    recording = client.call("Recording_Create", files={"media": evaluation.tone()}, title="hello")
    group = client.call("Contact_Group_Create", contact_group={"name": "demo"})
    rows = "phone,first_name\n" + "".join(f"{phone},Person {n}\n" for n, phone in enumerate(numbers()))
    imported = client.call("Contact_Import", files={"source_file": rows.encode()}, contact_group_id=group)
    if imported != CONTACTS:
        raise DemoFailed(f"{imported} of {CONTACTS} contacts were imported; see {HOME}/log/api.log")
    receiver.secret = client.call("Push_Endpoint_Create", endpoint={"url": receiver.url})["secret"]
    campaign = {
        "contact_group_id": group, "message": recording, "name": "demo", "trunk": "carrier",
        "ring_timeout": 15, "cps": CPS, "max_channels": CHANNELS,
    }  # fmt: skip
    return client, client.call("Campaign_Create", campaign=campaign)


def dial(client: Client, campaign: int, receiver: Receiver) -> float:
    """Start the campaign and show how it goes until the last push has arrived; the seconds that took."""
    began, shown = time.monotonic(), ""
    client.call("Campaign_Start", campaign_id=campaign)
    while (spent := time.monotonic() - began) < DIAL_S:
        seen = client.call("Campaign_Status", campaign_id=campaign)
        line = (
            f"{seen['status']:9}  {seen['contact_done']:3} of {CONTACTS} done, {seen['calls_active']:3} calls active, "
            f"{len(receiver.events):3} pushes{'  holding: ' + seen['holding'] if seen['holding'] else ''}"
        )
        if line != shown:
            _show(f"{spent:5.1f} s  {line}")
            shown = line
        if seen["status"] == "completed" and len(receiver.events) >= CONTACTS:
            _show("\n")
            return spent
        time.sleep(0.25 if sys.stdout.isatty() else 1)
    _show("\n")
    raise DemoFailed(f"the campaign did not come to its end within {DIAL_S} s; see {HOME.absolute()}/log")


def _show(text: str) -> None:
    sys.stdout.write(text if text == "\n" else (f"\r{text}\x1b[K" if sys.stdout.isatty() else f"{text}\n"))
    sys.stdout.flush()


def compare(client: Client, campaign: int, receiver: Receiver, carrier_rows: Counter[str]) -> tuple[dict[str, Any], list[str]]:
    """The counts by disposition, and every contact whose accounts differ."""
    expected = {phone: behaviour(phone).disposition for phone in numbers()}
    recorded = {row["phone"]: row["disposition"] for row in client.call("Campaign_Result", campaign_id=campaign)}
    pushed = {event["data"]["phone"]: event["data"]["disposition"] for event in receiver.events.values()}
    wrong = [
        f"{phone}: the carrier was told {word} ({carrier_rows[phone.lstrip('+')]} calls seen), recorded {recorded.get(phone)}, "
        f"pushed {pushed.get(phone)}"
        for phone, word in expected.items()
        if not (word == recorded.get(phone) == pushed.get(phone)) or carrier_rows[phone.lstrip("+")] != 1
    ]
    if len(receiver.events) != CONTACTS or receiver.refused:
        wrong.append(f"{len(receiver.events)} pushes for {CONTACTS} calls; {len(receiver.refused)} with a wrong signature")
    counts = {name: dict(Counter(words.values())) for name, words in (("expected", expected), ("recorded", recorded), ("pushed", pushed))}
    return counts, wrong


def seen_by_carrier(home: Path) -> Counter[str]:
    """How often the carrier was called, by number: from its own call records."""
    with (home / "carrier" / "log" / "cdr-custom" / "carrier.csv").open(newline="") as file:
        return Counter(row[1] for row in csv.reader(file) if len(row) == 6)


def table(counts: dict[str, Any]) -> str:
    words = sorted({word for column in counts.values() for word in column})
    lines = [f"{'disposition':16}{'carrier told':>14}{'recorded':>10}{'pushed':>10}"]
    lines += [
        f"{word:16}{counts['expected'].get(word, 0):14}{counts['recorded'].get(word, 0):10}{counts['pushed'].get(word, 0):10}"
        for word in words
    ]
    return "\n".join(lines)


def run() -> bool:
    """Whether all accounts agree."""
    if url := os.environ.get("CARILLON_STORE_URL"):
        store.refuse_used(url)
    shutil.rmtree(HOME, ignore_errors=True)
    base = free_base()
    evaluation.profile(HOME.absolute(), base)
    receiver = Receiver()
    try:
        with Up(HOME, base) as up:
            print(f"Carillon is up at {up.url}, beside a simulated carrier; everything of it lies in {HOME.absolute()}", flush=True)
            admin = json.loads((HOME / "admin.json").read_text())
            client, campaign = set_up(up.url, receiver, admin, base + PORTS["carrier_sip"])
            seconds = dial(client, campaign, receiver)
            counts, wrong = compare(client, campaign, receiver, seen_by_carrier(HOME))
    finally:
        receiver.close()
    rate = round(CONTACTS / seconds, 1)
    result = {"contacts": CONTACTS, **counts, "calls_per_second": rate, "seconds": round(seconds, 1)}
    (HOME / "result.json").write_text(json.dumps(result, indent=2) + "\n")
    print(f"\n{table(counts)}\n\n{CONTACTS} calls in {seconds:.1f} s: {rate} calls per second, of at most {CPS}")
    print("\n".join(wrong) if wrong else f"All three accounts agree for all {CONTACTS} contacts.")
    return not wrong


def main() -> None:
    try:
        sys.exit(0 if run() else 1)
    except (DemoFailed, MethodRefused, SettingsError, store.StoreError, OSError) as error:
        sys.exit(f"carillon: {error}")


if __name__ == "__main__":
    main()
