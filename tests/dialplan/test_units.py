"""The units and the rotation that `carillon units` writes: read by the real systemd-analyze and the real logrotate."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dialplan import fetch, units
from sql import settings
from tests.needs import need

USER = "daemon"  # Debian always has it
ANALYZE = shutil.which("systemd-analyze")
PARTS = ("engine", "push", "agi", "api", "provision")
MOST_EXPOSED = {"asterisk": 40}  # of 100; the others 20
needs_systemd = pytest.mark.skipif(not ANALYZE and not os.environ.get("CI"), reason="no systemd-analyze is here; install systemd")


@pytest.fixture
def config(tmp_path):
    """Beside an Asterisk whose folders belong to groups of their own."""
    for folder in ("etc/carillon", "log/cdr-custom", "home/log"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "etc" / "asterisk.conf").write_text("")
    settings.write_first(tmp_path / "home", ami__host="127.0.0.1", asterisk__etc=str(tmp_path / "etc"), asterisk__log=str(tmp_path / "log"))
    return settings.read(tmp_path / "home")


@pytest.fixture
def own(tmp_path):
    settings.write_first(tmp_path)
    return settings.read(tmp_path)


def written(config: settings.Settings, folder: Path) -> list[Path]:
    folder.mkdir()
    for name, text in units.files(config, USER).items():
        (folder / name).write_text(text)
    return sorted([*folder.glob("*.service"), *folder.glob("*.target")])


@needs_systemd
@pytest.mark.parametrize("kind", ["config", "own"])
def test_systemd_understands_every_line(kind, request, tmp_path):
    files = written(request.getfixturevalue(kind), tmp_path / "units")
    done = subprocess.run([str(ANALYZE), "verify", *map(str, files)], capture_output=True, text=True, timeout=60, check=False)
    said = [line for line in done.stderr.splitlines() if "carillon" in line]
    assert (done.returncode, said) == (0, [])
    assert len(files) == (6 if kind == "config" else 7)


@needs_systemd
def test_systemd_finds_little_that_a_part_could_do_beyond_its_work(own, tmp_path):
    for path in written(own, tmp_path / "units"):
        if path.suffix == ".service":
            most = MOST_EXPOSED.get(path.stem.removeprefix("carillon-"), 20)
            command = [str(ANALYZE), "security", "--offline=true", f"--threshold={most}", str(path)]
            done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
            assert done.returncode == 0, f"{path.name}: {done.stdout[-300:]}{done.stderr}"


def test_each_part_is_a_service_that_writes_only_where_it_must(config):
    made = units.files(config, USER)
    assert set(made) == {"carillon.target", "logrotate", *(f"carillon-{part}.service" for part in PARTS)}
    for part in PARTS:
        text = made[f"carillon-{part}.service"]
        assert f"ExecStart={Path(sys.executable).parent}/carillon {part} --home {config.home}\n" in text
        assert f"User={USER}\n" in text
        writes = re.findall(r"^ReadWritePaths=(.*)$", text, re.MULTILINE)
        accounts = f" -{config.text('asterisk', 'etc')}/carillon" if part == "provision" else ""
        assert writes == [f"{config.home}{accounts}"]
        assert f"carillon-{part}.service" in made["carillon.target"]
    assert "@" not in re.sub("@(system-service|privileged|resources)", "", "".join(made.values()))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file to another group")
def test_a_part_reads_asterisk_s_files_by_its_groups(config, tmp_path):
    os.chown(tmp_path / "etc" / "asterisk.conf", 0, 1)
    os.chown(tmp_path / "log", 0, 4)
    assert "SupplementaryGroups=adm daemon\n" in units.files(config, USER)["carillon-engine.service"]
    os.chown(tmp_path / "log", 0, 0)
    assert "SupplementaryGroups=daemon\n" in units.files(config, USER)["carillon-engine.service"], "root's group is given to nobody"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--user", "root"), "Carillon does not run as root; make a user for it and give --user"),
        (("--user", "nobody-here"), "there is no user 'nobody-here'; make one: useradd --system"),
        (("--user", USER, "--systemd", "/nowhere"), "No such file or directory"),
    ],
)
def test_what_is_refused(config, words, said):
    done = _carillon(config.home, *words)
    assert done.returncode == 1
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_with_a_space_is_refused(tmp_path):
    settings.write_first(tmp_path / "my home")
    assert "has characters that systemd and logrotate read as something else" in _carillon(tmp_path / "my home", "--user", USER).stderr


def test_they_are_shown_or_written_where_told(config, tmp_path):
    shown = _carillon(config.home, "--user", USER).stdout
    assert shown.count("##### carillon-") == len(PARTS)
    (tmp_path / "systemd").mkdir()
    assert _carillon(config.home, "--user", USER, "--systemd", str(tmp_path / "systemd")).returncode == 0
    assert len(list((tmp_path / "systemd").iterdir())) == 1 + len(PARTS)
    assert (tmp_path / "systemd" / "carillon.target").stat().st_mode & 0o777 == 0o644


def _carillon(home: Path, *words: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "dialplan.units", *words]
    around = os.environ | {"CARILLON_HOME": str(home)}
    return subprocess.run(command, env=around, capture_output=True, text=True, timeout=20, check=False)


def test_logrotate_cuts_logs_under_their_writer_and_renames_the_records(config, tmp_path):
    """A log that is held open goes on in the same file; a record's next line begins a new one."""
    rotate = need(fetch.logrotate)
    if os.geteuid() == 0:
        for path in (config.home, config.home / "log"):
            shutil.chown(path, USER, USER)
    logged, record = config.home / "log" / "engine.log", config.asterisk_records[0]
    record.write_text("a call\n")
    text = units.files(config, USER)["logrotate"]
    if os.geteuid() != 0:
        text = re.sub(r"^ +su .*\n", "", text, flags=re.MULTILINE)
    (tmp_path / "rotation").write_text(text)
    (tmp_path / "rotation").chmod(0o644)
    for folder in (tmp_path, *tmp_path.parents):
        if os.geteuid() == 0 and folder.stat().st_mode & 0o005 == 0:
            folder.chmod(folder.stat().st_mode | 0o005)  # pytest's own folders are closed to others
    with logged.open("ab", buffering=0) as writer:
        if os.geteuid() == 0:
            shutil.chown(logged, USER, USER)
        writer.write(b"before\n")
        command = [*rotate.command, "--force", "--state", str(tmp_path / "state"), str(tmp_path / "rotation")]
        done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        writer.write(b"after\n")
    assert logged.read_bytes() == b"after\n"
    assert logged.with_name("engine.log.1").read_bytes() == b"before\n"
    assert not record.exists()
    assert record.with_name("carillon.csv.1").read_text() == "a call\n"


DENIED = """
import ctypes, importlib, sys
if ctypes.CDLL(None).prctl(65, 1, 0, 0, 0):  # PR_SET_MDWE: what MemoryDenyWriteExecute does
    sys.exit(77)
for module in sys.argv[1].split():
    importlib.import_module(module)
exec(sys.argv[2])
"""
SOUND = "import io, api.sound; from dialplan.evaluation import tone; api.sound.message(io.BytesIO(tone()))"


@pytest.mark.parametrize(
    ("modules", "then", "works"),
    [
        (
            "engine.__main__ engine.push engine.deliver agi.server dialplan.provision",
            "from sql import store; store.bind('sqlite:////x')",
            True,
        ),
        ("api.app api.credentials", "api_key = __import__('api.credentials').credentials.hashed('a password')", True),
        ("api.sound", SOUND, False),
    ],
)
def test_which_parts_need_memory_that_is_both_written_and_run(modules, then, works, config):
    """The API alone, for its sounds: the unit of every other part denies it."""
    done = subprocess.run(
        [sys.executable, "-c", DENIED, modules, then], cwd=units.SOURCE, capture_output=True, text=True, timeout=60, check=False
    )
    if done.returncode == 77:
        pytest.skip("this kernel cannot deny it (PR_SET_MDWE is in Linux 6.3 and newer)")
    assert (done.returncode == 0) == works, done.stderr
    denied = {part for part in PARTS if "MemoryDenyWriteExecute=yes\n" in units.files(config, USER)[f"carillon-{part}.service"]}
    assert denied == {*PARTS} - {"api"}
