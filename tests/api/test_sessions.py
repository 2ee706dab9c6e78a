"""Sessions by API: opened by User_Login, carried by a cookie, ended by User_Logout; and what a cookie alone may not do."""

import json

import pytest

from api.credentials import COOKIE
from api.operations import OPERATIONS
from sql import models_accounts, sessions, store
from tests.api.conftest import PASSWORD
from tests.api.test_accounts import make

ME = {"username": "admin", "password": PASSWORD}
VALUE = "chosen-by-the-client_22"
OURS = {"Origin": "http://localhost"}


@pytest.fixture
def browser(face):
    """A client that keeps cookies; those of `face` keep them too, so the others are made without."""
    return face.client.application.test_client()


def login(client, **given):
    return client.post("/rest/User_Login", data={**ME, **given})


def answer(response):
    return response.status_code, json.loads(response.data)


def cookie(client) -> str | None:
    found = client.get_cookie(COOKIE)
    return found and found.value


def hashes() -> set[str]:
    with store.connection():
        return {row.hash for row in models_accounts.Session.select()}


def test_the_client_s_value_becomes_the_cookie_s(browser):
    response = login(browser, session_id=VALUE)
    assert answer(response) == (200, [True, COOKIE])
    sent = response.headers["Set-Cookie"]
    assert sent.startswith(f"{COOKIE}={VALUE}; ")
    for attribute in ("HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=2592000"):
        assert attribute in sent
    assert "Secure" not in sent
    assert hashes() == {sessions.hashed(VALUE)}
    assert answer(browser.get("/rest/User_Role_List"))[1][0] is True


def test_over_https_the_cookie_is_secure(face, browser):
    assert "Secure" in browser.post("/rest/User_Login", data=ME, base_url="https://localhost").headers["Set-Cookie"]
    # a proxy took the TLS away, and passes the name on
    behind = face.client.application.test_client()
    assert "Secure" in behind.post("/rest/User_Login", data=ME, headers={"Origin": "https://localhost"}).headers["Set-Cookie"]


@pytest.mark.parametrize("value", [None, "", "short", "x" * 21, "x" * 201, "with a blank in the middle", "ümlaut" * 5, "semicolon;" * 5])
def test_other_values_are_replaced_by_ours(browser, value):
    assert answer(login(browser, **({} if value is None else {"session_id": value})))[1] == [True, COOKIE]
    assert len(cookie(browser)) == 43
    assert answer(browser.get("/rest/User_Role_List"))[1][0] is True


def test_a_value_in_a_query_string_is_in_the_proxies_logs_already(face, browser):
    from tests.api.test_convention import basic

    response = browser.get(f"/rest/User_Login?session_id={VALUE}", headers={"Authorization": basic()})
    assert answer(response) == (200, [True, COOKIE])
    assert cookie(browser) != VALUE


def test_one_s_own_session_is_renewed_and_somebody_else_s_is_not_taken(face, browser):
    make(face, "tina")
    login(browser, session_id=VALUE)
    login(browser, session_id=VALUE)
    assert cookie(browser) == VALUE
    assert len(hashes()) == 1
    thief = face.client.application.test_client()
    assert answer(login(thief, session_id=VALUE, username="tina")) == (200, [True, COOKIE])
    assert cookie(thief) not in (None, VALUE)
    assert answer(browser.get("/rest/User_Get?user_id=1"))[1][1]["username"] == "admin"
    assert answer(thief.get("/rest/User_Get?user_id=1"))[1] == [False, "user 1 is not found"]


@pytest.mark.parametrize("given", [{"password": "wrong"}, {"username": "nobody"}, {"password": ""}])
def test_wrong_credentials_at_a_login_are_refused_with_200(browser, given):
    status, body = answer(login(browser, **given))
    assert (status, body[0]) == (200, False)
    assert "wrong" in body[1] or "missing" in body[1]
    assert cookie(browser) is None


def test_a_cookie_alone_opens_no_session(browser):
    login(browser)
    status, body = answer(browser.post("/rest/User_Login", headers=OURS))
    assert (status, body) == (200, [False, "credentials are missing: send username and password"])


def test_another_site_opens_no_session(browser):
    response = browser.post("/rest/User_Login", data=ME, headers={"Origin": "https://evil.example"})
    assert answer(response) == (200, [False, "a session cannot be opened from another site"])
    assert (cookie(browser), hashes()) == (None, set())


@pytest.mark.parametrize(
    ("verb", "headers", "done"),
    [
        ("POST", OURS, True),
        ("POST", {"Origin": "https://localhost"}, True),
        ("POST", {}, False),
        ("POST", {"Origin": "null"}, False),
        ("POST", {"Origin": "http://localhost.evil.example"}, False),
        ("POST", {"Origin": "http://localhost:81"}, False),
        ("POST", {"Origin": "http://evil.example/localhost"}, False),
        ("POST", {"Origin": "http://[evil"}, False),
        ("POST", {"Origin": "//localhost"}, False),
        ("POST", {"Origin": "http://admin@localhost"}, False),
        ("POST", {"Referer": "http://localhost/"}, False),
        ("GET", OURS, False),
        ("GET", {}, False),
    ],
)
def test_with_a_cookie_changes_need_post_and_an_origin_of_ours(face, browser, verb, headers, done):
    login(browser)
    response = browser.open("/rest/Contact_Group_Create", method=verb, query_string={"contact_group[name]": "x"}, headers=headers)
    status, body = answer(response)
    assert (status, body[0]) == (200, done)
    if not done:
        assert "must be POST and carry an Origin header of this server" in body[1]
    assert len(face.done("Contact_Group_List")) == done


def test_with_a_cookie_everything_that_changes_something_is_guarded(browser):
    login(browser)
    for operation in OPERATIONS:
        if operation.changes and operation.session != "opens":
            assert "must be POST and carry an Origin" in answer(browser.post(f"/rest/{operation.name}"))[1][1], operation.name


@pytest.mark.parametrize("headers", [{}, {"Origin": "https://evil.example"}])
def test_with_a_cookie_campaign_result_sets_nothing_from_elsewhere(face, browser, headers):
    with store.connection():
        from sql.models import Campaign

        campaign = Campaign.create(user=1, name="c", created_at=1, status="running")
    login(browser)
    given = {"campaign_id": campaign.id, "status": "stopped"}
    assert answer(browser.post("/rest/Campaign_Result", data=given, headers=headers))[1][0] is False
    assert face.done("Campaign_Status", campaign_id=campaign.id)["status"] == "running"
    assert answer(browser.post("/rest/Campaign_Result", data=given, headers=OURS))[1][0] is True


def test_credentials_go_before_the_cookie_but_must_not_be_another_s(face, browser):
    make(face, "tina")
    login(browser)
    group = {"contact_group[name]": "x"}
    assert answer(browser.post("/rest/Contact_Group_Create", data={**ME, **group}))[1][0] is True
    status, body = answer(browser.post("/rest/Contact_Group_Create", data={**ME, **group, "username": "tina"}))
    assert status == 401
    assert "belong to different accounts" in body["ErrorMessage"]
    assert answer(login(browser, username="tina"))[1] == [True, COOKIE]  # the browser's next user
    assert answer(browser.get("/rest/User_Get?search=username&value=admin"))[1][0] is False


def test_a_stale_cookie_harms_no_call_with_credentials(browser):
    login(browser)
    with store.connection():
        models_accounts.Session.delete().execute()
    assert answer(browser.post("/rest/User_Role_List", data=ME))[0] == 200
    status, body = answer(browser.get("/rest/User_Role_List"))
    assert (status, body["ErrorMessage"]) == (401, "the session is over; log in again")


@pytest.mark.parametrize(
    "how",
    [
        {"data": {"session_id": VALUE}, "headers": OURS},
        {"headers": OURS},
        {"data": {"session_id": "short"}, "headers": OURS},
        {"data": {**ME, "session_id": VALUE}},
        {"data": ME},
    ],
)
def test_a_session_is_over_after_its_logout(browser, how):
    login(browser, session_id=VALUE)
    response = browser.post("/rest/User_Logout", **how)
    assert answer(response) == (200, [True, COOKIE])
    assert "Max-Age=0" in response.headers["Set-Cookie"]
    assert (cookie(browser), hashes()) == (None, set())


def test_a_session_is_ended_by_its_value_alone_but_never_by_another_account(face, browser):
    make(face, "tina")
    login(browser, session_id=VALUE)
    stranger = face.client.application.test_client()
    assert face.refused("User_Logout", "tina", session_id=VALUE) == "session_id: you have no such session"
    assert answer(stranger.post("/rest/User_Logout", data={"session_id": "another-value-of-22-characters"}))[0] == 401
    assert answer(stranger.get(f"/rest/User_Logout?session_id={VALUE}"))[0] == 401
    assert len(hashes()) == 1
    assert answer(stranger.post("/rest/User_Logout", data={"session_id": VALUE})) == (200, [True, COOKIE])
    assert answer(browser.get("/rest/User_Role_List"))[0] == 401


def test_a_new_password_ends_all_sessions_and_a_login_is_never_answered_from_memory(face, browser):
    make(face, "tina")
    for _ in range(2):
        response = browser.post("/rest/User_Login", data={**ME, "username": "tina"}, headers={"Idempotency-Key": "k"})
        assert "Set-Cookie" in response.headers
    assert len(hashes()) == 2
    face.done("User_Update", user_id=2, user={"password": "another"})
    assert hashes() == set()
