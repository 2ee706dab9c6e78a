"""API keys by API: made, sent as bearer, listed, ended; what a key may not do beyond its own end."""

import pytest

from sql import models_accounts, store
from tests.api.conftest import PASSWORD
from tests.api.test_accounts import make


def by_key(face, key: str, method: str = "User_Role_List", **arguments):
    return face.send("POST", f"/rest/{method}", json=arguments, headers={"Authorization": f"Bearer {key}"})


@pytest.fixture
def ids(face) -> dict[str, int]:
    made = {"tina": make(face, "tina", role="tenant"), "tom": make(face, "tom", role="tenant")}
    made["ute"] = make(face, "ute", "tina")
    return made


def test_a_key_acts_as_its_user(face, ids):
    made = face.done("User_Key_Create", "ute", name="CRM")
    key = made["key"]
    assert (len(key), key[:4], key.isascii(), key[4:].isalnum()) == (4 + 8 + 43, "cln_", True, True)
    assert by_key(face, key, "User_Get", user_id=ids["ute"])[1][1]["username"] == "ute"
    assert by_key(face, key, "User_Get", user_id=ids["tina"])[1] == [False, f"user {ids['tina']} is not found"]
    said = "the role user may not use User_Create; an account above yours has to do it"
    assert by_key(face, key, "User_Create", user={})[1] == [False, said]
    [shown] = face.done("User_Key_List", "ute")
    assert (shown["key_id"], shown["name"], shown["prefix"], shown["expires"]) == (made["key_id"], "CRM", key[:12], None)
    assert shown["used_at"] is not None
    assert key not in str(shown)


def test_no_key_lies_in_the_store(face, ids):
    body = {"username": "ute", "password": PASSWORD, "name": "CRM"}
    sent = [face.send("POST", "/rest/User_Key_Create", json=body, headers={"Idempotency-Key": "once"}) for _ in range(2)]
    assert sent[0] == sent[1]
    key = sent[0][1][1]["key"]
    assert by_key(face, key)[0] == 200
    stored = b"".join(path.read_bytes() for path in face.home.glob("*.sqlite*"))
    assert key[:12].encode() in stored
    assert key[12:].encode() not in stored
    assert PASSWORD.encode() not in stored


@pytest.mark.parametrize(
    ("key", "says"),
    [("cln_unknown", "this API key is unknown"), ("x", "this API key is unknown"), ("ü", "this API key is unknown"), ("", "missing")],
)
def test_what_is_no_key(face, key, says):
    status, body = by_key(face, key)
    assert (status, body["ErrorCode"]) == (401, 401)
    assert says in body["ErrorMessage"]


def test_a_deleted_or_expired_key_says_so(face, ids):
    made = face.done("User_Key_Create", "ute", expires="2100-01-01T00:00:00Z")
    assert face.done("User_Key_List", "ute")[0]["expires"] == "2100-01-01T00:00:00.000Z"
    with store.connection():
        models_accounts.Key.update(expires_at=1).execute()
    status, body = by_key(face, made["key"])
    assert (status, body["ErrorMessage"]) == (401, "this API key has expired; make another one by User_Key_Create")
    assert face.done("User_Key_Delete", "ute", key_id=made["key_id"]) is True
    assert by_key(face, made["key"])[1]["ErrorMessage"] == "this API key was deleted; make another one by User_Key_Create"
    assert face.refused("User_Key_Delete", "ute", key_id=made["key_id"]) == f"key {made['key_id']} is not found"


@pytest.mark.parametrize(
    ("expires", "says"),
    [("2001-01-01", "is over already"), ("soon", "'soon' is no time"), ("9999-12-31T23:59:59-14:00", "is no time")],
)
def test_a_key_ends_in_the_time_to_come(face, expires, says):
    assert says in face.refused("User_Key_Create", expires=expires)
    assert face.done("User_Key_List") == []


def test_a_key_makes_none_that_outlives_it(face, ids):
    key = face.done("User_Key_Create", "ute", expires="2100-01-01")["key"]
    assert by_key(face, key, "User_Key_Create", expires="2100-01-02")[1][0] is False
    assert by_key(face, key, "User_Key_Create", expires="2099-01-01")[1][0] is True
    assert by_key(face, key, "User_Key_Create")[1][0] is True
    assert [one["expires"][:10] for one in face.done("User_Key_List", "ute")] == ["2100-01-01", "2099-01-01", "2100-01-01"]


def test_nor_does_a_session_that_it_opened(face, ids):
    key = face.done("User_Key_Create", "ute", expires="2100-01-01")["key"]
    browser = face.client.application.test_client()
    browser.post("/rest/User_Login", headers={"Authorization": f"Bearer {key}"})
    ours = {"Origin": "http://localhost"}
    assert browser.post("/rest/User_Key_Create", headers=ours, data={"expires": "2100-01-02"}).get_json()[0] is False
    assert browser.post("/rest/User_Key_Create", headers=ours).get_json()[0] is True
    assert [one["expires"][:10] for one in face.done("User_Key_List", "ute")] == ["2100-01-01", "2100-01-01"]


def test_a_manager_ends_the_keys_of_those_below_and_nobody_else_does(face, ids):
    made = face.done("User_Key_Create", "ute")
    assert face.refused("User_Key_Delete", "tom", key_id=made["key_id"]) == f"key {made['key_id']} is not found"
    assert face.refused("User_Key_List", "tom", user_id=ids["ute"]) == f"user {ids['ute']} is not found"
    assert face.refused("User_Key_Delete", "tina", key_id=999) == "key 999 is not found"
    assert by_key(face, made["key"])[0] == 200
    assert face.done("User_Key_List", "tina") == []
    assert [key["key_id"] for key in face.done("User_Key_List", "tina", user_id=ids["ute"])] == [made["key_id"]]
    assert face.done("User_Key_Delete", "tina", key_id=made["key_id"]) is True
    assert by_key(face, made["key"])[0] == 401


def test_a_key_outlives_a_new_password_and_not_its_user(face, ids):
    key = face.done("User_Key_Create", "ute")["key"]
    face.done("User_Update", "tina", user_id=ids["ute"], user={"password": "another"})
    assert by_key(face, key)[0] == 200
    face.done("User_Delete", "tina", user_id=ids["ute"])
    assert by_key(face, key)[0] == 401


def test_a_session_that_was_opened_with_a_key_ends_with_it(face, ids):
    made = face.done("User_Key_Create", "ute")
    browser = face.client.application.test_client()
    assert browser.post("/rest/User_Login", headers={"Authorization": f"Bearer {made['key']}"}).get_json()[0] is True
    assert browser.get("/rest/User_Role_List").status_code == 200
    face.done("User_Key_Delete", "ute", key_id=made["key_id"])
    assert browser.get("/rest/User_Role_List").status_code == 401
