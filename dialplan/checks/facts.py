"""What the checks look at, each asked once: settings, store, processes, sockets, Asterisk. Answers and errors are remembered alike."""

import ipaddress
import os
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from dialplan import beside, fetch, processes, runtime
from dialplan.checks import manager
from sql import inspection, settings, store

T = TypeVar("T")
PATIENCE_S = 3.0


class Unanswered(Exception):
    """Somebody asked before, and still waits."""


class NoControl(Exception):
    """Asterisk cannot be asked by its control socket; the text says why."""


class Facts:
    """Of the installation in `home`."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._known: dict[str, Callable[[], Any]] = {}

    def once(self, what: str, ask: Callable[[], T]) -> T:
        """The answer to `what`. Who asks while another still waits is not made to wait too."""
        if what not in self._known:
            self._known[what] = _raising(Unanswered(f"{what} did not answer"))
            try:
                answer = ask()
                self._known[what] = lambda: answer
            except Exception as error:
                self._known[what] = _raising(error)
        return self._known[what]()

    @property
    def config(self) -> settings.Settings:
        return self.once("carillon.ini", lambda: settings.read(self.home, self.environment))

    @property
    def environment(self) -> dict[str, str]:
        """As the running parts were given it; `carillon up --port-base` gives them one too."""
        running: dict[str, str] = {}
        for name in sorted(self.parts, reverse=True):
            running |= self.parts[name].settings
        return {name: value for name, value in (running or os.environ).items() if name.startswith("CARILLON_")}

    @property
    def database(self) -> inspection.Database:
        def ask() -> inspection.Database:
            with inspection.opened(self.config.store_url):
                return inspection.database(self.config.store_url)

        return self.once("the store", ask)

    @property
    def content(self) -> inspection.Content:
        def ask() -> inspection.Content:
            self.database  # noqa: B018 (one that does not answer is not waited for again)
            with inspection.opened(self.config.store_url):
                return inspection.content(self.config.node, store.now())

        return self.once("the store's content", ask)

    @property
    def parts(self) -> dict[str, processes.Process]:
        """The living parts of this installation by name; `up` is their supervisor."""
        return self.once("the processes", lambda: processes.parts(self.home))

    @property
    def listeners(self) -> list[processes.Listener]:
        return self.once("the ports", processes.listeners)

    @property
    def program(self) -> fetch.Program | None:
        """Our own Asterisk's program, if it is on this machine."""
        return self.once("the program asterisk", fetch.present)

    @property
    def ami_is_near(self) -> bool:
        """Whether the manager interface is on this machine."""
        host = self.config.ami[0]
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost"

    def says(self, command: str) -> str:
        """What Asterisk answers to this command on its control socket. NoControl."""
        return self.once(f"`{command}`", lambda: self._control(command))

    def _control(self, command: str) -> str:
        try:
            return replace(self.instance, patience=PATIENCE_S).control(command)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NoControl(str(error)) from None

    @property
    def instance(self) -> runtime.Instance:
        """The Asterisk of this installation, ours or not. NoControl if it is not on this machine."""
        if self.config.own_asterisk:
            if self.program is None:
                raise NoControl("there is no program asterisk yet")
            return runtime.Instance(self.program, self.home / "asterisk")
        if not self.ami_is_near:
            raise NoControl(f"Asterisk is on another machine, {self.config.ami[0]}")
        return beside.asterisk(self.config)

    @property
    def interview(self) -> manager.Interview:
        """What Asterisk answers on its manager interface. OSError."""
        return self.once("the manager interface", lambda: manager.interview(*self.config.ami, self._endpoints()))

    def _endpoints(self) -> list[str]:
        try:
            return [f"trunk-{line.id}" for line in self.content.lines] + [f"ext-{phone.id}" for phone in self.content.phones]
        except (store.StoreError, settings.SettingsError, OSError, Unanswered):
            return []  # said by the check of the store


def _raising(error: Exception) -> Callable[[], Any]:
    def again() -> Any:
        raise error

    return again
