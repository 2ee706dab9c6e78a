"""A whole installation for a test: `carillon up` in a folder of its own, a customer in it, and what the far sides saw."""

import csv
import json
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from dialplan import demo, evaluation
from dialplan.client import Client
from dialplan.receiver import Receiver
from sql.settings import PORTS


def wait_for(what: str, found: Callable[[], Any], seconds: float = 30.0, pause: float = 0.1) -> Any:
    """The first true answer of `found`."""
    deadline = time.monotonic() + seconds
    while not (answer := found()):
        assert time.monotonic() < deadline, f"{what} did not come within {seconds:.0f} s"
        time.sleep(pause)
    return answer


class House:
    """An evaluation installation that is up, with its store at `url` (none: SQLite in its folder). Use it in a `with`."""

    def __init__(self, home: Path, url: str = "", **changes: str) -> None:
        """`changes`: settings of its own, such as `sip__local_net`."""
        self.home = home
        self.base = demo.free_base()
        evaluation.profile(home, self.base, store__url=url, **changes)
        self.receiver = Receiver()
        self._up = demo.Up(home, self.base)

    def __enter__(self) -> "House":
        self._up.__enter__()
        self.url = self._up.url
        self.root = Client(self.url, **json.loads((self.home / "admin.json").read_text()))
        self.root.call("User_Create", user={"username": "customer", "password": "a good one"})
        self.client = Client(self.url, "customer", "a good one")
        self.recording = self.client.call("Recording_Create", files={"media": evaluation.tone(0.5)}, title="short")
        self.receiver.secret = self.client.call("Push_Endpoint_Create", endpoint={"url": self.receiver.url})["secret"]
        return self

    def __exit__(self, *_: object) -> None:
        self._up.__exit__()
        self.receiver.close()

    def port(self, part: str) -> int:
        return self.base + PORTS[part]

    def pid(self, part: str) -> int:
        return int((self.home / "run" / f"{part}.pid").read_text())

    def kill(self, part: str) -> None:
        """kill -9, by the pid that the installation names."""
        os.kill(self.pid(part), 9)

    def trunk(self, name: str, port: int) -> str:
        self.root.call("Trunk_Create", trunk={"name": name, "host": "127.0.0.1", "port": port, "simulated": True})
        return name

    def campaign(self, numbers: Iterable[str], method: str = "Campaign_Create", **fields: Any) -> int:
        """A new campaign that calls these numbers, not yet started."""
        group = self.client.call("Contact_Group_Create", contact_group={"name": "g"})
        rows = "".join(f"{number}\n" for number in numbers)
        self.client.call("Contact_Import", files={"source_file": rows.encode()}, contact_group_id=group)
        wanted = {"contact_group_id": group, "message": self.recording, "trunk": "demo", "ring_timeout": 15} | fields
        return self.client.call(method, campaign=wanted)

    def start(self, campaign: int) -> None:
        self.client.call("Campaign_Start", campaign_id=campaign)

    def status(self, campaign: int) -> dict[str, Any]:
        return self.client.call("Campaign_Status", campaign_id=campaign)

    def finish(self, campaign: int, seconds: float = 60.0) -> list[dict[str, Any]]:
        """The campaign's calls, once it is completed and each call is pushed."""
        wait_for("the campaign's end", lambda: self.status(campaign)["status"] == "completed", seconds)
        calls = self.client.call("Campaign_Result", campaign_id=campaign)
        ids = {call["call_id"] for call in calls}
        wait_for("the last push", lambda: ids <= set(self.pushed()), seconds)
        return calls

    def pushed(self) -> dict[int, dict[str, Any]]:
        """What the receiver was told, by call id."""
        return {event["data"]["call_id"]: event["data"] for event in list(self.receiver.events.values())}

    def seen_by_carrier(self) -> list[tuple[str, str]]:
        """(call id, number) of every INVITE that the simulated carrier has an account of."""
        path = self.home / "carrier" / "log" / "cdr-custom" / "carrier.csv"
        with path.open(newline="") as file:
            return [(row[0], row[1]) for row in csv.reader(file) if len(row) == 6]

    def log(self, part: str) -> str:
        return (self.home / "log" / f"{part}.log").read_text()
