"""The supervisor with small real processes: what dies is started again, the pid file names the living, and nothing is left behind."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from dialplan import up
from dialplan.up import Part

PROGRAMS = {
    "lives": "import time\nprint('here', flush=True)\ntime.sleep(60)\n",
    "dies": "import sys\nprint('first words')\nsys.exit('last words')\n",
    "stubborn": "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nprint('here', flush=True)\ntime.sleep(60)\n",
    "parent": "import subprocess\nchild = subprocess.Popen(['/bin/sleep', '60'])\nprint(child.pid, flush=True)\nchild.wait()\n",
}


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """An installation's folder; its parts are the small programs above."""
    for name in ("run", "log", "programs"):
        (tmp_path / name).mkdir()
    for name, text in PROGRAMS.items():
        (tmp_path / "programs" / f"small_{name}.py").write_text(text)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "programs"))
    return tmp_path


@pytest.fixture
def part(home):
    made = []

    def make(program: str) -> Part:
        made.append(Part(program, [f"small_{program}"], home))
        return made[-1]

    yield make
    for one in made:
        one.end(time.monotonic())


def keep(one: Part, what: str, found, seconds: float = 5.0) -> None:
    """Do as the supervisor does until it is so."""
    deadline = time.monotonic() + seconds
    while not found():
        assert time.monotonic() < deadline, f"{what} did not come"
        one.keep()
        time.sleep(up.POLL_S)


def pid(home: Path, name: str) -> int | None:
    path = home / "run" / f"{name}.pid"
    return int(path.read_text()) if path.exists() else None


def alive(number: int | None) -> bool:
    """Whether it runs; a zombie does not."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def gone(what: str, number: int) -> None:
    deadline = time.monotonic() + 2
    while alive(number):
        assert time.monotonic() < deadline, f"{what} lives on"
        time.sleep(0.01)


def words(home: Path, name: str) -> list[str]:
    path = home / "log" / f"{name}.log"
    return path.read_text().splitlines() if path.exists() else []


def test_a_part_that_is_killed_is_up_again_within_a_second(home, part, caplog):
    one = part("lives")
    keep(one, "its word", lambda: words(home, "lives") == ["here"])
    for n in range(1, 4):
        before = pid(home, "lives")
        assert alive(before)
        os.kill(before, signal.SIGKILL)
        began = time.monotonic()
        keep(one, "a new one", lambda before=before: pid(home, "lives") != before)
        assert time.monotonic() - began < 1
        keep(one, "its word", lambda n=n: words(home, "lives") == ["here"] * (n + 1))
    assert "lives was killed by signal 9; started again now. Its last words: here" in caplog.text


def test_a_part_that_lives_is_left_alone(home, part):
    one = part("lives")
    keep(one, "its word", lambda: words(home, "lives") == ["here"])
    before = pid(home, "lives")
    for _ in range(20):
        one.keep()
    assert pid(home, "lives") == before
    assert words(home, "lives") == ["here"]


def test_one_that_has_died_five_times_in_a_minute_is_started_slowly(home, part, caplog, monkeypatch):
    monkeypatch.setattr(up, "SLOW_RESTART_S", 1.0)
    one = part("dies")
    died = "dies ended with code 1; started again "
    keep(one, "five deaths", lambda: caplog.text.count(died) == 5)
    assert caplog.text.count(f"{died}now. Its last words: last words") == 4
    assert caplog.text.count(f"{died}in 1 s, it has died often. Its last words: last words") == 1
    began, starts = time.monotonic(), len(words(home, "dies"))
    assert pid(home, "dies") is None, "the pid file names a living process or none"
    keep(one, "the next start", lambda: len(words(home, "dies")) > starts)
    assert time.monotonic() - began >= 0.9


def test_deaths_of_long_ago_do_not_count(home, part, caplog, monkeypatch):
    clock = SimpleNamespace(now=1000.0, monotonic=lambda: clock.now)
    monkeypatch.setattr(up, "time", clock)
    one = part("dies")
    for n in range(1, 8):
        deadline = time.monotonic() + 5
        while caplog.text.count("dies ended with code 1; started again now") < n and time.monotonic() < deadline:
            one.keep()
            time.sleep(0.01)
        clock.now += 16
    assert caplog.text.count("started again now") == 7
    assert "often" not in caplog.text
    monkeypatch.undo()


def test_a_pid_file_never_names_a_process_that_is_gone(home, part, monkeypatch):
    """Read by somebody else at any moment between two polls."""
    one = part("dies")
    monkeypatch.setattr(up, "SLOW_RESTART_S", 0.3)
    deadline = time.monotonic() + 1.2
    seen = set()
    while time.monotonic() < deadline:
        one.keep()
        number = pid(home, "dies")
        assert number is None or Path(f"/proc/{number}").exists()
        seen.add(number)
        time.sleep(0.02)
    assert len(seen) > 5
    assert not list((home / "run").glob("*.new"))


def test_the_children_of_a_part_that_died_do_not_outlive_it(home, part):
    one = part("parent")
    keep(one, "the child", lambda: words(home, "parent"))
    child = int(words(home, "parent")[0])
    assert alive(child)
    os.kill(pid(home, "parent"), signal.SIGKILL)
    keep(one, "the child's end", lambda: not alive(child))
    keep(one, "another", lambda: len(words(home, "parent")) == 2)


@pytest.mark.parametrize(("program", "most"), [("lives", 0.9), ("parent", 0.9), ("stubborn", 2)])
def test_a_part_that_is_told_to_end_ends_by_its_deadline(home, part, program, most, caplog):
    one = part(program)
    keep(one, "its word", lambda: words(home, program))
    number = pid(home, program)
    began = time.monotonic()
    one.ask_to_end()
    one.end(began + 1)
    assert time.monotonic() - began < most
    assert not alive(number)
    assert pid(home, program) is None
    assert ("did not end in time and is killed" in caplog.text) is (program == "stubborn")
    if program == "parent":
        gone("the child", int(words(home, program)[0]))


def test_a_part_that_cannot_be_started_does_not_end_the_supervisor(home, part, caplog, monkeypatch):
    monkeypatch.setattr(up, "SLOW_RESTART_S", 0.1)
    one = part("lives")
    (home / "log").rename(home / "log.away")
    for _ in range(4):
        one.keep()
    assert caplog.text.count("lives cannot be started, tried again in 0 s: ") == 1
    (home / "log.away").rename(home / "log")
    keep(one, "its word", lambda: words(home, "lives") == ["here"])
    assert alive(pid(home, "lives"))


def test_a_part_whose_pid_cannot_be_written_lives_and_is_kept(home, part, caplog):
    one = part("lives")
    (home / "run").rename(home / "run.away")
    keep(one, "its word", lambda: words(home, "lives") == ["here"])
    (home / "run.away").rename(home / "run")
    keep(one, "its pid file", lambda: pid(home, "lives") is not None)
    assert alive(pid(home, "lives"))
    assert words(home, "lives") == ["here"], "started once"


def test_parts_end_with_a_supervisor_that_is_killed(home):
    text = (
        "import sys, time\nfrom pathlib import Path\nfrom dialplan.up import Part\n"
        "part = Part('lives', ['small_lives'], Path(sys.argv[1]))\npart.keep()\nprint('kept', flush=True)\ntime.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", text, str(home)], stdout=subprocess.PIPE, text=True) as supervisor:
        assert supervisor.stdout.readline() == "kept\n"
        number = pid(home, "lives")
        assert alive(number)
        supervisor.kill()
    gone("the part", number)


def test_the_last_words_of_a_long_log_are_its_end(home, part, caplog):
    (home / "log" / "dies.log").write_text("x" * 5_000_000 + "\n")
    one = part("dies")
    keep(one, "a death", lambda: "Its last words: last words" in caplog.text)


def test_a_log_that_was_taken_away_does_not_end_the_supervisor(home, part, caplog):
    one = part("lives")
    keep(one, "its word", lambda: words(home, "lives") == ["here"])
    (home / "log" / "lives.log").unlink()
    os.kill(pid(home, "lives"), signal.SIGKILL)
    keep(one, "its word", lambda: words(home, "lives") == ["here"])
    assert "Its last words: none" in caplog.text
