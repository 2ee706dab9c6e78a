"""One conversation with Asterisk's manager interface: what it lets its user do, and what it tells of itself. Nothing is changed by it.

Every action that might change something is sent without what it needs: Asterisk asks for the right first, and for the rest then.
"""

import socket
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field

ANSWER_S = 2.5
BOOTED_S = 1.0
LONGEST = 1 << 20
NOWHERE = "carillon-doctor-asks"  # a name that nothing has
MUST: dict[str, dict[str, str]] = {  # what the engine needs: action and its arguments
    "Ping": {},
    "CoreStatus": {},
    "CoreShowChannels": {},
    "Originate": {},
    "Hangup": {"Channel": NOWHERE},
}
MUST_NOT: dict[str, dict[str, str]] = {  # what whoever stole the secret could use against the machine
    "Command": {"Command": "core show uptime"},
    "GetConfig": {},
    "UpdateConfig": {},
    "ModuleLoad": {},  # Reload needs one of these rights too, and would be noted as one even for a module that is not there
    "DBPut": {},
    "AGI": {},
}
CONTEXTS = {"carillon": ("voice", "interactive"), "carillon-taken": ("s",), "carillon-hangup": ("s",), "carillon-refused": ()}
DENIED = "Permission denied"
BUSY = "Login Already In Use"
Message = dict[str, str]


class NotAManager(OSError):
    """Something listens there, but it is no manager interface."""


@dataclass
class Interview:
    """`refusal`: why the login failed, or "". What could not be asked is empty; `rights` is by action."""

    greeting: str
    refusal: str = ""
    booted: bool = False
    version: str = ""
    rights: dict[str, bool] = field(default_factory=dict)
    extensions: dict[str, set[str]] = field(default_factory=dict)
    programs: list[str] = field(default_factory=list)
    agi: str = ""
    endpoints: set[str] = field(default_factory=set)
    registrations: dict[str, str] = field(default_factory=dict)

    @property
    def logged_in(self) -> bool:
        return not self.refusal


def interview(host: str, port: int, user: str, secret: str, endpoints: Sequence[str]) -> Interview:
    """Log in, ask everything, log off. OSError if nobody answers, NotAManager if somebody else does."""
    with socket.create_connection((host, port), timeout=ANSWER_S) as connection, closing(_Talk(connection)) as talk:
        connection.settimeout(ANSWER_S)
        found = Interview(talk.greeting())
        answer = talk.ask("Login", Username=user, Secret=secret, Events="system")[0]
        if answer.get("Response") != "Success":
            found.refusal = answer.get("Message", "refused")
            return found
        found.booted = talk.booted()
        found.rights = {name: _may(talk.ask(name, **more)[0]) for name, more in (MUST | MUST_NOT).items()}
        found.version = talk.ask("CoreSettings")[0].get("AsteriskVersion", "")
        for context in CONTEXTS:
            lines = talk.ask("ShowDialPlan", Context=context)
            if lines[0].get("Response") == "Success":
                found.extensions[context] = {line["Extension"] for line in lines if "Extension" in line}
                found.programs += [line["AppData"] for line in lines if line.get("Application") == "AGI"]
        found.agi = talk.ask("Getvar", Variable="CARILLON_AGI")[0].get("Value", "")
        found.endpoints = {name for name in endpoints if talk.ask("Getvar", Variable=f"PJSIP_ENDPOINT({name},aors)")[0].get("Value")}
        for line in talk.ask("PJSIPShowRegistrationsOutbound"):
            if "ObjectName" in line:
                found.registrations[line["ObjectName"]] = line.get("Status", "")
        talk.ask("Logoff")
    return found


def _may(answer: Message) -> bool:
    return answer.get("Message") != DENIED


class _Talk:
    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._stream = connection.makefile("rb")
        self._count = 0
        self._events: list[Message] = []

    def close(self) -> None:
        self._stream.close()

    def greeting(self) -> str:
        line = self._stream.readline(200).decode("utf-8", "replace").strip()
        if not line.startswith("Asterisk Call Manager"):
            raise NotAManager(
                f"what listens there is no manager interface, it says {line[:40]!r}" if line else "it hangs up without a word"
            )
        return line

    def ask(self, action: str, **arguments: str) -> list[Message]:
        """The answer, and where it is the head of a list all of that."""
        self._count += 1
        mark = f"doctor-{self._count}"
        headers = {"Action": action, "ActionID": mark, **arguments}
        text = "".join(f"{key}: {value}\r\n" for key, value in headers.items())
        if len(text.splitlines()) != len(headers):
            raise OSError("a setting of [ami] holds a line break and cannot be sent")
        self._connection.sendall(text.encode() + b"\r\n")
        found: list[Message] = []
        while True:
            message = self._message()
            if message.get("ActionID") != mark:
                self._events.append(message)
                continue
            found.append(message)
            if found[0].get("EventList") != "start" or message.get("EventList") == "Complete":
                return found

    def booted(self) -> bool:
        """Whether Asterisk has said that it is ready: it does so to whom may read `system`, right after the login."""
        self._connection.settimeout(BOOTED_S)
        try:
            while not any(event.get("Event") == "FullyBooted" for event in self._events):
                self._events.append(self._message())
        except TimeoutError:
            self._stream.close()
            self._stream = self._connection.makefile("rb")  # a stream whose read was cut off reads no more
            return False
        finally:
            self._connection.settimeout(ANSWER_S)
        return True

    def _message(self) -> Message:
        message: Message = {}
        while True:
            line = self._stream.readline(LONGEST).decode("utf-8", "replace")
            if not line:
                raise OSError("it closed the connection")
            if not line.strip():
                if message:
                    return message
                continue
            key, _, value = line.rstrip("\r\n").partition(": ")
            message.setdefault(key, value)
