"""Sessions: logged in once, then known by a cookie."""

import secrets
from typing import Annotated

from pydantic import StringConstraints

from api.credentials import COOKIE
from api.operation import EVERYBODY, Caller, Input, Operation, Refused
from sql import sessions, store


class OfSession(Input):
    session_id: Annotated[str, StringConstraints(max_length=200)] | None = None


def login(caller: Caller, given: OfSession) -> str:
    """Open a session; the cookie is set. Answers the cookie's name.

    `session_id` is taken as the cookie's value if it has 22 to 200 characters of `A-Za-z0-9_-` and is no session of somebody else's;
    one's own living session is renewed. Otherwise the value is made up. A session is over after 12 hours without use, and 30 days after
    the login; one that was opened with an API key ends with the key. An account has a thousand at most: one more ends the oldest.
    """

    def work(value: str) -> bool:
        return sessions.open_(caller.user_id, value, caller.key_id, caller.key_expires_at, store.now())

    value = given.session_id or secrets.token_urlsafe(32)
    if not store.unit(work, value):
        value = secrets.token_urlsafe(32)
        store.unit(work, value)
    caller.hands["session"] = value
    return COOKIE


def logout(caller: Caller, given: OfSession) -> str:
    """End the session `session_id`, or the one of the cookie. Answers the cookie's name."""
    if given.session_id is None:
        raise Refused("session_id is missing: send it, or the session's cookie")
    if not store.unit(sessions.end, caller.user_id, given.session_id):
        raise Refused("session_id: you have no such session")
    caller.hands["session"] = ""
    return COOKIE


OPERATIONS = (
    Operation("User_Login", OfSession, login, EVERYBODY, changes=True, session="opens"),
    Operation("User_Logout", OfSession, logout, EVERYBODY, changes=True, session="ends"),
)
