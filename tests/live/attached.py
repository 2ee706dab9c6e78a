"""Carillon beside a stock Asterisk, its parts started one by one, and a customer in it."""

import os
import subprocess
import sys
from pathlib import Path

from dialplan.receiver import Receiver
from sql import settings
from tests.live.house import House, wait_for
from tests.live.stock import Stock, listens

PARTS = ("engine", "push", "agi", "api", "provision")


class Parts:
    """Each part as `carillon <part> --home DIR`, until the end of the `with`."""

    def __init__(self, home: Path, stock: Stock, parts: tuple[str, ...] = PARTS) -> None:
        self._home, self._parts = home, parts
        self.around = os.environ | {"PATH": f"{stock.folder}/bin:{os.environ['PATH']}"}
        self.processes: dict[str, subprocess.Popen] = {}

    def run(self, *words: str) -> str:
        """A command that ends."""
        done = subprocess.run(self._command(*words), env=self.around, capture_output=True, text=True, timeout=30, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _command(self, *words: str) -> list[str]:
        return [str(Path(sys.executable).parent / "carillon"), *words, "--home", str(self._home)]

    def __enter__(self) -> "Parts":
        (self._home / "log").mkdir(exist_ok=True)
        for part in self._parts:
            self.start(part)
        port = settings.read(self._home).port("api")
        self.url = f"http://127.0.0.1:{port}"
        wait_for("the API", lambda: (self._home / "admin.json").exists() and listens(port))
        return self

    def start(self, part: str) -> None:
        around = os.environ if part == "carrier" else self.around  # the carrier is no program of his
        with (self._home / "log" / f"{part}.log").open("ab") as out:
            self.processes[part] = subprocess.Popen(
                self._command(part), env=around, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
            )

    def __exit__(self, *_: object) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.wait(10)


class Attached(House):
    """Like `House`, with another's Asterisk; the simulated carrier runs beside."""

    def __init__(self, home: Path, stock: Stock) -> None:
        self.home, self.base = home, stock.base  # the stock one uses others of these ports
        self.receiver = Receiver()
        self.parts = self._up = Parts(home, stock, (*PARTS, "carrier"))  # type: ignore[assignment]
        home.mkdir()
        told = {"country": "DE", "port-base": str(self.base), "asterisk": "beside", "etc": str(stock.etc), "ami-port": str(stock.ami)}
        self.parts.run("init", *(word for key, value in told.items() for word in (f"--{key}", value)))
        settings.change(home, {("push", "allow"): "127.0.0.0/8"})
        self.parts.run("migrate")

    def __enter__(self) -> "Attached":
        try:
            super().__enter__()
        except BaseException:
            self.__exit__()
            raise
        return self
