"""One installation's settings: the table of every key, and how `carillon.ini` and the environment are read.

`carillon.ini` lies in the installation's folder (its *home*); every key can be overridden by the environment variable
`CARILLON_<SECTION>_<KEY>`. Knows no part of Carillon and starts nothing.
"""

import configparser
import os
import re
import secrets
import socket
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sql import numbers

PORT_BASE = 7000
PORTS = {  # offset from the port base
    "api": 0, "ami": 1, "agi": 2, "sip": 3, "metrics": 4, "carrier_sip": 10, "carrier_ami": 11,
    "rtp": 100, "rtp_end": 2099, "carrier_rtp": 2100, "carrier_rtp_end": 2999,
}  # fmt: skip

KEYS: dict[tuple[str, str], tuple[str, str]] = {
    ("carillon", "port_base"): (
        str(PORT_BASE),
        "First of this installation's ports: API N, AMI N+1, FastAGI N+2, SIP N+3, simulated carrier N+10, RTP N+100 on.",
    ),
    ("carillon", "node"): ("main", "This engine's name. Engines that share one store need different names."),
    ("carillon", "profile"): (
        "production",
        "`evaluation` brings up a simulated carrier as trunk `demo`; `production` brings up none.",
    ),
    ("store", "url"): ("", "Where the data lies. Empty: sqlite, in this folder. Or mysql://user:password@host/database"),
    ("api", "bind"): ("127.0.0.1", "Address on which the HTTP methods are offered."),
    ("api", "query_credentials"): ("no", "`yes` accepts user name and password in a URL, where logs and proxies see them."),
    ("api", "trusted_proxy"): (
        "",
        "Address of a proxy in front, such as 127.0.0.1, whose X-Forwarded-For, -Proto and -Host are believed. Empty: none.",
    ),
    ("sip", "bind"): ("127.0.0.1", "Address of our own Asterisk's SIP and RTP. For a real trunk: 0.0.0.0 or this machine's."),
    ("sip", "external_address"): ("", "Public address told to trunks, when this machine stands behind NAT."),
    ("sip", "local_net"): ("", "Networks that are not behind that NAT, comma separated, such as 192.168.0.0/16"),
    ("ami", "host"): ("", "Empty: Carillon runs an Asterisk of its own. Else the Asterisk beside which it works."),
    ("ami", "port"): ("", "Manager port. Empty: port_base + 1 of our own Asterisk, 5038 of another."),
    ("ami", "user"): ("carillon", "Manager user."),
    ("ami", "secret"): ("", "Manager secret. Made up at first start for our own Asterisk."),
    ("asterisk", "etc"): ("/etc/asterisk", "That other Asterisk's configuration, into which `carillon asterisk install` adds ours."),
    ("asterisk", "log"): ("/var/log/asterisk", "Its log folder (astlogdir), where the call records lie that we ask it for."),
    ("asterisk", "transport"): ("", "Which of its UDP transports (pjsip.conf) trunks and extensions use. Empty: the only one."),
    ("push", "allow"): ("", "Networks that are not public but may be pushed to, comma separated, such as 10.1.2.0/24"),
    ("push", "retry_after"): (
        "5,300,1800,7200,18000,36000,50400,72000,86400",
        "Seconds to wait after each failed try of a push; after the last one it is given up.",
    ),
    ("calling", "hours"): ("08:00-21:00", "No call outside these hours of the called person's own zone; 00:00-24:00 lifts it."),
    ("calling", "destinations"): ("", "Prefixes that may be called, such as +49,+43; * is all; empty is the home country."),
    ("calling", "country"): ("", "Home country (two letters, such as DE). Empty: only E.164 numbers are understood."),
}


class SettingsError(Exception):
    """The installation's settings are wrong; the text says which key and what to do."""


@dataclass(frozen=True)
class Settings:
    """Settings of the installation in folder `home`. `values` maps (section, key) to text, defaults filled in."""

    home: Path
    values: dict[tuple[str, str], str]

    def text(self, section: str, key: str) -> str:
        return self.values[section, key]

    def words(self, section: str, key: str) -> list[str]:
        return [word.strip() for word in self.text(section, key).split(",") if word.strip()]

    def flag(self, section: str, key: str) -> bool:
        word = self.text(section, key).lower()
        if word not in ("yes", "no"):
            raise SettingsError(f"[{section}] {key} is {word!r}; write yes or no")
        return word == "yes"

    def number(self, section: str, key: str) -> int:
        word = self.text(section, key)
        if not (word.isascii() and word.isdigit()):
            raise SettingsError(f"[{section}] {key} is {word!r}; write a whole number")
        return int(word)

    def port(self, part: str) -> int:
        """The port of `part` (a key of PORTS)."""
        return self.number("carillon", "port_base") + PORTS[part]

    @property
    def node(self) -> str:
        return self.text("carillon", "node")

    @property
    def store_url(self) -> str:
        return self.text("store", "url") or f"sqlite:///{self.home}/carillon.sqlite"

    @property
    def destinations(self) -> tuple[str, ...]:
        """The prefixes that may be called: as set, or the home country's, or none."""
        country = self.text("calling", "country")
        try:
            return tuple(self.words("calling", "destinations") or ([numbers.country_prefix(country)] if country else []))
        except numbers.NumberError as error:
            raise SettingsError(f"[calling] country: {error}") from None

    @property
    def asterisk_records(self) -> tuple[Path, Path]:
        """The CDR and the CEL file that Asterisk writes for us: append-only, the last witnesses of a call."""
        log = self.home / "asterisk" / "log" if self.own_asterisk else Path(self.text("asterisk", "log"))
        return log / "cdr-custom" / "carillon.csv", log / "cel-custom" / "carillon-cel.csv"

    @property
    def own_asterisk(self) -> bool:
        return not self.text("ami", "host")

    @property
    def ami(self) -> tuple[str, int, str, str]:
        """(host, port, user, secret) of the manager interface."""
        host = self.text("ami", "host") or "127.0.0.1"
        given = self.text("ami", "port")
        port = self.number("ami", "port") if given else (self.port("ami") if self.own_asterisk else 5038)
        return host, port, self.text("ami", "user"), self.text("ami", "secret")


def read(home: Path | str | None = None, environment: Mapping[str, str] = os.environ) -> Settings:
    """Settings of the installation in `home` (default: $CARILLON_HOME). SettingsError if there is none or a key is unknown."""
    folder = Path(home or environment.get("CARILLON_HOME") or "").absolute()
    return Settings(folder, written(folder) | _from_environment(environment))


def written(home: Path) -> dict[tuple[str, str], str]:
    """What `carillon.ini` says, defaults filled in; the environment is not asked."""
    path = home / "carillon.ini"
    parser = configparser.ConfigParser(interpolation=None, default_section="\0")
    try:
        parser.read_string(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"no {path}; `carillon init --home {home}` writes one, `carillon up` too at its first start") from None
    except (configparser.Error, OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} cannot be read: {error}") from None
    values = {where: default for where, (default, _) in KEYS.items()}
    for section in parser.sections():
        for key, value in parser[section].items():
            if (section, key) not in KEYS:
                raise SettingsError(f"{path}: unknown key [{section}] {key}; remove it or correct its name")
            values[section, key] = value.strip()
    return values


def _from_environment(environment: Mapping[str, str]) -> dict[tuple[str, str], str]:
    names = {f"CARILLON_{section}_{key}".upper(): (section, key) for section, key in KEYS}
    found = {}
    for name, value in environment.items():
        if name in names:
            found[names[name]] = value
        elif name.startswith("CARILLON_") and name != "CARILLON_HOME":
            print(f"warning: environment variable {name} names no setting and is not used", file=sys.stderr)
    return found


def write_first(home: Path, port_base: int = PORT_BASE, **changes: str) -> Path:
    """Write `carillon.ini` with every key present and explained, mode 0600; an existing one is left as it is.

    `changes` are values by `section__key`, such as `carillon__profile="evaluation"`.
    """
    home.mkdir(parents=True, exist_ok=True)
    path = home / "carillon.ini"
    if path.exists():
        return path
    given = {"carillon__port_base": str(port_base), "ami__secret": secrets.token_hex(24)} | changes
    lines = [f"# Settings of this Carillon installation on {socket.gethostname()}. Changed keys act after a restart."]
    section = ""
    for (part, key), (default, meaning) in KEYS.items():
        if part != section:
            section = part
            lines.append(f"\n[{section}]")
        lines += [f"# {meaning}", f"{key} = {given.get(f'{part}__{key}', default)}".rstrip()]
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    _hand_over(path)
    return path


def change(home: Path, values: dict[tuple[str, str], str]) -> None:
    """Set these keys in `carillon.ini` in one step; every other line stays as it is."""
    path = home / "carillon.ini"
    left = {key: value for key, value in values.items() if value != written(home)[key]}
    lines, section = [], ""
    for line in path.read_text(encoding="utf-8").splitlines():
        section = line.strip()[1:-1] if re.fullmatch(r"\s*\[.*\]\s*", line) else section
        key = line.partition("=")[0].strip()
        lines.append(f"{key} = {left.pop((section, key))}".rstrip() if (section, key) in left else line)
    for (section, key), value in left.items():  # of a file from before there was this key
        if f"[{section}]" not in lines:
            lines += ["", f"[{section}]"]
        lines.insert(lines.index(f"[{section}]") + 1, f"{key} = {value}")
    new = path.with_name(".carillon.ini.new")
    new.unlink(missing_ok=True)
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    _hand_over(new)
    new.replace(path)


def _hand_over(path: Path) -> None:
    """What root writes into an installation is its owner's."""
    owner = path.parent.stat()
    if os.geteuid() == 0:
        os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
