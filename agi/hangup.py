#!/usr/bin/env python3
"""The witness of a call's end: Asterisk runs this when any channel of ours ends, answered or not, with the engine alive or dead.

Dialplan: AGI(hangup.py,<call id>,<Q.850 cause>,<SIP code or nothing>,<answer time in epoch seconds or nothing>,<how an extension took
the call, if it was called>,<when it answered, likewise>).
"""

if __name__ == "__main__":  # started by Asterisk, whose SIGHUP at a hangup must not end us while we still import
    import signal

    signal.signal(signal.SIGHUP, signal.SIG_IGN)

import re

from agi.book import Book
from agi.session import Session
from sql import calls
from sql.response import FAILED, OUTCOMES
from sql.store import now


def run(session: Session, book: Book, call_id: int) -> None:
    cause, sip, answered, took, taken = [*session.arguments, *[""] * 6][1:6]
    if took:
        book.note(calls.bridged, call_id, now(), OUTCOMES.get(took, FAILED), _moment(taken))
    book.note(calls.witnessed, call_id, now(), _whole(cause), _whole(sip), _moment(answered))


def _whole(text: str) -> int | None:
    return int(text) if re.fullmatch("[1-9][0-9]{0,3}", text, re.ASCII) else None


def _moment(text: str) -> int | None:
    """UTC ms; None for the zero that stands for never."""
    found = re.fullmatch(r"([0-9]{1,11})(\.[0-9]{1,9})?", text, re.ASCII)
    return int(float(text) * 1000) or None if found else None


if __name__ == "__main__":
    from agi.server import classic

    classic(run)
