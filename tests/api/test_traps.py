"""What the outside sends by mistake or on purpose: odd JSON, odd text, too much, contradictory credentials, calls repeated or cut off."""

import io
import threading

import pytest

from api import app
from api.operations import BY_NAME
from tests.api.conftest import PASSWORD
from tests.api.test_accounts import make
from tests.api.test_convention import ME, basic, recording

BASIC = {"Authorization": basic()}
JSON = "application/json"


def create_group(face, verb: str = "POST", **options):
    return face.send(verb, "/rest/Contact_Group_Create", **({"headers": BASIC} | options))


@pytest.mark.parametrize("body", [b"", b" \n", b"null", b"[]", b"{}"])
@pytest.mark.parametrize("kind", [JSON, "application/json; charset=utf-8", "application/vnd.api+json"])
def test_a_body_that_holds_nothing_is_a_call_without_arguments(face, body, kind):
    assert face.send("POST", "/rest/User_Role_List", data=body, content_type=kind, headers=BASIC)[1][0] is True


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"{", "is not valid JSON"),
        (b'{"a": NaN}', "is not valid JSON"),
        (b'{"a": -Infinity}', "is not valid JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", "is not valid JSON"),
        (b'{"a": "\xff\xfe"}', "is not valid JSON"),
        (b"[" * 100_000, "is not valid JSON"),
        (b'{"a": ' + b"[" * 21 + b"]" * 21 + b"}", "is nested too deeply"),
        (b'{"a": ' + b'{"a": ' * 500 + b"1" + b"}" * 501, "is nested too deeply"),
        (b'{"contact_group": {"name": "a\\u0000b"}}', "holds a character that is no text"),
        (b'{"contact_group": {"name": "a\\ud800b"}}', "holds a character that is no text"),
        (b'{"contact_group": {"a\\u0000b": 1}}', "holds a character that is no text"),
        (b'"text"', "is not an object"),
        (b"5", "is not an object"),
        (b"true", "is not an object"),
    ],
)
def test_json_that_cannot_be_used(face, body, says):
    status, answer = create_group(face, data=body, content_type=JSON)
    assert (status, answer[0]) == (200, False)
    assert says in answer[1]


@pytest.mark.parametrize(
    "text", ["NaN", "{" * 50_000, "[" * 50_000, '{"name": "a\\u0000b"}', '{"name": "\\udfff"}', '{"name": 1e999}', "{\0}"]
)
def test_json_text_in_a_field_is_read_as_strictly(face, text):
    for status, answer in (create_group(face, data={"contact_group": text}), create_group(face, json={"contact_group": text})):
        assert (status, answer[0]) == (200, False), answer


@pytest.mark.parametrize(
    "text", ["contact_group[name]=a%00b", "contact_group[name]=a%ff", "contact_group[a%00]=b", "a%ff=b", "a=%ed%a0%80"]
)
def test_what_is_no_text_is_refused_in_a_form_and_in_a_query(face, text):
    form = {"data": text.encode(), "content_type": "application/x-www-form-urlencoded", "headers": BASIC}
    for url, options in (("", form), ("?" + text, {"headers": BASIC})):
        status, answer = face.send("POST", f"/rest/Contact_Group_Create{url}", **options)
        assert (status, answer[0]) == (200, False)
        assert "is not UTF-8" in answer[1] or "no text" in answer[1]


def test_what_is_no_text_is_refused_in_a_multipart_field(face):
    body = b'--x\r\nContent-Disposition: form-data; name="contact_group[name]"\r\n\r\na\xffb\r\n--x--\r\n'
    status, answer = create_group(face, data=body, content_type="multipart/form-data; boundary=x")
    assert (status, answer) == (200, [False, "contact_group[name] is not UTF-8"])


@pytest.mark.parametrize("name", ["Zoë", "名前", "\N{PILE OF POO}", "a\tb", "'; DROP TABLE user; --", "\N{ZERO WIDTH SPACE}x"])
def test_every_text_comes_back_as_it_was(face, name):
    for options in ({"json": {"contact_group": {"name": name}}}, {"data": {"contact_group[name]": name}}):
        assert create_group(face, **options)[1][0] is True
    assert [group["name"] for group in face.done("Contact_Group_List")] == [name, name]


def test_of_doubled_names_the_last_counts(face):
    create_group(face, data=b'{"contact_group": {"name": "a"}, "contact_group": {"name": "b", "name": "c"}}', content_type=JSON)
    create_group(face, data=b"contact_group[name]=d&contact_group[name]=e", content_type="application/x-www-form-urlencoded")
    assert [group["name"] for group in face.done("Contact_Group_List")] == ["c", "e"]


@pytest.mark.parametrize("kind", ["text/plain", "application/xml", "application/octet-stream", None])
def test_a_kind_of_content_that_nobody_reads_is_named(face, kind):
    status, answer = create_group(face, data=b'{"contact_group": {"name": "a"}}', content_type=kind)
    assert (status, answer[0]) == (200, False)
    assert (kind or "Content-Type is missing") in answer[1]
    assert "send application/json" in answer[1]


@pytest.mark.parametrize(
    "value", [True, False, "true", 1.5, "1.0e0", "１", "1_0", 10**30, -(10**30), "9" * 5000, [1], {"id": True}, {"a_id": 1, "b_id": 2}]
)
def test_what_is_no_id(face, value):
    assert face.refused("User_Get", user_id=value).startswith("user_id: ")


def test_too_large_fields_are_413_whatever_their_form(face, monkeypatch):
    monkeypatch.setattr(app, "LARGEST_FIELDS", 200_000)
    face.client.application.config["MAX_FORM_MEMORY_SIZE"] = 200_000
    large = {"contact_group[name]": "x" * 300_000}
    for options in (
        {"json": {"contact_group": {"name": "x" * 300_000}}},
        {"data": large},
        {"data": large, "content_type": "multipart/form-data"},
        {"data": {"media": (io.BytesIO(b"x" * 400_000), "a.wav")}, "content_type": "multipart/form-data"},
        {"data": {f"a{n}": "x" for n in range(1100)}, "content_type": "multipart/form-data"},
        {"data": {f"a{n}": "x" for n in range(1100)}},
    ):
        status, answer = create_group(face, **options)
        assert (status, answer["ErrorCode"]) == (413, 413)
    data = {"title": "hello", "media": (io.BytesIO(b"x" * 400_000), "a.wav")}
    assert face.send("POST", "/rest/Recording_Create", data=data, content_type="multipart/form-data", headers=BASIC)[0] == 200


@pytest.mark.parametrize(
    "query",
    [ME, {"api_username": "admin", "api_password": PASSWORD}, {"username": "admin", "passwd": PASSWORD}, {"password": PASSWORD},
     {"username[]": "admin", "password[]": PASSWORD}, {"api_password[x]": PASSWORD}],
)  # fmt: skip
def test_credentials_in_a_query_are_refused_in_every_form(face, query):
    for options in ({}, {"headers": BASIC}, {"data": ME}):
        status, answer = face.send("POST", "/rest/User_Role_List", query_string=query, **options)
        assert status == 401
        assert "query string are not accepted" in answer["ErrorMessage"]


def test_a_name_in_the_query_and_its_password_in_the_form_are_refused_too(face):
    assert face.send("POST", "/rest/User_Role_List", query_string={"username": "admin"}, data={"password": PASSWORD})[0] == 401


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"headers": BASIC, "data": ME}, 200),
        ({"data": {**ME, "api_username": "admin", "api_password": PASSWORD, "passwd": PASSWORD}}, 200),
        ({"headers": BASIC, "data": {**ME, "password": "wrong"}}, 401),
        ({"data": {**ME, "passwd": "wrong"}}, 401),
        ({"headers": BASIC, "data": {**ME, "username": "tina"}}, 401),
        ({"data": {**ME, "api_username": "tina", "api_password": PASSWORD}}, 401),
        ({"headers": {"Authorization": "Bearer {key}"}, "data": {**ME, "username": "tina"}}, 200),
        ({"headers": {"Authorization": "Bearer {key}"}, "data": ME}, 401),
        ({"headers": {"Authorization": "Bearer wrong"}, "data": ME}, 401),
        ({"headers": {"Authorization": "bearer {key}"}}, 200),
        ({"headers": {"Authorization": "Bearer"}}, 401),
        ({"headers": {"Authorization": "Token {key}"}}, 401),
        ({"headers": {"Authorization": "Basic !!!"}}, 401),
        ({"json": {"username": ["admin"], "password": PASSWORD}}, 401),
        ({"json": {"username": {"a": 1}, "password": True}}, 401),
        ({"data": {"username[]": "admin", "password": PASSWORD}}, 401),
        ({"json": {"username": "admin", "password": None}}, 401),
    ],
)
def test_several_credentials_must_be_of_one_account(face, options, status):
    make(face, "tina")
    key = face.done("User_Key_Create", "tina")["key"]
    headers = {name: value.replace("{key}", key) for name, value in options.get("headers", {}).items()}
    assert face.send("POST", "/rest/User_Role_List", **options | {"headers": headers})[0] == status


@pytest.mark.parametrize(
    "name",
    ["Fax_Create", "Campaign_Fax_Create", "Campaign_Sendfax_Create", "Message_Template_Create", "Message_Document_List", "Sms_Send",
     "Campaign_Email_Create", "Program_SendEmail_Create"],
)  # fmt: skip
def test_families_that_are_not_offered_say_so(face, name):
    status, answer = face.send("GET", f"/rest/{name}")
    assert (status, answer[0]) == (200, False)
    assert answer[1].startswith(f"{name} is not offered")


@pytest.mark.parametrize("name", ["Fax", "Facsimile_Create", "Campaign_Smsx_Create", "Fax_Create;", "Email_Ü", "../Fax_Create", "_"])
def test_other_unknown_names_are_unknown(face, name):
    assert face.send("POST", f"/rest/{name}", data=ME)[0] in (404, 405)


def test_no_operation_is_one_of_the_families():
    assert [name for name in BY_NAME if app.not_offered(name)] == []


def keyed(face, method: str, key: str = "k", **options):
    return face.send("POST", f"/rest/{method}", headers={**BASIC, "Idempotency-Key": key}, **options)


def test_an_idempotency_key_is_bound_to_the_method_and_to_the_file(face):
    assert keyed(face, "Contact_Group_Create", json={"contact_group": {"name": "a"}})[1] == [True, 1]
    assert "was used for another call" in keyed(face, "User_Key_Create", json={"contact_group": {"name": "a"}})[1][1]
    assert recording(face) == 1

    def import_(text: bytes):
        data = {"contact_group_id": "1", "type": "file", "source_file": (io.BytesIO(text), "a.csv")}
        return keyed(face, "Contact_Import", "file", data=data, content_type="multipart/form-data")[1]

    first = import_(b"+4930123456\n")
    assert first[0] is True, first
    assert import_(b"+4930123456\n") == first
    assert "was used for another call" in import_(b"+4930123457\n")[1]


def test_while_a_call_is_in_flight_its_key_is_taken(face, monkeypatch):
    began, go_on = threading.Event(), threading.Event()
    operation = BY_NAME["Contact_Group_Create"]

    def slow(caller, given) -> int:
        began.set()
        assert go_on.wait(30)
        return 1

    monkeypatch.setitem(BY_NAME, "Contact_Group_Create", type(operation)(**{**vars(operation), "run": slow}))
    answers = []
    thread = threading.Thread(target=lambda: answers.append(keyed(face, "Contact_Group_Create", json={"contact_group": {"name": "a"}})))
    thread.start()
    assert began.wait(30)
    said = keyed(face, "Contact_Group_Create", json={"contact_group": {"name": "a"}})
    go_on.set()
    thread.join(30)
    assert "is still in flight, or was interrupted" in said[1][1]
    assert answers == [(200, [True, 1])]
    assert keyed(face, "Contact_Group_Create", json={"contact_group": {"name": "a"}}) == (200, [True, 1])


def test_after_a_fault_of_ours_nobody_does_it_again_unseen(face, monkeypatch):
    operation = BY_NAME["Contact_Group_Create"]

    def broken(caller, given):
        contacts_made.append(operation.run(caller, given))
        raise RuntimeError("after the work")

    contacts_made: list[int] = []
    monkeypatch.setitem(BY_NAME, "Contact_Group_Create", type(operation)(**{**vars(operation), "run": broken}))
    body = {"json": {"contact_group": {"name": "a"}}}
    assert keyed(face, "Contact_Group_Create", **body)[0] == 500
    assert "was interrupted; look what became of it" in keyed(face, "Contact_Group_Create", **body)[1][1]
    assert contacts_made == [1]


def test_one_s_key_is_not_another_s(face):
    make(face, "tina")
    body = {"contact_group": {"name": "a"}}
    assert keyed(face, "Contact_Group_Create", json=body)[1] == [True, 1]
    headers = {"Authorization": basic("tina"), "Idempotency-Key": "k"}
    assert face.send("POST", "/rest/Contact_Group_Create", json=body, headers=headers)[1] == [True, 2]


def test_reading_calls_pay_no_heed_to_the_key(face):
    for _ in range(2):
        assert keyed(face, "User_List")[1][0] is True
    make(face, "tina")
    assert len(keyed(face, "User_List")[1][1]) == 2
