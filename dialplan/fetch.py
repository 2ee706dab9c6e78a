"""Finding an Asterisk, or fetching the distribution's packages of one into a folder of ours: no root, nothing installed.

The machine's own package client does the fetching, from the machine's own mirror and with its own keys. Knows nothing of
what Asterisk is used for.
"""

import argparse
import fcntl
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

CACHE = Path(__file__).resolve().parent.parent / ".cache"
OLDEST = (22, 7)  # older ones lack TechCause in Hangup and the event filter's syntax
PACKAGES = {
    "asterisk": ("asterisk", "asterisk-core-sounds-en-gsm"),
    "sipp": ("sip-tester",),
    "mariadb": ("mariadb-server-core",),
    "logrotate": ("logrotate",),
}
WANTED = {"asterisk": f"Asterisk {OLDEST[0]}.{OLDEST[1]} or newer", "sipp": "sipp", "mariadb": "MariaDB", "logrotate": "logrotate"}
LATER_SUITES = {"debian": ("forky", "sid"), "ubuntu": ("questing", "resolute", "devel")}
ARCHIVES = {"debian": "debian", "ubuntu": "ubuntu|ubuntu-ports"}  # how an archive's address ends; others' archives may end so too
COMPONENTS = {"debian": "main", "ubuntu": "main universe"}
KEYRINGS = {
    name: tuple(Path(f"/usr/share/keyrings/{name}-archive-keyring.{end}") for end in ("gpg", "pgp")) for name in ("debian", "ubuntu")
}
OS_RELEASE = Path("/etc/os-release")
APT = Path("/etc/apt")
SBIN = Path("/usr/sbin")
UNUSED = ("usr/share/doc", "usr/share/locale", "usr/share/man", "usr/share/info", "usr/share/zoneinfo")
TIMEOUT_S = 600


class FetchError(Exception):
    """There is no such program here and it could not be fetched; one sentence with the remedy."""


@dataclass(frozen=True)
class Program:
    """An unpacked or installed program: `command` starts it, `root` is the folder that holds its `usr`."""

    command: tuple[str, ...]
    root: Path
    version: str


def asterisk(cache: Path = CACHE) -> Program:
    """The machine's Asterisk if it is new enough, else one from the cache, else one fetched into it."""
    return present(cache) or _unpacked(fetched("asterisk", cache))


def present(cache: Path = CACHE) -> Program | None:
    """The Asterisk that `asterisk` would give without fetching one; None if there is none."""
    return _installed() or (_unpacked(cache / "asterisk") if (cache / "asterisk" / ".complete").exists() else None)


def _installed() -> Program | None:
    for place in filter(None, (shutil.which("asterisk"), str(SBIN / "asterisk"))):
        if Path(place).exists() and new_enough(version := asterisk_version((place,))):
            return Program((place,), Path("/"), version)
    return None


def _unpacked(root: Path) -> Program:
    command = loaded(root, "usr/sbin/asterisk")
    return Program(command, root, asterisk_version(command))


def sipp(cache: Path = CACHE) -> Program:
    place = shutil.which("sipp")
    if place:
        return Program((place,), Path("/"), "")
    root = fetched("sipp", cache)
    return Program(loaded(root, "usr/bin/sipp"), root, "")


def logrotate(cache: Path = CACHE) -> Program:
    place = shutil.which("logrotate") or shutil.which(str(SBIN / "logrotate"))
    if place:
        return Program((place,), Path("/"), "")
    root = fetched("logrotate", cache)
    return Program(loaded(root, "usr/sbin/logrotate"), root, "")


def mariadb(cache: Path = CACHE) -> Program:
    place = shutil.which("mariadbd") or shutil.which(str(SBIN / "mariadbd"))
    if place:
        return Program((place,), Path("/"), "")
    root = fetched("mariadb", cache)
    return Program(loaded(root, "usr/sbin/mariadbd"), root, "")


def loaded(root: Path, program: str) -> tuple[str, ...]:
    """The command of an unpacked program, started by its own loader so that the host's C library does not matter."""
    # Debian 12's C library still lies in /lib, which later releases merged into /usr/lib.
    libraries = sorted({str(Path(path).parent) for place in ("usr/lib", "lib") for path in glob.glob(f"{root}/{place}/*/lib*.so.*")})
    loaders = [path for place in ("usr/lib", "lib") for path in glob.glob(f"{root}/{place}/*/ld-linux-*.so.*")]
    if not libraries or not loaders:
        raise FetchError(f"{root} holds no C library; remove that folder and run this again")
    return (loaders[0], "--library-path", ":".join(libraries), str(root / program))


def fetched(name: str, cache: Path = CACHE) -> Path:
    """The folder with the unpacked packages of `name` (a key of PACKAGES); fetches them the first time."""
    root = cache / name
    stamp = root / ".complete"
    with _lock(cache):
        if not stamp.exists():
            _need(name, "apt-get", "apt-cache", "dpkg")
            say(f"fetching {name} with this machine's apt into {root} (once)")
            with tempfile.TemporaryDirectory(dir=cache, prefix=f"{name}-") as work:
                suite = _unpack(name, Path(work))
                (Path(work) / "root" / ".complete").write_text(suite + "\n")
                if root.exists():
                    shutil.rmtree(root)
                (Path(work) / "root").rename(root)
    return root


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


@contextmanager
def _lock(cache: Path) -> Iterator[None]:
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with (cache / ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise FetchError(f"{cache} cannot be used ({error}); make it writable, with 500 MB free") from error


def _need(name: str, *programs: str) -> None:
    for program in programs:
        if not shutil.which(program):
            raise FetchError(f"no {WANTED[name]} is here, nor {program} to fetch one: install {WANTED[name]}, or use Debian or Ubuntu")


def _unpack(name: str, work: Path) -> str:
    """Fetch and unpack into `work`/root; the suite the packages came from."""
    distribution, suites = _release(name)
    problems = []
    for n, (mirror, suite) in enumerate((mirror, suite) for mirror in _mirrors(distribution) for suite in suites):
        root = work / str(n)  # what one suite could not complete is not mixed with the next
        options = _private_root(root, f"deb [signed-by={_keyring(distribution)}] {mirror} {suite} {COMPONENTS[distribution]}\n")
        updated = _run(["apt-get", *options, "update"])
        if updated.returncode or "Err:" in updated.stdout:
            problems.append(f"{suite}: {_last_line(updated)}")
            continue
        if not _offers(name, options):
            problems.append(f"{suite}: no {name} that is new enough")
            continue
        got = _run(["apt-get", *options, "--yes", "--no-install-recommends", "--download-only", "install", *PACKAGES[name]])
        if got.returncode:
            problems.append(f"{suite}: {_last_line(got)}")
            continue
        for package in sorted((root / "cache" / "archives").glob("*.deb")):
            done = _run(["dpkg", "-x", str(package), str(work / "root")])
            if done.returncode:
                raise FetchError(f"{package.name} cannot be unpacked ({_last_line(done)}); is there 500 MB free in {work.parent}?")
        for unused in UNUSED:
            shutil.rmtree(work / "root" / unused, ignore_errors=True)
        return suite
    why = "; ".join(dict.fromkeys(problems))
    raise FetchError(f"{name} could not be fetched ({why}); check this machine's network and its package mirror")


def _release(name: str) -> tuple[str, Sequence[str]]:
    """This machine's distribution, and the suites to look in: its own, then later ones."""
    text = OS_RELEASE.read_text(errors="replace") if OS_RELEASE.exists() else ""
    release = dict(re.findall(r'^(ID|VERSION_CODENAME)="?([a-z]+)"?$', text, re.M))
    distribution = release.get("ID", "")
    if distribution not in LATER_SUITES:
        raise FetchError(f"this is {distribution or 'an unknown system'}, not Debian or Ubuntu: install {WANTED[name]}")
    own = release.get("VERSION_CODENAME")
    return distribution, tuple(dict.fromkeys([*([own] if own else []), *LATER_SUITES[distribution]]))


def _private_root(root: Path, source: str) -> list[str]:
    for folder in ("state/lists/partial", "cache/archives/partial", "etc"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    (root / "state" / "status").touch()
    (root / "etc" / "sources.list").write_text(source)
    settings = {
        "Dir::Etc::sourcelist": root / "etc" / "sources.list", "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferences": "/dev/null", "Dir::Etc::preferencesparts": "/dev/null",
        "Dir::State": root / "state", "Dir::State::status": root / "state" / "status", "Dir::Cache": root / "cache", "Dir::Log": root,
        "Acquire::Check-Valid-Until": "false", "Acquire::Languages": "none", "Acquire::Retries": "3",
        "APT::Sandbox::User": "root", "APT::Get::List-Cleanup": "false",
    }  # fmt: skip
    return [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]


def _mirrors(distribution: str) -> list[str]:
    """The addresses that may be the distribution's archive, likeliest first: from apt's lists, then from its sources files.

    Archives of others end alike (`https://download.docker.com/linux/debian`); the archive's keys tell which one is real.
    """
    listed = [line.rpartition(" ") for line in _run(["apt-get", "indextargets", "--format", "$(ORIGIN) $(REPO_URI)"]).stdout.splitlines()]
    found = [address for _, _, address in sorted(listed, key=lambda line: line[0].lower() != distribution)]
    for path in [APT / "sources.list", *sorted((APT / "sources.list.d").glob("*"))]:
        if path.suffix in (".list", ".sources") and path.is_file():
            found += _addresses(path.read_text(errors="replace"))
    for address in list(found):  # Debian's cloud images name a file of mirrors
        if address.startswith("mirror+file:") and (path := Path(re.sub("^mirror[+]file:/*", "/", address).rstrip("/"))).is_file():
            found += re.findall(r"^([a-z]+:\S+)", path.read_text(errors="replace"), re.M)
    addresses = dict.fromkeys(address.rstrip("/") for address in found)
    archives = [address for address in addresses if re.search(rf"/({ARCHIVES[distribution]})$", address)]
    if not archives:
        raise FetchError(f"this machine's apt names no Debian or Ubuntu archive; complete {APT}/sources.list")
    return archives


def _addresses(text: str) -> list[str]:
    """The addresses that a sources file names for binary packages, in either spelling."""
    text = re.sub(r"^[ \t]*#.*\n?", "", text, flags=re.M)
    found = re.findall(r"^deb\s+(?:\[[^]]*\]\s+)?(\S+)", text, re.M)
    for stanza in re.split(r"\n\s*\n", text):
        fields = {key.lower(): value.split() for key, value in re.findall(r"^([\w-]+):(.*(?:\n[ \t].*)*)", stanza, re.M)}
        if "deb" in fields.get("types", []) and fields.get("enabled") not in (["no"], ["false"], ["0"]):
            found += fields.get("uris", [])
    return found


def _keyring(distribution: str) -> Path:
    for path in KEYRINGS[distribution]:
        if path.exists():
            return path
    raise FetchError(f"the archive's keys are missing; install {distribution}-{'archive-' if distribution == 'debian' else ''}keyring")


def _offers(name: str, options: list[str]) -> bool:
    policy = _run(["apt-cache", *options, "policy", PACKAGES[name][0]]).stdout
    candidate = re.search(r"Candidate: (?:\d+:)?(\S+)", policy)
    if not candidate or candidate[1] == "(none)":
        return False
    return name != "asterisk" or new_enough(candidate[1])


def new_enough(version: str) -> bool:
    numbers = re.match(r"(\d+)\.(\d+)", version)
    return numbers is not None and (int(numbers[1]), int(numbers[2])) >= OLDEST


def asterisk_version(command: tuple[str, ...]) -> str:
    found = re.search(r"Asterisk (\d+\.\d+[\w.~+-]*)", _run([*command, "-V"]).stdout)
    return found[1] if found else ""


def _run(command: list[str]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            command, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=TIMEOUT_S, env=os.environ | {"LC_ALL": "C"}, check=False,
        )  # fmt: skip
    except OSError as error:  # told as a shell would
        return subprocess.CompletedProcess(command, 127, f"E: {command[0]} cannot be run: {error.strerror}\n")
    except subprocess.TimeoutExpired:
        raise FetchError(f"{command[0]} did not end within {TIMEOUT_S} s; check this machine's network and its package mirror") from None


def _last_line(done: subprocess.CompletedProcess[str]) -> str:
    lines = [line for line in done.stdout.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith("E:")]
    return (errors or lines or [f"exit code {done.returncode}"])[0]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m dialplan.fetch", description="Find or fetch a program; prints its command.")
    parser.add_argument("program", choices=list(PACKAGES))
    parser.add_argument("--cache", type=Path, default=CACHE)
    given = parser.parse_args()
    try:
        print(*{"asterisk": asterisk, "sipp": sipp, "mariadb": mariadb, "logrotate": logrotate}[given.program](given.cache).command)
    except FetchError as error:
        sys.exit(f"carillon: {error}")


if __name__ == "__main__":
    main()
