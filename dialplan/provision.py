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
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial

from dialplan import beside, carriers, etc, fetch, runtime, sip
from sql import extensions, logs, nodes, settings, store, trunks

LOOK_S = 0.3
STATES_S = 1.0  # how often Asterisk is asked whether trunks are registered and reachable
VERIFY_S = 15.0  # Asterisk may have been started anew
log = logging.getLogger("provision")


@dataclass(frozen=True)
class Account:
    """A trunk or an extension of the store. `key` is its endpoint in Asterisk, `what` its name for people."""

    key: str
    version: int
    what: str
    text: Callable[[], str]


def accounts(transport: str = sip.OWN_TRANSPORT, taken: Collection[str] = ()) -> list[Account]:
    """All that Asterisk has to know. `taken` are names that its own configuration uses."""
    lines = [
        Account(f"trunk-{row.id}", row.version, f"trunk {row.name!r} (id {row.id})", partial(sip.trunk_conf, row, transport))
        for row in trunks.lines()
    ]
    return lines + [
        Account(f"ext-{row.id}", row.version, f"extension {row.username!r} (id {row.id})", partial(_extension, row, transport, taken))
        for row in extensions.phones()
    ]


def _extension(row: extensions.Phone, transport: str, taken: Collection[str]) -> str:
    if row.username.lower() in taken:  # two of one name would break theirs
        raise runtime.ConfigError(f"extension {row.username!r} (id {row.id}): Asterisk's own pjsip.conf has that name; choose another")
    return sip.extension_conf(row, transport)


class Provisioner:
    """`taken` tells which names Asterisk's own configuration uses."""

    def __init__(
        self, node: str, instance: runtime.Instance, transport: str = sip.OWN_TRANSPORT, taken: Callable[[], set[str]] = set
    ) -> None:
        self._node = node
        self._instance = instance
        self._transport, self._taken = transport, taken
        self._names: set[str] = set()  # as they were at the last writing
        self._texts: dict[str, str] = {}  # likewise, by key
        self._anew: set[str] = set()  # those that were written otherwise before
        self._told: dict[str, int] | None = None  # what Asterisk was last told of
        self._missing: set[str] = set()  # what it did not load of that
        self._wrong: dict[str, str] = {}
        self._age, self._pause = 0.0, VERIFY_S
        self._asked = 0.0
        self._loaded: dict[int, int] = {}
        self._before: dict[int, trunks.State] = {}
        self._welcome: set[int] = set()  # trunks that were registered, and not refused since

    def look(self) -> None:
        """Make Asterisk follow the store if they differ; now and then, look whether it still does."""
        self._age += LOOK_S
        with store.connection():
            rows = accounts(self._transport, self._names)
            wanted = {row.key: row.version for row in rows}
            if wanted == self._told and self._age < self._pause:
                self._states()
                return
            reload = self._write(rows) or wanted != self._told or bool(self._missing)
            again = wanted == self._told and bool(self._missing)
            self._told = None  # until Asterisk has answered
            known = self._known(reload) - set(self._wrong)
            self._register(known)
            loaded = {row.key: row.version for row in rows if row.key in known}
            if _trunks(loaded) != self._loaded:
                log.info("Asterisk has loaded %d of %d trunks", len(_trunks(loaded)), len(_trunks(wanted)))
            self._loaded = _trunks(loaded)
            self._describe()
        self._told, self._age = wanted, 0.0
        self._missing = set(wanted) - set(loaded) - set(self._wrong)
        self._wait(rows, again)

    def _register(self, known: set[str]) -> None:
        """A password that is another one now: Asterisk would try it when its turn comes, minutes later."""
        for key in self._anew & known:
            if f"[{sip.registration_of(key)}]" in self._texts[key]:
                self._instance.control(f"pjsip send register {sip.registration_of(key)}")
        self._anew.clear()

    def _states(self) -> None:
        """Now and then, say in the store how Asterisk has the trunks that it knows."""
        self._asked += LOOK_S
        if self._asked >= STATES_S and self._loaded:
            self._describe()

    def _describe(self) -> None:
        self._asked = 0.0
        states = carriers.states(self._instance, [line for line in trunks.lines() if line.id in self._loaded])
        for trunk, state in states.items():
            if state.why != self._before.get(trunk, trunks.State()).why:
                log.log(logging.WARNING if state.why else logging.INFO, "trunk %d: %s", trunk, state.why or "can be used")
            self._insist(trunk, state)
        self._before = states
        store.unit(trunks.loaded, self._node, self._loaded, states)

    def _insist(self, trunk: int, state: trunks.State) -> None:
        """A registrar that was restarted refuses once what it challenged us with before; Asterisk takes that for a wrong password."""
        if state.registered:
            self._welcome.add(trunk)
        elif trunk in self._welcome and (state.why or "").startswith(carriers.REFUSED):
            self._welcome.remove(trunk)
            self._instance.control(f"pjsip send register {sip.registration_of(f'trunk-{trunk}')}")

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
                    log.error("Asterisk does not load %s; %s says why", row.what, self._instance.messages)

    def _write(self, rows: list[Account]) -> bool:
        """Write the include; whether it is another one than before."""
        texts, wrong = {}, {}
        self._names.clear()
        self._names.update(name.lower() for name in self._taken())
        for row in rows:
            try:
                texts[row.key] = row.text()
            except runtime.ConfigError as error:
                wrong[row.key] = str(error)
                if self._wrong.get(row.key) != str(error):
                    log.error("%s; it is left out until then", error)
        self._wrong = wrong
        self._anew |= {key for key, text in texts.items() if self._texts.get(key, text) != text}
        self._texts = texts
        path, text = self._instance.include, "".join([runtime.ACCOUNTS_HEAD, *texts.values()])
        if path.exists() and path.read_text() == text:
            return False
        runtime.write(path, text, path.stat().st_mode & 0o777 if path.exists() else 0o600)
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
        if config.own_asterisk:
            provisioner = Provisioner(config.node, runtime.Instance(fetch.asterisk(), config.home / "asterisk"))
        else:
            theirs = beside.asterisk(config)
            provisioner = Provisioner(config.node, theirs, config.text("asterisk", "transport"), partial(beside.names, theirs.etc))
    except (settings.SettingsError, store.StoreError, fetch.FetchError) as error:
        sys.exit(f"provision: {error}")
    follow(provisioner, config.node, stop)


def follow(provisioner: Provisioner, node: str, stop: threading.Event) -> None:
    """Until `stop`. What goes wrong is said once in the log, and in the store for whoever asks why nothing is dialled."""
    said: str | None = None
    told = False
    while not stop.wait(LOOK_S):
        try:
            provisioner.look()
            text = None
        except (OSError, etc.Misread, subprocess.TimeoutExpired, store.Unavailable) as error:
            text = str(error)
        if text != said and text:
            log.warning("Asterisk cannot be told of trunks and extensions yet: %s", text)
        try:
            if text != said or not told:
                with store.connection():
                    told = store.unit(nodes.trunks_text, node, text)
        except store.Unavailable as error:
            log.warning("the store does not answer: %s", error)
        said = text


if __name__ == "__main__":
    main()
