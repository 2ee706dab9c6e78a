"""Payments by API. That the books add up, also under a crowd, is proved in tests/sql/test_ledger."""

import pytest

from tests.api.conftest import PASSWORD
from tests.api.test_accounts import make


@pytest.fixture
def ids(face) -> dict[str, int]:
    made = {"tina": make(face, "tina", role="tenant"), "tom": make(face, "tom", role="tenant")}
    made["ute"] = make(face, "ute", "tina")
    return made


def credit(face, user_id: int):
    return face.done("User_Get", user_id=user_id)["credit"]


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("10", 10), (10, 10), (10.0, 10), ("12.50", 12.5), (0.1, 0.1), ("0.000001", 0.000001), (1e-6, 0.000001), ("+3", 3), (" 7 ", 7),
        (".5", 0.5), ("1.", 1), ("1.0000000", 1), ("999999999.999999", 999999999.999999), (1_000_000_000, 1_000_000_000), (1e9, 1e9),
    ],
)  # fmt: skip
def test_money_in_any_form(face, ids, value, shown):
    assert face.done("User_Payment_Create", user_id=ids["tina"], value=value) is True
    assert credit(face, ids["tina"]) == shown


@pytest.mark.parametrize(
    "value",
    ["0", 0, "-0.0", "0.0000001", 1e-7, "1,50", "1e3", "１０", "ten", "NaN", "Infinity", "", None, True, [], {}, "1_000", "0x10",
     "1000000000.000001", 10**400, -(10**10), "9" * 100],
)  # fmt: skip
def test_what_is_no_amount(face, ids, value):
    assert face.refused("User_Payment_Create", user_id=ids["tina"], value=value).startswith("value")
    assert credit(face, ids["tina"]) == 0


def test_two_payments_of_ten_are_twenty_and_one_reference_is_one(face, ids):
    for _ in range(2):
        face.done("Client_Payment_Create", usr_id=ids["tina"], value=10)
    assert credit(face, ids["tina"]) == 20
    for _ in range(2):
        assert face.done("User_Payment_Create", user_id=ids["tina"], value=10, reference="order 17", type="bank") is True
    assert credit(face, ids["tina"]) == 30
    said = face.refused("User_Payment_Create", user_id=ids["tina"], value=11, reference="order 17", type="bank")
    assert said == "reference 'order 17' was used for another payment; choose a new one"
    assert credit(face, ids["tina"]) == 30


def test_one_idempotency_key_is_one_payment(face, ids):
    def send(value):
        body = {"username": "admin", "password": PASSWORD, "user_id": ids["tina"], "value": value}
        return face.send("POST", "/rest/User_Payment_Create", json=body, headers={"Idempotency-Key": "k"})

    assert send(10) == send(10) == (200, [True, True])
    assert send(11)[1][0] is False
    assert credit(face, ids["tina"]) == 10


def test_a_tenant_pays_from_its_own_credit_and_takes_back(face, ids):
    face.done("User_Payment_Create", user_id=ids["tina"], value=10)
    face.done("User_Payment_Create", "tina", user_id=ids["ute"], value="7.5", description="for March")
    assert (credit(face, ids["tina"]), credit(face, ids["ute"])) == (2.5, 7.5)
    face.done("User_Payment_Create", "tina", user_id=ids["ute"], value=-7)
    assert (credit(face, ids["tina"]), credit(face, ids["ute"])) == (9.5, 0.5)
    shown = face.done("User_Payment_List", "tina")
    assert [(payment["value"], payment["user_id"], payment["description"]) for payment in shown] == [
        (10, ids["tina"], None), (-7.5, ids["ute"], "for March"), (7, ids["ute"], None)]  # fmt: skip
    assert [payment["value"] for payment in face.done("User_Payment_List", "ute")] == [7.5, -7]
    assert face.done("User_Payment_List", "tina", user_id=ids["ute"], limit=1, cursor=shown[1]["payment_id"])[0]["value"] == -7


@pytest.mark.parametrize(
    ("who", "whom", "value", "says"),
    [
        ("tina", "ute", 10.5, "value: your own credit is 10; it cannot fall below 0"),
        ("tina", "ute", -1, "credit is 0; it cannot fall below 0"),
        ("admin", "ute", -1, "credit is 0; it cannot fall below 0"),
        ("admin", "tina", 999_999_991, "credit is 10; it cannot rise above 1000000000"),
        ("tina", "tina", 1, "nobody pays himself"),
        ("tina", "tom", 1, "is not found"),
        ("ute", "ute", 1, "the role user may not use User_Payment_Create; an account above yours has to do it"),
    ],
)
def test_payments_that_are_refused_change_nothing(face, ids, who, whom, value, says):
    face.done("User_Payment_Create", user_id=ids["tina"], value=10)
    assert says in face.refused("User_Payment_Create", who, user_id=ids[whom], value=value)
    assert [credit(face, user_id) for user_id in ids.values()] == [10, 0, 0]
    assert len(face.done("User_Payment_List", user_id=ids[whom])) == (whom == "tina")


def test_nobody_sees_another_tenant_s_payments(face, ids):
    assert face.refused("User_Payment_List", "tom", user_id=ids["ute"]) == f"user {ids['ute']} is not found"


def test_the_ledger_stays_when_the_account_ends(face, ids):
    face.done("User_Payment_Create", user_id=ids["tina"], value=10)
    face.done("User_Payment_Create", "tina", user_id=ids["ute"], value=4)
    face.done("User_Delete", "tina", user_id=ids["ute"])
    assert [payment["value"] for payment in face.done("User_Payment_List", "tina")] == [10, -4]
