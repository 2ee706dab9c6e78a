"""Press 1 with a real Asterisk, real telephones and people at the simulated carrier who press keys: whom they are connected with, how the
conversation ends, and that the row and the push say the same of it.
"""

import re
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from dialplan import evaluation, fetch, runtime
from tests.live.house import wait_for
from tests.live.telephones import Telephone

REGISTERS_S = 2.0
# What people do, by the end of their number (docs/carrier.md)
PRESSES, LISTENS, HANGS_UP, LATE, WRONG, WRONG_FIRST, MANY = "68", "00", "56", "57", "58", "59", "69"
NOBODY = {"extension_id": None, "outcome": None, "seconds": 0}


@dataclass
class Case:
    """A campaign and the telephone of its extension; `presses` are the ends of the numbers it calls."""

    manner: str | None
    presses: tuple[str, ...]
    message: str = "long"
    more: dict[str, Any] = field(default_factory=dict)
    talks: float | None = None
    extension: dict[str, Any] = field(default_factory=dict)
    campaign: int = 0
    telephone: Telephone | None = None


CASES = {
    "answers": Case("answers", (PRESSES, MANY, WRONG_FIRST, WRONG, LISTENS, LATE), talks=2),
    "after": Case("answers", (PRESSES, WRONG), "short", talks=1),
    "keeps": Case("answers", (HANGS_UP,)),
    "busy": Case("busy", (PRESSES,)),
    "declines": Case("declines", (PRESSES,)),
    "forwards": Case("forwards", (PRESSES,)),
    "silent": Case("silent", (PRESSES, HANGS_UP)),
    "absent": Case(None, (PRESSES,)),
    "gone": Case("answers", (HANGS_UP,)),
    "capped": Case("answers", (PRESSES,), more={"max_duration": 5}),
}


def telephone(house, extension: dict[str, Any], **manner: Any) -> Telephone:
    return Telephone(house.port("sip"), extension["username"], extension["password"], **manner)


def made(house, name: str) -> dict[str, Any]:
    users = {row["username"]: row["user_id"] for row in house.root.call("User_List")}
    return house.root.call("User_Extension_Create", user_id=users["customer"], extension={"name": name})


@pytest.fixture(scope="module")
def ran(house):
    """Every case, all at once: (case, its calls by the end of the number)."""
    messages = {"short": house.recording, "long": house.client.call("Recording_Create", files={"media": evaluation.tone(4)}, title="long")}
    with ExitStack() as ends:
        for n, (name, case) in enumerate(CASES.items()):
            case.extension = made(house, name)
            if case.manner:
                further = f"sip:+4930888{n}00@127.0.0.1:{house.port('carrier_sip')}"
                case.telephone = ends.enter_context(telephone(house, case.extension, manner=case.manner, talks=case.talks, further=further))
                wait_for("its registration", lambda case=case: case.telephone.register() == 200, REGISTERS_S)
        for n, case in enumerate(CASES.values()):
            case.campaign = house.campaign(
                [f"+4930777{n}{end}" for end in case.presses], "Campaign_Interactive_Create", message=messages[case.message],
                extension_key="1", extension_id=case.extension["extension_id"], max_channels=20, cps=20, **case.more,
            )  # fmt: skip
        for case in CASES.values():
            house.start(case.campaign)
        gone = CASES["gone"].telephone
        wait_for("a conversation to be gone from", lambda: gone.talking, 15)
        gone.vanish()
        yield {name: (case, {call["phone"][-2:]: call for call in house.finish(case.campaign)}) for name, case in CASES.items()}


def response(ran, name: str, end: str = PRESSES) -> dict[str, Any]:
    return ran[name][1][end]["response"]


def connected(ran, name: str, end: str, **expected: Any) -> int:
    """The seconds of the conversation."""
    said = response(ran, name, end)
    wanted = {"key": "1", "keys": "1", "extension_id": ran[name][0].extension["extension_id"], "outcome": "connected"} | expected
    assert said == wanted | {"seconds": said["seconds"]}
    return said["seconds"]


def test_a_telephone_registers_within_two_seconds_and_by_its_password_alone(house):
    extension = made(house, "new")
    began = time.monotonic()
    with telephone(house, extension) as phone, Telephone(house.port("sip"), extension["username"], "a wrong one") as wrong:
        wait_for("its registration", lambda: phone.register() == 200, REGISTERS_S)
        assert time.monotonic() - began < REGISTERS_S
        assert wrong.register() == 401
    house.root.call("User_Extension_Delete", extension_id=extension["extension_id"])
    with telephone(house, extension) as phone:
        wait_for("its end", lambda: phone.register() == 401, REGISTERS_S)


@pytest.mark.parametrize("number", ["+4930123400", "0930123400", "100", "voice", "s", "trunk-1"])
def test_an_extension_calls_nobody(house, ran, number):
    before = len(house.seen_by_carrier())
    with telephone(house, CASES["absent"].extension) as phone:
        assert phone.call(number) == 404
    assert len(house.seen_by_carrier()) == before


def test_who_presses_during_the_message_is_connected(ran):
    phone = ran["answers"][0].telephone
    assert 2 <= connected(ran, "answers", PRESSES) <= 4
    assert 2 <= connected(ran, "answers", MANY) <= 4
    assert {f"+49307770{end}" for end in (PRESSES, MANY, WRONG_FIRST, LATE)} == set(phone.rang), "it shows who is called"
    assert not phone.talking


def test_who_presses_after_the_message_is_connected(ran):
    assert 1 <= connected(ran, "after", PRESSES) <= 3
    assert 2 <= connected(ran, "answers", LATE) <= 4
    assert response(ran, "after", WRONG) == {"key": "2", "keys": "2"} | NOBODY


def test_other_keys_are_recorded_and_connect_nobody(ran):
    assert response(ran, "answers", WRONG) == {"key": "2", "keys": "2"} | NOBODY
    assert 2 <= connected(ran, "answers", WRONG_FIRST, keys="21") <= 4
    assert response(ran, "answers", LISTENS) is None


@pytest.mark.parametrize(
    ("name", "outcome"),
    [("busy", "busy"), ("declines", "declined"), ("silent", "no-answer"), ("absent", "unavailable"), ("forwards", "busy")],
)
def test_an_extension_that_does_not_take_the_call(ran, name, outcome):
    case, calls = ran[name]
    said = {"key": "1", "keys": "1", "extension_id": case.extension["extension_id"], "outcome": outcome, "seconds": 0}
    assert calls[PRESSES]["response"] == said
    assert (calls[PRESSES]["disposition"], calls[PRESSES]["hangup_cause"]) == ("answered", 16)
    # two seconds until the key, what is said to the person afterwards, and for a silent one the ringing
    assert calls[PRESSES]["billable_seconds"] in (range(29, 33) if name == "silent" else range(4, 8))


def test_a_forwarding_telephone_leads_nowhere(house, ran):
    assert ran["forwards"][0].telephone.rang == ["+4930777568"]
    assert not [number for _, number in house.seen_by_carrier() if number.startswith("4930888")]


def test_whoever_ends_the_conversation_ends_both_legs(house, ran):
    assert ran["answers"][0].telephone.ended == ["we"] * 4
    assert 2 <= connected(ran, "keeps", HANGS_UP) <= 4
    assert ran["keeps"][0].telephone.ended == ["they"]
    assert ran["silent"][0].telephone.ended.count("they") == 2, "the ringing ends with the person, and with our patience"
    assert response(ran, "silent", HANGS_UP)["outcome"] == "abandoned"
    assert not house.root.call("Campaign_Status", campaign_id=ran["answers"][0].campaign)["calls_active"]


def test_a_telephone_that_is_gone_in_mid_call_holds_nobody(ran):
    assert 2 <= connected(ran, "gone", HANGS_UP) <= 4


def test_the_longest_call_holds_for_the_conversation_too(ran):
    assert 2 <= connected(ran, "capped", PRESSES) <= 4
    assert ran["capped"][1][PRESSES]["billable_seconds"] in (5, 6)
    assert ran["capped"][0].telephone.ended == ["they"]


def test_the_push_says_the_same_as_the_row(house, ran):
    calls = [call for _, found in ran.values() for call in found.values()]
    assert len(calls) == sum(len(case.presses) for case in CASES.values())
    pushed = house.pushed()
    assert [pushed[call["call_id"]]["response"] for call in calls] == [call["response"] for call in calls]


@pytest.mark.soak
def test_a_conversation_outlives_engine_agi_server_and_a_vanished_telephone(own_house):
    """And a registration outlives Asterisk; and the script works as a process that Asterisk starts."""
    house = own_house
    message = house.client.call("Recording_Create", files={"media": evaluation.tone(4)}, title="long")

    def called(extension: dict[str, Any], n: int) -> int:
        campaign = house.campaign(
            [f"+493066600{n}{PRESSES}"], "Campaign_Interactive_Create",
            message=message, extension_key="1", extension_id=extension["extension_id"],
        )  # fmt: skip
        house.start(campaign)
        return campaign

    def said(campaign: int, **expected: Any) -> None:
        [call] = house.finish(campaign, 60)
        assert call["response"] | {"outcome": "connected"} | expected == call["response"]

    with ExitStack() as ends:
        phones = []
        for n in range(4):
            extension = made(house, f"phone {n}")
            phone = ends.enter_context(telephone(house, extension, talks=None if n == 0 else 2))
            wait_for("its registration", lambda phone=phone: phone.register() == 200, REGISTERS_S)
            phones.append((extension, phone))
        vanished = called(phones[0][0], 0)
        wait_for("its conversation", lambda: phones[0][1].talking, 15)
        phones[0][1].vanish()
        for n, part in ((1, "engine"), (2, "agi")):
            campaign = called(phones[n][0], n)
            wait_for("its conversation", lambda n=n: phones[n][1].talking, 15)
            house.kill(part)
            said(campaign, seconds=3)
        said(vanished, seconds=31)  # nothing was heard from it for thirty
        old = house.pid("asterisk")
        house.kill("asterisk")
        wait_for("another Asterisk", lambda: house.pid("asterisk") != old)
        said(called(phones[3][0], 3))
        conf = house.home / "asterisk" / "etc" / "carillon_extensions.conf"
        text, changed = re.subn(r"^CARILLON_AGI = agi:.*\n;", "", conf.read_text(), flags=re.M)
        assert changed == 1
        conf.write_text(text)
        runtime.Instance(fetch.asterisk(), house.home / "asterisk").control("dialplan reload")
        said(called(phones[3][0], 4))
        assert phones[3][1].rang == [f"+493066600{n}{PRESSES}" for n in (3, 4)]
