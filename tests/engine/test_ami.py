"""The link to Asterisk on its bad days, against a truthful peer over TCP."""

import asyncio
import contextlib
from dataclasses import replace

import pytest

from engine import ami
from engine.ami import Link, LinkDown, Originate, Refused
from engine.facts import Created, Hangup, LinkUp, Reply
from tests.fakes.ami_peer import AmiPeer, message

CHANNEL_7 = "0000000000000000007"
ORDER = Originate(
    call_id=7,
    number="+4930123456",
    endpoint="trunk-3",
    context="carillon",
    exten="voice",
    timeout_ms=25_000,
    caller_id="+4930999",
    variables=(("CALL_ID", 7), ("CHANNEL(hangup_handler_push)", r"carillon-hangup\,s\,1")),
)


@pytest.fixture(autouse=True)
def short_times(monkeypatch):
    for name, seconds in {"CONNECT_S": 0.5, "LOGIN_S": 0.3, "BOOT_S": 0.5, "ANSWER_S": 0.3, "LIST_S": 0.3, "BEAT_S": 0.2}.items():
        monkeypatch.setattr(ami, name, seconds)
    monkeypatch.setattr(ami, "BEAT_ANSWER_S", 0.2)
    monkeypatch.setattr(ami, "BACK_OFF_S", (0.05, 0.1))
    monkeypatch.setattr(ami, "REFUSED_BACK_OFF_S", 0.2)


async def until(found, seconds=3.0):
    async with asyncio.timeout(seconds):
        while not found():
            await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def linked(peer=None, secret="right", up=True):
    """A peer, a link to it, and the queue of facts."""
    peer = peer or AmiPeer()
    await peer.start()
    facts: asyncio.Queue = asyncio.Queue()
    link = Link("127.0.0.1", peer.port, "carillon", secret, facts)
    await link.start()
    try:
        if up:
            await until(lambda: link.up)
            assert isinstance(await facts.get(), LinkUp)
        yield peer, link, facts
    finally:
        await link.stop()
        await peer.stop()


def run(scenario):
    """A scenario is a coroutine function; whatever it leaves running fails the test."""

    def test(*args, **options):
        async def whole():
            await scenario(*args, **options)
            await asyncio.sleep(0)
            left = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            await asyncio.wait(left, timeout=1) if left else None
            assert [task for task in left if not task.done()] == []

        asyncio.run(whole())

    test.__name__, test.__doc__ = scenario.__name__, scenario.__doc__
    test.__wrapped__ = scenario
    return test


@run
async def test_an_originate_travels_as_written():
    async with linked() as (peer, link, _):
        assert await link.originate(ORDER) >= 0
        [sent] = [headers for headers in peer.actions if ("Action", "Originate") in headers]
        assert dict(sent) | {"Variable": ""} == {
            "Action": "Originate", "ActionID": "7", "ChannelId": CHANNEL_7, "Channel": "PJSIP/+4930123456@trunk-3", "Context": "carillon",
            "Exten": "voice", "Priority": "1", "Timeout": "25000", "Async": "true", "CallerID": "+4930999", "Variable": "",
        }  # fmt: skip
        assert [value for key, value in sent if key == "Variable"] == [
            "CALL_ID=7",
            r"CHANNEL(hangup_handler_push)=carillon-hangup\,s\,1",
        ]


HOSTILE = [
    "x\r\nAction: Command", "1\n2", "1\0", "١٢٣", "１２３", "+49&SIP/x", "+49,1", "+49@x",
    "+49;x", "${SHELL(id)}", "+49|x", "", "1w2",
]  # fmt: skip


@pytest.mark.parametrize("value", HOSTILE)
@pytest.mark.parametrize("field", ["number", "endpoint", "context", "exten", "caller_id", "variables"])
@run
async def test_nothing_hostile_travels(field, value):
    if field == "caller_id" and not value:
        return  # no caller id at all is allowed
    given = (("CALL_ID", value),) if field == "variables" else value
    if field == "variables" and value == "1w2":
        return  # a word is fine in a constant of ours
    async with linked() as (peer, link, _):
        with pytest.raises(ValueError, match="may not travel"):
            await link.originate(replace(ORDER, **{field: given}))
        assert not peer.named("Originate")


@run
async def test_while_the_link_is_down_nothing_is_sent_or_queued():
    peer = AmiPeer()
    peer.mute = True
    async with linked(peer, up=False) as (_, link, _facts):
        with pytest.raises(LinkDown):
            await link.originate(ORDER)
        peer.mute = False
        peer.drop()
        await until(lambda: link.up)
        await asyncio.sleep(0.1)
        assert not peer.named("Originate")


@run
async def test_a_refusal_is_told_in_asterisks_words():
    async with linked() as (peer, link, _):
        peer.refuses = "Extension does not exist."
        with pytest.raises(Refused, match="Extension does not exist"):
            await link.originate(ORDER)
        assert link.up


@run
async def test_a_lost_acknowledgement_is_no_error_and_leaves_nothing_behind():
    async with linked() as (peer, link, facts):
        peer.silent.add("Originate")
        assert await link.originate(ORDER) is None
        assert link._manager.protocol.responses == {}
        await peer.say(message(Event="OriginateResponse", ActionID="7", Response="Failure", Uniqueid=CHANNEL_7, Reason="0"))
        assert isinstance(await asyncio.wait_for(facts.get(), 1), Reply)


@run
async def test_nothing_is_sent_again_after_a_reconnect():
    async with linked() as (peer, link, facts):
        peer.silent.add("Originate")
        waiting = asyncio.create_task(link.originate(ORDER))
        await until(lambda: peer.named("Originate"))
        peer.drop()
        assert await waiting is None
        await until(lambda: peer.logins == 2 and link.up)
        await asyncio.sleep(0.2)
        assert len(peer.named("Originate")) == 1
        assert isinstance(await facts.get(), LinkUp)


@run
async def test_a_wrong_secret_is_said_and_not_hammered():
    async with linked(secret="wrong", up=False) as (peer, link, _):
        await until(lambda: "login refused" in link.state)
        assert not link.up
        assert "[ami] user and secret" in link.state
        await asyncio.sleep(0.3)
        assert peer.logins <= 3


@pytest.mark.parametrize(
    ("bad_day", "said"),
    [
        (lambda peer: setattr(peer, "mute", True), "did not answer the login"),
        (lambda peer: peer.silent.add("Login"), "did not answer the login"),
        (lambda peer: setattr(peer, "boots", False), "not fully booted"),
    ],
)
@run
async def test_half_open_silent_or_not_booted_is_not_up(bad_day, said):
    peer = AmiPeer()
    bad_day(peer)
    async with linked(peer, up=False) as (_, link, _facts):
        await until(lambda: said in link.state)
        assert not link.up


@run
async def test_a_peer_that_falls_silent_is_noticed():
    async with linked() as (peer, link, _):
        peer.silent.add("Ping")
        await until(lambda: not link.up)
        await until(lambda: "did not answer for" in link.state)
        peer.silent.clear()
        await until(lambda: link.up)


@run
async def test_a_drop_is_noticed_at_once_and_mended():
    async with linked() as (peer, link, facts):
        peer.drop()
        await until(lambda: not link.up, 0.2)
        await until(lambda: link.up)
        assert isinstance(await facts.get(), LinkUp)
        assert await link.originate(ORDER) >= 0


@run
async def test_nobody_listens():
    peer = AmiPeer()
    await peer.start()
    await peer.stop()
    link = Link("127.0.0.1", peer.port, "carillon", "right", asyncio.Queue())
    await link.start()
    await until(lambda: "cannot connect" in link.state)
    await link.stop()


@run
async def test_stopped_in_the_pause_before_a_reconnect_it_stays_away():
    async with linked() as (peer, link, _):
        peer.drop()
        await until(lambda: not link.up)
        await link.stop()
        seen = peer.connections
        await asyncio.sleep(0.4)
        assert peer.connections == seen


HANGUP = message(Event="Hangup", Channel="PJSIP/trünk-1", ChannelStateDesc="Ringing", Uniqueid=CHANNEL_7, Cause="17", TechCause="486")


@pytest.mark.parametrize("at", range(0, len(HANGUP), 7))
@run
async def test_an_event_split_anywhere_is_one_fact(at):
    """Also in the middle of a character: ids are all that is believed."""
    async with linked() as (peer, _, facts):
        await peer.say(HANGUP[:at], HANGUP[at:])
        fact = await asyncio.wait_for(facts.get(), 1)
        assert fact == Hangup(7, fact.at, 17, 486, "Ringing")


@run
async def test_a_doubled_event_is_two_facts_and_a_late_one_is_still_one():
    async with linked() as (peer, link, facts):
        await link.originate(ORDER)
        await peer.say(HANGUP + HANGUP, message(Event="Newchannel", Uniqueid=CHANNEL_7, Channel="PJSIP/x"))
        seen = [await asyncio.wait_for(facts.get(), 1) for _ in range(3)]
        assert [type(fact) for fact in seen] == [Hangup, Hangup, Created]


@pytest.mark.parametrize(
    "event",
    [
        message(Event="Hangup", Channel="PJSIP/x"),
        message(Event="Hangup", Uniqueid="1700000000.12", Cause="16"),
        message(Event="Hangup", Uniqueid="７", Cause="16"),
        message(Event="OriginateResponse", ActionID="x", Response="Failure"),
        message(Event="OriginateResponse", Reason="0"),
        b"no header at all\r\n\r\n",
        message(Event="Hangup", Uniqueid="9" * 40),
    ],
)
@run
async def test_what_is_not_ours_or_not_readable_harms_nothing(event):
    async with linked() as (peer, link, facts):
        await peer.say(event, HANGUP)
        fact = await asyncio.wait_for(facts.get(), 1)
        assert fact.call_id == 7
        assert link.up


@run
async def test_an_event_without_cause_or_code_is_a_fact_all_the_same():
    async with linked() as (peer, _, facts):
        await peer.say(message(Event="Hangup", Uniqueid=CHANNEL_7, Channel="PJSIP/x", Cause="34", TechCause=""))
        fact = await asyncio.wait_for(facts.get(), 1)
        assert (fact.cause, fact.sip_code, fact.state) == (34, None, None)


@run
async def test_channels_and_hangup():
    async with linked() as (peer, link, _):
        peer.channels = [{"Uniqueid": CHANNEL_7, "Channel": "PJSIP/trunk-1-0001"}, {"Uniqueid": "1700.1", "Channel": "PJSIP/x"}]
        assert await link.channels() == {7: "PJSIP/trunk-1-0001"}
        await link.hangup(7)
        await link.hangup(8)
        assert [action["Channel"] for action in peer.named("Hangup")] == ["PJSIP/trunk-1-0001"]


@run
async def test_a_list_that_does_not_come_is_no_empty_list():
    async with linked() as (peer, link, _):
        peer.silent.add("CoreShowChannels")
        with pytest.raises(LinkDown, match="did not list"):
            await link.channels()
