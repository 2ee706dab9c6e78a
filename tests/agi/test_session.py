"""The hardened session against a peer that behaves as Asterisk does on its bad days."""

import contextlib

import pytest

from agi.session import Hungup, Misunderstood, Played, PromptMissing, Session
from tests.fakes.agi_peer import Peer, environment


@pytest.fixture
def talk():
    """A session with a peer that gives these answers."""
    streams = contextlib.ExitStack()

    def begin(*answers: str, env: str | None = None) -> tuple[Session, Peer]:
        peer = Peer(environment("7") if env is None else env, answers)
        stream = peer.stream()
        streams.callback(_close, stream)
        return Session(stream, stream), peer

    with streams:
        yield begin


def _close(stream) -> None:
    with contextlib.suppress(OSError):  # what could not be flushed to a peer that is gone
        stream.close()


def test_environment_and_arguments(talk):
    session, _ = talk(env=environment("7", "17", "", "0.000000", agi_callerid="a:b"))
    assert session.arguments == ["7", "17", "", "0.000000"]
    assert session.env["agi_callerid"] == "a:b"


def test_a_sound_played_to_its_end(talk):
    session, peer = talk("200 result=0 endpos=16000\n")
    assert session.play("carillon/12") == Played(2000, True)
    assert peer.done() == ['STREAM FILE carillon/12 "" 0']


@pytest.mark.parametrize(
    "answers",
    [
        ("200 result=-1 endpos=8000\n", "HANGUP\n511 Command Not Permitted on a dead channel or intercept routine\n"),
        ("HANGUP\n200 result=-1 endpos=8000\n",),
        ("200 result=-1 endpos=8000\nHANGUP\n", "511 Command Not Permitted\n"),
    ],
)
def test_a_hangup_cuts_the_sound_where_it_was(talk, answers):
    session, _ = talk(*answers)
    assert session.play("carillon/12") == Played(1000, False)


def test_a_missing_sound_is_not_a_hangup(talk):
    session, _ = talk("200 result=-1 endpos=0\n", "200 result=6\n")
    with pytest.raises(PromptMissing, match="carillon/12"):
        session.play("carillon/12")


@pytest.mark.parametrize("answer", ["", "HANGUP\n", "511 Command Not Permitted\n", "200 result=1 (hangup)\n", "200 result=0"])
def test_every_end_of_a_call_is_one_exception(talk, answer):
    session, _ = talk(answer)
    with pytest.raises(Hungup):
        session.answer()


def test_asterisk_dies_in_the_middle(talk):
    session, peer = talk()
    peer.done()
    with pytest.raises(Hungup):
        for _ in range(3):
            session.answer()


@pytest.mark.parametrize(
    "answer",
    [
        "510 Invalid or unknown command\n",
        "520 Invalid command syntax.  Proper usage not available.\n",
        "520-Invalid command syntax.  Proper usage follows:\nUsage: ANSWER\n520 End of proper usage.\n",
        "200 nothing\n",
        "nonsense\n" * 300,
    ],
)
def test_what_is_not_understood_ends_and_is_said(talk, answer):
    session, _ = talk(answer)
    with pytest.raises(Misunderstood):
        session.answer()


def test_a_provisional_answer_is_passed_over(talk):
    session, _ = talk("100 Trying...\n200 result=0\n")
    session.answer()


@pytest.mark.parametrize("sound", ["a b", "../x;y", "a\nEXEC System id", "", "x" * 300, "ä", "a\r", 'a"b', "a.b"])
def test_a_sound_that_may_not_travel(talk, sound):
    session, peer = talk("200 result=0\n")
    with pytest.raises(ValueError, match="may not travel"):
        session.play(sound)
    assert not peer.commands


def test_values_are_quoted_and_line_breaks_refused(talk):
    session, peer = talk("200 result=1\n")
    session.set_variable("A", 'x"y\\z')
    with pytest.raises(ValueError, match="line break"):
        session.set_variable("A", "x\nEXEC System id")
    assert peer.done() == ['SET VARIABLE "A" "x\\"y\\\\z"']


@pytest.mark.parametrize("env", ["", "agi_network: yes\n", "agi_x: y\n" * 1000 + "\n"])
def test_an_environment_that_does_not_end(talk, env):
    with pytest.raises((Hungup, Misunderstood)):
        talk(env=env)
