"""The documents: valid OpenAPI 3.1 of every method, examples that are true, and a page that needs nothing from elsewhere."""

import json
import re

import openapi_spec_validator
import pytest
from pydantic import TypeAdapter

from api import examples
from api.openapi import SCHEMES, document
from api.operations import BY_NAME, OPERATIONS

PAGES = ("/docs/", "/docs/start.js", "/docs/swagger-ui.css", "/docs/swagger-ui-bundle.js", "/docs/favicon-32x32.png", "/openapi.json")


def operations():
    return [(name, verb, one) for name in BY_NAME for verb, one in document()["paths"][f"/rest/{name}"].items()]


def test_it_is_valid():
    openapi_spec_validator.validate(document(), cls=openapi_spec_validator.OpenAPIV31SpecValidator)


def test_it_is_what_the_server_answers(face):
    assert face.send("GET", "/openapi.json") == (200, json.loads(json.dumps(document())))


def test_every_method_and_alias_is_in_it_and_nothing_else():
    assert set(document()["paths"]) == {f"/rest/{name}" for name in BY_NAME}


def test_only_what_changes_nothing_is_documented_as_get():
    assert {name for name, verb, _ in operations() if verb == "get"} == {name for name, one in BY_NAME.items() if not one.changes}
    assert {name for name, verb, _ in operations() if verb == "post"} == set(BY_NAME)


def test_every_body_may_be_a_form_or_json_unless_it_has_files():
    for name, verb, one in operations():
        if verb == "post":
            kinds = set(one["requestBody"]["content"])
            forms = {"application/json", "application/x-www-form-urlencoded", "multipart/form-data"}
            assert kinds == ({"multipart/form-data"} if BY_NAME[name].files else forms), name


def test_every_answer_is_told():
    for name, _, one in operations():
        assert set(one["responses"]) == {"200", "401", "405", "413", "429", "500"}, name
        assert one["summary"], name


def test_every_form_of_credentials_is_told():
    assert {one.get("scheme", f"{one.get('in')} {one.get('name')}") for one in SCHEMES.values()} == {
        "basic", "bearer", "cookie carillon_session",
        "query username", "query password", "query api_username", "query api_password",
    }  # fmt: skip
    for name, verb, one in operations():
        if verb == "post":
            for content in one["requestBody"]["content"].values():
                assert {"username", "password"} <= set(content["schema"]["properties"]), name


def test_objects_travel_as_json_text_in_forms_and_queries():
    form = document()["paths"]["/rest/User_Create"]["post"]["requestBody"]["content"]["multipart/form-data"]
    assert form["encoding"] == {"user": {"contentType": "application/json"}}
    [search] = [one for one in document()["paths"]["/rest/Campaign_Filter"]["get"]["parameters"] if one["name"] == "search"]
    assert list(search["content"]) == ["application/json"]


@pytest.mark.parametrize("name", sorted(examples.INPUTS))
def test_what_an_example_sends_is_understood_whole(name):
    given = BY_NAME[name].input.model_validate(examples.INPUTS[name])
    assert given.model_extra == {}
    assert len(given.model_fields_set) == len(examples.INPUTS[name])


@pytest.mark.parametrize("name", sorted(examples.OUTPUTS))
def test_what_an_example_answers_is_what_is_declared(name):
    adapter = TypeAdapter(BY_NAME[name].output)
    assert adapter.dump_python(adapter.validate_python(examples.OUTPUTS[name], strict=True)) == examples.OUTPUTS[name]


def test_examples_are_of_methods_that_there_are():
    assert set(examples.INPUTS) | set(examples.OUTPUTS) <= {operation.name for operation in OPERATIONS}


@pytest.mark.parametrize("url", PAGES)
def test_a_page_may_load_nothing_from_elsewhere_and_run_nothing_inline(face, url):
    answer = face.client.get(url)
    assert answer.status_code == 200
    policy = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == policy["form-action"] == "'none'"
    assert {policy[name] for name in ("script-src", "style-src", "connect-src")} == {"'self'"}
    assert policy["img-src"] == "'self' data:"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_the_page_names_only_files_of_ours_that_are_served(face):
    page = face.client.get("/docs/").text
    named = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert len(named) == 4
    assert [face.client.get(f"/docs/{name}").status_code for name in named] == [200] * 4
    assert "../openapi.json" in face.client.get("/docs/start.js").text
    assert not re.search(r"<script>|<style|style=|onload=", page)


def test_a_page_that_the_browser_has_is_not_sent_again(face):
    first = face.client.get("/docs/swagger-ui-bundle.js")
    assert len(first.data) > 1_000_000
    again = face.client.get("/docs/swagger-ui-bundle.js", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


@pytest.mark.parametrize(
    ("verb", "url", "status"),
    [("GET", "/docs/../setup.cfg", 404), ("GET", "/docs/nothing.js", 404), ("POST", "/docs/", 405), ("POST", "/openapi.json", 405)],
)
def test_nothing_else_is_served(face, verb, url, status):
    assert face.send(verb, url)[0] == status


def test_without_the_slash_one_is_led_to_the_page(face):
    answer = face.client.get("/docs")
    assert (answer.status_code, answer.headers["Location"]) == (308, "http://localhost/docs/")


def test_another_verb_is_answered_with_those_that_there_are(face):
    answer = face.client.put("/rest/User_Get")
    assert answer.status_code == 405
    assert {"GET", "POST"} <= set(answer.headers["Allow"].split(", "))
