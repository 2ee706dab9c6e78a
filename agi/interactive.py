#!/usr/bin/env python3
"""A call of kind `interactive`: play the campaign's recording, and take keys during it and for a while after it. Whoever presses the
campaign's key is connected to its extension: the dialplan does that once this script has ended, by the channel's variable CONNECT_TO.

Dialplan: AGI(interactive.py,<call id>). How the extension took the call is for the hangup handler to record.
"""

if __name__ == "__main__":  # started by Asterisk, whose SIGHUP at a hangup must not end us while we still import
    import signal

    signal.signal(signal.SIGHUP, signal.SIG_IGN)

import logging
import time

from agi.book import Book
from agi.session import KEYS, Hungup, Played, PromptMissing, Session
from sql import calls
from sql.numbers import E164
from sql.store import now

LISTENS_S = 6  # after the message
log = logging.getLogger(__name__)


def run(session: Session, book: Book, call_id: int) -> None:
    told = book.ask(calls.instructions, call_id)
    if told is None:
        log.error("call=%d is not open in the store; nothing is played", call_id)
        return
    keys: list[str] = []
    try:
        session.answer()
        book.note(calls.answered, call_id, now())
        _play(session, book, told, keys)
        _listen(session, told, keys)
        if told.key in keys:
            _connect(session, told)
    except PromptMissing as error:
        log.error("call=%d heard nothing: %s", call_id, error)
    except Hungup as error:
        log.info("call=%d ended while it was listened to: %s", call_id, error)
    finally:
        if keys:
            book.note(calls.pressed, call_id, now(), "".join(keys))
        book.note(calls.script_ended, call_id, now())


def _play(session: Session, book: Book, told: calls.Instructions, keys: list[str]) -> None:
    """Play the message until the campaign's key is pressed; after any other key it goes on where it was."""
    played = Played(0, False)
    try:
        while not played.complete and told.key not in keys:
            played = session.play(told.recording, KEYS, played.milliseconds)
            if not played.complete and not played.key:
                raise Hungup("the call was hung up during its message")
            keys += played.key
    finally:
        book.note(calls.heard, told.call_id, now(), played.milliseconds, played.complete)


def _listen(session: Session, told: calls.Instructions, keys: list[str]) -> None:
    """Take keys for a while, or until the campaign's key is pressed."""
    end = time.monotonic() + LISTENS_S
    while told.key not in keys and (left := end - time.monotonic()) > 0:
        keys += session.listen(int(left * 1000))


def _connect(session: Session, told: calls.Instructions) -> None:
    """Let the dialplan connect the call. The telephone shows who is called, not the campaign's own number."""
    if told.extension_id is None:
        log.error("call=%d: the campaign has a key and no extension; nobody is connected", told.call_id)
        return
    if E164.fullmatch(told.phone):
        session.execute("SET CALLERID", told.phone)
    session.set_variable("CONNECT_TO", int(told.extension_id))


if __name__ == "__main__":
    from agi.server import classic

    classic(run)
