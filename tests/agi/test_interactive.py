"""Press 1 over a real conversation: keys during the message and after it, what is recorded of them, and whom it is connected with."""

import re
import time

import pytest

from agi import interactive
from sql import models
from sql.response import response
from tests.agi.test_server import call, ended, facts, serve
from tests.fakes.agi_peer import ANSWERED, PLAYED, Caller, Leaver, environment
from tests.world import NOW

MESSAGE = 'STREAM FILE carillon/1 "0123456789*#" '
OK = "200 result=1\n"
NOTHING = "200 result=0\n"


def key(digit: str, endpos: int | None = None) -> str:
    return f"200 result={ord(digit)}" + ("" if endpos is None else f" endpos={endpos}") + "\n"


@pytest.fixture
def port(world, monkeypatch):
    monkeypatch.setattr(interactive, "LISTENS_S", 0.3)
    extension = models.Extension.create(user=1, name="desk", username="desk7", digest="0" * 32, created_at=NOW)
    models.Campaign.update(kind="interactive", extension=extension, extension_key="1").execute()
    with serve() as found:
        yield found


def talk(world, port: int, *answers: object) -> tuple[list[str], models.Call]:
    """What the script said to Asterisk, and the call as it is once the script has ended."""
    [call_id] = world.sent(1)
    said = Caller(port, environment(str(call_id), agi_network_script="interactive.py"), (ANSWERED, *answers)).done()
    ended()
    return said, call(call_id)


def later() -> str:
    time.sleep(0.4)
    return NOTHING


CONNECTED = ["SET CALLERID +49301234000", 'SET VARIABLE "CONNECT_TO" "1"']
LISTENING = re.compile("WAIT FOR DIGIT ([0-9]+)")


@pytest.mark.parametrize(
    ("answers", "said", "pressed", "heard"),
    [
        pytest.param((key("1", 8000), OK, OK), ["0", *CONNECTED], "1", (1000, False), id="during the message"),
        pytest.param((PLAYED, key("1"), OK, OK), ["0", "wait", *CONNECTED], "1", (2000, True), id="after the message"),
        pytest.param((key("2", 800), key("1", 8000), OK, OK), ["0", "800", *CONNECTED], "21", (1000, False), id="a wrong one first"),
        pytest.param((key("#", 800), PLAYED, later), ["0", "800", "wait"], "#", (2000, True), id="a wrong one only"),
        pytest.param((PLAYED, key("5"), key("1"), OK, OK), ["0", "wait", "wait", *CONNECTED], "51", (2000, True), id="wrong, right, late"),
        pytest.param((PLAYED, later), ["0", "wait"], None, (2000, True), id="none"),
        pytest.param(("HANGUP\n200 result=-1 endpos=4000\n",), ["0"], None, (500, False), id="hung up during the message"),
        pytest.param((PLAYED, "HANGUP\n200 result=-1\n"), ["0", "wait"], None, (2000, True), id="hung up after the message"),
        pytest.param((key("2", 800), "HANGUP\n200 result=-1 endpos=1600\n"), ["0", "800"], "2", (200, False), id="a key, then hung up"),
        pytest.param(("200 result=-1 endpos=0\n", "200 result=6\n"), ["0", "CHANNEL STATUS"], None, (0, False), id="no recording"),
    ],
)
def test_a_conversation(world, port, answers, said, pressed, heard):
    told, row = talk(world, port, *answers)
    assert told[0] == "ANSWER"
    shown = ["wait" if LISTENING.fullmatch(line) else line.removeprefix(MESSAGE) for line in told[1:]]
    assert shown == said
    assert (row.pressed, row.heard_ms, row.heard_complete) == (pressed, *heard)
    assert (row.pressed_at is None) is (pressed is None)
    assert row.answered_at <= row.heard_at <= row.script_ended_at


def test_it_listens_for_what_is_left_of_the_time(world, port):
    def slow() -> str:
        time.sleep(0.1)
        return key("9")

    told, row = talk(world, port, PLAYED, slow, slow, later)
    waits = [int(found[1]) for line in told if (found := LISTENING.fullmatch(line))]
    assert 300 >= waits[0] > 290
    assert waits[0] - 90 > waits[1] > waits[2] + 90 > 0
    assert row.pressed == "99"


def test_no_end_of_keys_fills_no_more_than_the_column(world, port):
    told, row = talk(world, port, *[key("2", 8 * n) for n in range(1, 41)], PLAYED, later)
    assert row.pressed == "2" * 20
    assert len(told) == 43


def test_an_asterisk_that_is_gone_after_the_key(world, port):
    [call_id] = world.sent(1)
    Leaver(port, environment(str(call_id), agi_network_script="interactive.py"), (ANSWERED, key("1", 800)), rudely=True).done()
    ended()
    assert (call(call_id).pressed, facts(call_id)) == ("1", (True, 100, False, True))


@pytest.mark.parametrize(
    ("arguments", "left"),
    [
        (("16", "200", "1800000000.0", "ANSWER", "1800000002.250"), ("connected", 1_800_000_002_250, True)),
        (("16", "200", "1800000000.0", "BUSY", ""), ("busy", None, False)),
        (("16", "200", "1800000000.0", "NOANSWER", ""), ("no-answer", None, False)),
        (("16", "200", "1800000000.0", "CANCEL", ""), ("abandoned", None, False)),
        (("16", "200", "1800000000.0", "CHANUNAVAIL", ""), ("unavailable", None, False)),
        (("16", "200", "1800000000.0", "DECLINED", ""), ("declined", None, False)),
        (("16", "200", "1800000000.0", "CONGESTION", ""), ("failed", None, False)),
        (("16", "200", "1800000000.0", "INVALIDARGS", "x"), ("failed", None, False)),
        (("16", "200", "1800000000.0", "", ""), (None, None, False)),
        (("16", "200", "1800000000.0"), (None, None, False)),
    ],
)
def test_the_hangup_handler_tells_how_the_extension_took_it(world, port, arguments, left):
    [call_id] = world.sent(1)
    Caller(port, environment(str(call_id), *arguments, agi_network_script="hangup.py")).done()
    ended()
    row = call(call_id)
    assert (row.bridge_outcome, row.bridged_at, row.bridge_ended_at is not None) == left
    assert row.handler_cause == 16


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        (("1", None, 3, None, None, None), None),
        (("1", "1", 3, "connected", 1000, 2001), '{"key": "1", "keys": "1", "extension_id": 3, "outcome": "connected", "seconds": 2}'),
        (("1", "21", 3, "busy", None, None), '{"key": "1", "keys": "21", "extension_id": 3, "outcome": "busy", "seconds": 0}'),
        (("1", "23", 3, None, None, None), '{"key": "3", "keys": "23", "extension_id": null, "outcome": null, "seconds": 0}'),
        (("1", "1", 3, None, None, None), '{"key": "1", "keys": "1", "extension_id": 3, "outcome": "unknown", "seconds": 0}'),
        (("1", "1", 3, "connected", 9000, 8000), '{"key": "1", "keys": "1", "extension_id": 3, "outcome": "connected", "seconds": 0}'),
        ((None, "1", None, None, None, None), '{"key": "1", "keys": "1", "extension_id": null, "outcome": null, "seconds": 0}'),
    ],
)
def test_what_the_facts_come_to(facts, said):
    assert response(*facts) == said
