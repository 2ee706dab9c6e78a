"""What runs: the parts, their ports, the engine's word in the store, and whether agi and api answer."""

import http.client
import re
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from dialplan import processes
from dialplan.checks.facts import Facts
from dialplan.checks.finding import Seen, fault, fine, listing, skipped, warning
from dialplan.up import ANY
from sql import store

YOUNG_S = 15  # a part may still be starting
RESTARTED_WITHIN_S, AFTER_UP_S = 600, 60
BEAT_WITHIN_MS = 15_000
OVERDUE_MS = 600_000
ANSWER_S = 3
RESTART = re.compile(r"^(\S+Z) up ERROR (\w+) .*; started again", re.MULTILINE)
TAIL = 200_000


def wanted(facts: Facts) -> list[str]:
    """The parts that belong to this installation."""
    own = ["asterisk"] if facts.config.own_asterisk else []
    return [*own, *(["carrier"] if evaluates(facts) else []), "provision", "agi", "api", "engine", "push"]


def evaluates(facts: Facts) -> bool:
    return facts.config.text("carillon", "profile") == "evaluation"


def parts(facts: Facts) -> Seen:
    """Every part that belongs to the installation lives, and none died of late."""
    living = facts.parts
    if not living:
        left = sorted(path.stem for path in (facts.home / "run").glob("*.pid"))
        how = f"; it did not end in peace, pid files of {listing(left)} are left" if left else ""
        return warning(f"Carillon is not running{how}", f"start it: carillon up --home {facts.home}, or its services")
    dead = [name for name in wanted(facts) if name not in living]
    if dead:
        up = "" if "up" in living else f"start carillon {dead[0]} (or its service), "
        return fault(
            f"{listing(dead)} does not run", f"{up}look at the end of log/{dead[0]}.log or the journal: {_last_words(facts, dead[0])}"
        )
    often = _restarts(facts)
    if often:
        return warning(f"parts died and were started again: {often}", "look in their logs for what ended them")
    return fine(f"{len(wanted(facts))} parts run")


def _last_words(facts: Facts, part: str) -> str:
    path = facts.home / "log" / f"{part}.log"
    lines = path.read_text("utf-8", "replace")[-2000:].strip().splitlines() if path.exists() else []
    return lines[-1][:200] if lines else "it says nothing"


def _restarts(facts: Facts) -> str:
    """Which parts died of late: by the supervisor's log, or by their age beside the supervisor's."""
    path, recent = facts.home / "log" / "up.log", []
    if path.exists():
        for at, name in RESTART.findall(path.read_text("utf-8", "replace")[-TAIL:]):
            if time.time() - datetime.strptime(at, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC).timestamp() < RESTARTED_WITHIN_S:
                recent.append(name)
    up = facts.parts.get("up")
    young = [name for name, part in facts.parts.items() if up and part.age < min(RESTARTED_WITHIN_S, up.age - AFTER_UP_S)]
    return listing([f"{name} ({recent.count(name)} times)" for name in sorted(set(recent))] or [f"{name} of late" for name in young])


def ports(facts: Facts) -> Seen:
    """Our ports are free, or open and ours; the addresses are this machine's."""
    ours = {part.pid for part in facts.parts.values()}
    there = {
        (part, kind, address, port): [one for one in facts.listeners if processes.in_the_way(one, kind, address, port)]
        for part, kind, address, port in _ports(facts)
    }
    owners = processes.owners({one.inode for found in there.values() for one in found})
    for (part, kind, address, port), found in there.items():
        if not _is_here(address):
            return fault(
                f"{address}, to which {part} is bound, is no address of this machine", f"correct the `bind` of {part} in carillon.ini"
            )
        mine = facts.parts.get(part)
        if other := next((owners[one.inode] for one in found if one.inode in owners and owners[one.inode].pid not in ours), None):
            return fault(
                f"{kind} port {port} ({part}) is used by {other.command} (pid {other.pid})", "end that, or choose another port_base"
            )
        if found and not mine:
            return fault(f"{kind} port {port} ({part}) is used by somebody else", "end what uses it, or choose another port_base")
        if mine and not found and mine.age > YOUNG_S:
            return fault(f"{part} runs, but {kind} port {port} is not open", f"look at the end of log/{part}.log, and start it again")
    return fine("ports are " + ("ours" if facts.parts else "free"))


def _ports(facts: Facts) -> Iterator[tuple[str, str, str, int]]:
    """Part, kind, address and number of every port."""
    config = facts.config
    yield "api", "tcp", config.text("api", "bind"), config.port("api")
    yield "agi", "tcp", "127.0.0.1", config.port("agi")
    if config.own_asterisk:
        yield "asterisk", "tcp", "127.0.0.1", config.ami[1]
        yield "asterisk", "udp", config.text("sip", "bind"), config.port("sip")
    if evaluates(facts):
        yield "carrier", "udp", "127.0.0.1", config.port("carrier_sip")
        yield "carrier", "tcp", "127.0.0.1", config.port("carrier_ami")


def _is_here(address: str) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True


def node(facts: Facts) -> Seen:
    """No other engine bears our name in the store."""
    process, beat_at = facts.content.bearer or (None, 0)
    path = facts.home / "run" / "engine.lock"
    token = path.read_text()[:64] if path.exists() else ""
    name = facts.config.node
    if process is not None and process != token and store.now() - beat_at < BEAT_WITHIN_MS:
        what = f"an engine of another home or machine bears the name {name!r} in this store"
        return fault(what, "give one of the two another name ([carillon] node), or stop the other one")
    return fine(f"nobody else bears the name {name!r}")


def engine(facts: Facts) -> Seen:
    """The engine has said of late in the store that it lives, and does not hold back."""
    if "engine" not in facts.parts:
        return skipped("the engine does not run")
    seen = facts.content.node
    age = (store.now() - seen.beat_at) / 1000 if seen else 0
    if seen is None or age * 1000 > BEAT_WITHIN_MS:
        if facts.parts["engine"].age < YOUNG_S:
            return skipped("the engine is just starting")
        what = f"its last word in the store is {age:.0f} s old" if seen else "it has never said a word in the store"
        return fault(
            f"the engine runs, but {what}", "look at the end of log/engine.log; if it says nothing, end that process: it is started anew"
        )
    if seen.held_text:
        return warning(f"the engine holds back: {seen.held_text}", "see what it says; it goes on by itself where that passes")
    return fine("the engine lives and says so")


def link(facts: Facts) -> Seen:
    """The engine has its link to Asterisk."""
    seen = facts.content.node
    if "engine" not in facts.parts or seen is None:
        return skipped("the engine does not run")
    if not seen.link_up:
        return fault(f"the engine has no link to Asterisk: {seen.link_text}", "do what it says; the engine tries again every few seconds")
    return fine("the engine is linked with Asterisk")


def agi(facts: Facts) -> Seen:
    """The AGI server takes a connection and answers."""
    if "agi" not in facts.parts:
        return skipped("agi does not run")
    port = facts.config.port("agi")
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=ANSWER_S) as connection:
            connection.shutdown(socket.SHUT_WR)  # nothing to run: who is alive closes
            connection.settimeout(ANSWER_S)
            connection.recv(1)
    except ConnectionError as error:
        return fault(f"nobody serves calls on port {port}: {error.strerror}", "look at the end of log/agi.log")
    except TimeoutError:
        return fault(
            f"what listens on port {port} does not answer", "end the process agi: it is started anew; its log may say why it hangs"
        )
    return fine(f"agi answers on port {port}")


def api(facts: Facts) -> Seen:
    """The API answers over HTTP."""
    if "api" not in facts.parts:
        return skipped("api does not run")
    bound, port = facts.config.text("api", "bind"), facts.config.port("api")
    connection = http.client.HTTPConnection(ANY.get(bound, bound), port, timeout=ANSWER_S)
    try:
        connection.request("GET", "/rest/")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        remedy = "look at the end of log/api.log; if it says nothing, end the process api: it is started anew"
        return fault(f"no answer over HTTP on {bound} port {port}: {error or type(error).__name__}", remedy)
    finally:
        connection.close()
    if status >= 500:
        return fault(f"it answers {status} over HTTP", "look at the end of log/api.log")
    return fine(f"it answers on {bound} port {port}")
