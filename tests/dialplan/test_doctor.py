"""`carillon doctor` on stopped installations: each is really broken in one way, and this check alone complains, with the remedy."""

import json
import os
import socket
import subprocess
import sys
import threading
import zoneinfo
from pathlib import Path

import pytest

from dialplan import doctor
from dialplan.checks import __main__ as document
from dialplan.checks import folder, machine, sounding
from dialplan.checks.finding import Check, State
from sql import inspection, settings, store
from tests.dialplan.broken import TABLE, halted, trunk
from tests.dialplan.patients import COMPLAINTS, complaints, files, quiet_base, sound, write


@pytest.fixture
def home(tmp_path, empty_store, monkeypatch) -> Path:
    for name in [name for name in os.environ if name.startswith("CARILLON_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(machine, "_unsynchronised", lambda: False)  # of whatever machine this is
    return sound(tmp_path / "home", empty_store)


def test_a_sound_one_that_is_stopped_is_only_not_running(home):
    found = {one.check: one for one in doctor.examine(home)}
    assert [name for name, one in found.items() if one.state in COMPLAINTS] == ["parts"]
    assert found["parts"].what == "Carillon is not running"
    assert found["ports"].what == "ports are free"
    assert found["engine"].state == "skipped"
    assert list(found) == [check.name for check in doctor.CHECKS]


@pytest.mark.parametrize("broken", TABLE, ids=lambda broken: broken.name)
def test_what_is_broken_is_named_with_its_remedy_and_nothing_else(home, broken):
    broken.breaks(home)
    found = complaints(home)
    assert set(found) - {"parts"} == {broken.check}, found
    one = found[broken.check]
    assert (one.state, broken.what in one.what, broken.remedy in one.remedy) == (broken.state, True, True), one
    assert one.why


def test_names_in_the_environment(home, monkeypatch):
    monkeypatch.setenv("CARILLON_CALING_COUNTRY", "DE")
    monkeypatch.setenv("CARILLON_CALLING_DESTINATIONS", "+43")
    found = complaints(home)
    assert set(found) == {"parts", "environment"}
    assert "CARILLON_CALING_COUNTRY" in found["environment"].what


def test_files_of_another_user(home):
    if os.geteuid():
        pytest.skip("only root can give files away")
    os.chown(home / "recordings", 4711, 4711)
    found = complaints(home)
    assert set(found) == {"parts", "owners"}
    assert "recordings (4711)" in found["owners"].what
    assert f"chown -R root {home}" in found["owners"].remedy


def test_a_full_disk(home, monkeypatch):
    monkeypatch.setattr(folder, "LEAST_FREE", 1 << 60)
    assert complaints(home)["disk"].state == "fault"
    monkeypatch.setattr(folder, "LEAST_FREE", 0)
    monkeypatch.setattr(folder, "LITTLE_FREE", 1 << 60)
    assert complaints(home)["disk"].state == "warning"


def test_no_time_zones(home, monkeypatch):
    monkeypatch.setitem(sys.modules, "tzdata", None)
    zoneinfo.reset_tzpath([str(home)])
    zoneinfo.ZoneInfo.clear_cache()
    try:
        found = complaints(home)
    finally:
        zoneinfo.reset_tzpath()
    assert set(found) == {"parts", "zones"}
    assert "tzdata" in found["zones"].remedy


def test_the_clock(home, monkeypatch):
    monkeypatch.setenv("TZ", "Mars/Olympus")
    assert "Mars/Olympus" in complaints(home)["clock"].what
    monkeypatch.setenv("TZ", "CET-1CEST")
    assert "clock" not in complaints(home)
    monkeypatch.setattr(machine, "_unsynchronised", lambda: True)
    assert "chrony" in complaints(home)["clock"].remedy
    monkeypatch.setattr(machine, "NOT_BEFORE", 1 << 40)
    assert complaints(home)["clock"].state == "fault"


def test_the_kernel_is_asked_whether_the_clock_is_kept():
    assert machine._unsynchronised() in (True, False)


def test_a_sqlite_that_loses_commits(home, monkeypatch):
    monkeypatch.setattr(store, "SOUND_SQLITE", (99, 0, 0))
    found = complaints(home)
    assert {name for name, one in found.items() if one.state == "fault"} == {"python", "store"}
    assert "can lose commits" in found["python"].what


def test_a_store_on_a_network_filesystem(home, monkeypatch, tmp_path):
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda1 / ext4 rw 0 0\nserver:/x {home} nfs4 rw 0 0\n")
    monkeypatch.setattr(inspection, "MOUNTS", mounts)
    found = complaints(home)
    assert set(found) == {"parts", "store-place"}
    assert "nfs4" in found["store-place"].what


def test_a_public_trunk_from_behind_nat(home, monkeypatch):
    write(home, "sip", bind="0.0.0.0")
    trunk(host="9.9.9.9")(home)
    for ours, wrong in (("10.0.0.5", {"nat"}), ("8.8.8.8", set()), ("", set())):
        monkeypatch.setattr(sounding, "_towards", lambda _, ours=ours: ours)
        found = complaints(home)
        assert set(found) - {"parts"} == wrong
    write(home, "sip", external_address="10.9.9.9", local_net="10.0.0.0/8")
    assert "is no public address" in complaints(home)["nat"].what


def test_a_port_that_is_somebody_elses(home):
    base = settings.read(home).port("api")
    with socket.create_server(("127.0.0.1", base)):
        found = complaints(home)
    assert set(found) == {"parts", "ports"}
    assert f"tcp port {base} (api) is used by" in found["ports"].what
    assert f"(pid {os.getpid()})" in found["ports"].what


def test_an_empty_folder_and_none(tmp_path):
    for home in (tmp_path, tmp_path / "none"):
        found = {one.check: one for one in doctor.examine(home)}
        assert found["settings"].state == "fault"
        assert found["store"].state == "skipped"
        assert found["store"].what.startswith("because of settings: there is no ")


def test_a_fresh_one_that_was_never_started(tmp_path):
    settings.write_first(tmp_path, quiet_base(), calling__country="DE")
    found = {one.check: one for one in doctor.examine(tmp_path)}
    assert "the first start makes it" in found["store"].what
    assert {name for name, one in found.items() if one.state == "fault"} == set()


def test_nothing_is_changed(home):
    before = files(home)
    complaints(home)
    assert files(home) == before


def test_a_check_that_fails_itself_is_a_fault_and_no_traceback(home):
    def fails(_: object) -> None:
        raise RuntimeError("no\nway")

    [one] = doctor.examine(home, [Check("bad", "it matters", fails)])
    assert (one.state, one.what) == (State.FAULT, "this check itself failed: RuntimeError: no way")
    assert "report it" in one.remedy


def test_a_check_that_hangs_has_its_time_and_all_have_theirs(home, monkeypatch):
    monkeypatch.setattr(doctor, "LOOK_S", 0.1)
    over = threading.Event()
    checks = [Check(f"hangs-{n}", "-", lambda _: over.wait(20)) for n in range(4)]
    found = list(doctor.examine(home, checks, seconds=0.25))
    over.set()
    assert [one.state for one in found] == ["fault", "fault", "fault", "skipped"]
    assert "time was over" in found[-1].what


def run(home: Path, *words: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "dialplan.carillon", "doctor", "--home", str(home), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)


def test_the_command(home):
    done = run(home, "--json")
    found = json.loads(done.stdout)
    assert [one["check"] for one in found] == [check.name for check in doctor.CHECKS]
    assert {key for one in found for key in one} == {"check", "state", "what", "why", "remedy"}
    assert (done.returncode, done.stderr) == (2, "")
    halted(home)
    write(home, "api", bind="0.0.0.0")
    done = run(home)
    assert done.returncode == 1
    [line] = [line for line in done.stdout.splitlines() if line.startswith("fault")]
    assert line.startswith("fault    api-exposed       the API is offered on 0.0.0.0 without TLS")
    assert "It matters: " in line
    assert "To mend it: set [api] bind = 127.0.0.1" in line
    assert done.stdout.splitlines()[-1].startswith(f"{len(doctor.CHECKS)} checks: ")


def test_its_codes():
    codes = {(): 0, ("ok", "skipped"): 0, ("ok", "warning"): 2, ("warning", "fault"): 1}
    for states, code in codes.items():
        assert doctor.code([doctor.Finding("x", State(state), "", "", "") for state in states]) == code


def test_its_document_is_its_table():
    written = (Path(doctor.__file__).parent.parent / "docs" / "doctor.md").read_text()
    assert written == document.text(), "docs/doctor.md is old; run `python -m dialplan.checks > docs/doctor.md`"
    assert all(check.look.__doc__ for check in doctor.CHECKS)


def test_its_table_is_sound():
    names = [check.name for check in doctor.CHECKS]
    assert len(set(names)) == len(names)
    for n, check in enumerate(doctor.CHECKS):
        assert set(check.needs) <= set(names[:n]), f"{check.name} needs what is asked later"
