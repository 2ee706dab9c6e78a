"""The link to Asterisk's manager interface, through panoramisk; the only file that knows panoramisk.

Out go Originates that strict patterns have passed, in come facts. It decides nothing. What panoramisk does not do safely is done
here: one Manager serves one connection (it would send an Originate again after a reconnect), every wait has an end, and
callbacks only put facts on a queue.
"""

import asyncio
import contextlib
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from panoramisk import Manager
from panoramisk.message import Message

from engine.facts import Created, Fact, Hangup, LinkUp, Reply
from sql.store import now

CONNECT_S, LOGIN_S, BOOT_S, ANSWER_S, LIST_S = 5.0, 5.0, 120.0, 10.0, 20.0
BEAT_S, BEAT_ANSWER_S = 5.0, 5.0
BACK_OFF_S = (0.2, 0.5, 1.0, 2.0)  # the last one again and again
REFUSED_BACK_OFF_S = 10.0  # a wrong secret does not mend itself within a second
LEVELS = "system,call,user"

NUMBER = re.compile(r"\+?[0-9]{2,20}", re.ASCII)
ENDPOINT = re.compile(r"[a-z]+-[0-9]{1,19}", re.ASCII)
WORD = re.compile(r"[a-z][a-z0-9_-]{0,39}", re.ASCII)
VARIABLE = re.compile(r"[A-Za-z][A-Za-z0-9_()\\,-]{0,80}=[A-Za-z0-9_\\,-]{1,80}", re.ASCII)
OUR_ID = re.compile(r"0*[1-9][0-9]{0,18}", re.ASCII)
ID_DIGITS = 19  # every channel's id is as long as every other's: Asterisk 22 takes one that begins another for that other

log = logging.getLogger(__name__)
# panoramisk logs each reconnect and failed connect itself; what people need to know is said here, once.
_quiet = logging.getLogger("carillon.panoramisk")
_quiet.setLevel(logging.CRITICAL + 1)


T = TypeVar("T")


class LinkDown(Exception):
    """There is no usable link: nothing was sent."""


class Refused(Exception):
    """Asterisk refused the action; its own words."""


@dataclass(frozen=True)
class Originate:
    """One call to be placed. `caller_id` may be empty; `variables` are constants of ours and whole numbers."""

    call_id: int
    number: str
    endpoint: str
    context: str
    exten: str
    timeout_ms: int
    caller_id: str
    variables: tuple[tuple[str, int | str], ...]


def headers(order: Originate) -> dict[str, str | list[str]]:
    """The AMI action of an order. ValueError names the value that may not travel."""
    variables = [f"{name}={value}" for name, value in order.variables]
    for variable in variables:
        _checked(VARIABLE, variable, "variable")
    call_id = _checked(OUR_ID, str(order.call_id), "call id")
    made: dict[str, str | list[str]] = {
        "Action": "Originate",
        "ActionID": call_id,
        "ChannelId": call_id.zfill(ID_DIGITS),
        "Channel": f"PJSIP/{_checked(NUMBER, order.number, 'number')}@{_checked(ENDPOINT, order.endpoint, 'endpoint')}",
        "Context": _checked(WORD, order.context, "context"),
        "Exten": _checked(WORD, order.exten, "extension"),
        "Priority": "1",
        "Timeout": str(int(order.timeout_ms)),
        "Async": "true",
        "Variable": variables,
    }
    if order.caller_id:
        made["CallerID"] = _checked(NUMBER, order.caller_id, "caller id")
    return made


def _checked(pattern: re.Pattern[str], value: str, what: str) -> str:
    if not pattern.fullmatch(value):
        raise ValueError(f"{what} {value!r} may not travel to Asterisk")
    return value


class _OneConnection(Manager):
    """A Manager for a single connection: it neither connects again nor sends anything again."""

    def connect(self, *args: object, **options: object) -> asyncio.Task | None:
        if self.protocol is not None or getattr(self, "_tried", False):
            return None
        self._tried = True
        return super().connect()

    async def send_awaiting_actions(self, *_: object) -> None:
        self.awaiting_actions.clear()


class Link:
    """Keeps a link to one Asterisk. `up` is true when calls can be placed; `state` says in a sentence how things are."""

    def __init__(self, host: str, port: int, user: str, secret: str, facts: "asyncio.Queue[Fact]") -> None:
        self._address = (host, port)
        self._login = {"username": user, "secret": secret}
        self._facts = facts
        self._manager: Manager | None = None
        self._task: asyncio.Task | None = None
        self.up = False
        self.state = "not connected yet"

    async def start(self) -> None:
        self._task = asyncio.create_task(self._keep(), name="ami")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def originate(self, order: Originate) -> int | None:
        """Hand one call to Asterisk: ms until it was queued; None if no answer came (it may have gone out).

        LinkDown: nothing was sent. Refused: Asterisk said no. ValueError: a value may not travel.
        """
        action = headers(order)
        began = now()
        answers = await self._send(action, ANSWER_S)
        if answers is None:
            return None
        answer = answers[0]
        if answer.response != "Success":
            raise Refused(answer.message)
        return now() - began

    async def channels(self) -> dict[int, str]:
        """The living channels of ours: call id -> channel name. LinkDown if Asterisk did not tell."""
        answers = await self._send({"Action": "CoreShowChannels"}, LIST_S, as_list=True)
        if answers is None:
            raise LinkDown("Asterisk did not list its channels")
        found = ((_id(answer, "Uniqueid"), answer["Channel"]) for answer in answers if answer.event == "CoreShowChannel")
        return {call_id: name for call_id, name in found if call_id is not None}

    async def hangup(self, call_id: int) -> None:
        """Hang up the channel of this call, if it lives."""
        name = (await self.channels()).get(call_id)
        if name:
            await self._send({"Action": "Hangup", "Channel": name, "Cause": "16"}, ANSWER_S)

    async def _send(self, action: dict, seconds: float, as_list: bool = False) -> list[Message] | None:
        if not self.up or self._manager is None:
            raise LinkDown(self.state)
        return await _answer(self._manager, action, seconds, as_list)

    async def _keep(self) -> None:
        failures = 0
        while True:
            try:
                await self._one_connection()
                failures, pause = 0, BACK_OFF_S[0]
            except _LoginRefused as error:
                pause = REFUSED_BACK_OFF_S
                self._down(str(error))
            except (OSError, LinkDown, TimeoutError) as error:
                pause = BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)]
                failures += 1
                self._down(str(error) or "no answer in time")
            await asyncio.sleep(pause)

    async def _one_connection(self) -> None:
        lost, booted = asyncio.Event(), asyncio.Event()
        manager = _OneConnection(
            host=self._address[0], port=self._address[1], events=LEVELS, ping_delay=3600, ping_interval=3600, log=_quiet,
            loop=asyncio.get_running_loop(), on_disconnect=lambda *_: lost.set(), **self._login,
        )  # fmt: skip
        for name, make in FACTS.items():
            manager.register_event(name, lambda _, event, make=make: self._put(make, event))
        manager.register_event("FullyBooted", lambda *_: booted.set())
        try:
            await self._log_in(manager, booted, lost)
            self._manager, self.up, self.state = manager, True, f"up, {self._address[0]}:{self._address[1]}"
            log.info("link to Asterisk is up (%s:%d)", *self._address)
            self._facts.put_nowait(LinkUp(now()))
            await self._beat(manager, lost)
        finally:
            self.up, self._manager = False, None
            if manager.protocol is not None and manager.protocol.transport:
                manager.protocol.transport.abort()
                manager.close()

    async def _log_in(self, manager: Manager, booted: asyncio.Event, lost: asyncio.Event) -> None:
        try:
            async with asyncio.timeout(CONNECT_S):  # wait_for would lose a cancellation that comes with the end of what it waits for
                await manager.connect()
        except OSError as error:
            raise LinkDown(f"cannot connect to {self._address[0]}:{self._address[1]}: {error.strerror or error}") from error
        await asyncio.sleep(0)  # panoramisk sends the login in the connect task's callback
        answer = await _first(asyncio.shield(manager.authenticated_future), lost, LOGIN_S)
        if answer is None:
            raise LinkDown("Asterisk did not answer the login")
        if answer.response != "Success":
            raise _LoginRefused(
                f"login refused for manager user {self._login['username']!r} ({answer.message}); check [ami] user and secret"
            )
        if await _first(booted.wait(), lost, BOOT_S) is None:
            raise LinkDown("Asterisk is not fully booted")

    async def _beat(self, manager: Manager, lost: asyncio.Event) -> None:
        while not lost.is_set():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(BEAT_S):
                    await lost.wait()
                break
            if await _answer(manager, {"Action": "Ping"}, BEAT_ANSWER_S) is None and not lost.is_set():
                raise LinkDown(f"Asterisk did not answer for {BEAT_ANSWER_S:.0f} s")
        raise LinkDown("Asterisk closed the connection")

    def _put(self, make: Callable[[Message], Fact | None], event: Message) -> None:
        try:
            fact = make(event)
        except (KeyError, ValueError) as error:  # raising here would kill the connection
            log.error("an event of Asterisk could not be read (%s): %r", error, dict(event))
            return
        if fact is not None:
            self._facts.put_nowait(fact)

    def _down(self, why: str) -> None:
        if why != self.state:
            log.error("no link to Asterisk: %s", why)
        self.state = why


class _LoginRefused(Exception):
    pass


async def _answer(manager: Manager, action: dict, seconds: float, as_list: bool = False) -> list[Message] | None:
    """The one answer, or all of a list; None if none came in time, and then nothing of the action stays behind."""
    future = manager.send_action(dict(action), as_list=as_list)
    try:
        # a cancelled future would stay registered and swallow later messages with its id
        async with asyncio.timeout(seconds):
            answer = await asyncio.shield(future)
        return answer if as_list else [answer]
    except TimeoutError:
        return None
    finally:
        for key, pending in list(manager.protocol.responses.items()):
            if pending.future is future:
                del manager.protocol.responses[key]


async def _first(awaited: Awaitable[T], lost: asyncio.Event, seconds: float) -> T | None:
    """The result of `awaited`; None if the connection was lost or the time was over first."""
    waiting, gone = asyncio.ensure_future(awaited), asyncio.ensure_future(lost.wait())
    both: set[asyncio.Future] = {waiting, gone}
    done, rest = await asyncio.wait(both, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    for task in rest:
        task.cancel()
    return waiting.result() if waiting in done else None


def _id(event: Message, key: str) -> int | None:
    """The call id in this header; None for a channel that is not ours."""
    value = event[key]
    return int(value) if OUR_ID.fullmatch(value) and len(value) <= ID_DIGITS else None


def _number(event: Message, key: str) -> int | None:
    digits = re.search(r"[0-9]{1,9}", event.get(key, ""), re.ASCII)
    return int(digits[0]) if digits else None


def _created(event: Message) -> Fact | None:
    call_id = _id(event, "Uniqueid")
    return None if call_id is None else Created(call_id, now())


def _reply(event: Message) -> Fact | None:
    call_id = _id(event, "ActionID")
    return None if call_id is None else Reply(call_id, now(), event["Response"] == "Success", _number(event, "Reason"))


def _hangup(event: Message) -> Fact | None:
    call_id = _id(event, "Uniqueid")
    if call_id is None:
        return None
    return Hangup(call_id, now(), _number(event, "Cause"), _number(event, "TechCause"), event.get("ChannelStateDesc"))


FACTS: dict[str, Callable[[Message], Fact | None]] = {"Newchannel": _created, "OriginateResponse": _reply, "Hangup": _hangup}
