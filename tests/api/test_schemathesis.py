"""schemathesis over the whole document, as each role, with all its checks: no fault of ours, no code and no answer that is not told.

What it may not know of us: data that is against the schema is often understood (numbers as text, ids inside objects) or ignored
(unknown names), refused with HTTP 200, or with 401 where it is the credentials; GET works too where only POST is told.
"""

import functools
import threading
from collections import Counter

import pytest
import schemathesis
import waitress.server
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import Status, events, from_schema
from schemathesis.specs.openapi.adapter import responses

from api import guesses
from api.app import create_app
from sql import models, models_contacts, models_push, settings, store, users
from tests import world as worlds
from tests.api.conftest import HASH, PASSWORD

CREDENTIALS = ("username", "password", "passwd", "api_username", "api_password")
ALL_PHASES = ("examples", "coverage", "fuzzing", "stateful")

# It spells tuples in the old way before it hands them to a validator of the new one, which then refuses every schema of ours.
responses.to_json_schema = functools.partial(responses.to_json_schema, convert_prefix_items=False)


@schemathesis.hook
def before_call(context, case, kwargs):
    """Ids are small, so that they are often those of something. Credentials among the arguments would be others than those of the
    header: every call would end with 401.
    """
    case.query = met(case.query)
    if isinstance(case.body, dict):
        case.body = {name: value for name, value in met(case.body).items() if name not in CREDENTIALS}


def met(value, name=""):
    if isinstance(value, dict):
        return {key: met(inner, key) for key, inner in value.items()}
    return value % 7 if type(value) is int and name.endswith("_id") else value


@pytest.fixture
def server(role, tmp_path, store_url, monkeypatch):
    """The address of the document, on a server with accounts of every role; one of `role` has things of every kind."""
    monkeypatch.setattr(guesses, "FAILURES", 1 << 30)  # wrong credentials are among what is tried
    settings.write_first(tmp_path, calling__country="DE")
    store.bind(store_url)
    with store.connection():
        worlds.make(store.now())
        ids: dict[str, int] = {}
        for name, above in (("admin", None), ("tenant", "admin"), ("user", "tenant"), ("agent", "tenant")):
            account = {"username": name, "password_hash": HASH, "role": name}
            ids[name] = store.unit(users.create, account, ids.get(above or ""), store.now())
        for table in (models_contacts.ContactGroup, models.Recording, models.Campaign, models_push.PushEndpoint):
            table.update(user_id=ids[role]).execute()
    one = waitress.server.create_server(create_app(settings.read(tmp_path)), host="127.0.0.1", port=0, threads=2)
    thread = threading.Thread(target=one.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{one.effective_port}/openapi.json"
    one.close()


def run(address: str, role: str, cases: int, phases: tuple[str, ...]) -> Counter:
    """How often each HTTP status was seen. Fails with what schemathesis found."""
    config = SchemathesisConfig.from_dict(
        {
            "auth": {"basic": {"username": role, "password": PASSWORD}},
            "generation": {"max-examples": cases, "deterministic": True, "database": "none"},
            "checks": {"negative_data_rejection": {"expected-statuses": [200, 401]}},
            "phases": {name: {"enabled": name in phases} for name in ALL_PHASES}
            | {"coverage": {"enabled": "coverage" in phases, "unexpected-methods": ["DELETE", "PATCH", "PUT"]}},
        }
    )
    seen: Counter = Counter()
    found = []
    for event in from_schema(schemathesis.openapi.from_url(address, config=config)).execute():
        if isinstance(event, events.ScenarioFinished):
            seen.update(one.response.status_code for one in event.recorder.interactions.values() if one.response)
            checks = [check for of_case in event.recorder.checks.values() for check in of_case if check.status == Status.FAILURE]
            found += [f"{event.label}: {check.name}\n{check.failure_info}" for check in checks]
        elif isinstance(event, events.NonFatalError | events.FatalError):
            found.append(str(event))
    assert not found, "\n\n".join(found[:20])
    return seen


@pytest.mark.parametrize("role", users.ROLES)
@pytest.mark.slow
def test_a_few_cases_of_every_method(server, role):
    seen = run(server, role, cases=1, phases=("examples", "fuzzing"))
    assert seen[200] > 100


@pytest.mark.soak
@pytest.mark.parametrize("role", users.ROLES)
def test_thousands_of_cases(server, role):
    seen = run(server, role, cases=20, phases=ALL_PHASES)
    assert seen[200] > 10_000
