"""The acceptance table: the documented methods in the document's order, each as it is called, answered when done, and when refused.

`$name` in what is sent is what an earlier row was told. In an answer `...` is whatever; of an object the named fields are compared.
"""

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

import pytest

from dialplan.client import MethodRefused
from tests.live.house import wait_for

NONE = 999_999_999
SESSION = "0123456789abcdefghijKLMNOP"
STATUS = {"campaign_id": "$campaign", "name": "accepted", "contact_total": ..., "contact_done": ..., "calls_active": ..., "holding": ...}


@dataclass(frozen=True)
class Row:
    """`by` the administrator or the customer; `refused` is sent instead of `sent`, and answered with `sentence` in it."""

    method: str
    by: str
    sent: dict[str, Any]
    done: Any
    refused: dict[str, Any]
    sentence: str


PERSON = {"username": "acceptance", "password": "quite a good one", "email": "a@example.com", "role": "user", "country": "DE"}
TABLE = [
    Row("User_Create", "admin", {"user": PERSON}, {"user_id": "$user", "username": "acceptance"},
        {"user": PERSON}, "username 'acceptance' is taken"),
    Row("User_Update", "admin", {"user_id": "$user", "user": {"first_name": "Ada"}}, {"user_id": "$user", "first_name": "Ada"},
        {"user_id": NONE, "user": {"first_name": "Ada"}}, f"user {NONE} is not found"),
    Row("User_Get", "admin", {"user_id": "$user"}, {"username": "acceptance", "email": "a@example.com", "credit": 0},
        {"search": "username", "value": "nobody"}, "no user"),
    Row("User_Delete", "admin", {"user_id": "$spare"}, True,
        {"user_id": 1}, "administrator"),
    Row("User_Extension_Create", "admin", {"user_id": "$user", "extension": {"name": "desk", "username": "desk7"}},
        {"extension_id": ..., "name": "desk", "username": "desk7", "password": ...},
        {"user_id": NONE, "extension": {"name": "desk"}}, f"user {NONE} is not found"),
    Row("User_Role_List", "customer", {}, [{"role_id": 1, "name": "admin", "permissions": ...}, ..., ..., ...],
        {"password": "wrong"}, "401"),
    Row("User_Payment_Create", "admin", {"user_id": "$user", "value": "10.50", "description": "first", "type": "bank"}, True,
        {"user_id": "$user", "value": "ten"}, "value"),
    Row("User_Login", "customer", {"session_id": SESSION}, "carillon_session",
        {"password": "wrong"}, "password is wrong"),
    Row("User_Logout", "customer", {"session_id": SESSION}, "carillon_session",
        {"password": "wrong"}, "401"),
    Row("Campaign_Status", "customer", {"campaign_id": "$campaign"}, STATUS | {"status": "ready"},
        {"campaign_id": NONE}, f"campaign {NONE} is not found"),
    Row("Campaign_Start", "customer", {"campaign_id": "$campaign"}, STATUS | {"status": "running"},
        {"campaign_id": "$archived"}, "archived"),
    Row("Campaign_Stop", "customer", {"campaign_id": "$campaign"}, STATUS | {"status": "stopped"},
        {"campaign_id": "$archived"}, "archived"),
    Row("Campaign_Contact_Create", "customer",
        {"campaign_id": "$campaign", "contact": {"phone": "+4930123494"}, "remote": {"remote_id": "77", "remote_module": "Leads"}},
        STATUS | {"contact_id": ..., "contact_total": 2},
        {"campaign_id": "$campaign", "contact": {"phone": "12"}}, "phone"),
    Row("Campaign_Summary", "customer", {"campaign_id": "$campaign"},
        {"campaign_id": "$campaign", "totals": {"pending": ..., "answered": ..., "total": 2}, "contacts": [..., ...], "next": None},
        {"campaign_id": "$campaign", "usr_id": 1}, "is not user 1's"),
    Row("Campaign_Result", "customer", {"campaign_id": "$campaign"}, [],
        {"campaign_id": "$campaign", "status": "fine"}, "status 'fine' is none"),
    Row("Campaign_Filter", "customer", {"search": {"name": "accep"}}, [{"campaign_id": "$campaign", "name": "accepted"}],
        {"search": {"colour": "red"}}, "colour"),
    Row("Contact_Create", "customer", {"contact": {"phone": "+4930123470", "first_name": "Ben"}, "contact_group_id": "$group"},
        {"contact_id": "$contact", "contact_group_id": "$group", "phone": "+4930123470", "status": "created"},
        {"contact": {"first_name": "Ben"}}, "contact.phone is missing"),
    Row("Contact_Delete", "customer", {"contact_id": "$contact"}, {"contact_id": "$contact", "status": "deleted"},
        {"contact_id": NONE}, f"contact {NONE} is not found"),
]  # fmt: skip
KNOWN_BEFORE = ("$spare", "$group", "$campaign", "$archived")


def filled(value: Any, told: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return {key: filled(inner, told) for key, inner in value.items()}
    return told.get(value, value) if isinstance(value, str) else value


def compare(expected: Any, answer: Any, told: dict[str, Any], where: str) -> None:
    """Hold the answer against the table's; a `$name` not told so far is told by this answer."""
    if expected is ...:
        return
    if isinstance(expected, dict):
        assert isinstance(answer, dict), f"{where}: {answer!r}"
        for key, inner in expected.items():
            assert key in answer, f"{where}.{key} is missing in {answer}"
            compare(inner, answer[key], told, f"{where}.{key}")
    elif isinstance(expected, list):
        assert len(answer) == len(expected), f"{where}: {answer!r}"
        for n, inner in enumerate(expected):
            compare(inner, answer[n], told, f"{where}[{n}]")
    elif isinstance(expected, str) and expected.startswith("$") and expected not in told:
        assert type(answer) is int and answer > 0, f"{where}: {answer!r} is no id"
        told[expected] = answer
    else:
        wanted = filled(expected, told)
        assert answer == wanted, f"{where}: {answer!r} is not {wanted!r}"
        assert type(answer) is type(wanted), f"{where}: {answer!r} is no {type(wanted).__name__}"


@pytest.fixture(scope="module")
def house(either_house):
    return either_house


@pytest.fixture(scope="module")
def told(house) -> dict[str, Any]:
    """What the rows need to be there, as the document's reader has it."""
    call = house.client.call
    group = call("Contact_Group_Create", contact_group={"name": "accepted"})
    call("Contact_Create", contact={"phone": "+4930123400"}, contact_group_id=group)
    wanted = {"contact_group_id": group, "message": house.recording, "name": "accepted", "hours": "00:00-24:00", "trunk": "demo"}
    archived = call("Campaign_Create", campaign=wanted | {"name": "old"})
    call("Campaign_Result", campaign_id=archived, status="archived")
    spare = house.root.call("User_Create", user={"username": "spare", "password": "quite a good one"})["user_id"]
    campaign = call("Campaign_Create", campaign=wanted)
    return dict(zip(KNOWN_BEFORE, (spare, group, campaign, archived), strict=True))


def posted(house, by: str, method: str, arguments: dict[str, Any]) -> tuple[int, Any]:
    """(HTTP status, body), as a client without any help sees them."""
    people = {
        "admin": json.loads((house.home / "admin.json").read_text()),
        "customer": {"username": "customer", "password": "a good one"},
    }
    body = json.dumps(people[by] | arguments).encode()
    request = urllib.request.Request(f"{house.url}/rest/{method}", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


@pytest.mark.parametrize("row", TABLE, ids=lambda row: row.method)
def test_a_documented_method(house, told, row):
    status, (done, payload) = posted(house, row.by, row.method, filled(row.sent, told))
    assert (status, done) == (200, True), payload
    compare(row.done, payload, told, row.method)
    status, body = posted(house, row.by, row.method, filled(row.refused, told))
    if row.sentence == "401":
        assert (status, body["ErrorCode"]) == (401, 401)
    else:
        assert status == 200 and body[0] is False
        assert row.sentence in body[1]


def test_push_of_a_failed_call(house, told):
    """The last row: the receiver is told of a call that failed, and of nothing that did not happen."""
    campaign = house.campaign(["+4930123490"], max_attempts=1)
    with pytest.raises(MethodRefused, match="not found"):
        house.client.call("Campaign_Start", campaign_id=NONE)
    house.start(campaign)
    [call] = house.finish(campaign)
    push = wait_for("the push", lambda: house.pushed().get(call["call_id"]))
    expected = {"event": "completed", "status": "failed", "disposition": "invalid-number", "sip_code": 404, "final": True}
    compare(expected | {"phone": "+4930123490", "campaign_id": campaign}, push, told, "push")


def test_the_readme_says_how_many_rows_pass(request):
    text = (request.config.rootpath / "README.md").read_text()
    rows = len(TABLE) + 1
    assert f"All {rows} rows of the document's table" in text
