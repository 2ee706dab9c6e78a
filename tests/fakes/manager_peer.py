"""The manager interface's bad days as the doctor meets them: what a peer allows, knows and says is set by each test. Runs in a thread."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.fakes.ami_peer import AmiPeer, message

DENIED = "Permission denied"
OURS = ("Originate", "Hangup", "CoreStatus", "CoreShowChannels", "CoreSettings", "ShowDialPlan", "Getvar", "PJSIPShowRegistrationsOutbound")
DIALPLAN = {
    "carillon": ("voice", "interactive"), "carillon-taken": ("s",), "carillon-hangup": ("s",), "carillon-refused": (),
}  # fmt: skip


class ManagerPeer(AmiPeer):
    """Like Asterisk 22 for the rights that the engine needs. `allows`: actions that its user may do."""

    def __init__(self, agi_port: int) -> None:
        super().__init__()
        self.allows = {*OURS, "Ping", "Login", "Logoff"}
        self.version = "22.10.1"
        self.dialplan = dict(DIALPLAN)
        self.agi = f"agi://127.0.0.1:{agi_port}/"
        self.endpoints: set[str] = set()
        self.registrations: dict[str, str] = {}

    def _answer(self, action: dict[str, str], writer: asyncio.StreamWriter) -> None:
        name, mark = action["Action"], action.get("ActionID", "")
        told = {
            "CoreSettings": lambda: message(Response="Success", ActionID=mark, AsteriskVersion=self.version),
            "CoreStatus": lambda: message(Response="Success", ActionID=mark),
            "ShowDialPlan": lambda: self._show(action["Context"], mark),
            "Getvar": lambda: message(Response="Success", ActionID=mark, Value=self._variable(action["Variable"])),
            "PJSIPShowRegistrationsOutbound": lambda: self._registered(mark),
            "Logoff": lambda: message(Response="Goodbye", ActionID=mark),
        }
        if self.mute or name in self.silent:
            return
        if name not in self.allows:
            writer.write(message(Response="Error", ActionID=mark, Message=DENIED))
        elif name == "Originate" and "Channel" not in action:
            writer.write(message(Response="Error", ActionID=mark, Message="Channel not specified"))
        elif name in told:
            writer.write(told[name]())
        else:
            super()._answer(action, writer)

    def _show(self, context: str, mark: str) -> bytes:
        if context not in self.dialplan:
            return message(Response="Error", ActionID=mark, Message=f"Did not find context {context}")
        lines = b"".join(
            message(Event="ListDialplan", ActionID=mark, Context=context, Extension=exten, Application="AGI", AppData=f"{self.agi}x.py,1")
            for exten in self.dialplan[context]
        )
        head = message(Response="Success", ActionID=mark, EventList="start")
        return head + lines + message(Event="ShowDialPlanComplete", ActionID=mark, EventList="Complete")

    def _variable(self, name: str) -> str:
        return name if name.removeprefix("PJSIP_ENDPOINT(").partition(",")[0] in self.endpoints else ""

    def _registered(self, mark: str) -> bytes:
        lines = b"".join(
            message(Event="OutboundRegistrationDetail", ActionID=mark, ObjectName=name, Status=status)
            for name, status in self.registrations.items()
        )
        head = message(Response="Success", ActionID=mark, EventList="start")
        return head + lines + message(Event="OutboundRegistrationDetailComplete", ActionID=mark, EventList="Complete")

    @contextmanager
    def serving(self, host: str = "127.0.0.1") -> Iterator[int]:
        """Its port."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()

        async def start() -> None:
            self._server = await asyncio.start_server(self._talk, host, 0)

        try:
            asyncio.run_coroutine_threadsafe(start(), loop).result(5)
            assert self._server
            yield self._server.sockets[0].getsockname()[1]
        finally:
            asyncio.run_coroutine_threadsafe(self.stop(), loop).result(5)
            loop.call_soon_threadsafe(loop.stop)
            thread.join(5)
            loop.close()
