"""What each kind of ending comes to, as a table: what the witnesses said, and the conclusion."""

import pytest

from engine.rules.outcome import Again, outcome
from sql.states import CallFacts, Disposition

SENT = 1_000_000
DOWN = {"hangup_state": "Down"}


def facts(**known) -> CallFacts:
    return CallFacts(**({"sending_at": SENT, "ring_timeout": 25} | known))


def ended(cause, sip=None, after=5000, **more) -> CallFacts:
    """All three witnesses spoke; `sip` is what the handler saw of the carrier (a provisional code if we gave up)."""
    said = {
        "handler_at": SENT + after, "handler_cause": cause, "handler_sip": sip,
        "hangup_at": SENT + after, "hangup_cause": cause, "hangup_sip": sip, "hangup_state": "Ringing",
        "reply_at": SENT + after, "reply_success": False, "reply_reason": 0,
    }  # fmt: skip
    return facts(**(said | more))


def unhandled(cause, sip=None, after=5000, **more) -> CallFacts:
    """The hangup handler could not speak: only AMI did, with codes that Asterisk may have made up."""
    return ended(cause, sip, after, **({"handler_at": None, "handler_cause": None, "handler_sip": None} | more))


TIMEOUT = {"after": 25_010, "reply_reason": 3, "hangup_sip": 480}
MUTE = {"reply_at": None, "reply_success": None, "reply_reason": None}


@pytest.mark.parametrize(
    ("name", "known", "disposition", "sip", "again"),
    [
        ("busy", ended(17, 486, **DOWN), "busy", 486, Again.SHORT),
        ("busy everywhere", ended(17, 600), "busy", 600, Again.SHORT),
        ("carrier says no answer", ended(18, 408), "no-response", 408, Again.MEDIUM),
        ("carrier says unavailable", ended(19, 480), "no-response", 480, Again.MEDIUM),
        ("carrier says unavailable, late", ended(19, 480, after=25_010), "no-response", 480, Again.MEDIUM),
        ("our ring timeout", ended(19, 180, **TIMEOUT), "no-response", 487, Again.MEDIUM),
        ("our timeout after early media", ended(19, 183, **TIMEOUT, **DOWN), "no-response", 487, Again.MEDIUM),
        ("our timeout, engine was dead", ended(19, 180, after=25_010, **MUTE), "no-response", 487, Again.MEDIUM),
        ("hung up by us while it rang", ended(16, 180), "canceled", 487, Again.SHORT),
        ("gone", ended(22, 410, **DOWN), "invalid-number", 410, Again.NEVER),
        ("not found", ended(1, 404, **DOWN), "invalid-number", 404, Again.NEVER),
        ("incomplete", ended(28, 484), "invalid-number", 484, Again.NEVER),
        ("declined", ended(21, 603), "rejected", 603, Again.LONG),
        ("forbidden is the trunk's fault", ended(21, 403, **DOWN), "failed", 403, Again.OTHER_TRUNK),
        ("wrong password", ended(21, 401, **DOWN), "failed", 401, Again.OTHER_TRUNK),
        ("overloaded", ended(34, 503, **DOWN), "congestion", 503, Again.OTHER_TRUNK),
        ("server error", ended(38, 500, **DOWN), "congestion", 500, Again.OTHER_TRUNK),
        ("unlisted server error", ended(127, 580), "congestion", 580, Again.OTHER_TRUNK),
        ("destination out of order", ended(27, 502), "unreachable", 502, Again.LONG),
        ("no common codec", ended(58, 488, **DOWN), "failed", 488, Again.NEVER),
        ("cause only", ended(17), "busy", None, Again.SHORT),
        ("a code that no table knows", ended(111, 499), "failed", 499, Again.SHORT),
        ("no route", ended(34, None, after=20, hangup_sip=503, **DOWN), "congestion", None, Again.OTHER_TRUNK),
        ("dead port", ended(19, None, **TIMEOUT, **DOWN), "congestion", None, Again.OTHER_TRUNK),
        ("Asterisk's own SIP timer", ended(18, None, after=32_010, hangup_sip=408, **DOWN), "congestion", None, Again.OTHER_TRUNK),
        ("it rang, the code was lost", ended(19, None, **TIMEOUT), "no-response", None, Again.MEDIUM),
        ("no channel ever", facts(reply_at=SENT + 9, reply_success=False, reply_reason=0), "failed", None, Again.NEVER),
        ("nobody saw", facts(closed_why="it may have gone out"), "unknown", None, Again.NEVER),
        ("only the handler", facts(handler_at=SENT + 9, handler_cause=17, handler_sip=486), "busy", 486, Again.SHORT),
        ("only the CDR and CEL", facts(record_at=SENT + 9, record_cause=17), "busy", None, Again.SHORT),
        ("handler is believed before AMI", ended(17, 486, hangup_sip=480, hangup_cause=19), "busy", 486, Again.SHORT),
        ("no handler, busy", unhandled(17, 486), "busy", 486, Again.SHORT),
        ("no handler, our timeout", unhandled(19, **TIMEOUT), "no-response", 487, Again.MEDIUM),
        ("no handler, dead port", unhandled(19, **TIMEOUT, **DOWN), "congestion", None, Again.OTHER_TRUNK),
        ("no handler, no route", unhandled(34, None, after=20, **DOWN), "congestion", None, Again.OTHER_TRUNK),
        ("no handler, our timeout without a code", unhandled(19, None, after=25_010, reply_reason=3), "no-response", None, Again.MEDIUM),
        ("no handler, own SIP timer", unhandled(18, 408, after=32_010, **DOWN), "congestion", None, Again.OTHER_TRUNK),
        ("no handler, carrier says timeout", unhandled(18, 408, **DOWN), "no-response", 408, Again.MEDIUM),
        ("no handler, carrier says unavailable", unhandled(19, 480), "no-response", 480, Again.MEDIUM),
    ],
    ids=lambda value: value if isinstance(value, str) and " " in value else "",
)  # fmt: skip
def test_unanswered(name, known, disposition, sip, again):
    seen = outcome(known)
    assert (seen.rule.disposition, seen.sip_code, seen.rule.again, seen.connected_at) == (disposition, sip, again, None)


@pytest.mark.parametrize(
    ("name", "known", "connected"),
    [
        ("script spoke", ended(16, answered_at=SENT + 3000), 3000),
        ("handler knows the time", ended(16, answered_at=SENT + 3000, handler_at=SENT, handler_answered_at=SENT + 2900), 2900),
        ("only AMI", ended(16, reply_success=True, reply_at=SENT + 3100), 3100),
        ("only the CDR", facts(record_at=SENT + 9000, record_cause=16, record_answered_at=SENT + 3000), 3000),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_answered(name, known, connected):
    seen = outcome(known)
    assert (seen.rule.disposition, seen.sip_code, seen.rule.again) == (Disposition.ANSWERED, 200, Again.NO)
    assert seen.connected_at == SENT + connected
    assert seen.ended_at >= seen.connected_at


@pytest.mark.parametrize(
    ("known", "down"),
    [
        (ended(19, None, **TIMEOUT, **DOWN), True),
        (ended(34, None, hangup_sip=503, **DOWN), True),
        (ended(34, 503, **DOWN), False),
        (ended(21, 401, **DOWN), True),
        (ended(21, 407, **DOWN), True),
        (ended(21, 403, **DOWN), False),  # it may be of this number alone
        (ended(19, 183, **TIMEOUT, **DOWN), False),
        (unhandled(19, **TIMEOUT), False),
        (unhandled(34, None, **DOWN), True),
        (ended(18, None, after=32_010, hangup_sip=408, **DOWN), True),
        (ended(18, 408, **DOWN), False),
        (ended(19, None, **TIMEOUT), False),
        (facts(record_at=SENT + 9, record_cause=19), False),
    ],
)
def test_which_endings_let_the_trunk_rest(known, down):
    assert outcome(known).rule.trunk_down is down


@pytest.mark.parametrize(
    ("known", "end"),
    [
        (ended(16, hangup_at=SENT + 9000, handler_at=SENT + 8990), 8990),
        (ended(16, hangup_at=SENT + 8000, handler_at=SENT + 9000), 8000),  # the handler's script came late
        (ended(16, hangup_at=SENT + 8000, handler_at=None), 8000),
        (ended(16, hangup_at=None, handler_at=SENT + 9000), 9000),
        (ended(16, hangup_at=SENT + 8000, handler_at=SENT + 8100, answered_at=SENT + 8050), 8050),  # never before it was answered
        (facts(record_at=SENT + 7000, script_ended_at=SENT + 9000), 7000),
        (facts(closed_why="nobody saw"), 0),
    ],
)
def test_when_a_call_ended(known, end):
    assert outcome(known).ended_at == SENT + end
