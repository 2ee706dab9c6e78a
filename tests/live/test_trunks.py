"""Real trunks: every demand that carriers make, by a second Asterisk that makes it; judged by what the carrier saw and heard."""

import json
import os
import re
import socket
import subprocess
import time
import wave
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from dialplan import demo, evaluation
from tests.live.demanding import FAR, PASSWORD, Demanding
from tests.live.house import House, wait_for
from tests.live.test_integrations import answers
from tests.live.trunking import CASES, Customer, account

PAGE = Path(__file__).parents[2] / "docs" / "trunks.md"
EXTERNAL = "203.0.113.7"
OURS, STRANGER = "127.0.0.1", "127.0.0.77"
TAKEN_UP_S = 2.0
SAID: dict[str, Any] = {}  # what holds only for a while
TONE = 523  # Hz, of the first half second of what evaluation.tone makes


@pytest.fixture(scope="module")
def house(asterisk, tmp_path_factory) -> Iterator[House]:
    with House(
        tmp_path_factory.mktemp("trunks"), calling__hours="00:00-24:00", calling__destinations="*", calling__country="DE",
        sip__external_address=EXTERNAL, sip__local_net="10.0.0.0/8",
    ) as one:  # fmt: skip
        yield one


@pytest.fixture(scope="module")
def far(asterisk, house, tmp_path_factory) -> Iterator[Demanding]:
    with Demanding(asterisk, tmp_path_factory.mktemp("carrier"), demo.free_base()) as one:
        yield one


@pytest.fixture(scope="module")
def ran(house, far) -> dict[str, list[dict[str, Any]]]:
    """Each case's calls, where they can end; all of them were dialled at once."""
    for name, case in CASES.items():
        case.customer = Customer(house, name)
        for n, fields in enumerate(case.trunks, 1):
            case.customer.trunk(far, n, **fields)
    for case in CASES.values():
        case.id = case.customer.start(*case.numbers, **case.campaign)
    SAID["alone"] = CASES["alone"].customer.held(CASES["alone"].id, "rests until")
    SAID["alone, shown"], SAID["alone, called"] = shown(house, "alone-1"), CASES["alone"].customer.calls(CASES["alone"].id)
    return {name: case.customer.ended(case.id) for name, case in CASES.items() if name not in ("alone", "late")}


def outcomes(calls: list[dict[str, Any]]) -> list[tuple[str, int | None]]:
    return [(call["disposition"], call["sip_code"]) for call in calls]


def shown(house: House, name: str) -> dict[str, Any]:
    [found] = [trunk for trunk in house.root.call("Trunk_List") if trunk["name"] == name]
    return found


def alarms(house: House, name: str) -> list[str]:
    """What the engine's log tells the administrator of this trunk."""
    mark = f" trunk {shown(house, name)['trunk_id']}: "
    return [line.split(mark)[1] for line in house.log("engine").splitlines() if " ERROR " in line and mark in line]


def row(far: Demanding, number: str):
    """The carrier's account of its only call to this number."""
    [found] = wait_for(f"the carrier's account of {number}", lambda: far.calls(number))
    return found


@pytest.mark.parametrize("name", ["digest", "near", "member", "ulaw", "alaw", "g722", "gsm", "choice", "plain", "added", "from", "asked"])
def test_a_trunk_that_is_as_its_carrier_wants_it(ran, name):
    assert outcomes(ran[name]) == [("answered", 200)]


def test_a_wrong_password_is_an_alarm_and_another_trunk_takes_the_call(house, far, ran):
    assert outcomes(ran["wrong"]) == [("failed", 401), ("answered", 200)]
    assert [(call["attempt"], call["contact_id"]) for call in ran["wrong"]] == [(1, ran["wrong"][0]["contact_id"])] * 2
    assert row(far, "+49302000103").endpoint == "ulaw"
    assert alarms(house, "wrong-1") == ["the trunk does not know us: check user name and password, or our address"]


def test_a_trunk_that_does_not_know_us_spends_no_more_contacts(house, ran):
    said, trunk = SAID["alone"], SAID["alone, shown"]
    assert said.startswith("trunk alone-1 rests until 2")
    assert said.endswith("Z: the trunk does not know us: check user name and password, or our address")
    assert outcomes(SAID["alone, called"]) in ([("failed", 401)], [("failed", 401)] * 2), "one more may have been on its way"
    assert (trunk["rests_until"] is not None, trunk["down_why"]) == (True, said.split("Z: ")[1])


def test_what_demands_a_registration_refuses_who_has_none(house, ran):
    assert outcomes(ran["absent"]) == [("failed", 403)]
    assert alarms(house, "absent-1") == ["the trunk refuses our calls: check its user name and password"]


def test_a_trunk_registers_before_its_first_call(house, far, ran):
    wire = far.wire()
    assert 0 < wire.index("REGISTER sip:") < wire.index("INVITE sip:+49302000107@")
    assert [node["registered"] for node in shown(house, "member-1")["nodes"]] == [True]
    assert [node["registered"] for node in shown(house, "digest-1")["nodes"]] == [None]


@pytest.mark.parametrize(
    ("name", "codec"), [("digest", "ulaw"), ("ulaw", "ulaw"), ("alaw", "alaw"), ("g722", "g722"), ("gsm", "gsm"), ("choice", "alaw")]
)
def test_the_message_is_heard_in_the_trunk_s_codec(far, ran, name, codec):
    account = row(far, CASES[name].numbers[0])
    assert account.codec == codec
    with wave.open(str(account.heard)) as file:
        samples = memoryview(file.readframes(file.getnframes())).cast("h")
        rate = file.getframerate()
    loud = [n for n, sample in enumerate(samples) if abs(sample) > 2000]
    middle = samples[loud[0] + rate // 10 : loud[0] + rate * 3 // 10]
    ups = sum(before < 0 <= after for before, after in pairwise(middle))
    assert ups * 5 == pytest.approx(TONE, rel=0.05)
    assert len(loud) / rate > 0.3, "most of the half second"


def test_without_a_common_codec_nobody_is_called_again(house, far, ran):
    assert outcomes(ran["nocodec"]) == [("failed", 488)]
    assert alarms(house, "nocodec-1") == ["the trunk accepts none of its configured codecs"]


def test_behind_nat_a_trunk_is_told_the_external_address(far, ran):
    for name, here in (("digest", EXTERNAL), ("near", OURS)):
        request = far.requests("INVITE", CASES[name].numbers[0])[0]
        assert f"\nc=IN IP4 {here}\n" in request
        assert f"\nContact: <sip:digest@{here}:" in request
    [first, *_] = [request for request in far.requests("REGISTER") if "\nFrom: <sip:member@" in request]
    assert f"\nContact: <sip:member@{EXTERNAL}:" in first


@pytest.mark.parametrize(
    ("name", "to", "caller", "asserted"),
    [
        ("digest", "+49302000101", f"<sip:digest@{FAR}>", f"+4930555@{FAR}"),
        ("plain", "49302000121", f"<sip:digest@{FAR}>", f"4930666@{FAR}"),
        ("added", "009949302000122", f'"Anonymous" <sip:digest@{FAR}>', None),
        ("from", "+49302000123", f"<sip:+4930888@{FAR}>", None),
        ("nobody", "+49302000124", '"Anonymous" <sip:anonymous@anonymous.invalid>', None),
        ("unknown", "+49302000108", f"<sip:+4930777@{OURS}>", f"+4930777@{OURS}"),
    ],
)
def test_numbers_as_the_carrier_wants_them(far, ran, name, to, caller, asserted):
    request = far.requests("INVITE", to)[0]
    assert f"\nFrom: {caller};tag=" in request
    assert (f"\nP-Asserted-Identity: <sip:{asserted}>\n" in request) if asserted else "P-Asserted-Identity" not in request


def test_each_destination_goes_over_the_best_trunk_that_serves_it(far, ran):
    assert outcomes(ran["prefix"]) == [("answered", 200)] * 4
    assert [row(far, number).endpoint for number in CASES["prefix"].numbers] == ["ulaw", "alaw", "alaw", "digest"]


def test_congestion_goes_on_over_the_next_trunk(far, ran):
    assert outcomes(ran["congested"]) == [("congestion", 503), ("answered", 200)]
    assert [(call["attempt"], call["contact_id"]) for call in ran["congested"]] == [(1, ran["congested"][0]["contact_id"])] * 2
    assert [account.endpoint for account in far.calls("+49302000141")] == ["congested", "digest"]


def test_the_carrier_sees_no_more_than_the_trunk_s_caps(far, ran):
    assert outcomes(ran["channels"]) == [("answered", 200)] * 5
    assert outcomes(ran["cps"]) == [("answered", 200)] * 8
    slow = [account for account in far.calls() if account.endpoint == "slow"]
    capped = sorted(account.start for account in far.calls() if account.endpoint == "capped")
    assert (len(slow), len(capped)) == (5, 8)
    assert max(sum(one.start <= other.start < one.end for one in slow) for other in slow) == 2
    assert max(sum(first <= at < first + 1 for at in capped) for first in capped) == 3


def invite(source: str, port: int) -> str:
    """The first line that the carrier answers to an INVITE from this address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
        peer.bind((source, 0))
        peer.settimeout(5)
        here = f"{source}:{peer.getsockname()[1]}"
        peer.sendto(
            f"INVITE sip:+49302000999@{FAR}:{port} SIP/2.0\r\nVia: SIP/2.0/UDP {here};branch=z9hG4bKstranger\r\nMax-Forwards: 70\r\n"
            f"From: <sip:+49301@{source}>;tag=1\r\nTo: <sip:+49302000999@{FAR}>\r\nCall-ID: stranger@{source}\r\nCSeq: 1 INVITE\r\n"
            f"Contact: <sip:x@{here}>\r\nContent-Length: 0\r\n\r\n".encode(),
            (FAR, port),
        )  # fmt: skip
        return peer.recv(4096).decode().split("\r\n")[0]


def test_by_address_only_whom_the_carrier_knows(house, far, ran):
    assert outcomes(ran["unknown"]) == [("failed", 401)]
    far.knows(OURS)
    customer = CASES["unknown"].customer
    house.root.call("Trunk_Update", trunk_id=shown(house, "unknown-1")["trunk_id"], trunk={"cps": 5})  # so that it no longer rests
    assert customer.called("+49302000110")["disposition"] == "answered"
    assert row(far, "+49302000110").endpoint == "address"
    assert invite(STRANGER, far.port).startswith("SIP/2.0 401")


def test_a_change_is_taken_up_in_two_seconds_and_calls_in_progress_go_on(house, far):
    customer = Customer(house, "changing")
    trunk = customer.trunk(far, **account("digest"))
    customer.message = customer.client.call("Recording_Create", files={"media": evaluation.tone(5)}, title="long")
    long = customer.start("+49302000151")
    wait_for("the long call", lambda: customer.status(long)["calls_active"] and far.requests("ACK", "+49302000151"))
    for password, outcome in (("wrong", ("failed", 401)), (PASSWORD, ("answered", 200))):
        began = time.monotonic()
        house.root.call("Trunk_Update", trunk_id=trunk, trunk={"password": password})
        wait_for("the change", lambda: shown(house, "changing-1")["nodes"][0]["loaded"], TAKEN_UP_S)
        assert time.monotonic() - began < TAKEN_UP_S
        call = customer.start(f"+4930200015{2 if outcome[0] == 'failed' else 3}")
        assert outcomes(customer.ended(call)) == [outcome]
    [call] = customer.ended(long)
    assert (call["disposition"], call["billable_seconds"]) in [("answered", seconds) for seconds in (5, 6)]


def test_a_registration_that_is_refused_says_so_and_a_new_password_mends_it(house, far, ran):
    customer, campaign = CASES["late"].customer, CASES["late"].id
    why = "it is not registered: the registrar refuses it (401); check username and password"
    assert customer.held(campaign, "refuses") == f"trunk late-1 cannot be used: {why}"
    node = {"node": "main", "loaded": True, "registered": False, "reachable": None, "why": why}
    assert shown(house, "late-1")["nodes"] == [node]
    assert not far.requests("INVITE", "+49302000161")
    house.root.call("Trunk_Update", trunk_id=shown(house, "late-1")["trunk_id"], trunk={"password": PASSWORD})
    assert outcomes(customer.ended(campaign)) == [("answered", 200)]


def test_the_page_s_shell_as_it_stands_there(house, far, tmp_path):
    """In its order, but for what its reader puts into the environment."""
    (tmp_path / "hello.wav").write_bytes(evaluation.tone(0.5))
    _, *pieces = re.findall(r"^```sh\n((?:(?!```).*\n)*)```$", PAGE.read_text(), re.MULTILINE)
    admin = json.loads((house.home / "admin.json").read_text())
    environment = {
        "CARILLON": f"{house.url}/rest", "CARILLON_USER": admin["username"], "CARILLON_PASSWORD": admin["password"], "CARRIER": FAR,
        "CARRIER_PORT": str(far.port), "CARRIER_USER": "page", "CARRIER_PASSWORD": PASSWORD, "MY_NUMBER": "+49302000181",
    }  # fmt: skip
    command = ["timeout", "60", "bash", "-euo", "pipefail", "-c", "".join(pieces)]
    done = subprocess.run(command, cwd=tmp_path, env=os.environ | environment, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    by_address, listed, *_, result, changed, germany, world = answers(done.stdout)
    assert by_address[0] is germany[0] is world[0] is True
    assert {"carrier", "by address"} <= {trunk["name"] for trunk in listed[1]}
    assert outcomes(result[1]) == [("answered", 200)]
    assert row(far, "+49302000181").endpoint == "page"
    assert (changed[1]["name"], changed[1]["cps"], changed[1]["caller_id"]) == ("carrier", 5, None)


def test_a_carrier_that_is_away_is_seen_and_used_again_when_it_is_back(house, far, ran):
    asked, member = CASES["asked"].customer, CASES["member"].customer
    assert shown(house, "asked-1")["nodes"][0]["reachable"] is True
    far.stop()
    wait_for("its silence", lambda: shown(house, "asked-1")["nodes"][0]["reachable"] is False, 10)
    wait_for("the registration's end", lambda: shown(house, "member-1")["nodes"][0]["registered"] is False, 20)
    first, second = asked.start("+49302000171", trunk="asked-1"), member.start("+49302000172", trunk="member-1")
    assert asked.held(first, "asked-1").startswith("trunk asked-1 cannot be used: it does not answer when asked (OPTIONS); check host")
    assert member.held(second, "member-1").startswith("trunk member-1 cannot be used: its registration is not renewed, the registrar does")
    far.start()
    assert outcomes(asked.ended(first) + member.ended(second)) == [("answered", 200)] * 2
