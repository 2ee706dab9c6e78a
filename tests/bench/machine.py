"""What the machine is, and how much CPU its processes use. Knows nothing of calls."""

import os
import platform
import re
from collections.abc import Mapping
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")


def described(asterisk_version: str) -> dict[str, object]:
    """The machine, as a reader of figures has to know it."""
    model = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return {
        "cpu": model[1] if model else platform.machine(),
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "asterisk": asterisk_version,
    }


def cpu_ms(pid: int) -> float:
    """CPU of this process so far, in ms: its threads', and its ended children's."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) * 1000 / TICKS


class Meter:
    """CPU of named processes between two moments, and what the rest of the machine did meanwhile."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self._pids = dict(pids)
        self._before = {name: cpu_ms(pid) for name, pid in self._pids.items()}
        self._machine = _machine()

    def read(self, calls: int) -> dict[str, object]:
        """CPU ms for each of `calls` by process and their sum; the machine's shares that were idle, and that others used."""
        used = {name: cpu_ms(pid) - self._before[name] for name, pid in self._pids.items()}
        each = {name: round(ms / calls, 2) for name, ms in (used | {"all": sum(used.values())}).items()}
        idle, whole = (now - before for now, before in zip(_machine(), self._machine, strict=True))
        others = max(0.0, whole - idle - sum(used.values()) * TICKS / 1000)
        return {"cpu_ms_per_call": each, "idle": round(idle / (whole or 1), 2), "others": round(others / (whole or 1), 2)}


def _machine() -> tuple[int, int]:
    """Idle ticks and all ticks of the machine since its start."""
    ticks = [int(word) for word in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return ticks[3] + ticks[4], sum(ticks)
