"""The face of the ICTContact convention: `/rest/<Method_Name>`, thin. What a method does is its operation's; what is answered when
things go wrong is this table's.
"""

import hashlib
import json
import logging
import secrets
from dataclasses import dataclass
from typing import Any

from flask import Flask, Request, Response, request
from werkzeug.exceptions import HTTPException

from api import credentials
from api.operation import Caller, Operation, Refused, ignored, understood
from api.operations import BY_NAME
from api.request import Malformed, arguments, files
from sql import idempotency, settings, store

LARGEST_BODY = 512 << 20
LARGEST_FIELDS = 8 << 20
LONGEST_KEY = 200
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Answer:
    """What a call comes to; `ignored` are the arguments that nobody understood."""

    done: bool
    payload: Any
    ignored: tuple[str, ...] = ()

    def text(self) -> str:
        return json.dumps([self.done, self.payload], ensure_ascii=False)


def create_app(config: settings.Settings) -> Flask:
    app = Flask("carillon", static_folder=None)
    app.config.update(MAX_CONTENT_LENGTH=LARGEST_BODY, MAX_FORM_MEMORY_SIZE=LARGEST_FIELDS)
    face = Face(config)
    app.add_url_rule("/rest/<name>", view_func=face.rest, methods=["GET", "POST"])
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
            return _error(405, f"there is no method {name[:80]}")
        try:
            with store.connection():
                given = arguments(request)
                answer = self._answer(operation, given)
        except credentials.Unknown as error:
            return _error(401, str(error))
        except credentials.TooMany as error:
            return _error(429, str(error), {"Retry-After": str(error.seconds)})
        except (Refused, Malformed, idempotency.Conflict) as error:
            answer = Answer(False, str(error))
        headers = {"X-Carillon-Ignored": ", ".join(answer.ignored)[:1000]} if answer.ignored else {}
        return Response(answer.text(), headers=headers, content_type="application/json")

    def _answer(self, operation: Operation, given: dict[str, Any]) -> Answer:
        caller = self._caller(request, given)
        if caller.role not in operation.roles:
            raise Refused(f"a {caller.role} may not use {operation.name}")
        sent = {name: file for name, file in files(request).items() if name in operation.files}
        understood_input = understood(operation, given | sent)
        extra = tuple(name.encode("ascii", "replace").decode() for name in ignored(understood_input))
        key = request.headers.get("Idempotency-Key")

        def run() -> Answer:
            try:
                return Answer(True, operation.run(caller, understood_input), extra)
            except Refused as error:
                return Answer(False, str(error), extra)

        if key is None or not operation.changes:
            return run()
        return _once(caller, key, _fingerprint(operation, given, sent), run)

    def _caller(self, request: Request, given: dict[str, Any]) -> Caller:
        allow_query = self._config.flag("api", "query_credentials")
        username, password = credentials.find(request, given, allow_query)
        account = self._verifier.verify(username, password, request.remote_addr or "")
        return Caller(account.id, account.username, account.role, account.country, account.path, self._config, request.method == "POST")


def _once(caller: Caller, key: str, fingerprint: str, run: Any) -> Answer:
    """Run it, unless the same call was answered under this key."""
    if not 0 < len(key) <= LONGEST_KEY:
        raise Refused(f"Idempotency-Key must have 1 to {LONGEST_KEY} characters")
    # a fixed form: databases compare text differently
    stored = hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()
    before = store.unit(idempotency.begin, caller.user_id, stored, fingerprint, store.now())
    if before is not None:
        done, payload = json.loads(before)
        return Answer(done, payload)
    answer: Answer = run()
    store.unit(idempotency.end, caller.user_id, stored, answer.text() if answer.done else None)
    return answer


def _fingerprint(operation: Operation, given: dict[str, Any], sent: dict[str, Any]) -> str:
    digest = hashlib.sha256(json.dumps([operation.name, given], sort_keys=True, default=str).encode())
    for name, file in sorted(sent.items()):
        digest.update(name.encode())
        while block := file.stream.read(1 << 20):
            digest.update(block)
        file.stream.seek(0)
    return digest.hexdigest()


def _error(code: int, text: str, headers: dict[str, str] | None = None) -> Response:
    body = json.dumps({"ErrorCode": code, "ErrorMessage": text})
    return Response(body, status=code, headers=headers, content_type="application/json")


def _http_error(error: HTTPException) -> Response:
    return _error(error.code or 500, error.description or error.name)


def _our_fault(error: Exception) -> Response:
    reference = secrets.token_hex(6)
    log.exception("internal error %s", reference)
    return _error(500, f"internal error {reference}")
