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
from pathlib import Path

from dialplan import fetch
from dialplan.fetch import Program
from sql import sip
from sql.settings import PORTS, Settings, SettingsError, read

HERE = Path(__file__).parent
AGI_SCRIPTS = HERE.parent / "agi"
SOCKET_LIMIT = 100  # a control socket's path has 107 bytes at most
UNSET = ("acl.conf", "ccss.conf", "features.conf", "pjproject.conf", "udptl.conf")  # missed loudly if absent
MODULES_OF_CARRIER = ("app_senddtmf.so",)
CONTROL_TIMEOUT_S = 10
ACCOUNTS = "carillon_accounts.conf"
ACCOUNTS_HEAD = "; The trunks and extensions, as they are in the store. Written by the provisioner; do not edit.\n"

ANY = ("0.0.0.0", "::")
ADDRESS = re.compile(r"[0-9A-Fa-f:.]{2,45}(/[0-9]{1,3})?", re.ASCII)
PATH = re.compile(r"/[^\x00-\x1f;\x7f\ud800-\udfff]*")
NAME = re.compile(r"[ -:<-~]{1,40}", re.ASCII)
WORD = re.compile(r"[A-Za-z0-9_.+@~-]{1,80}", re.ASCII)


class ConfigError(Exception):
    """A value cannot be written into Asterisk's files; the text names the thing and the field."""


@dataclass(frozen=True)
class Instance:
    """One Asterisk in its folder: `folder`/etc, data, log … and how to start it. `patience`: seconds for an answer of it."""

    program: Program
    folder: Path
    patience: float = CONTROL_TIMEOUT_S

    @property
    def etc(self) -> Path:
        return self.folder / "etc"

    @property
    def include(self) -> Path:
        """The file with the trunks and extensions."""
        return self.etc / ACCOUNTS

    @property
    def messages(self) -> str:
        """Where it says what it did not like."""
        return str(self.folder / "log" / "messages")

    @property
    def logs(self) -> list[Path]:
        """Files that it may say that in."""
        return [self.folder / "log" / "messages"]

    @property
    def command(self) -> list[str]:
        return [*self.program.command, "-f", "-C", str(self.etc / "asterisk.conf")]

    def control(self, command: str) -> str:
        """What the running Asterisk answers to `command` on its control socket. OSError if it does not run."""
        done = subprocess.run(
            [*self.program.command, "-C", str(self.etc / "asterisk.conf"), "-rx", command],
            text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=self.patience, check=False,
        )  # fmt: skip
        if done.returncode:
            raise OSError(f"Asterisk does not answer on its control socket: {done.stdout.strip()[:200]}")
        return done.stdout


def engine_instance(settings: Settings, program: Program) -> Instance:
    """Write the folder of the engine's Asterisk anew; accounts and records that are there stay."""
    folder = settings.home / "asterisk"
    instance = _lay_out(settings, program, folder, (HERE / "conf",))
    if not instance.include.exists():
        write(instance.include, ACCOUNTS_HEAD)
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
        "AMI_SECRET": checked(sip.SECRET, secret, "[ami] secret"),
        "SIP_BIND": checked(ADDRESS, settings.text("sip", "bind"), "[sip] bind"),
        "NAT": _nat(settings),
    }  # fmt: skip


def _nat(settings: Settings) -> str:
    lines = []
    if external := settings.text("sip", "external_address"):
        where = address(external, "[sip] external_address")
        lines += [f"external_media_address = {where}", f"external_signaling_address = {where}"]
    nets = settings.words("sip", "local_net")
    if nets and settings.text("sip", "bind") not in ANY:
        nets.append(settings.text("sip", "bind"))  # Asterisk lets the audio's address be unless its own one is local
    lines += [f"local_net = {checked(ADDRESS, net, '[sip] local_net')}" for net in nets]
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
            os.fchmod(handle, mode)
            file.write(text)
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)


def address(value: str, what: str) -> str:
    """A host's name, IPv4 or IPv6 address; else ConfigError."""
    return value if sip.is_host(value) else checked(sip.HOST, value, what)


def main() -> None:
    """`python -m dialplan.runtime [carrier]`: become the Asterisk of the installation in $CARILLON_HOME, or its simulated carrier."""
    if sys.argv[1:] not in ([], ["carrier"]):
        said = " ".join(sys.argv[1:])
        sys.exit(f"asterisk: {said!r} is not understood; alone it runs our own, `install` and `uninstall` are for one beside Carillon")
    try:
        make = carrier_instance if sys.argv[1:] == ["carrier"] else engine_instance
        instance = make(read(), fetch.asterisk())
    except (SettingsError, ConfigError, fetch.FetchError) as error:
        sys.exit(f"asterisk: {error}")
    os.execv(instance.command[0], instance.command)


if __name__ == "__main__":
    main()
