"""The machine: Python, the SQLite that comes with it, time zones, the clock."""

import ctypes
import os
import sys
import time
import zoneinfo
from pathlib import Path

from dialplan.checks.facts import Facts
from dialplan.checks.finding import Seen, fault, fine, warning
from sql import store

OLDEST_PYTHON = (3, 11)
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe")
NOT_BEFORE = 1_760_000_000  # no clock that is right says less: Carillon did not exist then
STA_UNSYNC, TIME_ERROR = 0x40, 5
TIMEX_BYTES, STATUS_AT = 208, 40  # struct timex of 64-bit Linux


def python(_: Facts) -> Seen:
    """Python is new enough, and its SQLite sound."""
    if sys.version_info < OLDEST_PYTHON:
        return fault(f"this is Python {sys.version.split()[0]}", "make the virtual environment anew with Python 3.11 or newer")
    sound = ".".join(map(str, store.SOUND_SQLITE))
    version = store.cysqlite.sqlite_version_info
    if version < store.SOUND_SQLITE:
        return fault(
            f"cysqlite brings SQLite {'.'.join(map(str, version))}, which can lose commits",
            f"pip install a cysqlite with SQLite {sound} or newer",
        )
    return fine(f"Python {sys.version.split()[0]}, SQLite {'.'.join(map(str, version))}")


def zones(_: Facts) -> Seen:
    """The time zones are installed."""
    missing = []
    for name in ZONES:
        try:
            zoneinfo.ZoneInfo(name)
        except (zoneinfo.ZoneInfoNotFoundError, OSError, ValueError):
            missing.append(name)
    if missing:
        return fault(f"time zone {missing[0]} is not known here", "install the time zones: the package tzdata of pip or of the system")
    return fine("time zones are known")


def clock(_: Facts) -> Seen:
    """The clock is not absurd, and something keeps it right."""
    if time.time() < NOT_BEFORE:
        said = time.strftime("%Y-%m-%d %H:%M", time.gmtime())
        return fault(f"the clock says {said} UTC", "set the clock, and let it be kept: systemctl enable --now systemd-timesyncd")
    if (zone := os.environ.get("TZ", "").lstrip(":")) and not _is_zone(zone):
        return warning(f"TZ in the environment is {zone!r}, which is no time zone here", "unset TZ or correct it")
    if _unsynchronised():
        return warning(
            "nothing keeps the clock right, as far as the kernel knows",
            "let it be kept: systemctl enable --now systemd-timesyncd, or chrony",
        )
    return fine("the clock is kept right")


def _is_zone(name: str) -> bool:
    if Path(name).is_absolute():
        return Path(name).exists()
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, OSError, ValueError):
        return any(letter.isdigit() for letter in name)  # POSIX spells rules, such as CET-1CEST
    return True


def _unsynchronised() -> bool:
    """As the kernel sees it; asking needs no rights and changes nothing."""
    timex = ctypes.create_string_buffer(TIMEX_BYTES)
    if ctypes.sizeof(ctypes.c_long) != 8:
        return False
    state = ctypes.CDLL(None, use_errno=True).adjtimex(timex)
    status = int.from_bytes(timex.raw[STATUS_AT : STATUS_AT + 4], sys.byteorder)
    return state == TIME_ERROR or bool(status & STA_UNSYNC)
