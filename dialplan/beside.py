"""An Asterisk that is not ours, beside which Carillon works: where its files lie, and how it is spoken to.

`carillon asterisk install` has laid a folder of ours into its configuration; nothing else of its is written here.
"""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from dialplan import etc, fetch
from dialplan.runtime import ACCOUNTS, Instance
from sql.settings import Settings

OURS = "carillon"  # our folder in its configuration
RUN, LOG, DATA = "/var/run/asterisk", "/var/log/asterisk", "/var/lib/asterisk"  # where Asterisk has them unless asterisk.conf says so


@dataclass(frozen=True)
class Beside(Instance):
    """`folder` is that Asterisk's configuration itself."""

    @property
    def new(self) -> bool:
        return fetch.new_enough(self.program.version)

    @property
    def etc(self) -> Path:
        return self.folder

    @property
    def include(self) -> Path:
        path = self.folder / OURS / ACCOUNTS
        if not path.parent.is_dir():
            raise OSError(f"{path.parent} is not there; run `carillon asterisk install` as root")
        if not os.access(path.parent, os.W_OK | os.X_OK):
            raise OSError(f"user {_me()} may not write {path.parent}; run `carillon asterisk install` as root again")
        return path

    @property
    def messages(self) -> str:
        return f"its log in {etc.folder(self.folder, 'astlogdir', LOG)}"

    @property
    def logs(self) -> list[Path]:
        return [etc.folder(self.folder, "astlogdir", LOG) / name for name in ("messages.log", "messages")]

    @property
    def socket(self) -> Path:
        return etc.folder(self.folder, "astrundir", RUN) / etc.read(self.folder, "asterisk.conf").last("files", "astctl", "asterisk.ctl")

    def control(self, command: str) -> str:
        try:
            return super().control(command)
        except subprocess.TimeoutExpired:
            raise OSError(f"Asterisk does not answer on its control socket {self.socket}; is it stuck?") from None
        except FileNotFoundError:
            raise OSError(f"there is no program {self.program.command[0]!r} to reload Asterisk with; put its folder into PATH") from None
        except OSError as error:
            raise OSError(self._why(error)) from None

    def _why(self, error: OSError) -> str:
        socket = self.socket
        if not os.access(self.etc / "asterisk.conf", os.R_OK):
            return f"user {_me()} may not read {self.etc / 'asterisk.conf'}; make it a member of that file's group and restart Carillon"
        if not os.access(socket.parent, os.X_OK) or (socket.exists() and not os.access(socket, os.W_OK)):
            return (
                f"user {_me()} may not use Asterisk's control socket {socket}; in asterisk.conf, [files], set astctlpermissions = 0660 and "
                f"astctlgroup to a group of {_me()}'s, and restart Asterisk"
            )
        return f"Asterisk does not run, its control socket {socket} is not there" if not socket.exists() else str(error)


def asterisk(settings: Settings) -> Beside:
    """The Asterisk that `[asterisk] etc` names. Its program needs no version here."""
    command = shutil.which("asterisk") or str(fetch.SBIN / "asterisk")
    return Beside(fetch.Program((command,), Path("/"), fetch.asterisk_version((command,))), Path(settings.text("asterisk", "etc")))


def names(folder: Path) -> set[str]:
    """The names that its own pjsip.conf gives to endpoints, accounts and the like."""
    return etc.read(folder, "pjsip.conf").sections


def _me() -> str:
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
