"""An administrator's own Asterisk: the distribution's sample configuration, all modules, an endpoint, a trunk and a dialplan of his.

Nothing of Carillon's starts or writes it. Put its `bin` first into PATH, and `asterisk` is the program, as on a server.
"""

import shutil
import signal
import socket
import subprocess
from pathlib import Path

from dialplan import demo
from dialplan.fetch import Program
from tests.live.house import wait_for

HIS_DIALPLAN = """
; his own
[internal]
exten => 101,1,NoOp(his own extension)
 same => n,Answer()
 same => n,Wait(1)
 same => n,Hangup()
exten => _0X.,1,Dial(PJSIP/${EXTEN:1}@his-trunk)
"""
HIS_SIP = """
[his-udp]
type = transport
protocol = udp
bind = 127.0.0.1:{sip}

[desk]
type = endpoint
context = internal
disallow = all
allow = ulaw
auth = desk
aors = desk
[desk]
type = auth
auth_type = digest
username = desk
password = desk-password
[desk]
type = aor
max_contacts = 1
remove_existing = yes

[his-trunk]
type = endpoint
context = internal
aors = his-trunk
disallow = all
allow = ulaw
[his-trunk]
type = aor
contact = sip:127.0.0.1:9"""  # without a newline at its end, as many write it
NOT_HIS = "".join(
    f"noload => {name}.so\n"
    for name in ("chan_iax2", "chan_unistim", "pbx_dundi", "chan_mobile", "chan_dahdi", "res_snmp", "chan_ooh323", "chan_motif", "res_xmpp")
)


def free_base() -> int:
    """The last port base on which nothing listens; installations of other tests take the first."""
    return next(base for base in reversed(demo.BASES) if not any(listens(base + n) for n in (0, 1, 2, 11, 51)))


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Stock:
    """`folder`/etc is its configuration, `folder`/bin holds the command. Use it in a `with` to have it run."""

    def __init__(self, program: Program, folder: Path, base: int) -> None:
        self.folder, self.base, self.sip, self.ami = folder, base, base + 50, base + 51
        self.etc, self.log, self.run = folder / "etc", folder / "log", folder / "run"
        shutil.copytree(program.root / "etc/asterisk", self.etc)
        for name in ("lib", "spool", "log/cdr-csv", "log/cdr-custom", "run", "bin", "cache"):
            (folder / name).mkdir(parents=True)
        shutil.copytree(
            program.root / "usr/share/asterisk/sounds", folder / "data" / "sounds", symlinks=True, ignore=shutil.ignore_patterns("*.gsm")
        )
        (folder / "data" / "documentation").symlink_to(program.root / "usr/share/asterisk/documentation")
        modules = next(program.root.glob("usr/lib/*/asterisk/modules"))
        places = {
            "astetcdir": self.etc, "astmoddir": modules, "astvarlibdir": folder / "lib", "astdbdir": folder / "lib",
            "astkeydir": folder / "lib", "astdatadir": folder / "data", "astagidir": folder / "lib", "astspooldir": folder / "spool",
            "astrundir": self.run,
            "astlogdir": self.log, "astcachedir": folder / "cache",
        }  # fmt: skip
        text = (self.etc / "asterisk.conf").read_text().replace("[directories](!)", "[directories]")
        kept = [line for line in text.split("\n") if line.split(" ")[0] not in places]
        kept.insert(kept.index("[directories]") + 1, "\n".join(f"{key} => {path}" for key, path in places.items()))
        (self.etc / "asterisk.conf").write_text("\n".join(kept))
        self._append("extensions.conf", HIS_DIALPLAN)
        self._append("pjsip.conf", HIS_SIP.replace("{sip}", str(self.sip)))
        self._replace("manager.conf", "port = 5038", f"port = {self.ami}")
        self._replace("modules.conf", "autoload=yes\n", f"autoload=yes\n{NOT_HIS}")
        (self.etc / "rtp.conf").write_text(f"[general]\nrtpstart={base + 200}\nrtpend={base + 400}\n")
        command = folder / "bin" / "asterisk"
        command.write_text(f'#!/bin/sh\nexec {" ".join(program.command)} "$@"\n')
        command.chmod(0o755)
        self.command = [str(command), "-C", str(self.etc / "asterisk.conf")]
        self._process: subprocess.Popen | None = None

    def _append(self, name: str, text: str) -> None:
        with (self.etc / name).open("a") as file:
            file.write(text)

    def _replace(self, name: str, old: str, new: str) -> None:
        text = (self.etc / name).read_text()
        assert old in text
        (self.etc / name).write_text(text.replace(old, new, 1))

    def __enter__(self) -> "Stock":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        with (self.folder / "console.log").open("ab") as out:
            self._process = subprocess.Popen([*self.command, "-f"], stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        wait_for(
            "the stock Asterisk",
            lambda: "Asterisk has fully booted" in self.rx("core waitfullybooted") or "fully booted" in self.rx("core waitfullybooted"),
            30,
        )

    def stop(self) -> None:
        if self._process:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(8)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def rx(self, command: str) -> str:
        return subprocess.run([*self.command, "-rx", command], capture_output=True, text=True, timeout=30, check=False).stdout
