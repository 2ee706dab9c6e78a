"""A carrier that takes nobody's word: an Asterisk that demands of every call what real carriers do.

An account's name says what it demands and what it does. The password of all of them is PASSWORD. What crossed the wire is in its own
log, what it heard lies as a recording beside it. Knows nothing of Carillon's installation but the address that it calls from.
"""

import csv
import re
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path

from dialplan import runtime
from dialplan.fetch import Program
from sql import settings
from tests.live.house import wait_for

PASSWORD = "carrier-Pa55word"
FAR, NEAR = "127.0.0.2", "127.0.0.1"  # it listens on both; NEAR is our own address, and so within every local_net
UNKNOWN = "127.0.0.9"  # an address that has no contract
ACCOUNTS = {  # account: (what it accepts, context)
    "digest": ("ulaw,alaw", "call"), "capped": ("ulaw,alaw", "call"), "congested": ("ulaw,alaw", "congested"),
    "ulaw": ("ulaw", "call"), "alaw": ("alaw", "call"), "g722": ("g722", "call"), "gsm": ("gsm", "call"), "slow": ("ulaw", "slow"),
    "member": ("ulaw,alaw", "members"), "absent": ("ulaw", "members"), "late": ("ulaw", "members"), "page": ("ulaw", "members"),
}  # fmt: skip
SHARED = "disallow = all\nrewrite_contact = yes\nrtp_symmetric = yes\nforce_rport = yes\ndirect_media = no\n"
HEAD = """[global]
type = global
debug = yes
endpoint_identifier_order = auth_username,username,ip
[far]
type = transport
protocol = udp
bind = {far}:{port}
[near]
type = transport
protocol = udp
bind = {near}:{port}
[address]
type = endpoint
context = call
{shared}allow = ulaw,alaw
[address]
type = identify
endpoint = address
match = {known}
"""
# Asterisk renews ten seconds before the end; a registrar that grants no more is asked without a pause.
ACCOUNT = """[{name}]
type = endpoint
context = {context}
identify_by = auth_username,username
auth = {name}
aors = {name}
{shared}allow = {codecs}
[{name}]
type = auth
auth_type = digest
username = {name}
password = {password}
[{name}]
type = aor
max_contacts = 1
remove_existing = yes
minimum_expiration = 5
maximum_expiration = 13
"""
DIALPLAN = """[call]
exten => _[+0-9]!,1,Gosub(account,s,1(${{EXTEN}}))
 same => n,Answer()
 same => n,Record({folder}/heard/${{UNIQUEID}}.wav,0,20,kqx)
 same => n,Hangup()
[slow]
exten => _[+0-9]!,1,Gosub(account,s,1(${{EXTEN}}))
 same => n,Ringing()
 same => n,Wait(0.7)
 same => n,Answer()
 same => n,Wait(20)
 same => n,Hangup()
[members]
; only of who is registered
exten => _[+0-9]!,1,GotoIf($[${{LEN(${{PJSIP_AOR(${{CHANNEL(endpoint)}},contact)}})}} > 0]?call,${{EXTEN}},1)
 same => n,PJSIPHangup(403)
[congested]
exten => _[+0-9]!,1,Gosub(account,s,1(${{EXTEN}}))
 same => n,PJSIPHangup(503)
[account]
exten => s,1,Set(CDR(number)=${{ARG1}})
 same => n,Set(CDR(endpoint)=${{CHANNEL(endpoint)}})
 same => n,Set(CDR(codec)=${{CHANNEL(audioreadformat)}})
 same => n,Return()
"""
CDR = "${CDR(endpoint)},${CDR(number)},${CDR(codec)},${CDR(uniqueid)},${CDR(start,u)},${CDR(answer,u)},${CDR(end,u)}"


@dataclass(frozen=True)
class Row:
    """The carrier's account of a call; times in epoch seconds, `answer` 0 if there was none."""

    endpoint: str
    number: str
    codec: str
    heard: Path
    start: float
    answer: float
    end: float


class Demanding:
    """Use it in a `with`. `port` is its SIP port on both addresses."""

    def __init__(self, program: Program, folder: Path, base: int) -> None:
        settings.write_first(folder, base)
        config = settings.read(folder, {})
        self.folder, self.port = folder, config.port("carrier_sip")
        self._instance = runtime.carrier_instance(config, program)
        (folder / "heard").mkdir(exist_ok=True)
        etc = self._instance.etc
        (etc / "extensions.conf").write_text(DIALPLAN.format(folder=folder))
        (etc / "logger.conf").write_text("[general]\ndateformat = %FT%T.%3q\n[logfiles]\nmessages = notice,warning,error,verbose\n")
        (etc / "cdr_custom.conf").write_text(f"[mappings]\ncarrier.csv => {CDR}\n")
        with (etc / "modules.conf").open("a") as file:
            file.write("load = app_record.so\nload = res_pjsip_logger.so\n")
        self._process: subprocess.Popen | None = None
        self.knows(UNKNOWN)

    def knows(self, address: str) -> None:
        """The one address whose calls need no password."""
        parts = [HEAD.format(far=FAR, near=NEAR, port=self.port, shared=SHARED, known=address)]
        for name, (codecs, context) in ACCOUNTS.items():
            parts.append(ACCOUNT.format(name=name, context=context, codecs=codecs, shared=SHARED, password=PASSWORD))
        (self._instance.etc / "pjsip.conf").write_text("".join(parts))
        if self._process:
            self._instance.control("module reload res_pjsip.so")

    def __enter__(self) -> "Demanding":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        with (self.folder / "console.log").open("ab") as out:
            self._process = subprocess.Popen(self._instance.command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        wait_for("the carrier", self._up)

    def _up(self) -> bool:
        try:
            return "fully booted" in self._instance.control("core waitfullybooted")
        except OSError:
            return False

    def stop(self) -> None:
        """Be gone at once, as a carrier is in a power cut: nobody is told."""
        if self._process:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    def wire(self) -> str:
        return (self._instance.folder / "log" / "messages").read_text(errors="replace").replace("\r", "")

    def requests(self, method: str, to: str = "") -> list[str]:
        """The requests of this method that came in, oldest first; those to a number, if one is given."""
        found = re.findall(rf"^\[.*<--- Received SIP request .*--->\n({method} sip:[^\[]*)", self.wire(), re.MULTILINE)
        return [text for text in found if text.startswith(f"{method} sip:{to}@") or not to]

    def calls(self, number: str = "") -> list[Row]:
        """The accounts of ended calls; those of a number, if one is given."""
        path = self._instance.folder / "log" / "cdr-custom" / "carrier.csv"
        if not path.exists():
            return []
        with path.open(newline="") as file:
            rows = [
                Row(*row[:3], self.folder / "heard" / f"{row[3]}.wav", *(float(at or 0) for at in row[4:]))
                for row in csv.reader(file) if len(row) == 7 and row[1]
            ]  # fmt: skip
        return [row for row in rows if row.number == number or not number]
