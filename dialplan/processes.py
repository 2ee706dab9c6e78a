"""What runs on this machine, from /proc: the parts of an installation, who listens on which port, who holds a lock. Changes nothing."""

import ipaddress
import os
import time
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

PROC = Path("/proc")
MODULES = {  # as `python -m` names them
    "dialplan.up": "up", "engine": "engine", "engine.push": "push", "agi.server": "agi", "api": "api", "dialplan.provision": "provision",
}  # fmt: skip
ASTERISKS = ("asterisk", "carrier")
LISTEN = "0A"  # a TCP socket's state in /proc/net
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Process:
    """`age` in seconds; `settings`: what its environment says for Carillon."""

    pid: int
    command: str
    age: float
    settings: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Listener:
    """Somebody's open port. `kind` is tcp or udp."""

    kind: str
    address: ipaddress.IPv4Address | ipaddress.IPv6Address
    port: int
    inode: str


def parts(home: Path) -> dict[str, Process]:
    """The living parts of the installation in `home`: by their own account, or where that is not ours to read by their pid files."""
    found: dict[str, Process] = {}
    for pid in _pids():
        with suppress(OSError):  # gone, or somebody else's
            words = (PROC / str(pid) / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
            lines = (PROC / str(pid) / "environ").read_bytes().decode("utf-8", "replace").split("\0")
            name = _part(home, words, f"CARILLON_HOME={home}" in lines)
            if name:
                told = {key: value for key, _, value in (line.partition("=") for line in lines) if key.startswith("CARILLON_")}
                found[name] = replace(_process(pid, words), settings=told)
    for path in sorted((home / "run").glob("*.pid")):
        pid_or_none = pid_in(path)
        if path.stem not in found and pid_or_none is not None and _foreign(pid_or_none):
            with suppress(OSError):
                found[path.stem] = _process(pid_or_none, [path.stem])
    return found


def _part(home: Path, words: list[str], is_of_home: bool) -> str | None:
    if "-rx" in words:  # a question to an Asterisk, and no Asterisk
        return None
    for name in ASTERISKS:
        if str(home / name / "etc" / "asterisk.conf") in words:
            return name
    if is_of_home and words[1:2] == ["-m"] and "carrier" not in words[3:]:
        return MODULES.get(words[2])
    return None


def pid_in(path: Path) -> int | None:
    """The process that this pid file names, alive or not."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _foreign(pid: int) -> bool:
    """Whether it lives and is not ours to look into."""
    return (PROC / str(pid)).exists() and not os.access(PROC / str(pid) / "environ", os.R_OK)


def _process(pid: int, words: list[str]) -> Process:
    started = int((PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()[19]) / TICKS
    return Process(pid, " ".join(word for word in words if word)[:120], time.clock_gettime(time.CLOCK_BOOTTIME) - started)


def _pids() -> Iterator[int]:
    return (int(path.name) for path in PROC.iterdir() if path.name.isdigit())


def listeners() -> list[Listener]:
    """Every open port of this machine."""
    found = []
    for kind in ("tcp", "udp"):
        for version in ("", "6"):
            path = PROC / "net" / (kind + version)
            for line in path.read_text().splitlines()[1:] if path.exists() else ():
                words = line.split()
                if kind == "udp" or words[3] == LISTEN:
                    host, _, port = words[1].partition(":")
                    found.append(Listener(kind, _address(host), int(port, 16), words[9]))
    return found


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The kernel writes words of four bytes in this machine's order."""
    raw = bytes.fromhex(text)
    octets = b"".join(raw[n : n + 4][::-1] for n in range(0, len(raw), 4))
    address = ipaddress.ip_address(octets)
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def owners(inodes: Collection[str]) -> dict[str, Process]:
    """Whose these sockets are, by inode; without those that are not ours to know."""
    wanted = {f"socket:[{inode}]": inode for inode in inodes}
    found: dict[str, Process] = {}
    for pid in _pids():
        with suppress(OSError):
            for handle in (PROC / str(pid) / "fd").iterdir():
                inode = wanted.get(os.readlink(handle))  # noqa: PTH115 (there are thousands)
                if inode:
                    found[inode] = _process(pid, (PROC / str(pid) / "cmdline").read_bytes().decode("utf-8", "replace").split("\0"))
    return found


def in_the_way(listener: Listener, kind: str, address: str, port: int) -> bool:
    """Whether it keeps somebody from opening this port at this address, or is that somebody."""
    if (listener.kind, listener.port) != (kind, port):
        return False
    wanted = ipaddress.ip_address(address)
    return wanted == listener.address or wanted.is_unspecified or listener.address.is_unspecified
