"""The face of the ICTContact convention: `/rest/<Method_Name>`, thin. What a method does is its operation's; what is answered when
things go wrong is this table's.
"""

import json
import logging
import re
import secrets
from dataclasses import dataclass
from typing import Any

from flask import Flask, Request, Response, request
from werkzeug.exceptions import HTTPException

from api import credentials, documents
from api.absent import not_offered
from api.once import once
from api.operation import Caller, Operation, Refused, ignored, understood
from api.operations import BY_NAME
from api.request import Malformed, arguments, files
from sql import idempotency, sessions, settings, store

NOT_IN_HEADERS = re.compile(r"[^ -~]")
LARGEST_BODY = 512 << 20
LARGEST_FIELDS = 1 << 20  # whoever sends them is not known before they are read
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """What a call comes to; `ignored` are the arguments that nobody understood, `session` the cookie's new value (empty: none)."""

    done: bool
    payload: Any
    ignored: tuple[str, ...] = ()
    session: str | None = None


def create_app(config: settings.Settings) -> Flask:
    app = Flask("carillon", static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=LARGEST_BODY, MAX_FORM_MEMORY_SIZE=LARGEST_FIELDS)
    face = Face(config)
    app.add_url_rule("/rest/<name>", view_func=face.rest, methods=["GET", "POST"])
    documents.add(app)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _our_fault)
    return app


class Face:
    def __init__(self, config: settings.Settings) -> None:
        self._config = config
        self._verifier = credentials.Verifier()

    def rest(self, name: str) -> Response:
        operation = BY_NAME.get(name)
        if operation is None:
            absent = not_offered(name)
            return _answered(Answer(False, absent)) if absent else _error(405, f"there is no method {name[:80]}")
        asked: Request = request._get_current_object()  # type: ignore[attr-defined]  # each look through the proxy costs
        if not (operation.files and asked.mimetype == "multipart/form-data"):  # files alone may be large
            asked.max_content_length = min(LARGEST_FIELDS, asked.max_content_length or LARGEST_FIELDS)
        try:
            with store.kept():
                answer = self._answer(asked, operation, arguments(asked))
        except credentials.Unknown as error:
            if operation.session != "opens":
                return _error(401, str(error))
            answer = Answer(False, str(error))
        except credentials.TooMany as error:
            return _error(429, str(error), {"Retry-After": str(error.seconds)})
        except (Refused, Malformed, idempotency.Conflict) as error:
            answer = Answer(False, str(error))
        return _answered(answer)

    def _answer(self, request: Request, operation: Operation, given: dict[str, Any]) -> Answer:
        caller = self._caller(request, operation, given)
        if caller.role not in operation.roles:
            raise Refused(f"the role {caller.role} may not use {operation.name}; an account above yours has to do it")
        sent = {name: file for name, file in files(request).items() if name in operation.files}
        understood_input = understood(operation, given | sent)
        extra = tuple(NOT_IN_HEADERS.sub("?", name) for name in ignored(understood_input))
        key = request.headers.get("Idempotency-Key")

        def run() -> tuple[bool, Any]:
            try:
                return True, operation.run(caller, understood_input)
            except Refused as error:
                return False, str(error)

        # a session's value is kept nowhere, so what opens one cannot be answered again
        if key is None or operation.session or not (operation.changes or operation.sets(understood_input)):
            done, payload = run()
        else:
            done, payload = once(caller, key, operation, given, sent, run)
        return Answer(done, payload, extra, caller.hands.get("session"))

    def _caller(self, request: Request, operation: Operation, given: dict[str, Any]) -> Caller:
        found = credentials.find(request, given, self._config.flag("api", "query_credentials"), operation.session)
        proven = self._verifier.proven(found, request.remote_addr or "")
        posted, ours = request.method == "POST", _own_origin(request)
        if operation.session == "opens" and not ours and "Origin" in request.headers:
            raise Refused("a session cannot be opened from another site")
        if found.by_cookie:
            posted = posted and ours
            if operation.changes and not posted:
                raise Refused("with a session's cookie, what changes something must be POST and carry an Origin header of this server")
        who, expires_at = proven.account, proven.key_expires_at
        return Caller(who.id, who.username, who.role, who.country, who.path, self._config, posted, proven.key_id, expires_at)


def _own_origin(request: Request) -> bool:
    """Whether the browser's page is of this server. By its name alone: a proxy may have taken the TLS away."""
    origin = request.headers.get("Origin")
    return origin is not None and origin.lower() in (f"http://{request.host}".lower(), f"https://{request.host}".lower())


def _answered(answer: Answer) -> Response:
    headers = {"Cache-Control": "no-store"}
    if answer.ignored:
        headers["X-Carillon-Ignored"] = ", ".join(answer.ignored)[:1000]
    body = json.dumps([answer.done, answer.payload], ensure_ascii=False)
    response = Response(body, headers=headers, content_type="application/json")
    if answer.session is not None:
        response.set_cookie(
            credentials.COOKIE,
            answer.session,
            max_age=sessions.LONGEST_MS // 1000 if answer.session else 0,
            secure=request.is_secure or request.headers.get("Origin", "").startswith("https://"),
            httponly=True,
            samesite="Lax",
        )
    return response


def _error(code: int, text: str, headers: dict[str, str] | None = None) -> Response:
    body = json.dumps({"ErrorCode": code, "ErrorMessage": text})
    return Response(body, status=code, headers=headers, content_type="application/json")


def _http_error(error: HTTPException) -> Response:
    allow = {name: value for name, value in error.get_headers() if name in ("Allow", "Retry-After")}
    return _error(error.code or 500, error.description or error.name, allow)


def _our_fault(error: Exception) -> Response:
    reference = secrets.token_hex(6)
    log.exception("internal error %s", reference)
    return _error(500, f"internal error {reference}")
