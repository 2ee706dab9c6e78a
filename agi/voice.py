#!/usr/bin/env python3
"""A call of kind `voice`: play the campaign's recording, and record how much of it was heard.

Dialplan: AGI(voice.py,<call id>). Runs on Carillon's AGI server, or as a process that Asterisk starts itself.
"""

if __name__ == "__main__":  # started by Asterisk, whose SIGHUP at a hangup must not end us while we still import
    import signal

    signal.signal(signal.SIGHUP, signal.SIG_IGN)

import logging

from agi.book import Book
from agi.session import Hungup, PromptMissing, Session
from sql import calls
from sql.store import now

log = logging.getLogger(__name__)


def run(session: Session, book: Book, call_id: int) -> None:
    told = book.ask(calls.instructions, call_id)
    if told is None:
        log.error("call=%d is not open in the store; nothing is played", call_id)
        return
    try:
        session.answer()
        book.note(calls.answered, call_id, now())
        played = session.play(told.recording)
        book.note(calls.heard, call_id, now(), played.milliseconds, played.complete)
    except PromptMissing as error:
        log.error("call=%d heard nothing: %s", call_id, error)
        book.note(calls.heard, call_id, now(), 0, False)
    except Hungup as error:
        log.info("call=%d ended before its message: %s", call_id, error)
    finally:
        book.note(calls.script_ended, call_id, now())


if __name__ == "__main__":
    from agi.server import classic

    classic(run)
