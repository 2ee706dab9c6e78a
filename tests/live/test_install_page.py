"""docs/install.md as an administrator follows it: its commands, in order, as they stand there, beside a stock Asterisk.

Folders are put below the test's own, and the user that Debian always has stands for `carillon`. What changes the whole machine (git, make,
useradd, install's owners, runuser, systemctl) is played: the units' commands are started as they are written.
"""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from dialplan import evaluation, runtime
from tests.dialplan.theirs import fingerprint
from tests.live.house import wait_for
from tests.live.stock import Stock, free_base, listens
from tests.live.test_attach import his_own_call

ROOT = runtime.HERE.parent
PAGE = (ROOT / "docs/install.md").read_text()
BLOCKS = re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
PLAYED = {
    "git": "exit 0", "make": "exit 0", "useradd": "exit 0", "systemctl": 'echo "$*" >> "$PLAYED"', "runuser": 'shift 3; exec "$@"',
    "install": 'exec /usr/bin/install -d -m 0750 "$(eval echo \\${$#})"',
}  # fmt: skip


class Server:
    """A root's shell on a server of which the folders below `top` are all there is."""

    def __init__(self, top: Path, stock: Stock) -> None:
        self.top, self.stock = top, stock
        self.bin, self.systemd = top / "usr/local/bin", top / "etc/systemd/system"
        for folder in (self.bin, self.systemd, top / "etc/logrotate.d", top / "var/lib"):
            folder.mkdir(parents=True)
        (top / "opt").mkdir()
        (top / "opt/carillon").symlink_to(ROOT)
        for name, text in PLAYED.items():
            (self.bin / name).write_text(f"#!/bin/sh\n{text}\n")
            (self.bin / name).chmod(0o755)
        self.home = top / "var/lib/carillon"
        self.around = os.environ | {
            "PATH": f"{self.bin}:{stock.folder}/bin:{os.environ['PATH']}", "PLAYED": str(top / "systemctl"), "SOURCE": str(ROOT),
            "CARILLON_CARILLON_PORT_BASE": str(stock.base), "CARILLON_AMI_PORT": str(stock.ami), "NUMBER": "+493012300",
            "TRUNK_HOST": "127.0.0.1", "TRUNK_PORT": str(stock.base + 10), "TRUNK_OPTIONS": "--simulated",
            "MESSAGE": str(top / "hello.wav"),
        }  # fmt: skip
        (top / "hello.wav").write_bytes(evaluation.tone(0.5))
        self.services: list[subprocess.Popen] = []
        self._done = 0

    def paste(self, block: str) -> str:
        """What the block's commands print; then systemd's part, if they asked for it."""
        for place in ("/opt/carillon", "/var/lib/carillon", "/usr/local/bin", "/etc/systemd/system", "/etc/logrotate.d"):
            block = re.sub(rf"(?<![\w.]){place}", str(self.top) + place, block)
        block = block.replace("/etc/asterisk", str(self.stock.etc)).replace("--user carillon", "--user nobody")
        done = subprocess.run(
            ["bash", "-eu", "-c", block], env=self.around, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, f"{block}\n{done.stdout}\n{done.stderr}"
        self._systemd()
        return done.stdout

    def _systemd(self) -> None:
        said = (self.top / "systemctl").read_text().splitlines() if (self.top / "systemctl").exists() else []
        for words in said[self._done :]:
            match words:
                case "restart asterisk":
                    self.stock.stop()
                    self.stock.start()
                case "enable --now carillon.target":
                    units = sorted(self.systemd.glob("carillon-*.service"))
                    wanted = re.search(r"^Wants=(.*)$", (self.systemd / "carillon.target").read_text(), re.MULTILINE)
                    assert wanted and sorted(wanted[1].split()) == [unit.name for unit in units]
                    for unit in units:
                        self.start(re.findall(r"^ExecStart=(.*)$", unit.read_text(), re.MULTILINE)[0], unit.stem)
                    wait_for("the administrator", (self.home / "admin.json").exists)
                case "disable --now carillon.target":
                    self.stop()
                case _:
                    assert words == "daemon-reload"
        self._done = len(said)

    def start(self, command: str, name: str, around: dict[str, str] | None = None) -> None:
        with (self.top / f"{name}.log").open("ab") as out:
            self.services.append(
                subprocess.Popen(shlex.split(command), env=around or self.around, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
            )

    def stop(self) -> None:
        for service in self.services:
            service.terminate()
        for service in self.services:
            service.wait(10)
        self.services.clear()


@pytest.fixture
def server(asterisk, tmp_path):
    with Stock(asterisk, tmp_path / "stock", free_base()) as stock:
        one = Server(tmp_path / "server", stock)
        yield one
        one.stop()


def test_the_page_from_its_first_command_to_its_last(server):
    stock, untouched = server.stock, fingerprint(server.stock.etc, server.stock.folder / "data")
    *first, call, out = BLOCKS
    assert len(first) == 6
    said = "".join(server.paste(block) for block in first)
    assert "Nothing was changed: this was a dry run." in said
    assert f"Carillon's lines are in {stock.etc}. Asterisk has read them." in said
    assert sorted(path.name for path in server.systemd.iterdir())[0] == "carillon-agi.service"
    carrier = {key: value for key, value in server.around.items() if key != "PATH"} | {"PATH": os.environ["PATH"]}
    server.start(f"{Path(sys.executable).parent}/carillon carrier --home {server.home}", "carrier", carrier)
    wait_for("the carrier", lambda: listens(stock.base + 11))
    assert "running" in server.paste(call)
    shown = f"carillon campaign result 1 --json --home {server.home}"
    [row] = wait_for("the call", lambda: _ended(server.paste(shown)), 20, 0.5)
    assert (row["disposition"], row["sip_code"]) == ("answered", 200)
    assert "heard nothing" not in (server.top / "carillon-agi.log").read_text()
    assert his_own_call(stock) == 200
    assert f"{stock.etc} is as it was before. Asterisk has read them." in server.paste(out)
    assert fingerprint(stock.etc, stock.folder / "data") == untouched
    assert his_own_call(stock) == 200


def _ended(text: str) -> list[dict]:
    return [row for row in json.loads(text) if row["disposition"]]


def test_every_folder_and_command_of_the_page_is_one_that_the_test_knows():
    assert len(BLOCKS) == 8
    folders = set(re.findall(r"(?<![\w.$}])/(?:etc|opt|usr|var)/[\w./-]+", "\n".join(BLOCKS)))
    assert {folder.split("/.venv")[0].removesuffix("/carillon") for folder in folders} <= {
        "/opt", "/var/lib", "/usr/local/bin", "/usr/sbin/nologin", "/etc/asterisk", "/etc/systemd/system", "/etc/logrotate.d",
    }  # fmt: skip
