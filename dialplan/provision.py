"""The provisioner: `python -m dialplan.provision`, for the installation in $CARILLON_HOME. Asterisk's trunks and extensions follow
the store's.

Writes Asterisk's include in one step, reloads PJSIP over the control socket, looks whether Asterisk has it, and says in the store
which trunks' versions are loaded: the engine uses no trunk before that. A row that cannot be written holds back no other.
"""

import logging
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from dialplan import fetch, runtime, sip
from sql import extensions, logs, settings, store, trunks

LOOK_S = 0.3
VERIFY_S = 15.0  # Asterisk may have been started anew
log = logging.getLogger("provision")


@dataclass(frozen=True)
class Account:
    """A trunk or an extension of the store. `key` is its endpoint in Asterisk, `what` its name for people."""

    key: str
    version: int
    what: str
    text: Callable[[], str]


def accounts() -> list[Account]:
    """All that Asterisk has to know."""
    lines = [
        Account(f"trunk-{row.id}", row.version, f"trunk {row.name!r} (id {row.id})", partial(sip.trunk_conf, row)) for row in trunks.lines()
    ]
    return lines + [
        Account(f"ext-{row.id}", row.version, f"extension {row.username!r} (id {row.id})", partial(sip.extension_conf, row))
        for row in extensions.phones()
    ]


class Provisioner:
    def __init__(self, node: str, instance: runtime.Instance) -> None:
        self._node = node
        self._instance = instance
        self._told: dict[str, int] | None = None  # what Asterisk was last told of
        self._missing: set[str] = set()  # what it did not load of that
        self._wrong: dict[str, str] = {}
        self._age, self._pause = 0.0, VERIFY_S

    def look(self) -> None:
        """Make Asterisk follow the store if they differ; now and then, look whether it still does."""
        self._age += LOOK_S
        with store.connection():
            rows = accounts()
            wanted = {row.key: row.version for row in rows}
            if wanted == self._told and self._age < self._pause:
                return
            reload = self._write(rows) or wanted != self._told or bool(self._missing)
            again = wanted == self._told and bool(self._missing)
            self._told = None  # until Asterisk has answered
            known = self._known(reload) - set(self._wrong)
            loaded = {row.key: row.version for row in rows if row.key in known}
            if store.unit(trunks.loaded, self._node, _trunks(loaded)):
                log.info("Asterisk has loaded %d of %d trunks", len(_trunks(loaded)), len(_trunks(wanted)))
        self._told, self._age = wanted, 0.0
        self._missing = set(wanted) - set(loaded) - set(self._wrong)
        self._wait(rows, again)

    def _wait(self, rows: list[Account], again: bool) -> None:
        """When to look next: what Asterisk did not load is tried again soon, then more and more seldom."""
        before = self._pause
        if not self._missing:
            self._pause = VERIFY_S
            return
        self._pause = min(VERIFY_S, 2 * before) if again else LOOK_S
        if before < self._pause == VERIFY_S:
            for row in rows:
                if row.key in self._missing:
                    log.error("Asterisk does not load %s; %s says why", row.what, self._instance.folder / "log" / "messages")

    def _write(self, rows: list[Account]) -> bool:
        """Write the include; whether it is another one than before."""
        sections = [runtime.ACCOUNTS_HEAD]
        wrong = {}
        for row in rows:
            try:
                sections.append(row.text())
            except runtime.ConfigError as error:
                wrong[row.key] = str(error)
                if self._wrong.get(row.key) != str(error):
                    log.error("%s; it is left out until then", error)
        self._wrong = wrong
        path = self._instance.folder / "etc" / runtime.ACCOUNTS
        text = "".join(sections)
        if path.exists() and path.read_text() == text:
            return False
        runtime.write(path, text)
        return True

    def _known(self, reload: bool) -> set[str]:
        """The endpoints that Asterisk knows, after a reload if asked for."""
        if reload:
            said = self._instance.control("module reload res_pjsip.so")
            if "successfully" not in said:
                raise OSError(f"Asterisk did not reload PJSIP: {said.strip()[:200]}")
        listed = self._instance.control("pjsip show endpoints")
        return set(re.findall(r"^ *Endpoint: +((?:trunk|ext)-[0-9]+)\b", listed, re.MULTILINE))


def _trunks(versions: dict[str, int]) -> dict[int, int]:
    return {int(key.removeprefix("trunk-")): version for key, version in versions.items() if key.startswith("trunk-")}


def main() -> None:
    logs.setup("provision")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    try:
        config = settings.read()
        store.bind(config.store_url)
        store.check()
        program = fetch.asterisk() if config.own_asterisk else None
    except (settings.SettingsError, store.StoreError, fetch.FetchError) as error:
        sys.exit(f"provision: {error}")
    if program is None:
        log.error("[ami] host names an Asterisk that is not ours: its trunks and extensions do not follow the store in this version")
        stop.wait()
        return
    provisioner, said = Provisioner(config.node, runtime.Instance(program, config.home / "asterisk")), ""
    while not stop.wait(LOOK_S):
        try:
            provisioner.look()
            said = ""
        except (OSError, subprocess.TimeoutExpired, store.Unavailable) as error:
            if str(error) != said:
                log.warning("Asterisk cannot be told of trunks and extensions yet: %s", error)
            said = str(error)


if __name__ == "__main__":
    main()
