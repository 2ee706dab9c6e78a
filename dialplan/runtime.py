"""An Asterisk of our own: its folder, its configuration, its command. Two of them exist: the engine's, and the simulated carrier.

Writes files and names commands; started itself, it becomes that Asterisk.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from ipaddress import IPv6Address
from pathlib import Path

from dialplan import fetch
from dialplan.fetch import Program
from sql.settings import PORTS, Settings, SettingsError, read
from sql.trunks import Line

HERE = Path(__file__).parent
AGI_SCRIPTS = HERE.parent / "agi"
SOCKET_LIMIT = 100  # a control socket's path has 107 bytes at most
UNSET = ("acl.conf", "ccss.conf", "features.conf", "indications.conf", "pjproject.conf", "udptl.conf")  # missed loudly if absent
MODULES_OF_CARRIER = ("app_senddtmf.so",)
CONTROL_TIMEOUT_S = 10
TRUNKS_HEAD = "; The trunks, as they are in the store. Written by the provisioner; do not edit.\n"

ADDRESS = re.compile(r"[0-9A-Fa-f:.]{2,45}(/[0-9]{1,3})?", re.ASCII)
_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*"  # a name, or an IPv4 address
HOST = re.compile(_HOST, re.ASCII)
ACCOUNT = re.compile(rf"[A-Za-z0-9_.+~-]{{1,80}}(@{_HOST})?", re.ASCII)
PATH = re.compile(r"/[^\x00-\x1f;\x7f\ud800-\udfff]*")
NAME = re.compile(r"[ -:<-~]{1,40}", re.ASCII)
WORD = re.compile(r"[A-Za-z0-9_.+@~-]{1,80}", re.ASCII)
SECRET = re.compile(r"[!-:<-~]{1,200}", re.ASCII)  # printable, no space, no semicolon (a comment in Asterisk's files)
CODECS = re.compile(r"(ulaw|alaw|g722|gsm)(,(ulaw|alaw|g722|gsm))*", re.ASCII)  # those that modules.conf loads


class ConfigError(Exception):
    """A value cannot be written into Asterisk's files; the text names the thing and the field."""


@dataclass(frozen=True)
class Instance:
    """One Asterisk in its folder: `folder`/etc, data, log … and how to start it."""

    program: Program
    folder: Path

    @property
    def command(self) -> list[str]:
        return [*self.program.command, "-f", "-C", str(self.folder / "etc" / "asterisk.conf")]

    def control(self, command: str) -> str:
        """What the running Asterisk answers to `command` on its control socket. OSError if it does not run."""
        done = subprocess.run(
            [*self.program.command, "-C", str(self.folder / "etc" / "asterisk.conf"), "-rx", command],
            text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=CONTROL_TIMEOUT_S, check=False,
        )  # fmt: skip
        if done.returncode:
            raise OSError(f"Asterisk does not answer on its control socket: {done.stdout.strip()[:200]}")
        return done.stdout


def engine_instance(settings: Settings, program: Program) -> Instance:
    """Write the folder of the engine's Asterisk anew; trunks and records that are there stay."""
    folder = settings.home / "asterisk"
    instance = _lay_out(settings, program, folder, (HERE / "conf",))
    trunks = folder / "etc" / "carillon_trunks.conf"
    if not trunks.exists():
        write(trunks, TRUNKS_HEAD)
    _link(folder / "data" / "sounds" / "carillon", settings.home / "recordings")
    (settings.home / "recordings").mkdir(exist_ok=True)
    return instance


def carrier_instance(settings: Settings, program: Program) -> Instance:
    """Write the folder of the simulated carrier anew."""
    folder = settings.home / "carrier"
    return _lay_out(settings, program, folder, (HERE / "conf", HERE / "carrier"), MODULES_OF_CARRIER)


def _lay_out(settings: Settings, program: Program, folder: Path, places: tuple[Path, ...], modules: tuple[str, ...] = ()) -> Instance:
    for name in ("etc", "lib", "data/sounds", "spool", "log/cdr-custom", "log/cel-custom", "lib/keys"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    _link(folder / "data" / "sounds" / "en", _sounds(program))
    _link(folder / "data" / "documentation", program.root / "usr/share/asterisk/documentation")
    values = _values(settings, program, folder)
    for name in UNSET:
        write(folder / "etc" / name, "; nothing to set\n")
    sources = {path.name: path for place in places for path in sorted(place.glob("*.conf"))}
    for name, path in sources.items():
        if modules and name.startswith("carillon_"):
            continue
        more = "".join(f"load = {module}\n" for module in modules) if name == "modules.conf" else ""
        write(folder / "etc" / name, fill(path.read_text(), values) + more)
    return Instance(program, folder)


def _values(settings: Settings, program: Program, folder: Path) -> dict[str, str]:
    modules = next(iter(sorted(program.root.glob("usr/lib/*/asterisk/modules"))), Path("/usr/lib/asterisk/modules"))
    _, _, user, secret = settings.ami
    ports = {f"PORT_{part.upper()}": str(settings.port(part)) for part in PORTS}
    return ports | {
        "FOLDER": checked(PATH, str(folder), "the installation's folder"), "RUN": str(_run_folder(folder)),
        "MODULES": checked(PATH, str(modules), "Asterisk's folder"), "AGI_SCRIPTS": checked(PATH, str(AGI_SCRIPTS), "Carillon's folder"),
        "AGI": f"agi://127.0.0.1:{settings.port('agi')}/", "NODE": checked(NAME, settings.node, "[carillon] node"),
        "AMI_USER": checked(WORD, user, "[ami] user"),
        "AMI_SECRET": checked(SECRET, secret, "[ami] secret"),
        "SIP_BIND": checked(ADDRESS, settings.text("sip", "bind"), "[sip] bind"),
        "NAT": _nat(settings),
    }  # fmt: skip


def _nat(settings: Settings) -> str:
    lines = []
    if external := settings.text("sip", "external_address"):
        address = _address(external, "[sip] external_address")
        lines += [f"external_media_address = {address}", f"external_signaling_address = {address}"]
    lines += [f"local_net = {checked(ADDRESS, net, '[sip] local_net')}" for net in settings.words("sip", "local_net")]
    return "\n".join(lines)


def _run_folder(folder: Path) -> Path:
    """Where the control socket lies: in the folder, or for one whose name is too long for a socket, in a private temporary one."""
    inside = folder / "run"
    if len(os.fsencode(inside / "asterisk.ctl")) <= SOCKET_LIMIT:
        if inside.is_symlink():
            inside.unlink()
        inside.mkdir(exist_ok=True)
        return inside
    if not inside.is_symlink() or not inside.exists():
        if inside.is_dir():  # of an installation that was moved here
            shutil.rmtree(inside)
        inside.unlink(missing_ok=True)
        inside.symlink_to(tempfile.mkdtemp(prefix="carillon-"))
    return inside.readlink()


def _sounds(program: Program) -> Path:
    sounds = program.root / "usr/share/asterisk/sounds"
    return next((path for path in (sounds / "en", *sorted(sounds.glob("en*"))) if path.is_dir()), sounds)


def _link(path: Path, target: Path) -> None:
    if path.is_symlink() and path.readlink() == target:
        return
    path.unlink(missing_ok=True)
    path.symlink_to(target)


def fill(text: str, values: dict[str, str]) -> str:
    """Replace every @NAME@. ConfigError for a name without value."""

    def value(found: re.Match[str]) -> str:
        if found[1] not in values:
            raise ConfigError(f"@{found[1]}@ has no value")
        return values[found[1]]

    return re.sub(r"@([A-Z_]+)@", value, text)


def checked(pattern: re.Pattern[str], value: str, what: str) -> str:
    """`value`, if it is of the pattern; else ConfigError naming `what`."""
    if not pattern.fullmatch(value):
        raise ConfigError(f"{what} is {value!r}, which cannot be written into Asterisk's configuration; correct it")
    return value


def write(path: Path, text: str, mode: int = 0o600) -> None:
    """Write a file in one step: a reader sees the old one or the new one."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).chmod(mode)
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)


def _address(value: str, what: str) -> str:
    """A host's name, IPv4 or IPv6 address; else ConfigError."""
    try:
        return str(value) if IPv6Address(value).scope_id is None else checked(HOST, value, what)
    except ValueError:
        return checked(HOST, value, what)


def _within(number: int, least: int, most: int, what: str) -> str:
    if not least <= number <= most:
        raise ConfigError(f"{what} is {number}, which is not from {least} to {most}; correct it")
    return str(number)


def trunk_conf(line: Line) -> str:
    """The PJSIP sections of a trunk: `trunk-<id>`. ConfigError names the trunk and the field."""
    name = f"trunk-{int(line.id)}"
    what = f"trunk {line.name!r} (id {line.id}):"
    host = _address(line.host, f"{what} host")
    where = f"{f'[{host}]' if ':' in host else host}:{_within(line.port, 1, 65535, f'{what} port')}"
    endpoint = {
        "type": "endpoint", "context": "carillon-refused", "aors": name, "disallow": "all",
        "allow": checked(CODECS, line.codecs, f"{what} codecs"), "direct_media": "no", "rtp_symmetric": "yes", "force_rport": "yes",
        "rewrite_contact": "no", "dtmf_mode": "rfc4733", "trust_id_outbound": "no", "send_pai": "no", "transport": "transport-udp",
    }  # fmt: skip
    aor = {"type": "aor", "contact": f"sip:{where}", "qualify_frequency": _within(line.qualify, 0, 3600, f"{what} qualify")}
    sections = [(name, endpoint), (name, aor)]
    if line.username:
        user, _, domain = checked(ACCOUNT, line.username, f"{what} username").partition("@")
        password = checked(SECRET, line.password or "", f"{what} password")
        sections.append((name, {"type": "auth", "auth_type": "digest", "username": line.username, "password": password}))
        # Asterisk refuses a trunk with an @ in from_user.
        endpoint |= {"outbound_auth": name, "from_user": user} | ({"from_domain": domain} if domain else {})
        if line.register:
            registration = {
                "type": "registration", "server_uri": f"sip:{where}", "client_uri": f"sip:{user}@{domain or where}",
                "outbound_auth": name, "transport": "transport-udp", "contact_user": user, "retry_interval": "20",
                "forbidden_retry_interval": "120", "max_retries": "100000", "expiration": "300",
            }  # fmt: skip
            sections.append((f"{name}-registration", registration))
    return "".join(f"\n[{title}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items()) for title, keys in sections)


def main() -> None:
    """`python -m dialplan.runtime [carrier]`: become the Asterisk of the installation in $CARILLON_HOME, or its simulated carrier."""
    try:
        make = carrier_instance if sys.argv[1:] == ["carrier"] else engine_instance
        instance = make(read(), fetch.asterisk())
    except (SettingsError, ConfigError, fetch.FetchError) as error:
        sys.exit(f"asterisk: {error}")
    os.execv(instance.command[0], instance.command)


if __name__ == "__main__":
    main()
