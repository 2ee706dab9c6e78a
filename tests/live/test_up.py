"""One installation as an administrator sees it: it comes up, stays up, and ends without a trace."""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dialplan import demo, runtime
from tests.live.house import House, wait_for

PARTS = ("engine", "push", "agi", "api", "provision", "asterisk")


def of_home(home: Path) -> list[str]:
    """The processes that know this folder, by their environment or command."""
    found = []
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit() and int(folder.name) != os.getpid():
            try:
                told = (folder / "environ").read_bytes() + (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if str(home).encode() in told:
                found.append(f"{folder.name} {(folder / 'cmdline').read_bytes().replace(bytes(1), b' ').decode()}")
    return found


def test_a_part_that_dies_is_up_again_within_a_second(own_house):
    for part in PARTS:
        before = own_house.pid(part)
        own_house.kill(part)
        began = time.monotonic()
        wait_for(part, lambda part=part, before=before: own_house.pid(part) != before, 5, 0.01)
        assert time.monotonic() - began < 1.0
        assert Path(f"/proc/{own_house.pid(part)}").exists()
    wait_for("the API", lambda: _answers(own_house), 20)
    campaign = own_house.campaign(["+493012300"])
    own_house.start(campaign)
    assert [call["disposition"] for call in own_house.finish(campaign)] == ["answered"]


def _answers(house: House) -> bool:
    try:
        return bool(house.root.call("User_Role_List"))
    except OSError:
        return False


def test_a_trunk_is_used_once_asterisk_has_loaded_it(house):
    campaign = house.campaign(["+493012370"], trunk=house.trunk("fresh", house.port("carrier_sip")))
    house.start(campaign)
    began = time.monotonic()
    first = house.status(campaign)
    assert first["holding"] in ("Asterisk has not loaded trunk fresh yet", None)
    [call] = house.finish(campaign)
    assert call["disposition"] == "busy"
    assert time.monotonic() - began < 5


def test_a_trunk_that_does_not_answer_rests_and_is_named(house):
    campaign = house.campaign(["+493012300", "+493012301"], trunk=house.trunk("dead", demo.free_base() + 2999), max_channels=1)
    house.start(campaign)
    wait_for("the gate", lambda: "rests" in (house.status(campaign)["holding"] or ""), 30)
    seen = house.status(campaign)
    assert re.match(r"trunk dead rests until 20[0-9: -]+Z: the trunk does not answer", seen["holding"])
    assert seen["status"] == "paused"
    house.client.call("Campaign_Stop", campaign_id=campaign)
    [call] = house.client.call("Campaign_Result", campaign_id=campaign)
    assert (call["disposition"], call["sip_code"], call["hangup_cause"]) == ("congestion", None, 19)
    assert f"call={call['call_id']} trunk" in house.log("engine")


def test_sigterm_ends_all_of_it(asterisk, tmp_path):
    with House(tmp_path / "home") as house:
        campaign = house.campaign([f"+4930123{n:02d}" for n in range(20)], cps=50, max_channels=50)
        house.start(campaign)
        wait_for("calls", lambda: house.status(campaign)["calls_active"])
        assert len(of_home(house.home)) >= len(PARTS)
        began = time.monotonic()
    assert time.monotonic() - began < 10
    assert of_home(house.home) == []
    assert list((house.home / "run").glob("*.pid")) == []


def test_parts_end_when_their_supervisor_is_killed(asterisk, tmp_path):
    house = House(tmp_path / "home")
    with house:
        subprocess.run(["pkill", "-9", "-f", f"dialplan.up --port-base {house.base}"], check=True)
        wait_for("the end of all parts", lambda: not of_home(house.home), 12)


def test_a_second_one_in_the_same_folder_is_refused(house):
    again = _up(house.home, demo.free_base())
    assert again.returncode != 0
    assert f"another `carillon up` already runs in {house.home}" in again.stderr


def test_a_port_in_use_is_named(house, tmp_path):
    again = _up(tmp_path, house.base)
    assert again.returncode != 0
    assert f"port {house.base} (api) cannot be used" in again.stderr
    assert "--port-base" in again.stderr


def test_a_wrong_key_is_named(tmp_path):
    (tmp_path / "carillon.ini").write_text("[calling]\ncontry = DE\n")
    again = _up(tmp_path, demo.free_base())
    assert again.returncode != 0
    assert "unknown key [calling] contry" in again.stderr


def _up(home: Path, base: int) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "dialplan.carillon", "up", "--home", str(home), "--port-base", str(base)]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)


@pytest.mark.parametrize("classic", [False, True], ids=["FastAGI", "classic AGI"])
def test_both_ways_of_running_the_script(asterisk, own_house, classic):
    """One line of the dialplan decides; the script is the same file."""
    path = own_house.home / "asterisk" / "etc" / "carillon_extensions.conf"
    if classic:
        text = path.read_text()
        path.write_text(re.sub(r"^CARILLON_AGI = agi.*\n;(CARILLON_AGI = .*)$", r"\1", text, flags=re.MULTILINE))
        assert path.read_text() != text
        runtime.Instance(asterisk, own_house.home / "asterisk").control("dialplan reload")
    campaign = own_house.campaign(["+493012300", "+493012370"])
    own_house.start(campaign)
    calls = {call["phone"]: call for call in own_house.finish(campaign)}
    assert calls["+493012300"]["disposition"] == "answered"
    assert 1 <= calls["+493012300"]["billable_seconds"] <= 5  # half a second of message, and a process's start on a busy machine
    assert (calls["+493012370"]["disposition"], calls["+493012370"]["sip_code"]) == ("busy", 486)
    heard = _heard(own_house, calls["+493012300"]["call_id"])
    assert heard[:2] == (1, 500)
    assert ("serving voice.py" in own_house.log("agi")) and (" ended early" not in own_house.log("agi"))


def _heard(house: House, call_id: int) -> tuple:
    import sqlite3

    with sqlite3.connect(f"file:{house.home}/carillon.sqlite?mode=ro", uri=True) as db:
        return db.execute("select heard_complete, heard_ms, handler_cause, script_ended_at from call where id = ?", (call_id,)).fetchone()
