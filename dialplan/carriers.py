"""How Asterisk has the trunks at this moment: registered or not, reachable or not, and why; read from what its console answers.

Changes nothing. Why a registration fails, Asterisk says in its log alone.
"""

import os
import re
from collections.abc import Collection
from pathlib import Path

from dialplan import sip
from dialplan.runtime import Instance
from sql.trunks import Line, State

LATE_S = 4  # of seconds after a renewal was due; Asterisk counts to that, ten seconds before the end
TAIL = 200_000  # bytes of the log in which the reason of a registration is looked for
REGISTRATION = re.compile(r"^ *trunk-([0-9]+)-registration/\S+ +\S+ +(\w+)(?: +\(exp\. ([0-9]+)s( ago)?\))?", re.MULTILINE)
CONTACT = re.compile(r"^ *Contact: +trunk-([0-9]+)/\S+ +\S+ +(\w+)", re.MULTILINE)
REFUSED = "it is not registered: the registrar refuses it"
CODE = re.compile(r"\b[1-6][0-9]{2}\b(?: (?!fatal|temporal)[A-Za-z]+)*")
UNREACHABLE = "it does not answer when asked (OPTIONS); check host, port and firewall"


def states(instance: Instance, lines: Collection[Line]) -> dict[int, State]:
    """Each of these trunks that registers or is asked. OSError if Asterisk does not answer."""
    members = {line.id: line for line in lines if line.register and line.username}
    asked = {line.id for line in lines if line.qualify}
    said = instance.control("pjsip show registrations") if members else ""
    registered = {int(trunk): (status, int(after or 0) if ago else 0) for trunk, status, after, ago in REGISTRATION.findall(said)}
    contacts = dict(CONTACT.findall(instance.control("pjsip show contacts"))) if asked else {}
    made = {}
    for trunk in {*members, *asked}:
        why = _unregistered(instance, members[trunk], *registered.get(trunk, ("", 0))) if trunk in members else None
        reachable = {"Avail": True, "Unavail": False}.get(contacts.get(str(trunk), "")) if trunk in asked else None
        made[trunk] = State(why is None if trunk in members else None, reachable, why or (UNREACHABLE if reachable is False else None))
    return made


def _unregistered(instance: Instance, line: Line, status: str, late: int) -> str | None:
    """Why it is not registered; None if it is."""
    if status == "Registered":
        return None if late <= LATE_S else "its registration is not renewed, the registrar does not answer"
    if status != "Rejected":
        return "it is not registered yet"
    said = _last_word(instance.logs, sip.member(line))
    if said.startswith("No response"):
        return "it is not registered: the registrar does not answer; check host, port and firewall"
    code = CODE.search(said)
    answer = f" ({code[0]})" if code else f"; {instance.messages} says why"
    return f"{REFUSED}{answer}; check username and password"


def _last_word(logs: Collection[Path], member: str) -> str:
    """What Asterisk last logged about registrations of this member, such as `403 Forbidden fatal response`."""
    said = re.compile(rf"outbound_registration\.c: (.{{3,80}}) received from '[^']*' on registration attempt to '{re.escape(member)}'")
    found: list[str] = []
    for path in logs:
        if path.exists() and os.access(path, os.R_OK):
            with path.open("rb") as file:
                file.seek(max(0, path.stat().st_size - TAIL))
                found += said.findall(file.read().decode("utf-8", "replace"))
    return found[-1] if found else ""
