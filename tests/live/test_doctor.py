"""`carillon doctor` beside a whole installation that runs: nothing at fault while it is sound, and what is broken named."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass

from dialplan import runtime
from dialplan.checks import machine
from dialplan.doctor import Finding
from tests.dialplan.patients import complaints
from tests.live.house import House, wait_for


@dataclass(frozen=True)
class Broken:
    """`breaks` it; then `check` complains and nothing else, saying `what` and `remedy`; then `mends` it."""

    breaks: Callable[["Patient"], object]
    check: str
    state: str
    what: str
    remedy: str
    mends: Callable[["Patient"], object]


class Patient:
    def __init__(self, house: House, asterisk) -> None:
        self.house = house
        self.etc = house.home / "asterisk" / "etc"
        self._instance = runtime.Instance(asterisk, house.home / "asterisk")
        self._before: dict[str, str] = {}

    def tell(self, *commands: str) -> None:
        for command in commands:
            self._instance.control(command)

    def edit(self, name: str, old: str, new: str) -> None:
        text = (self.etc / name).read_text()
        assert old in text
        self._before.setdefault(name, text)
        (self.etc / name).write_text(text.replace(old, new))

    def restore(self, name: str) -> None:
        (self.etc / name).write_text(self._before.pop(name))

    def signal(self, part: str, number: signal.Signals) -> None:
        os.kill(self.house.pid(part), number)

    def unlink_sounds(self) -> None:
        (self.house.home / "asterisk" / "data" / "sounds" / "carillon").unlink()

    def link_sounds(self) -> None:
        (self.house.home / "asterisk" / "data" / "sounds" / "carillon").symlink_to(self.house.home / "recordings")

    def forget_trunks(self) -> None:
        self.signal("provision", signal.SIGSTOP)  # who would tell it again
        self._before["accounts"] = (self.etc / runtime.ACCOUNTS).read_text()
        (self.etc / runtime.ACCOUNTS).write_text("")
        self.tell("module reload res_pjsip.so")

    def remember_trunks(self) -> None:
        (self.etc / runtime.ACCOUNTS).write_text(self._before.pop("accounts"))
        self.tell("module reload res_pjsip.so")
        self.signal("provision", signal.SIGCONT)

    def add_registering_trunk(self) -> None:
        trunk = {"name": "strict", "host": "127.0.0.1", "port": 9, "username": "me", "password": "x", "register": True, "simulated": True}
        self.trunk = self.house.root.call("Trunk_Create", trunk=trunk)
        wait_for("the trunk", lambda: "accounts" not in complaints(self.house.home))

    def remove_trunk(self) -> None:
        self.house.root.call("Trunk_Delete", trunk_id=self.trunk)

    def ring_at_many(self) -> None:
        self.campaign = self.house.campaign(["+493012380"], max_channels=1500, ring_timeout=60)
        self.house.start(self.campaign)

    def stop_ringing(self) -> None:
        self.house.client.call("Campaign_Stop", campaign_id=self.campaign)

    def lose_recording(self) -> None:
        path = self.house.home / "recordings" / f"{self.house.recording}.alaw"
        path.rename(path.with_suffix(".lost"))

    def find_recording(self) -> None:
        path = self.house.home / "recordings" / f"{self.house.recording}.lost"
        path.rename(path.with_suffix(".alaw"))


def edited(name: str, old: str, new: str, *commands: str) -> Callable[[Patient], None]:
    def run(patient: Patient) -> None:
        patient.edit(name, old, new)
        patient.tell(*commands)

    return run


def restored(name: str, *commands: str) -> Callable[[Patient], None]:
    def run(patient: Patient) -> None:
        patient.restore(name)
        patient.tell(*commands)

    return run


MANAGER = "carillon_manager.conf"
TABLE = [
    Broken(
        lambda one: one.tell("module unload format_gsm.so"), "modules", "fault", "format_gsm", "load = format_gsm.so",
        lambda one: one.tell("module load format_gsm.so"),
    ),
    Broken(
        lambda one: one.tell("dialplan remove context carillon-hangup"), "dialplan", "fault", "no context carillon-hangup", "start",
        lambda one: one.tell("dialplan reload"),
    ),
    Broken(
        lambda one: one.tell("dialplan set global CARILLON_AGI agi://127.0.0.1:9/"), "dialplan", "fault", "agi://127.0.0.1:9/", "start",
        lambda one: one.tell("dialplan reload"),
    ),
    Broken(
        edited(MANAGER, "write = originate,", "write = command,originate,", "manager reload"),
        "ami-rights", "fault", "more than it should: command", "exactly", restored(MANAGER, "manager reload"),
    ),
    Broken(
        edited(MANAGER, "write = originate,", "write = ", "manager reload"),
        "ami-rights", "fault", "engine needs: originate", "write = call,originate,reporting", restored(MANAGER, "manager reload"),
    ),
    Broken(
        edited(MANAGER, "writetimeout = 5000", "", "manager reload"),
        "ami-patience", "warning", "is 100 ms", "writetimeout = 5000", restored(MANAGER, "manager reload"),
    ),
    Broken(
        edited("manager.conf", "webenabled = no", "webenabled = yes", "manager reload"),
        "ami-web", "warning", "over HTTP", "webenabled = no", restored("manager.conf", "manager reload"),
    ),
    Broken(
        edited("manager.conf", "bindaddr = 127.0.0.1", "bindaddr = 0.0.0.0", "manager reload"),
        "ami-bound", "fault", "listens on 0.0.0.0", "bindaddr = 127.0.0.1", restored("manager.conf", "manager reload"),
    ),
    Broken(Patient.unlink_sounds, "sounds", "fault", "does not lead to", "start asterisk", Patient.link_sounds),
    Broken(Patient.lose_recording, "recordings", "fault", ".alaw of 'short' is missing", "backup", Patient.find_recording),
    Broken(Patient.forget_trunks, "accounts", "fault", "does not know trunk demo", "log/provision.log", Patient.remember_trunks),
    Broken(Patient.ring_at_many, "rtp", "warning", "may take 1500 channels", "max_channels", Patient.stop_ringing),
    Broken(Patient.add_registering_trunk, "registrations", "fault", "trunk strict is not registered", "registrar", Patient.remove_trunk),
    Broken(
        lambda one: one.signal("agi", signal.SIGSTOP), "agi", "fault", "does not answer", "started anew",
        lambda one: one.signal("agi", signal.SIGCONT),
    ),
    Broken(
        lambda one: one.signal("api", signal.SIGSTOP), "api", "fault", "no answer over HTTP", "log/api.log",
        lambda one: one.signal("api", signal.SIGCONT),
    ),
    Broken(
        lambda one: one.house.root.call("System_Stop", reason="audit"), "halt", "warning", "admin stopped all dialling", "System_Start",
        lambda one: one.house.root.call("System_Start"),
    ),
    Broken(  # the last: it is remembered for ten minutes
        lambda one: (one.house.kill("push"), wait_for("push", lambda: "push was killed" in (one.house.home / "log/up.log").read_text())),
        "parts", "warning", "push (1 times)", "logs", lambda _: None,
    ),
]  # fmt: skip


def test_a_running_installation_broken_in_many_ways(own_house, asterisk, monkeypatch):
    monkeypatch.setattr(machine, "_unsynchronised", lambda: False)
    patient = Patient(own_house, asterisk)
    assert complaints(own_house.home) == {}
    for broken in TABLE:
        broken.breaks(patient)
        one = alone(own_house, broken.check)
        assert (one.state, broken.what in one.what, broken.remedy in one.remedy) == (broken.state, True, True), one
        broken.mends(patient)


def alone(house: House, check: str) -> Finding:
    """What this check complains of, once it is the only one that does: what was broken before is mended."""
    found: dict[str, Finding] = {}

    def look() -> bool:
        found.clear()
        found.update(complaints(house.home))
        return set(found) == {check}

    wait_for(f"the complaint of {check} alone", look, 10)
    return found[check]


def test_the_command_beside_one_that_runs(house):
    command = [sys.executable, "-m", "dialplan.carillon", "doctor", "--home", str(house.home), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    found = {one["check"]: one for one in json.loads(done.stdout)}
    assert [one for one in found.values() if one["state"] == "fault"] == []
    assert {name for name, one in found.items() if one["state"] == "skipped"} == set()
    assert done.returncode in (0, 2)  # 2: nothing keeps this machine's clock
    assert found["ami"]["what"] == "it serves carillon, the engine"
    assert done.stderr == ""
