"""Installations for the doctor: a sound one that does not run, ways of breaking it, and what he says of it."""

import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from dialplan import doctor, processes
from dialplan.doctor import Finding
from sql import settings, store, users

COMPLAINTS = ("warning", "fault")
SECRET = "0123456789abcdef0123"
PARTS = ("engine", "engine.push", "agi.server", "api", "dialplan.provision", "dialplan.up")


def sound(home: Path, empty_store: Path, **changes: str) -> Path:
    """An installation that was started before, has an administrator, and is stopped."""
    given = {"calling__country": "DE", "ami__secret": SECRET} | changes
    settings.write_first(home, quiet_base(), **given)
    for name in ("run", "log", "recordings"):
        (home / name).mkdir(exist_ok=True)
    for name in ("admin.json", "carillon.sqlite"):
        (home / name).touch(0o600)
    shutil.copyfile(empty_store, home / "carillon.sqlite")
    with opened(home):
        store.unit(users.create, {"username": "admin", "password_hash": "-", "role": "admin"}, None, store.now())
    return home


def quiet_base() -> int:
    """A port base on which nothing listens, and below those that other tests use meanwhile."""
    taken = {one.port for one in processes.listeners()}
    return next(base for base in iter(lambda: random.randrange(1100, 6900), None) if not taken & set(range(base, base + 12)))


@contextmanager
def opened(home: Path) -> Iterator[None]:
    store.bind(settings.read(home).store_url)
    with store.connection():
        yield


def write(home: Path, section: str, **values: str) -> None:
    """Write settings into carillon.ini."""
    path = home / "carillon.ini"
    head, mark, rest = path.read_text().partition(f"[{section}]\n")
    assert mark, f"no [{section}]"
    for key, value in values.items():
        rest, count = re.subn(rf"^{key} =.*$", f"{key} = {value}", rest, count=1, flags=re.MULTILINE)
        assert count, f"no [{section}] {key}"
    path.write_text(head + mark + rest)


def complaints(home: Path) -> dict[str, Finding]:
    """The checks that find something wrong."""
    return {one.check: one for one in doctor.examine(home) if one.state in COMPLAINTS}


def files(home: Path) -> dict[str, tuple[bytes, int, int]]:
    """What an installation consists of: contents, modes and times."""
    return {
        str(path.relative_to(home)): (path.read_bytes() if path.is_file() else b"", path.lstat().st_mode, path.lstat().st_mtime_ns)
        for path in sorted(home.rglob("*"))
    }


@contextmanager
def alive(home: Path, folder: Path, *modules: str) -> Iterator[dict[str, subprocess.Popen]]:
    """Processes that look like these parts of the installation and do nothing."""
    for name in PARTS:
        path = folder.joinpath(*name.split("."))
        path.parent.mkdir(parents=True, exist_ok=True)
        if name in ("engine", "api"):
            path.mkdir(exist_ok=True)
            path = path / "__main__"
        path.with_suffix(".py").write_text("import time\ntime.sleep(60)\n")
    environment = os.environ | {"CARILLON_HOME": str(home)}
    running = {}
    try:
        for module in modules:
            running[module] = subprocess.Popen([sys.executable, "-m", module], cwd=folder, env=environment | {"PYTHONPATH": str(folder)})
        wanted = {processes.MODULES[module] for module in modules}
        while set(processes.parts(home)) != wanted:
            assert all(process.poll() is None for process in running.values())
            time.sleep(0.02)
        yield running
    finally:
        for process in running.values():
            process.kill()
            process.wait()
