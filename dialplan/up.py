"""`carillon up`: brings up all parts of one installation, keeps each of them up, and ends all of them together.

Every part is a process of its own with a log and a pid file; this one only starts, watches and stops them.
"""

import argparse
import ctypes
import fcntl
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections import deque
from contextlib import suppress
from pathlib import Path

from dialplan import evaluation, fetch
from sql import logs, nodes, settings, store

POLL_S = 0.05
DEATHS_PER_MINUTE = 5
SLOW_RESTART_S = 10.0
READY_S = 60.0
STAGES = (("api", "engine", "provision"), ("asterisk", "carrier"), ("agi", "push"))  # the hangup handler still needs agi and the store
STAGE_S = 2.8
ANY = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # an address that stands for all, and one of them that can be asked
PR_SET_PDEATHSIG = 1
log = logging.getLogger("up")


class CannotStart(Exception):
    """One sentence with the remedy."""


class Part:
    """One process: started, watched, started again after a death."""

    def __init__(self, name: str, arguments: list[str], home: Path) -> None:
        self.name = name
        self._command = [sys.executable, "-m", *arguments]
        self._log = home / "log" / f"{name}.log"
        self._pid = home / "run" / f"{name}.pid"
        self._process: subprocess.Popen | None = None
        self._deaths: deque[float] = deque(maxlen=DEATHS_PER_MINUTE)
        self._start_at = 0.0
        self._named = 0  # the pid that the pid file holds
        self._said = ""

    def keep(self) -> None:
        """Start it if it does not live and its time has come."""
        if self._process is not None and self._process.poll() is not None:
            self._died(self._process.returncode)
        if self._process is None and time.monotonic() >= self._start_at:
            self._start()
        if self._process is not None and self._process.pid != self._named:
            self._name(self._process.pid)

    def _start(self) -> None:
        try:
            with self._log.open("ab") as out:
                self._process = subprocess.Popen(
                    self._command,
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                    preexec_fn=_die_with_us,
                )
        except OSError as error:  # a full disk or process table ends no other part
            self._pid.unlink(missing_ok=True)
            self._start_at = time.monotonic() + SLOW_RESTART_S
            log.error("%s cannot be started, tried again in %.0f s: %s", self.name, SLOW_RESTART_S, error)

    def _name(self, pid: int) -> None:
        """Write the pid file; tried again at the next poll if that fails."""
        new = self._pid.with_suffix(".new")
        try:
            new.write_text(f"{pid}\n")
            new.replace(self._pid)
            self._named, self._said = pid, ""
        except OSError as error:
            if str(error) != self._said:
                log.error("%s runs, but its pid file cannot be written: %s", self.name, error)
            self._said = str(error)

    def _died(self, code: int) -> None:
        assert self._process is not None
        _end_group(self._process.pid, signal.SIGKILL)
        self._process, self._named, now = None, 0, time.monotonic()
        self._deaths.append(now)
        often = len(self._deaths) == DEATHS_PER_MINUTE and now - self._deaths[0] < 60
        self._start_at = now + (SLOW_RESTART_S if often else 0)
        if often:
            self._pid.unlink(missing_ok=True)
        ended = f"was killed by signal {-code}" if code < 0 else f"ended with code {code}"
        when = f"in {SLOW_RESTART_S:.0f} s, it has died often" if often else "now"
        log.error("%s %s; started again %s. Its last words: %s", self.name, ended, when, self._last_words())

    def _last_words(self) -> str:
        if not self._log.exists():  # an administrator's rotation may have taken it
            return "none"
        with self._log.open("rb") as file:
            file.seek(max(0, self._log.stat().st_size - 2000))
            lines = file.read().decode("utf-8", "replace").strip().splitlines()
        return lines[-1][:300] if lines else "none"

    def ask_to_end(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def end(self, deadline: float) -> None:
        """Wait until it has ended; kill it and its children at the deadline."""
        if self._process is not None:
            try:
                self._process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.warning("%s did not end in time and is killed", self.name)
            _end_group(self._process.pid, signal.SIGKILL)
            self._process.wait()
        self._pid.unlink(missing_ok=True)


def _end_group(pid: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, number)


def _die_with_us() -> None:
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def parts(config: settings.Settings) -> dict[str, Part]:
    """The parts of this installation, in the order of their start."""
    modules = {"asterisk": ["dialplan.runtime"]} if config.own_asterisk else {}
    if evaluates(config):
        modules["carrier"] = ["dialplan.runtime", "carrier"]
    modules |= {"provision": ["dialplan.provision"], "agi": ["agi.server"], "api": ["api"], "engine": ["engine"], "push": ["engine.push"]}
    return {name: Part(name, arguments, config.home) for name, arguments in modules.items()}


def evaluates(config: settings.Settings) -> bool:
    return config.text("carillon", "profile") == "evaluation"


def prepare(given: argparse.Namespace) -> settings.Settings:
    """Write what a first start needs, and look whether everything can start. CannotStart names what is in the way."""
    home = Path(os.environ["CARILLON_HOME"]).absolute()
    for name in ("", "run", "log", "recordings"):
        (home / name).mkdir(parents=True, exist_ok=True)
    settings.write_first(home, given.port_base or settings.PORT_BASE)
    if given.port_base:
        os.environ["CARILLON_CARILLON_PORT_BASE"] = str(given.port_base)
    os.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}"  # scripts that Asterisk runs find our Python
    config = settings.read(home)
    _check_ports(config)
    if config.own_asterisk:
        fetch.asterisk()
    store.migrate(config.store_url)
    if evaluates(config):
        with store.connection():
            store.unit(evaluation.demo_trunk, config)
    return config


def _check_ports(config: settings.Settings) -> None:
    base, last = config.number("carillon", "port_base"), max(settings.PORTS.values())
    if not 1 <= base <= 65535 - last:
        raise CannotStart(f"port base {base} leaves no room for {last + 1} ports; choose one of at least 1 and at most {65535 - last}")
    tcp = {"api": config.text("api", "bind"), "agi": "127.0.0.1"} | ({"ami": "127.0.0.1"} if config.own_asterisk else {})
    udp = {"sip": config.text("sip", "bind")} if config.own_asterisk else {}
    if evaluates(config):
        udp["carrier_sip"] = tcp["carrier_ami"] = "127.0.0.1"
    for kind, ports in ((socket.SOCK_STREAM, tcp), (socket.SOCK_DGRAM, udp)):
        for part, address in ports.items():
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            with socket.socket(family, kind) as probe:
                if kind == socket.SOCK_STREAM:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((address, config.port(part)))
                except OSError as error:
                    raise CannotStart(
                        f"{address} port {config.port(part)} ({part}) cannot be used: {error.strerror}; "
                        "end what uses it, or choose another --port-base (3,000 apart)"
                    ) from error


class Installation:
    def __init__(self, config: settings.Settings) -> None:
        self._config = config
        self._parts = parts(config)
        self._stop = False

    def run(self) -> None:
        """Until SIGTERM or SIGINT."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda *_: setattr(self, "_stop", True))
        began, ready, warned = time.monotonic(), False, False
        while not self._stop:
            for part in self._parts.values():
                part.keep()
            if not ready and (ready := self._is_ready()):
                print(f"ready: {self._url}", flush=True)
                if evaluates(self._config):
                    evaluation.first_steps(self._config, self._url)
            elif not ready and not warned and time.monotonic() - began > READY_S:
                log.error("not ready after %.0f s: %s", READY_S, self._missing())
                warned = True
            time.sleep(POLL_S)
        self._end()

    @property
    def _url(self) -> str:
        bound = self._config.text("api", "bind")
        address = ANY.get(bound, bound)
        return f"http://{f'[{address}]' if ':' in address else address}:{self._config.port('api')}"

    def _is_ready(self) -> bool:
        return not self._missing()

    def _missing(self) -> str:
        """What keeps calls from being made; empty if nothing."""
        if not (self._config.home / "admin.json").exists() or not self._api_answers():
            return "the API does not answer, see log/api.log"
        try:
            with store.connection():
                here = nodes.facts(self._config.node)
            if not here or not here[0].link_up:
                return f"the engine has no link to Asterisk ({here[0].link_text if here else 'it has not started'}), see log/engine.log"
            return evaluation.missing(self._config) if evaluates(self._config) else ""
        except store.Unavailable as error:
            return f"the store does not answer ({error})"

    def _api_answers(self) -> bool:
        try:
            with socket.create_connection((self._config.text("api", "bind"), self._config.port("api")), timeout=1):
                return True
        except OSError:
            return False

    def _end(self) -> None:
        log.info("stopping")
        for stage in STAGES:
            ending = [self._parts[name] for name in stage if name in self._parts]
            deadline = time.monotonic() + STAGE_S
            for part in ending:
                part.ask_to_end()
            for part in ending:
                part.end(deadline)


def main() -> None:
    logs.setup("up")
    parser = argparse.ArgumentParser(prog="carillon up", description="Bring up an installation and keep it up; SIGTERM or Ctrl-C ends it.")
    parser.add_argument("--port-base", type=int, metavar="N", help=f"first of its ports (default {settings.PORT_BASE})")
    given = parser.parse_args()
    home = Path(os.environ["CARILLON_HOME"])
    try:
        (home / "run").mkdir(parents=True, exist_ok=True)
        with (home / "run" / "up.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise CannotStart(f"another `carillon up` already runs in {home}; stop it first") from None
            Installation(prepare(given)).run()
    except (CannotStart, settings.SettingsError, store.StoreError, store.Unavailable, fetch.FetchError, OSError) as error:
        sys.exit(f"carillon: {error}")


if __name__ == "__main__":
    main()
