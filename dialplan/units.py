"""`carillon units`: systemd's units and logrotate's file for one installation, filled from the templates in `systemd/`.

Writes them where it is told to, or shows them. Starts nothing and speaks to no systemd.
"""

import argparse
import grp
import pwd
import re
import sys
from pathlib import Path

from dialplan import beside, runtime
from sql import settings
from sql.settings import Settings

TEMPLATES = runtime.HERE / "systemd"
SOURCE = runtime.HERE.parent
PARTS = {  # part: what it does
    "engine": "dials, watches, settles, recovers",
    "push": "delivers the outcomes",
    "agi": "runs the calls' scripts",
    "api": "offers the HTTP methods",
    "provision": "lets Asterisk follow the store's trunks and extensions",
}
OWN = {"asterisk": "its own Asterisk"}
WITHOUT = {  # part: the restrictions under which it cannot work
    "api": ("MemoryDenyWriteExecute",),  # sound files are read by callbacks that are made when they are needed
    "asterisk": ("MemoryDenyWriteExecute", "SystemCallFilter", "SystemCallErrorNumber", "RestrictRealtime"),
}
PLACE = re.compile(r"/[A-Za-z0-9_./-]*", re.ASCII)


class Refused(Exception):
    """The units cannot be written; one sentence with the remedy."""


def files(config: Settings, user: str) -> dict[str, str]:
    """Every file by its name: the units, the target, and `logrotate`."""
    parts = PARTS | (OWN if config.own_asterisk else {})
    command = Path(sys.executable).parent / "carillon"
    home, accounts = _plain(config.home), "" if config.own_asterisk else f" -{_plain(Path(config.text('asterisk', 'etc')) / beside.OURS)}"
    values = {
        "HOME": home, "SOURCE": _plain(SOURCE), "COMMAND": _plain(command), "USER": user,
        "GROUPS": " ".join(_groups(config)), "UNITS": " ".join(f"carillon-{part}.service" for part in parts),
    }  # fmt: skip
    template = (TEMPLATES / "carillon.service").read_text()
    made = {"carillon.target": _filled((TEMPLATES / "carillon.target").read_text(), values)}
    for part, what in parts.items():
        # Only the provisioner writes into Asterisk's configuration.
        writes = home + accounts if part == "provision" else home
        text = _filled(template, values | {"PART": part, "WHAT": what, "WRITES": writes})
        kept = [line for line in text.splitlines(True) if line.partition("=")[0] not in WITHOUT.get(part, ())]
        made[f"carillon-{part}.service"] = "".join(kept)
    return made | {"logrotate": _rotation(config, user)}


def _rotation(config: Settings, user: str) -> str:
    records = list(config.asterisk_records)
    owner = records[0].parent.parent.stat() if records[0].parent.parent.exists() else config.home.stat()
    group = grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name
    values = {
        "LOGS": f"{_plain(config.home)}/log/*.log", "USER": user, "GROUP": group, "RECORDS": " ".join(map(_plain, records)),
        "RECORDS_USER": pwd.getpwuid(owner.st_uid).pw_name, "RECORDS_GROUP": grp.getgrgid(owner.st_gid).gr_name,
    }  # fmt: skip
    return _filled((TEMPLATES / "logrotate").read_text(), values)


def _groups(config: Settings) -> list[str]:
    """The groups by which Asterisk's files can be read: its configuration's and its logs'. root's is given to nobody."""
    if config.own_asterisk:
        return []
    places = [Path(config.text("asterisk", "etc")) / "asterisk.conf", Path(config.text("asterisk", "log"))]
    ids = {place.stat().st_gid for place in places if place.exists()} - {0}
    return sorted(grp.getgrgid(number).gr_name for number in ids)


def _filled(text: str, values: dict[str, str]) -> str:
    return re.sub(r"@([A-Z_]+)@", lambda found: values[found[1]], text)


def _plain(path: Path) -> str:
    """A path that needs no quoting in these files."""
    if not PLACE.fullmatch(str(path)):
        raise Refused(f"{path} has characters that systemd and logrotate read as something else; move it to a plain path")
    return str(path)


def main() -> None:
    parser = argparse.ArgumentParser(prog="carillon units", description="Write systemd's units and logrotate's file, or show them.")
    parser.add_argument("--user", help="who runs the parts (default: the owner of the installation's folder)")
    parser.add_argument("--systemd", type=Path, metavar="DIR", help="write the units here, such as /etc/systemd/system")
    parser.add_argument("--logrotate", type=Path, metavar="DIR", help="write logrotate's file here, such as /etc/logrotate.d")
    given = parser.parse_args()
    try:
        config = settings.read()
        user = given.user or pwd.getpwuid(config.home.stat().st_uid).pw_name
        if pwd.getpwnam(user).pw_uid == 0:
            raise Refused("Carillon does not run as root; make a user for it and give --user")
        for name, text in files(config, user).items():
            folder = given.logrotate if name == "logrotate" else given.systemd
            if folder:
                path = folder / ("carillon" if name == "logrotate" else name)
                runtime.write(path, text, 0o644)
                print(path)
            elif not (given.systemd or given.logrotate):
                print(f"##### {name}\n{text}")
    except KeyError:
        sys.exit(f"carillon: there is no user {given.user!r}; make one: useradd --system --home-dir {config.home} {given.user}")
    except (Refused, settings.SettingsError, OSError) as error:
        sys.exit(f"carillon: {error}")


if __name__ == "__main__":
    main()
