"""Trunks by API: made, listed, changed and deleted by administrators; what Asterisk could not be told is refused here already."""

import pytest

from sql import models, models_contacts, sip, store, trunks
from tests.api.conftest import PASSWORD

TRUNK = {"name": "carrier", "host": "sip.example.net", "username": "me", "password": "s3cret", "register": "true"}
SHOWN = {
    "user_id": None, "name": "carrier", "host": "sip.example.net", "port": 5060, "username": "me", "has_password": True,
    "register": True, "caller_id": None, "caller_id_in": "pai", "max_channels": None, "cps": None, "codecs": "ulaw,alaw", "prefix": None,
    "add_prefix": None, "number_format": "plus", "priority": 10, "qualify": 0, "simulated": False, "version": 1,
    "rests_until": None, "down_why": None, "nodes": [],
}  # fmt: skip


def test_a_trunk_is_listed_without_its_password(face):
    trunk_id = face.done("Trunk_Create", trunk=TRUNK)
    assert face.done("Trunk_List") == [SHOWN | {"trunk_id": trunk_id}]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("host", text) for text in ("a..b", ":::", "1::2::3", "-a", "a-", "a b", "a/b", "a@b", "[::1]")),
        *(("host", text) for text in ("::1%eth0", "x" * 300, "ä", "a\n[b]")),
        *(("username", text) for text in ("a@b@c", "a@", "@b", "a@b..c", "a b", "a;b", "a/b", "x" * 81, "a\n[b]")),
        *(("password", text) for text in ("a b", "a;b", "ä", "x" * 201, "a\nb")),
        *(("codecs", text) for text in ("opus", "ulaw,", "ulaw alaw", "ULAW")),
    ],
)  # fmt: skip
def test_what_asterisk_could_not_be_told_is_refused_by_name(face, field, value):
    assert face.refused("Trunk_Create", trunk=TRUNK | {field: value}).startswith(f"trunk.{field}: ")
    trunk_id = face.done("Trunk_Create", trunk=TRUNK)
    assert face.refused("Trunk_Update", trunk_id=trunk_id, trunk={field: value}).startswith(f"trunk.{field}: ")
    assert [row["version"] for row in face.done("Trunk_List")] == [1]


@pytest.mark.parametrize("host", ["sip.example.net", "h", "192.0.2.7", "::1", "2001:DB8::7", "x-1.y"])
def test_a_host_of_any_kind(face, host):
    face.done("Trunk_Create", trunk=TRUNK | {"host": host})
    assert [row["host"] for row in face.done("Trunk_List")] == [host]
    assert sip.is_host(host)


def test_a_change_leaves_the_rest_and_is_a_new_version(face):
    trunk_id = face.done("Trunk_Create", trunk=TRUNK)
    with store.connection():
        models.Trunk.update(down_until=4_000_000_000_000, down_why="the trunk does not answer").execute()
    [shown] = face.done("Trunk_List")
    assert (shown["down_why"], shown["rests_until"]) == ("the trunk does not answer", "2096-10-02T07:06:40.000Z")
    answer = face.done("Trunk_Update", trunk_id=trunk_id, trunk={"host": "192.0.2.7", "port": "5070", "max_channels": 30})
    assert answer == SHOWN | {"trunk_id": trunk_id, "host": "192.0.2.7", "port": 5070, "max_channels": 30, "version": 2}
    with store.connection():
        assert models.Trunk.get_by_id(trunk_id).password == "s3cret"


@pytest.mark.parametrize(
    ("stored", "change", "said"),
    [
        ({}, {"username": "me"}, "a username needs a password"),
        ({}, {"register": True}, "register needs username and password"),
        ({}, {"simulated": True}, "a simulated trunk must lead to this machine; host h does not"),
        ({"host": "127.0.0.1", "simulated": True}, {"host": "192.0.2.1"}, "a simulated trunk must lead to this machine; host 192.0.2.1"),
    ],
)
def test_a_change_is_held_together_with_what_is_stored(face, stored, change, said):
    trunk_id = face.done("Trunk_Create", trunk={"name": "t", "host": "h"} | stored)
    assert f"trunk: {said}" in face.refused("Trunk_Update", trunk_id=trunk_id, trunk=change)
    assert said in face.refused("Trunk_Create", trunk={"name": "t", "host": "h"} | stored | change)
    with store.connection():
        assert models.Trunk.get_by_id(trunk_id).version == 1


@pytest.mark.parametrize("clear", ["prefix,add_prefix", "prefix, add_prefix", ["prefix", "add_prefix"], '["prefix", "add_prefix"]'])
def test_what_clear_names_is_emptied(face, clear):
    trunk_id = face.done("Trunk_Create", trunk=TRUNK | {"prefix": "+49", "add_prefix": "99", "cps": 3})
    cleared = face.done("Trunk_Update", trunk_id=trunk_id, clear=clear)
    assert cleared == SHOWN | {"trunk_id": trunk_id, "cps": 3, "version": 2}
    changed = face.done("Trunk_Update", trunk_id=trunk_id, trunk={"cps": 4, "register": False}, clear="username,password")
    assert (changed["cps"], changed["username"], changed["has_password"]) == (4, None, False)


@pytest.mark.parametrize(
    ("change", "clear", "said"),
    [
        ({}, "host", "clear"),
        ({}, "simulated,prefix", "clear"),
        ({"cps": 3}, "cps", "clear: cps is also given a value"),
        ({}, "username,password", "trunk: register needs username and password"),
        ({"register": False}, "password", "trunk: a username needs a password"),
        ({"caller_id_in": "from"}, "caller_id", "trunk: caller_id_in from needs a caller_id"),
    ],
)
def test_what_cannot_be_cleared(face, change, clear, said):
    trunk_id = face.done("Trunk_Create", trunk=TRUNK | {"caller_id": "+4930123"})
    assert face.refused("Trunk_Update", trunk_id=trunk_id, trunk=change, clear=clear).startswith(said)
    assert face.done("Trunk_List")[0]["version"] == 1


def test_how_each_engine_s_asterisk_has_a_trunk(face):
    trunk_id = face.done("Trunk_Create", trunk=TRUNK)
    with store.connection():
        trunks.loaded("east", {trunk_id: 1}, {trunk_id: trunks.State(False, True, "it is not registered yet")})
        trunks.loaded("west", {trunk_id: 1})
    east = {"node": "east", "loaded": True, "registered": False, "reachable": True, "why": "it is not registered yet"}
    west = {"node": "west", "loaded": True, "registered": None, "reachable": None, "why": None}
    assert face.done("Trunk_List")[0]["nodes"] == [east, west]
    gone = {"loaded": False, "registered": None, "reachable": None, "why": None}
    assert face.done("Trunk_Update", trunk_id=trunk_id, trunk={"port": 5070})["nodes"] == [east | gone, west | gone]


def test_a_password_that_is_stored_is_enough_for_a_new_user_name(face):
    trunk_id = face.done("Trunk_Create", trunk=TRUNK)
    assert face.done("Trunk_Update", trunk_id=trunk_id, trunk={"username": "you@example.net"})["username"] == "you@example.net"


def test_a_trunk_that_a_campaign_names_is_not_deleted(face):
    trunk_id = face.done("Trunk_Create", trunk=TRUNK)
    with store.connection():
        group = models_contacts.ContactGroup.create(user=1, name="g", created_at=1)
        campaign = models.Campaign.create(user=1, contact_group=group, name="spring", trunk=trunk_id, created_at=1)
    said = face.refused("Trunk_Delete", trunk_id=trunk_id)
    assert said.startswith(f"trunk {trunk_id}: campaign {campaign.id} (spring) names it; archive or delete that campaign")
    with store.connection():
        models.Campaign.update(status="archived").execute()
    assert face.done("Trunk_Delete", trunk_id=trunk_id) is True
    assert face.done("Trunk_List") == []
    with store.connection():
        assert models.Trunk.get_by_id(trunk_id).password is None
    for method, more in (("Trunk_Delete", {}), ("Trunk_Update", {"trunk": {"port": 1}})):
        assert face.refused(method, trunk_id=trunk_id, **more) == f"trunk {trunk_id} is not found"


@pytest.mark.parametrize("method", ["Trunk_Create", "Trunk_List", "Trunk_Update", "Trunk_Delete"])
@pytest.mark.parametrize("role", ["tenant", "user", "agent"])
def test_trunks_are_the_administrator_s(face, method, role):
    trunk_id = face.done("Trunk_Create", trunk=TRUNK)
    face.done("User_Create", user={"username": "other", "password": PASSWORD, "role": role})
    assert "other" not in face.refused(method, "other", trunk_id=trunk_id, trunk=TRUNK)
    with store.connection():
        assert [(row.version, row.deleted_at) for row in models.Trunk.select()] == [(1, None)]


def test_a_trunk_for_an_account_that_is_not_there(face):
    assert face.refused("Trunk_Create", trunk=TRUNK | {"user_id": 99}) == "trunk.user_id: user 99 is not found"
    trunk_id = face.done("Trunk_Create", trunk=TRUNK | {"user_id": 1})
    assert face.refused("Trunk_Update", trunk_id=trunk_id, trunk={"user_id": 99}) == "trunk.user_id: user 99 is not found"
    assert face.done("Trunk_List")[0]["user_id"] == 1
    assert face.done("Trunk_Update", trunk_id=trunk_id, clear="user_id")["user_id"] is None
