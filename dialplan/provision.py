"""The provisioner: `python -m dialplan.provision`, for the installation in $CARILLON_HOME. Asterisk's trunks follow the store's.

Writes Asterisk's include in one step, reloads PJSIP over the control socket, looks whether Asterisk has it, and says in the store
which versions are loaded: the engine uses no trunk before that. A trunk that cannot be written holds back no other.
"""

import logging
import re
import signal
import subprocess
import sys
import threading

from dialplan import fetch, runtime
from sql import logs, settings, store, trunks

LOOK_S = 0.3
VERIFY_S = 15.0  # Asterisk may have been started anew
log = logging.getLogger("provision")


class Provisioner:
    def __init__(self, node: str, instance: runtime.Instance) -> None:
        self._node = node
        self._instance = instance
        self._told: dict[int, int] | None = None  # what Asterisk was last told of
        self._missing: set[int] = set()  # what it did not load of that
        self._wrong: dict[int, str] = {}
        self._age, self._pause = 0.0, VERIFY_S

    def look(self) -> None:
        """Make Asterisk follow the store if they differ; now and then, look whether it still does."""
        self._age += LOOK_S
        with store.connection():
            lines = trunks.lines()
            wanted = {line.id: line.version for line in lines}
            if wanted == self._told and self._age < self._pause:
                return
            reload = self._write(lines) or wanted != self._told or bool(self._missing)
            again = wanted == self._told and bool(self._missing)
            self._told = None  # until Asterisk has answered
            known = self._known(reload) - set(self._wrong)
            loaded = {line.id: line.version for line in lines if line.id in known}
            if store.unit(trunks.loaded, self._node, loaded):
                log.info("Asterisk has loaded %d of %d trunks", len(loaded), len(lines))
        self._told, self._age = wanted, 0.0
        self._missing = set(wanted) - set(loaded) - set(self._wrong)
        self._wait(lines, again)

    def _wait(self, lines: list[trunks.Line], again: bool) -> None:
        """When to look next: a trunk that Asterisk did not load is tried again soon, then more and more seldom."""
        before = self._pause
        if not self._missing:
            self._pause = VERIFY_S
            return
        self._pause = min(VERIFY_S, 2 * before) if again else LOOK_S
        if before < self._pause == VERIFY_S:
            for line in lines:
                if line.id in self._missing:
                    where = self._instance.folder / "log" / "messages"
                    log.error("Asterisk does not load trunk %r (id %d); %s says why", line.name, line.id, where)

    def _write(self, lines: list[trunks.Line]) -> bool:
        """Write the include; whether it is another one than before."""
        sections = [runtime.TRUNKS_HEAD]
        wrong = {}
        for line in lines:
            try:
                sections.append(runtime.trunk_conf(line))
            except runtime.ConfigError as error:
                wrong[line.id] = str(error)
                if self._wrong.get(line.id) != str(error):
                    log.error("%s; this trunk is left out until then", error)
        self._wrong = wrong
        path = self._instance.folder / "etc" / "carillon_trunks.conf"
        text = "".join(sections)
        if path.exists() and path.read_text() == text:
            return False
        runtime.write(path, text)
        return True

    def _known(self, reload: bool) -> set[int]:
        """The ids of the trunks that Asterisk knows, after a reload if asked for."""
        if reload:
            said = self._instance.control("module reload res_pjsip.so")
            if "successfully" not in said:
                raise OSError(f"Asterisk did not reload PJSIP: {said.strip()[:200]}")
        listed = self._instance.control("pjsip show endpoints")
        return {int(found) for found in re.findall(r"^ *Endpoint: +trunk-([0-9]+)\b", listed, re.MULTILINE)}


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
        log.error("[ami] host names an Asterisk that is not ours: its trunks do not follow the store in this version")
        stop.wait()
        return
    provisioner, said = Provisioner(config.node, runtime.Instance(program, config.home / "asterisk")), ""
    while not stop.wait(LOOK_S):
        try:
            provisioner.look()
            said = ""
        except (OSError, subprocess.TimeoutExpired, store.Unavailable) as error:
            if str(error) != said:
                log.warning("Asterisk cannot be told of the trunks yet: %s", error)
            said = str(error)


if __name__ == "__main__":
    main()
