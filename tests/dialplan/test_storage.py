"""`carillon store copy`, as an administrator calls it: with the parts stopped, told in a table, and switched only if asked for."""

import fcntl
import re
import subprocess
import sys

import pytest

from dialplan import processes
from sql import ledger, models_accounts, settings, store
from tests import world as worlds
from tests.world import NOW


@pytest.fixture
def home(tmp_path, empty_store):
    """An installation that is stopped, with something in its store."""
    folder = tmp_path / "home"
    settings.write_first(folder, 61000, calling__country="DE")
    (folder / "carillon.sqlite").write_bytes(empty_store.read_bytes())
    store.bind(f"sqlite:///{folder}/carillon.sqlite")
    with store.connection():
        worlds.make()
        user = models_accounts.User.get().id
        store.unit(ledger.pay, ledger.Payment(user, ledger.OUTSIDE, user, 1_500_000), NOW)
    return folder


def carillon(home, *words: str, env: dict[str, str] | None = None, told: str = "") -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "dialplan.carillon", "store", "copy", "--home", str(home), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, input=told, env=env)


@pytest.mark.live
def test_it_moves_and_says_what_moved(home, mariadb):
    url = mariadb.empty("moved")
    done = carillon(home, "--to", "-", told=url + "\n")
    assert done.returncode == 0, done.stderr
    assert re.search(r"^contact +5 +15 +is the same$", done.stdout, re.MULTILINE)
    assert re.search(r"^ledger_line +2 +3 +0\.000000 +is the same$", done.stdout, re.MULTILINE)
    assert "each was read back and is the same; the ledger adds up in both." in done.stdout
    shown = re.sub(":[0-9a-f]{32}@", ":***@", url)
    assert f"Now set [store] url = {shown} in {home}/carillon.ini, and start the parts." in done.stdout
    assert url not in done.stdout + done.stderr
    assert settings.read(home).store_url == f"sqlite:///{home}/carillon.sqlite"


@pytest.mark.live
def test_it_switches_if_asked_for(home, mariadb):
    url, before = mariadb.empty("moved"), (home / "carillon.ini").read_text()
    done = carillon(home, "--to", url, "--switch")
    assert done.returncode == 0, done.stderr
    assert f"[store] url in {home}/carillon.ini is mysql://" in done.stdout
    assert settings.read(home).store_url == url
    assert (home / "carillon.ini").read_text() == before.replace("\nurl =\n", f"\nurl = {url}\n")
    assert (home / "carillon.ini").stat().st_mode & 0o777 == 0o600
    again = carillon(home, "--to", url)
    assert again.returncode == 1
    assert "is not empty" in again.stderr


def test_while_a_part_runs_nothing_is_copied(home):
    part = subprocess.Popen([sys.executable, "-m", "agi.server"], env={"CARILLON_HOME": str(home)}, stderr=subprocess.DEVNULL)
    try:
        while part.poll() is None and "agi" not in processes.parts(home):
            pass
        done = carillon(home, "--to", f"sqlite:///{home}/new.sqlite")
    finally:
        part.terminate()
        part.wait()
    assert done.returncode == 1
    assert done.stderr.endswith(f"carillon: agi of {home} still run; stop them first\n")
    assert not (home / "new.sqlite").exists()


@pytest.mark.parametrize("name", ["up.lock", "engine.lock"])
def test_a_lock_that_is_held_means_that_something_runs(home, name):
    (home / "run").mkdir()
    with (home / "run" / name).open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = carillon(home, "--to", f"sqlite:///{home}/new.sqlite")
    assert done.returncode == 1
    assert f"somebody in {home} holds {name}; stop what runs there first" in done.stderr


@pytest.mark.parametrize(
    ("to", "sentence"),
    [
        ("mysql://x:y@127.0.0.1:1/c", "cannot be reached"),
        ("oracle://x", "starts with 'oracle'"),
        ("", "starts with ''"),
    ],
)
def test_a_target_that_is_none(home, to, sentence):
    done = carillon(home, "--to", to, "--switch")
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
    assert settings.read(home).store_url == f"sqlite:///{home}/carillon.sqlite"


def test_a_url_in_the_environment_wins_over_the_file(home, tmp_path):
    env = {"CARILLON_STORE_URL": f"sqlite:///{home}/carillon.sqlite"}
    done = carillon(home, "--to", f"sqlite:///{tmp_path}/new.sqlite", "--switch", env=env)
    assert done.returncode == 1
    assert "CARILLON_STORE_URL is set, and carillon.ini would not matter; unset it" in done.stderr
    assert carillon(home, "--to", f"sqlite:///{tmp_path}/new.sqlite", env=env).returncode == 0
