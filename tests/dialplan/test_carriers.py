"""How Asterisk has the trunks, from the words of its console and its log as a real one wrote them."""

from pathlib import Path

import pytest

from dialplan import carriers
from engine.rules import outcome
from sql.trunks import Line, State

HEAD = "\n <Registration/ServerURI..............................>  <Auth....................>  <Status.......>\n" + "=" * 90 + "\n\n"
LINE = Line(7, 1, "carrier", "sip.example.net", 5060, "me", "s3cret", True, "ulaw", 0)
ASKED = Line(8, 1, "other", "192.0.2.7", 5060, None, None, False, "ulaw", 60)
LOG = (
    "[2026-11-24T22:51:48.840] WARNING[26218] res_pjsip_outbound_registration.c: {} on registration attempt to 'sip:{}', retrying in '20'\n"
)
FROM = "received from 'sip:sip.example.net:5060'"
NOT, LATE = "it is not registered", "its registration is not renewed, the registrar does not answer"
SILENT = "the registrar does not answer; check host, port and firewall"
REFUSED, CHECK = f"{NOT}: the registrar refuses it", "; check username and password"


class Asterisk:
    """Stands for `runtime.Instance`: says what it is told to say."""

    messages = "log/messages"

    def __init__(self, log: Path, registration: str = "", contact: str = "") -> None:
        self.logs = [log.with_name("none"), log]
        member, line = "trunk-7-registration/sip:sip.example.net:5060", "  Contact:  {}:5060   ef9f71f78f {}\n"
        self._said = {
            "pjsip show registrations": f"{HEAD} {member}     trunk-7     {registration}\n\nObjects found: 1\n",
            "pjsip show contacts": line.format("desk/sip:desk@192.0.2.1", "Avail  1.0") + line.format("trunk-8/sip:192.0.2.7", contact),
        }
        self.asked: list[str] = []

    def control(self, command: str) -> str:
        self.asked.append(command)
        return self._said[command]


@pytest.mark.parametrize(
    ("status", "log", "registered", "why"),
    [
        ("Registered        (exp. 285s)", "", True, None),
        ("Registered        (exp. 0s)", "", True, None),
        ("Registered        (exp. 4s ago)", "", True, None),
        ("Registered        (exp. 5s ago)", "", False, LATE),
        ("Unregistered      (exp. 0s)", "", False, f"{NOT} yet"),
        ("Stopped", "", False, f"{NOT} yet"),
        ("Rejected          (exp. 19s)", "", False, f"{REFUSED}; log/messages says why{CHECK}"),
        ("Rejected          (exp. 19s)", f"Temporal response '401' {FROM}", False, f"{REFUSED} (401){CHECK}"),
        ("Rejected          (exp. 96s)", f"403 Forbidden fatal response {FROM}", False, f"{REFUSED} (403 Forbidden){CHECK}"),
        ("Rejected          (exp. 19s)", f"No response {FROM}", False, f"{NOT}: {SILENT}"),
    ],
)  # fmt: skip
def test_a_registration(tmp_path, status, log, registered, why):
    old = LOG.format(f"500 Old fatal response {FROM}", "me@sip.example.net:5060") if log else ""
    other = LOG.format(f"404 Other fatal response {FROM}", "you@sip.example.net:5060")
    (tmp_path / "messages").write_text(old + (LOG.format(log, "me@sip.example.net:5060") if log else "") + other)
    asterisk = Asterisk(tmp_path / "messages", registration=status)
    assert carriers.states(asterisk, [LINE]) == {7: State(registered, None, why)}
    assert asterisk.asked == ["pjsip show registrations"]


@pytest.mark.parametrize(
    ("status", "reachable", "why"),
    [("Avail         5.529", True, None), ("Unavail        -nan", False, carriers.UNREACHABLE), ("NonQual        -nan", None, None)],
)
def test_a_trunk_that_is_asked(tmp_path, status, reachable, why):
    asterisk = Asterisk(tmp_path / "messages", contact=status)
    assert carriers.states(asterisk, [ASKED]) == {8: State(None, reachable, why)}
    assert asterisk.asked == ["pjsip show contacts"]


def test_asterisk_is_not_asked_about_trunks_that_have_nothing_to_tell(tmp_path):
    asterisk = Asterisk(tmp_path / "messages")
    assert carriers.states(asterisk, [Line(9, 1, "plain", "h", 5060, None, None, True, "ulaw", 0)]) == {}
    assert asterisk.asked == []


@pytest.mark.parametrize(
    "sentence",
    [
        *(rule.alarm for rule in (outcome.NO_ENTRY, outcome.TRUNK_REFUSES, outcome.DEAD_TRUNK, outcome.CODEC)),
        carriers.UNREACHABLE, f"{REFUSED} (403 Forbidden){CHECK}", f"{NOT}: {SILENT}", LATE,
    ],
)  # fmt: skip
def test_the_page_about_trunks_says_what_a_reader_will_read(sentence):
    assert f"{sentence}`" in (Path(__file__).parents[2] / "docs" / "trunks.md").read_text()
