"""A small configuration of somebody else's Asterisk, as files only, and a fingerprint of all that is in a folder."""

import hashlib
import os
import stat
import subprocess
import sys
from pathlib import Path

from dialplan import attach
from sql import settings

ROOT = Path(attach.__file__).parent.parent

FILES = {
    "asterisk.conf": "[directories](!)\nastlogdir => {top}/log ; where it logs\nastdatadir => {top}/data\nastrundir => {top}/run\n",
    "modules.conf": "[modules]\nautoload=yes\nnoload => chan_alsa.so\n[global]\n",
    "manager.conf": '[general]\nenabled = yes\nport = 5038\nbindaddr = 127.0.0.1\n#include "manager.d/*.conf"\n',
    "manager.d/README.conf": "; users go here\n",
    "pjsip.conf": "[udp]\ntype = transport\nprotocol = udp\nbind = 0.0.0.0\n\n[desk]\ntype = endpoint\ncontext = internal",
    "extensions.conf": "[general]\nstatic=yes\n[globals]\nTRUNK=his\n[internal]\nexten => 101,1,Answer()\r\n same => n,Hangup()\r\n",
    "cdr_custom.conf": "[mappings]\nMaster.csv => ${CDR(src)}\n",
    "cel_custom.conf": ";[mappings]\n",
    "cel.conf": "[general]\n;enable=yes\nevents=CHAN_START\n",
    "cdr.conf": "[general]\n",
}


def lay(top: Path) -> Path:
    """Write it below `top`; its etc."""
    for folder in ("etc/manager.d", "log", "data/sounds/en", "run", "home"):
        (top / folder).mkdir(parents=True)
    for name, text in FILES.items():
        path = top / "etc" / name
        path.write_text(text.replace("{top}", str(top)), newline="")
        path.chmod(0o640)
    (top / "etc" / "manager.conf").chmod(0o600)
    return top / "etc"


def fingerprint(*folders: Path) -> dict[str, tuple]:
    """Every entry below these folders: kind and mode, owner, group, and what it holds."""
    found = {}
    for top in folders:
        for path in [top, *sorted(top.rglob("*"))]:
            facts = path.lstat()
            if stat.S_ISLNK(facts.st_mode):
                holds: object = str(path.readlink())
            else:
                holds = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else sorted(inner.name for inner in path.iterdir())
            found[str(path)] = (oct(facts.st_mode), facts.st_uid, facts.st_gid, holds)
    return found


class Site:
    """Their configuration and our installation beside it."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.etc = lay(top)
        self.home = top / "home"
        settings.write_first(
            self.home, ami__host="127.0.0.1", ami__port="5038", asterisk__etc=str(self.etc), asterisk__log=str(top / "log")
        )

    def run(self, *words: str) -> subprocess.CompletedProcess:
        command = [sys.executable, "-m", "dialplan.attach", *words]
        around = os.environ | {"CARILLON_HOME": str(self.home)}
        return subprocess.run(command, cwd=ROOT, env=around, capture_output=True, text=True, timeout=20, check=False)

    def text(self, name: str) -> str:
        return (self.etc / name).read_bytes().decode()

    def add(self, name: str, text: str) -> None:
        with (self.etc / name).open("a") as file:
            file.write(text)

    def change(self, name: str, old: str, new: str) -> None:
        assert old in self.text(name)
        (self.etc / name).write_text(self.text(name).replace(old, new, 1), newline="")

    def all(self) -> dict[str, tuple]:
        return fingerprint(self.etc, self.top / "data", self.top / "log", self.home)
