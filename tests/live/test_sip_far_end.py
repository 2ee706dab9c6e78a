"""The truth from the other side: SIPp as the carrier. Call row, SIP log and push agree; the raw SIP code and cause are kept."""

import re
import socket
import subprocess
import time

import pytest

from dialplan import fetch
from tests.needs import need

FINAL = """
  <send><![CDATA[
    SIP/2.0 {status}
    [last_Via:]
    [last_From:]
    [last_To:];tag=[call_number]
    [last_Call-ID:]
    [last_CSeq:]
    Contact: <sip:[local_ip]:[local_port]>
    Content-Length: 0

  ]]></send>
  <recv request="ACK"/>"""
RINGING = """
  <send><![CDATA[
    SIP/2.0 180 Ringing
    [last_Via:]
    [last_From:]
    [last_To:];tag=[call_number]
    [last_Call-ID:]
    [last_CSeq:]
    Contact: <sip:[local_ip]:[local_port]>
    Content-Length: 0

  ]]></send>"""
ANSWER = """
  <send retrans="500"><![CDATA[
    SIP/2.0 200 OK
    [last_Via:]
    [last_From:]
    [last_To:];tag=[call_number]
    [last_Call-ID:]
    [last_CSeq:]
    Contact: <sip:[local_ip]:[local_port]>
    Content-Type: application/sdp
    Content-Length: [len]

    v=0
    o=sipp 1 1 IN IP4 127.0.0.1
    s=-
    c=IN IP4 127.0.0.1
    t=0 0
    m=audio 9 RTP/AVP 0
    a=rtpmap:0 PCMU/8000
  ]]></send>
  <recv request="ACK"/>
  <recv request="BYE"/>
  <send><![CDATA[
    SIP/2.0 200 OK
    [last_Via:]
    [last_From:]
    [last_To:]
    [last_Call-ID:]
    [last_CSeq:]
    Content-Length: 0

  ]]></send>"""
NEVER = """
  <recv request="CANCEL"/>
  <send><![CDATA[
    SIP/2.0 200 OK
    [last_Via:]
    [last_From:]
    [last_To:]
    [last_Call-ID:]
    [last_CSeq:]
    Content-Length: 0

  ]]></send>
  <send><![CDATA[
    SIP/2.0 487 Request Terminated
    [last_Via:]
    [last_From:]
    [last_To:];tag=[call_number]
    [last_Call-ID:]
    CSeq: 1 INVITE
    Content-Length: 0

  ]]></send>
  <recv request="ACK"/>"""

CASES = {  # what the carrier does: (scenario after the INVITE, final code on the wire, disposition, status, Q.850 causes)
    "answer": (RINGING + ANSWER, 200, "answered", "answered", {16}),
    "busy": (FINAL.format(status="486 Busy Here"), 486, "busy", "busy", {17}),
    "unavailable": (RINGING + FINAL.format(status="480 Temporarily Unavailable"), 480, "no-response", "no-response", {18, 19, 20}),
    "no-such-number": (FINAL.format(status="404 Not Found"), 404, "invalid-number", "failed", {1}),
    "overloaded": (FINAL.format(status="503 Service Unavailable"), 503, "congestion", "congestion", {34, 42}),
    "declined": (RINGING + FINAL.format(status="603 Decline"), 603, "rejected", "failed", {21}),
    "rings-for-ever": (RINGING + NEVER, 487, "no-response", "no-response", {16, 18, 19, 127}),
}


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="module")
def house(either_house):
    return either_house


@pytest.fixture(scope="module")
def carriers(house, tmp_path_factory):
    """One SIPp for each case, for one call of this house: (port, file of its SIP messages)."""
    sipp = need(fetch.sipp)
    running, made = [], {}
    for name, (scenario, *_) in CASES.items():
        folder, port = tmp_path_factory.mktemp(name), free_port()
        head = '<?xml version="1.0" encoding="ISO-8859-1" ?>\n<scenario name="x"><recv request="INVITE"/>'
        (folder / "carrier.xml").write_text(f"{head}{scenario}\n</scenario>\n")
        command = [
            *sipp.command, "-sf", "carrier.xml", "-i", "127.0.0.1", "-p", str(port), "-m", "1", "-timeout", "60", "-nostdin",
            "-trace_msg", "-message_file", "messages.log", "-trace_err",
        ]  # fmt: skip
        with (folder / "out").open("wb") as out:
            running.append(subprocess.Popen(command, cwd=folder, stdin=subprocess.DEVNULL, stdout=out, stderr=out))
        made[name] = (port, folder / "messages.log")
    time.sleep(0.3)
    yield made
    for process in running:
        process.terminate()
        process.wait(5)


@pytest.fixture(scope="module")
def dialled(house, carriers):
    """All cases dialled at once: case -> (call row, what was pushed, the carrier's SIP log)."""
    campaigns = {}
    for n, (name, (port, _)) in enumerate(carriers.items()):
        house.trunk(name, port)
        campaigns[name] = house.campaign([f"+49302000{n:03d}"], trunk=name)
    for campaign in campaigns.values():
        house.start(campaign)
    made = {}
    for name, campaign in campaigns.items():
        [row] = house.finish(campaign)
        made[name] = (row, house.pushed()[row["call_id"]], carriers[name][1].read_text())
    return made


@pytest.mark.parametrize("name", CASES)
def test_row_sip_log_and_push_agree(dialled, name):
    row, pushed, log = dialled[name]
    _, code, disposition, status, causes = CASES[name]
    assert set(re.findall(r"^INVITE sip:(\+?[0-9]+)@", log, re.MULTILINE)) == {row["phone"]}
    assert len(set(re.findall(r"^Call-ID: (\S+)", log, re.MULTILINE | re.IGNORECASE))) == 1, "one INVITE, one Call-ID"
    assert re.findall(r"^X-Carillon-Call: ([0-9]+)", log, re.MULTILINE)[0] == str(row["call_id"])
    to_invite = re.findall(r"^SIP/2\.0 ([2-6][0-9]{2}) .*(?:\r?\n.+)*?\r?\nCSeq: [0-9]+ INVITE", log, re.MULTILINE)
    assert set(to_invite) == {str(code)}, "what the far end said"
    for account in (row, pushed):
        assert (account["disposition"], account["status"], account["sip_code"]) == (disposition, status, code)
        assert account["hangup_cause"] in causes
    assert (row["answered_at"] is None) == (name != "answer")
    for field in ("phone", "attempt", "started_at", "answered_at", "ended_at", "billable_seconds", "hangup_cause"):
        assert row[field] == pushed[field]
    assert (pushed["event"], pushed["final"], pushed["seq"], pushed["leg"]) == ("completed", True, 1, 1)


def test_the_whole_message_was_heard(dialled, house):
    row, *_ = dialled["answer"]
    assert 1 <= row["billable_seconds"] <= 3
    assert f"call={row['call_id']} answered to +49…00 (SIP 200, cause 16)" in house.log("engine")
