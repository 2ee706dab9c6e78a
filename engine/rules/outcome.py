"""What a call came to: from the facts that its witnesses recorded to one disposition. Pure.

The two tables below are the rule. SIP decides first, then the Q.850 cause. `Again` says what may follow; when exactly is
`redial`'s to say.
"""

from dataclasses import dataclass
from enum import StrEnum

from sql.states import CallFacts, Disposition


class Again(StrEnum):
    NO = "no"  # it was a conversation
    NEVER = "never"  # the number does not exist
    SHORT = "short"
    MEDIUM = "medium"
    LONG = "long"
    OTHER_TRUNK = "other-trunk"  # the trunk's fault: the same attempt goes on over another one


@dataclass(frozen=True)
class Rule:
    disposition: Disposition
    again: Again
    trunk_down: bool = False
    alarm: str | None = None


@dataclass(frozen=True)
class Outcome:
    """`connected_at` None: never answered. `hangup_code` is the Q.850 cause, `sip_code` the carrier's word."""

    rule: Rule
    sip_code: int | None
    hangup_code: int | None
    connected_at: int | None
    ended_at: int
    reason: str | None = None


CONNECTED = Rule(Disposition.ANSWERED, Again.NO)
BUSY = Rule(Disposition.BUSY, Again.SHORT)
NO_RESPONSE = Rule(Disposition.NO_RESPONSE, Again.MEDIUM)
INVALID = Rule(Disposition.INVALID_NUMBER, Again.NEVER)
REJECTED = Rule(Disposition.REJECTED, Again.LONG)
UNREACHABLE = Rule(Disposition.UNREACHABLE, Again.LONG)
CONGESTION = Rule(Disposition.CONGESTION, Again.OTHER_TRUNK)
DEAD_TRUNK = Rule(Disposition.CONGESTION, Again.OTHER_TRUNK, trunk_down=True, alarm="the trunk does not answer")
TRUNK_REFUSES = Rule(Disposition.FAILED, Again.OTHER_TRUNK, alarm="the trunk refuses our calls: check its user name and password")
NO_ENTRY = Rule(
    Disposition.FAILED, Again.OTHER_TRUNK, trunk_down=True, alarm="the trunk does not know us: check user name and password, or our address"
)  # fmt: skip
CODEC = Rule(Disposition.FAILED, Again.NEVER, alarm="the trunk accepts none of its configured codecs")
NO_CHANNEL = Rule(Disposition.FAILED, Again.NEVER, alarm="Asterisk made no channel: check the trunk's configuration")
CANCELED = Rule(Disposition.CANCELED, Again.SHORT)
OTHER_FAILURE = Rule(Disposition.FAILED, Again.SHORT)
UNSEEN = Rule(Disposition.UNKNOWN, Again.NEVER)

BY_SIP = {
    486: BUSY, 600: BUSY,
    408: NO_RESPONSE, 480: NO_RESPONSE, 487: NO_RESPONSE,
    404: INVALID, 410: INVALID, 484: INVALID, 485: INVALID, 604: INVALID,
    603: REJECTED,
    401: NO_ENTRY, 403: TRUNK_REFUSES, 407: NO_ENTRY,  # 403 may be of one number alone
    500: CONGESTION, 503: CONGESTION, 504: CONGESTION,
    502: UNREACHABLE,
    488: CODEC,
}  # fmt: skip

BY_CAUSE = {
    17: BUSY,
    18: NO_RESPONSE, 19: NO_RESPONSE, 127: NO_RESPONSE,
    1: INVALID, 22: INVALID, 28: INVALID,
    21: REJECTED,
    34: CONGESTION, 38: CONGESTION, 42: CONGESTION, 102: CONGESTION,
    27: UNREACHABLE, 20: UNREACHABLE,
    58: CODEC,
}  # fmt: skip

# The causes of a dead port (our ring timeout, or before it Asterisk's own SIP timer) and of no route; with no SIP code at all.
NOTHING_CAME = (18, 19, 34)
OWN_TIMER, OWN_TIMER_MS = 408, 32_000  # the code that Asterisk makes up when no reply came for 64 times T1
OUR_CANCEL = 487
TIMED_OUT = 3  # OriginateResponse's reason when our ring timeout struck
TIMER_SLACK_MS = 500


def outcome(facts: CallFacts) -> Outcome:
    """Conclude from what the witnesses said, in the order in which they are believed."""
    cause = _first(facts.handler_cause, facts.hangup_cause, facts.record_cause)
    ended_at = _ended_at(facts)
    connected_at = _connected_at(facts)
    if connected_at is not None:
        return Outcome(CONNECTED, 200, cause, connected_at, max(ended_at, connected_at))
    rule, sip = _unanswered(facts, cause, ended_at)
    return Outcome(rule, sip, cause, None, ended_at, rule.alarm or facts.closed_why)


def _ended_at(facts: CallFacts) -> int:
    """The earlier of those who saw the end: the other one was told late."""
    saw = [at for at in (facts.hangup_at, facts.handler_at) if at is not None]
    return min(saw) if saw else _first(facts.record_at, facts.script_ended_at, facts.reply_at) or facts.sending_at


def _connected_at(facts: CallFacts) -> int | None:
    known = _first(facts.handler_answered_at, facts.answered_at, facts.record_answered_at)
    return facts.reply_at if known is None and facts.reply_success else known


def _unanswered(facts: CallFacts, cause: int | None, ended_at: int) -> tuple[Rule, int | None]:
    """The rule, and the carrier's final SIP code. Only the handler's code is the carrier's own word, be it provisional."""
    if facts.hangup_at is None and facts.handler_at is None and facts.record_at is None:
        return (UNSEEN if facts.reply_success is None else NO_CHANNEL), None
    if facts.handler_at is None:
        return _without_handler(facts, cause, ended_at)
    if facts.handler_sip is None:
        return (DEAD_TRUNK if _nothing_came(facts, cause) else BY_CAUSE.get(cause or 0, OTHER_FAILURE)), None
    if facts.handler_sip < 200:
        return (NO_RESPONSE if _timed_out(facts, ended_at) else CANCELED), OUR_CANCEL
    return _by_code(facts.handler_sip, cause), facts.handler_sip


def _without_handler(facts: CallFacts, cause: int | None, ended_at: int) -> tuple[Rule, int | None]:
    """AMI's TechCause: Asterisk invents 480 for our own timeout, 408 for its SIP timer, and mostly none for no route."""
    if facts.hangup_sip is None:
        seen_down = facts.hangup_state == "Down" and _nothing_came(facts, cause)
        return (DEAD_TRUNK if seen_down else BY_CAUSE.get(cause or 0, OTHER_FAILURE)), None
    if facts.hangup_sip == OWN_TIMER and facts.hangup_state == "Down" and ended_at - facts.sending_at >= OWN_TIMER_MS - TIMER_SLACK_MS:
        return DEAD_TRUNK, None
    if facts.hangup_sip == 480 and _timed_out(facts, ended_at):
        return (DEAD_TRUNK, None) if facts.hangup_state == "Down" else (NO_RESPONSE, OUR_CANCEL)
    return _by_code(facts.hangup_sip, cause), facts.hangup_sip


def _nothing_came(facts: CallFacts, cause: int | None) -> bool:
    """No SIP code, a cause that fits, and no sign of ringing."""
    return cause in NOTHING_CAME and facts.hangup_state in (None, "Down")


def _by_code(sip: int, cause: int | None) -> Rule:
    if sip in BY_SIP:
        return BY_SIP[sip]
    return CONGESTION if 500 <= sip < 600 else BY_CAUSE.get(cause or 0, OTHER_FAILURE)


def _timed_out(facts: CallFacts, ended_at: int) -> bool:
    return facts.reply_reason == TIMED_OUT or ended_at - facts.sending_at >= facts.ring_timeout * 1000 - TIMER_SLACK_MS


def _first(*values: int | None) -> int | None:
    return next((value for value in values if value is not None), None)
