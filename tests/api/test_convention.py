"""The habits of `/rest/<Method_Name>`: how arguments and credentials travel, and what every case is answered."""

import io
import json

import pytest

from api import app
from api.operations import OPERATIONS
from tests.api.conftest import PASSWORD

ME = {"username": "admin", "password": PASSWORD}
GROUP = {"name": "friends", "description": "of ours"}


@pytest.mark.parametrize(
    ("style", "options"),
    [
        ("JSON", {"json": {"contact_group": GROUP, **ME}}),
        ("JSON text in JSON", {"json": {"contact_group": json.dumps(GROUP), **ME}}),
        ("urlencoded JSON text", {"data": {"contact_group": json.dumps(GROUP), **ME}}),
        ("a stray comma", {"data": {"contact_group": f", {json.dumps(GROUP)}", **ME}}),
        ("brackets", {"data": {"contact_group[name]": "friends", "contact_group[description]": "of ours", **ME}}),
        ("multipart", {"data": {"contact_group": json.dumps(GROUP), **ME}, "content_type": "multipart/form-data"}),
        ("multipart brackets", {"data": {"contact_group[name]": "friends", **ME}, "content_type": "multipart/form-data"}),
        ("query and form together", {"query_string": {"contact_group[name]": "friends"}, "data": ME}),
        ("query and JSON together", {"query_string": {"contact_group": json.dumps(GROUP)}, "json": ME}),
    ],
)
def test_every_style_of_arguments(face, style, options):
    assert face.send("POST", "/rest/Contact_Group_Create", **options) == (200, [True, 1])
    assert face.done("Contact_Create", contact={"phone": "030 123456"}, contact_group_id="1")["contact_group_id"] == 1


def test_get_with_a_query_string(face):
    group = face.done("Contact_Group_Create", contact_group=GROUP)
    campaign = face.done("Campaign_Create", campaign={"contact_group_id": group, "message": recording(face)})
    headers = {"Authorization": basic()}
    status, body = face.send("GET", f"/rest/Campaign_Status?campaign_id={campaign}", headers=headers)
    assert (status, body[0], body[1]["status"]) == (200, True, "ready")


def basic(username: str = "admin", password: str = PASSWORD) -> str:
    from base64 import b64encode

    return "Basic " + b64encode(f"{username}:{password}".encode()).decode()


def recording(face) -> int:
    from dialplan.evaluation import tone

    data = {"title": "hello", "media": (io.BytesIO(tone(0.1)), "hello.wav"), **ME}
    status, body = face.send("POST", "/rest/Recording_Create", data=data, content_type="multipart/form-data")
    assert (status, body[0]) == (200, True), body
    return body[1]


@pytest.mark.parametrize(
    "options",
    [
        {"data": ME},
        {"data": {"api_username": "admin", "api_password": PASSWORD}},
        {"data": {"username": "admin", "passwd": PASSWORD}},
        {"json": ME},
        {"headers": {"Authorization": basic()}},
        {"headers": {"Authorization": basic()}, "content_type": "application/json", "data": b""},
    ],
)
def test_every_form_of_credentials(face, options):
    status, body = face.send("POST", "/rest/User_Role_List", **options)
    assert (status, body[0]) == (200, True)
    assert [role["name"] for role in body[1]] == ["admin", "tenant", "user", "agent"]


@pytest.mark.parametrize(
    ("verb", "options", "says"),
    [
        ("POST", {}, "credentials are missing"),
        ("POST", {"data": {"username": "admin", "password": "wrong"}}, "user name or password is wrong"),
        ("POST", {"data": {"username": "nobody", "password": PASSWORD}}, "user name or password is wrong"),
        ("POST", {"data": {"username": "admin", "password": ""}}, "credentials are missing"),
        ("POST", {"headers": {"Authorization": basic(password="wrong")}}, "user name or password is wrong"),
        ("GET", {"query_string": ME}, "query string are not accepted"),
    ],
)
def test_bad_credentials(face, verb, options, says):
    status, body = face.send(verb, "/rest/User_Role_List", **options)
    assert (status, body["ErrorCode"]) == (401, 401)
    assert says in body["ErrorMessage"]


def test_credentials_in_a_query_string_where_the_administrator_allows_it(face, monkeypatch):
    monkeypatch.setenv("CARILLON_API_QUERY_CREDENTIALS", "yes")
    from sql import settings

    client = app.create_app(settings.read(face.home)).test_client()
    assert client.get("/rest/User_Role_List", query_string=ME).status_code == 200


def test_guessing_is_slowed_and_says_for_how_long(face):
    for _ in range(10):
        assert face.send("POST", "/rest/User_Role_List", data={"username": "admin", "password": "guess"})[0] == 401
    response = face.client.post("/rest/User_Role_List", data={"username": "admin", "password": "guess"})
    assert response.status_code == 429
    assert 0 < int(response.headers["Retry-After"]) <= 61
    assert json.loads(response.data)["ErrorCode"] == 429


def test_who_was_just_verified_is_not_held_up_by_guesses(face):
    assert face.done("User_Role_List")
    for _ in range(12):
        face.send("POST", "/rest/User_Role_List", data={"username": "admin", "password": "guess"})
    assert face.done("User_Role_List")


def test_an_unknown_method(face):
    status, body = face.send("POST", "/rest/User_role_list", data=ME)
    assert (status, body) == (405, {"ErrorCode": 405, "ErrorMessage": "there is no method User_role_list"})


@pytest.mark.parametrize("url", ["/", "/rest/", "/rest/A/B", "/favicon.ico"])
def test_other_addresses_are_answered_in_the_same_form(face, url):
    status, body = face.send("GET", url)
    assert status == body["ErrorCode"] == 404


def test_unknown_names_are_ignored_and_told(face):
    response = face.client.post(
        "/rest/Contact_Create", json={"contact": {"phone": "+4930123456", "shoe_size": 44}, "colour": "blue", "spam": "", **ME}
    )
    assert json.loads(response.data)[0] is True
    assert response.headers["X-Carillon-Ignored"] == "colour, contact.shoe_size"


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"data": b"{", "content_type": "application/json"}, "the body is not valid JSON"),
        ({"data": b"[1]", "content_type": "application/json"}, "the JSON body is not an object"),
        ({"data": {"contact_group": "{"}}, "contact_group: is not valid JSON"),
        ({"data": {"contact_group": "5"}}, "contact_group: "),
        ({"data": {}}, "contact_group is missing"),
        ({"data": {"contact_group": "[]"}}, "contact_group.name is missing"),
        ({"data": {"contact_group[name]": ""}}, "contact_group.name is missing"),
        ({"data": {"contact_group[name]": "x" * 201}}, "contact_group.name: "),
        ({"data": {"contact_group[a][b][c][d][e]": "x"}}, "nested too deeply"),
        ({"data": {"contact_group": "x", "contact_group[name]": "y"}}, "contradicts another argument"),
    ],
)
def test_what_cannot_be_understood_is_named(face, options, says):
    status, body = face.send("POST", "/rest/Contact_Group_Create", headers={"Authorization": basic()}, **options)
    assert (status, body[0]) == (200, False)
    assert says in body[1]


@pytest.mark.parametrize(
    "given", [{"campaign_id": "1"}, {"campaign_id": 1}, {"campaign_id": {"campaign_id": 1}}, {"campaign_id": '{"id": 1}'}]
)
def test_an_id_in_any_form(face, given):
    assert face.refused("Campaign_Status", **given) == "campaign 1 is not found"


@pytest.mark.parametrize("given", ["x", 0, -1, 1 << 63, "", None, {}, [1, 2], 1.5, True])
def test_what_is_no_id(face, given):
    assert "campaign_id" in face.refused("Campaign_Status", campaign_id=given)


def test_the_same_idempotency_key_is_done_once(face):
    def send(key, **given):
        return face.send("POST", "/rest/Contact_Group_Create", json={**ME, **given}, headers={"Idempotency-Key": key})

    assert send("a", contact_group=GROUP) == (200, [True, 1])
    assert send("a", contact_group=GROUP) == (200, [True, 1])
    assert send("b", contact_group=GROUP) == (200, [True, 2])
    status, body = send("a", contact_group={"name": "others"})
    assert (status, body[0]) == (200, False)
    assert "was used for another call" in body[1]
    assert send("", contact_group=GROUP)[1][0] is False
    assert send("c", contact_group={})[1][0] is False  # nothing was done:
    assert send("c", contact_group=GROUP) == (200, [True, 3])  # so the key is free


def test_too_large_a_body(face, monkeypatch):
    face.client.application.config["MAX_CONTENT_LENGTH"] = 1000
    status, body = face.send("POST", "/rest/Contact_Group_Create", data={"x": "y" * 2000, **ME})
    assert (status, body["ErrorCode"]) == (413, 413)


def test_our_own_fault_tells_a_reference_and_no_more(face, monkeypatch, caplog):
    from api.operations import BY_NAME

    def broken(caller, given):
        raise RuntimeError("a secret detail")

    monkeypatch.setitem(BY_NAME, "User_Role_List", type(BY_NAME["User_Role_List"])(**{**vars(BY_NAME["User_Role_List"]), "run": broken}))
    status, body = face.send("POST", "/rest/User_Role_List", data=ME)
    assert (status, body["ErrorCode"]) == (500, 500)
    reference = body["ErrorMessage"].removeprefix("internal error ")
    assert reference in caplog.text
    assert "secret" not in body["ErrorMessage"]


def test_every_operation_is_declared_whole():
    names = [name for operation in OPERATIONS for name in (operation.name, *operation.aliases)]
    assert len(names) == len(set(names))
    for operation in OPERATIONS:
        assert operation.run.__doc__, operation.name
        assert operation.roles <= {"admin", "tenant", "user", "agent"}
        assert operation.roles, operation.name


@pytest.mark.parametrize(
    ("method", "given", "says"),
    [
        ("Contact_Create", {"contact": 5}, "contact: is no object; send its fields"),
        ("Contact_Create", {"contact": "+4930123456"}, "contact: is not valid JSON; send its fields"),
        ("Contact_Create", {"contact": {"phone": {"a": 1}}}, "contact.phone: is no text"),
        (
            "Contact_Create",
            {"contact": {"phone": "+4930123456"}, "contact_group_id": "API"},
            "contact_group_id: is no id; send a whole number",
        ),
        ("Contact_List", {"limit": "many"}, "limit: is no whole number"),
        ("Recording_Create", {"title": "x", "media": "a.wav"}, "media: is no file; send it as a part of multipart/form-data"),
        ("Campaign_Contact_Create", {"campaign_id": 1, "do_not_call": "perhaps"}, "do_not_call: is neither true nor false; send 1 or 0"),
    ],
)
def test_a_refusal_says_what_to_send_instead(face, method, given, says):
    assert face.refused(method, **given).startswith(says)
