"""`carillon init`, as a script and as a person answers it: what it writes, what it leaves, and what it refuses."""

import os
import pty
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from sql import settings

SCRIPTED = ("--country", "DE", "--hours", "09:00-20:00", "--bind", "127.0.0.1", "--asterisk", "own")


def init(home: Path, *options: str) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "dialplan.carillon", "init", "--home", str(home), *options]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=20, check=False)


@pytest.fixture
def etc(tmp_path):
    folder = tmp_path / "etc"
    folder.mkdir()
    (folder / "asterisk.conf").write_text("[directories]\nastlogdir => /var/log/theirs\n")
    return folder


def test_a_script_answers_all_and_secrets_are_its_owner_s(tmp_path):
    done = init(tmp_path / "home", *SCRIPTED, "--store", "mysql://u:p@db/carillon")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"Next: carillon up --home {tmp_path}/home" in done.stdout
    config = settings.read(tmp_path / "home")
    assert config.text("calling", "hours") == "09:00-20:00"
    assert config.destinations == ("+49",)
    assert config.store_url == "mysql://u:p@db/carillon"
    assert config.own_asterisk
    assert len(config.ami[3]) == 48
    path = tmp_path / "home" / "carillon.ini"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "# Home country" in path.read_text()


def test_beside_another_asterisk_it_reads_where_that_one_writes(tmp_path, etc):
    done = init(tmp_path / "home", "--country", "de", "--asterisk", "beside", "--etc", str(etc), "--ami-port", "5039")
    assert (done.returncode, done.stderr) == (0, "")
    assert "carillon asterisk install --dry-run" in done.stdout
    config = settings.read(tmp_path / "home")
    assert not config.own_asterisk
    assert config.ami[:3] == ("127.0.0.1", 5039, "carillon")
    assert config.asterisk_records[0] == Path("/var/log/theirs/cdr-custom/carillon.csv")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--country", "Germany"), "country 'Germany' is none; write two letters, such as DE"),
        (("--country", "XX"), "country 'XX' is none"),
        ((), "the home country is missing; give --country"),
        ((*SCRIPTED, "--hours", "9-20"), "hours '9-20' are not of the form 08:00-21:00"),
        ((*SCRIPTED, "--hours", "20:00-09:00"), "hours '20:00-09:00' are not of the form"),
        ((*SCRIPTED, "--bind", "localhost:80"), "'localhost:80' is no address"),
        ((*SCRIPTED, "--store", "postgres://x"), "[store] url starts with 'postgres'"),
        ((*SCRIPTED, "--port-base", "0"), "'0' is not a whole number from 1 to 55000"),
        (("--country", "DE", "--asterisk", "beside", "--etc", "/nowhere"), "/nowhere: no asterisk.conf is there"),
        (("--country", "DE", "--asterisk", "beside", "--etc", "/dev/null"), "/dev/null/asterisk.conf cannot be read (Not a directory)"),
        (("--country", "DE", "--asterisk", "beside", "--ami-host", "192.0.2.1"), "write 127.0.0.1"),
        (("--country", "DE", "--asterisk", "beside", "--ami-user", "a;b"), "'a;b' is no name"),
        (("--country", "DE", "--asterisk", "beside", "--ami-secret", "a b"), "that secret has characters"),
        (("--asterisk", "both"), "invalid choice: 'both'"),
        (("--contry", "DE"), "unrecognized arguments: --contry"),
    ],
)
def test_a_wrong_answer_is_named_and_nothing_is_written(tmp_path, options, said):
    done = init(tmp_path / "home", *options)
    assert done.returncode != 0
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "home" / "carillon.ini").exists()


def test_what_is_set_stays_unless_told_otherwise(tmp_path):
    home = tmp_path
    assert init(home, *SCRIPTED).returncode == 0
    path = home / "carillon.ini"
    path.write_text(path.read_text().replace("country = DE", "country = DE\n# a note of mine"))
    before = path.read_text()
    again = init(home, "--country", "AT")
    assert again.returncode == 1
    assert "has [calling] country = DE already; give --replace to change it" in again.stderr
    assert path.read_text() == before
    assert init(home, "--country", "DE").returncode == 0, "the same answer is no change"
    assert path.read_text() == before
    assert init(home).returncode == 0, "no answer is no change"
    assert path.read_text() == before
    assert init(home, "--country", "AT", "--replace").returncode == 0
    assert path.read_text() == before.replace("country = DE", "country = AT")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_it_goes_from_one_s_own_to_another_s_asterisk_only_when_told(tmp_path, etc):
    assert init(tmp_path, *SCRIPTED).returncode == 0
    said = init(tmp_path, "--asterisk", "beside", "--etc", str(etc))
    assert "carillon.ini says that Asterisk is own; give --replace" in said.stderr
    assert init(tmp_path, "--asterisk", "beside", "--etc", str(etc), "--replace").returncode == 0
    assert settings.read(tmp_path).ami[:2] == ("127.0.0.1", 5038)


def test_a_file_from_before_gets_the_keys_it_lacks(tmp_path):
    (tmp_path / "carillon.ini").write_text("[calling]\n# mine\nhours = 08:00-21:00\n\n[api]\nbind = 127.0.0.1\n")
    assert init(tmp_path, "--country", "FR").returncode == 0
    text = (tmp_path / "carillon.ini").read_text()
    assert settings.read(tmp_path).text("calling", "country") == "FR"
    assert "[calling]\ncountry = FR\n# mine\n" in text


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    done = init(tmp_path / "file" / "home", *SCRIPTED)
    assert done.returncode == 1
    assert "carillon.ini cannot be written (Not a directory)" in done.stderr


def test_a_person_is_asked_and_asked_again(tmp_path, etc):
    typed = ["Deutschland", "DE", "", "", "", "", "perhaps", "beside", "", "", "", "", str(etc)]
    said = _typed(tmp_path / "home", typed)
    assert "country 'Deutschland' is none" in said
    assert "Write own or beside." in said
    assert "Home country, two letters such as DE []: " in said
    assert "Hours in which people may be called, in their own zone [08:00-21:00]: " in said
    config = settings.read(tmp_path / "home")
    assert (config.text("calling", "country"), config.text("asterisk", "etc"), config.ami[1]) == ("DE", str(etc), 5038)
    assert config.ami[3] not in said


def _typed(home: Path, lines: list[str]) -> str:
    """What a person sees who types these lines at a terminal."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "dialplan.carillon", "init", "--home", str(home)]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, start_new_session=True) as process:
        os.close(theirs)
        said = ""
        for line in lines:
            asked = ""
            while not asked.endswith("]: "):
                asked += os.read(ours, 4096).decode()
            said += asked
            os.write(ours, f"{line}\n".encode())
        process.wait(10)
        said += os.read(ours, 65536).decode()
        os.close(ours)
        assert process.returncode == 0, said
    return said
