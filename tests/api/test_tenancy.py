"""Who may do what, and to whose: roles × operations × {own, below, sibling's, other tenant's, above, missing}, walked completely.

The table is written by hand, apart from the declarations: an operation that is not in it fails, and so does one whose roles differ.
"""

import io
import shutil

import pytest

from api.app import create_app
from api.operations import OPERATIONS
from sql import settings, store, users
from tests.api import tenancy
from tests.api.conftest import HASH, PASSWORD, Face
from tests.api.permissions import OF_ONE_ACCOUNT, SEARCHES, SPECIAL, TABLE

LETTERS = {"a": "admin", "t": "tenant", "u": "user", "g": "agent"}
BY_NAME = {operation.name: operation for operation in OPERATIONS}
CASES = [
    (name, caller, relation, place)
    for name, (_, sample) in TABLE.items()
    for caller, relations in tenancy.CALLERS.items()
    for relation in (*relations, "missing")
    for place in ([None] if relation == "own" else range(len(tenancy.refs(sample))))
]


@pytest.fixture(scope="module")
def kingdom(tmp_path_factory, empty_store):
    """A store with everybody in it, to be copied, and their ids."""
    home = tmp_path_factory.mktemp("kingdom")
    settings.write_first(home, calling__country="DE", calling__hours="00:00-24:00", api__query_credentials="no")
    shutil.copy(empty_store, home / "full.sqlite")
    store.bind(f"sqlite:///{home}/full.sqlite")
    with store.connection():
        store.unit(users.create, {"username": "admin", "password_hash": HASH, "role": "admin", "company": "canary-of-admin"}, None, 1)
        ids = store.unit(tenancy.people, HASH)
    config = settings.read(home)
    return Face(create_app(config).test_client(), home), ids


@pytest.fixture
def realm(kingdom):
    face, ids = kingdom
    for end in ("", "-wal", "-shm"):
        (face.home / f"carillon.sqlite{end}").unlink(missing_ok=True)
    shutil.copy(face.home / "full.sqlite", face.home / "carillon.sqlite")
    (face.home / "recordings").mkdir(exist_ok=True)
    store.bind(settings.read(face.home).store_url)
    with store.connection():
        yield face, ids


def test_every_operation_is_in_the_table():
    assert set(TABLE) == set(BY_NAME)


@pytest.mark.parametrize("name", TABLE)
def test_the_declared_roles_are_the_tables(name):
    assert BY_NAME[name].roles == {LETTERS[letter] for letter in TABLE[name][0]}


def arguments(sample, ids, caller, relation, place):
    """The sample about the caller's own things, but for one of them, which stands in that relation."""
    mine = ids[tenancy.CALLERS[caller]["own"]]
    if place is None:
        return tenancy.filled(sample, mine)
    kind = tenancy.refs(sample)[place]
    other = tenancy.MISSING if relation == "missing" else ids[tenancy.CALLERS[caller][relation]][kind]
    return tenancy.filled(sample, mine | {kind: other})


def call(face, name, caller, given):
    """With a JSON body, or as multipart where a file is among the arguments."""
    if not any(isinstance(value, bytes) for value in given.values()):
        return face.answer(name, caller, **given)
    fields = {key: (io.BytesIO(value), key) if isinstance(value, bytes) else value for key, value in given.items()}
    data = {"username": caller, "password": PASSWORD, **fields}
    return face.send("POST", f"/rest/{name}", data=data, content_type="multipart/form-data")


@pytest.mark.parametrize(("name", "caller", "relation", "place"), CASES)
def test_the_matrix(realm, name, caller, relation, place):
    face, ids = realm
    roles, sample = TABLE[name]
    allowed = tenancy.ROLE[caller] in {LETTERS[letter] for letter in roles}
    seen = relation in ("own", "below") or (caller == "admin" and relation != "missing")
    before = tenancy.everything()
    status, body = call(face, name, caller, arguments(sample, ids, caller, relation, place))
    if not allowed:
        assert (status, body[0]) == (200, False)
        assert f"{tenancy.ROLE[caller]} may not use {name}" in body[1]
    elif (special := SPECIAL.get((name, caller, relation))) is not None:
        assert (status, body[0]) == (200, False)
        assert special in body[1]
    elif seen and place in OF_ONE_ACCOUNT.get(name, ()):
        assert (status, body[0]) == (200, False)
        assert "is not found among user" in body[1]
    elif name in SEARCHES and not seen:
        assert (status, body) == (200, [True, []])
    elif seen:
        assert (status, body[0]) == (200, True), body
    else:
        assert (status, body[0]) == (200, False), body
        assert "not found" in body[1]
    if body[0] is False:
        assert tenancy.everything() == before
    text = str(body)
    assert [who for who in tenancy.ROLE if tenancy.canary(who) in text and not tenancy.visible(caller, who)] == []


def test_what_is_lent_to_another_account_tells_nothing_of_it(realm):
    face, ids = realm
    admin = face.done("Contact_Group_Create", contact_group={"name": "of all"})
    lent = {"contact_group_id": admin, "message": ids["anna"]["spare recording"], "name": tenancy.canary("admin")}
    campaign = face.done("Campaign_Create", campaign=lent)
    face.done("Campaign_Contact_Create", campaign_id=campaign, contact_id=ids["anna"]["contact"])
    said = face.refused("Recording_Delete", "anna", recording_id=ids["anna"]["spare recording"])
    story = face.done("Contact_Timeline", "anna", contact_id=ids["anna"]["contact"])
    assert "a campaign of an account above yours" in said
    assert {event["campaign_id"] for event in story} == {None, ids["anna"]["campaign"]}
    assert tenancy.canary("admin") not in str((said, story))
    assert tenancy.canary("admin") in face.refused("Recording_Delete", recording_id=ids["anna"]["spare recording"])
