"""The installation's folder: its settings, whose its files are and who may read them, and the room they have."""

import configparser
import contextlib
import io
import ipaddress
import os
import pwd
import re
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from dialplan import runtime
from dialplan.checks.facts import Facts
from dialplan.checks.finding import Seen, fault, fine, listing, skipped, warning
from sql import numbers, sip
from sql.settings import KEYS, PORTS

MB = 1 << 20
LEAST_FREE, LITTLE_FREE = 200 * MB, 1024 * MB
LEAST_INODES = 1000
MUCH_LOG = 1024 * MB
MOST_FILES = 5000  # looked at
SECRETS = ("carillon.ini", "admin.json", "carillon.sqlite", "asterisk/etc/carillon_manager.conf", "asterisk/etc/" + runtime.ACCOUNTS)
WRITTEN = ("", "run", "log", "recordings", "imports", "asterisk", "asterisk/log")
HOURS = re.compile(r"([01][0-9]|2[0-4]):([0-5][0-9])-([01][0-9]|2[0-4]):([0-5][0-9])", re.ASCII)
DESTINATION = re.compile(r"\*|\+[1-9][0-9]{0,14}", re.ASCII)


def readable(facts: Facts) -> Seen:
    """The file carillon.ini is there, can be read, and holds no unknown key."""
    path = facts.home / "carillon.ini"
    if not facts.home.is_dir():
        return fault(f"there is no folder {facts.home}", "correct --home, or make a new installation: carillon init --home DIR")
    if not path.exists():
        return fault(f"there is no {path}", f"correct --home, or make a new installation: carillon init --home {facts.home}")
    parser = configparser.ConfigParser(interpolation=None, default_section="\0")
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
    except OSError as error:
        return fault(f"{path} cannot be read: {error.strerror}", f"run this as the user whose it is ({_owner(path)})")
    except UnicodeDecodeError as error:
        return fault(f"{path} is not UTF-8 (byte {error.start})", "save it as UTF-8")
    except configparser.Error as error:
        return fault(
            f"{path} cannot be read: {' '.join(str(error).split())}", "correct that line; each setting is `key = value` below a [section]"
        )
    wrong = [f"[{section}] {key}" for section in parser.sections() for key in parser[section] if (section, key) not in KEYS]
    if wrong:
        return fault(f"{path}: unknown key {listing(wrong)}", "remove it or correct its name")
    with contextlib.redirect_stderr(io.StringIO()):  # what it warns of is a check of its own
        facts.config  # noqa: B018
    return fine(f"{path} is understood")


def values(facts: Facts) -> Seen:
    """Every setting is of its form: ports, addresses, networks, hours, country, URL of the store."""
    wrong = [f"[{section}] {key} is {facts.config.text(section, key)!r}; write {form}" for section, key, form in _wrong(facts)]
    return fault(wrong[0].partition(";")[0], wrong[0].partition("; ")[2]) if wrong else fine("every setting is of its form")


def _wrong(facts: Facts) -> Iterator[tuple[str, str, str]]:
    for (section, key), (right, form) in FORMS.items():
        if not right(facts.config.text(section, key)):
            yield section, key, form


def _network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _each(right: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda text: all(right(word.strip()) for word in text.split(",") if word.strip())


def _or_empty(right: Callable[[str], bool]) -> Callable[[str], bool]:
    return lambda text: not text or right(text)


def _number(least: int, most: int) -> Callable[[str], bool]:
    return lambda text: text.isascii() and text.isdigit() and least <= int(text) <= most


def _country(text: str) -> bool:
    try:
        numbers.country_prefix(text)
    except numbers.NumberError:
        return False
    return True


def _hours(text: str) -> bool:
    found = HOURS.fullmatch(text)
    return found is not None and tuple(found.groups()[:2]) < tuple(found.groups()[2:]) <= ("24", "00")


FORMS: dict[tuple[str, str], tuple[Callable[[str], bool], str]] = {
    ("carillon", "port_base"): (_number(1, 65535 - max(PORTS.values())), f"a number from 1 to {65535 - max(PORTS.values())}"),
    ("carillon", "node"): (lambda text: bool(runtime.NAME.fullmatch(text)), "a name of 1 to 40 plain characters"),
    ("carillon", "profile"): (lambda text: text in ("production", "evaluation"), "production or evaluation"),
    ("store", "url"): (_or_empty(lambda text: urlsplit(text).scheme in ("sqlite", "mysql")), "sqlite:////path/file or mysql://user:password@host/name"),
    ("api", "bind"): (_address, "an address of this machine, such as 127.0.0.1"),
    ("api", "query_credentials"): (lambda text: text.lower() in ("yes", "no"), "yes or no"),
    ("api", "trusted_proxy"): (_or_empty(_address), "the proxy's address, or nothing"),
    ("sip", "bind"): (_address, "an address of this machine, or 0.0.0.0"),
    ("sip", "external_address"): (_or_empty(sip.is_host), "a public address or name, or nothing"),
    ("sip", "local_net"): (_each(_network), "networks such as 192.168.0.0/16, comma separated"),
    ("ami", "host"): (_or_empty(sip.is_host), "a host, or nothing for an Asterisk of our own"),
    ("ami", "port"): (_or_empty(_number(1, 65535)), "a port, or nothing"),
    ("ami", "user"): (lambda text: bool(runtime.WORD.fullmatch(text)), "a manager user's name"),
    ("ami", "secret"): (lambda text: bool(sip.SECRET.fullmatch(text)), "a secret of printable characters without space and semicolon"),
    ("push", "allow"): (_each(_network), "networks such as 10.1.2.0/24, comma separated"),
    ("push", "retry_after"): (_each(_number(1, 10**7)), "seconds, comma separated"),
    ("calling", "hours"): (_hours, "hours such as 08:00-21:00"),
    ("calling", "destinations"): (_each(lambda text: bool(DESTINATION.fullmatch(text))), "prefixes such as +49,+43, or *"),
    ("calling", "country"): (_or_empty(_country), "two letters, such as DE"),
}  # fmt: skip


def environment(facts: Facts) -> Seen:
    """Every CARILLON_ variable names a setting; beside running parts, theirs."""
    known = {f"CARILLON_{section}_{key}".upper() for section, key in KEYS} | {"CARILLON_HOME"}
    unknown = sorted(set(facts.environment) - known)
    if unknown:
        return warning(f"{listing(unknown)} in the environment names no setting", "correct the name: CARILLON_<SECTION>_<KEY>")
    used = sorted(set(facts.environment) & known - {"CARILLON_HOME"})
    return fine(f"{listing(used)} of the environment are used" if used else "no setting comes from the environment")


def owners(facts: Facts) -> Seen:
    """All files of the folder are its owner's."""
    whose = facts.home.stat().st_uid
    others = [path for path in _files(facts.home) if path.lstat().st_uid != whose]
    if others:
        names = listing([f"{path.relative_to(facts.home)} ({_owner(path)})" for path in others])
        return fault(
            f"of {facts.home}, whose owner is {_owner(facts.home)}, others own {names}", f"chown -R {_owner(facts.home)} {facts.home}"
        )
    return fine(f"all files are {_owner(facts.home)}'s")


def _files(home: Path) -> Iterator[Path]:
    count = 0
    for folder, names, files in os.walk(home):
        for name in (*names, *files):
            count += 1
            if count > MOST_FILES:
                return
            yield Path(folder) / name


def _owner(path: Path) -> str:
    number = path.lstat().st_uid
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def secrets(facts: Facts) -> Seen:
    """The files carillon.ini, admin.json, the store, Asterisk's files with secrets and uploads are closed to others."""
    paths = [facts.home / name for name in SECRETS if (facts.home / name).exists()]
    url = facts.config.store_url
    paths += [path for path in (facts.home / "imports").glob("*") if path.is_file()]
    if url.startswith("sqlite:") and (path := Path(unquote(urlsplit(url).path[1:]))).exists() and path not in paths:
        paths.append(path)
    wide = [path for path in paths if _open_to_others(path) and all(_open_to_others(above) for above in _above(facts.home, path))]
    if wide:
        names = " ".join(str(path) for path in wide)
        modes = listing([f"{path.name} ({stat.S_IMODE(path.stat().st_mode):o})" for path in wide])
        return fault(f"others than the owner may open {modes}", f"chmod 600 {names}")
    return fine("secrets are the owner's alone")


def _open_to_others(path: Path) -> bool:
    return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


def _above(home: Path, path: Path) -> list[Path]:
    """The folders of the installation that lead to it."""
    return [folder for folder in path.parents if folder == home or home in folder.parents]


def disk(facts: Facts) -> Seen:
    """Room and files are left on the disk."""
    seen = os.statvfs(facts.home)
    free, inodes = seen.f_bavail * seen.f_frsize, seen.f_favail
    remedy = f"make room where {facts.home} lies; old logs and Asterisk's CDR and CEL files may go to an archive"
    if free < LEAST_FREE or (seen.f_files and inodes < LEAST_INODES):
        return fault(f"{free // MB} MB and {inodes} files are free", remedy)
    return warning(f"only {free // MB} MB are free", remedy) if free < LITTLE_FREE else fine(f"{free // MB} MB are free")


def logs(facts: Facts) -> Seen:
    """What parts write to can be written; logs are not too big."""
    folders = [facts.home / name for name in WRITTEN if (facts.home / name).exists()]
    shut = [str(path) for path in folders if not os.access(path, os.W_OK | os.X_OK) or not path.stat().st_mode & 0o200]
    if shut:
        return fault(f"{listing(shut)} cannot be written to", f"let {_owner(facts.home)} write there: chmod u+rwx, or mount it writable")
    if not (facts.home / "log").exists():
        return skipped("there are no logs yet")
    places = [facts.home / "log", facts.home / "asterisk" / "log"]
    size = sum(path.stat().st_size for place in places if place.exists() for path in place.rglob("*") if path.is_file())
    if size > MUCH_LOG:
        return warning(f"logs take {size // MB} MB", "let logrotate take care of log/ and asterisk/log/")
    return fine(f"logs take {size // MB} MB and can be written")
