"""Accounts by API: who makes, changes, finds and ends whom. The store's own rules are proved in tests/sql/test_users."""

import pytest

from api.operations import OPERATIONS
from tests.api.conftest import PASSWORD


def make(face, name: str, by: str = "admin", role: str = "user", **more) -> int:
    return face.done("User_Create", by, user={"username": name, "password": PASSWORD, "role": role, **more})["user_id"]


@pytest.fixture
def ids(face) -> dict[str, int]:
    made = {"admin": 1, "tina": make(face, "tina", role="tenant"), "tom": make(face, "tom", role="tenant")}
    made["ute"] = make(face, "ute", "tina")
    made["alf"] = make(face, "alf", "tina", "agent", parent_id=made["ute"])
    return made


def test_an_account_in_every_style(face):
    user = {"username": "a", "password": PASSWORD, "email": "a@example.com", "country": "de", "timezone": "Europe/Berlin", "active": "1"}
    assert face.done("User_Create", user=user) == {"user_id": 2, "username": "a"}
    assert face.done("User_Create", user={"username": "b", "passwd": PASSWORD, "role_id": "2"})["user_id"] == 3
    form = {f"user[{name}]": value for name, value in (user | {"username": "c"}).items()}
    assert face.send("POST", "/rest/User_Create", data={**form, "username": "admin", "password": PASSWORD})[1][0] is True
    shown = face.done("User_Get", user_id=2)
    assert (shown["country"], shown["role"], shown["role_id"], shown["active"], shown["credit"]) == ("DE", "user", 3, True, 0)
    assert face.done("User_Get", user_id="3")["role"] == "tenant"


def test_no_answer_holds_a_secret(face, ids):
    for answer in (
        face.done("User_Get", user_id=2),
        face.done("User_List"),
        face.done("User_Update", user_id=2, user={"passwd": "new one"}),
    ):
        assert "password" not in str(answer)
        assert "argon2" not in str(answer)


@pytest.mark.parametrize(
    ("user", "says"),
    [
        ({"password": "x"}, "user.username is missing"),
        ({"username": "x"}, "user.password is missing"),
        ({"username": "x y", "password": "x"}, "user.username: "),
        ({"username": "ADMIN", "password": "x"}, "user: username 'ADMIN' is taken"),
        ({"username": "x", "password": "x", "role": "king"}, "user.role: 'king' is no role"),
        ({"username": "x", "password": "x", "role_id": 5}, "user.role_id: '5' is no role"),
        ({"username": "x", "password": "x", "country": "XX"}, "user.country: country 'XX' is none"),
        ({"username": "x", "password": "x", "timezone": "Mars"}, "user.timezone: 'Mars' is no time zone"),
        ({"username": "x", "password": "x", "parent_id": 99}, "user 99 is not found"),
        ({"username": "x", "password": "x" * 201}, "user.password: "),
    ],
)
def test_what_is_no_account(face, user, says):
    assert says in face.refused("User_Create", user=user)


def test_a_password_is_taken_as_it_is(face):
    make(face, "x", password=" two blanks ")
    assert face.send("POST", "/rest/User_Role_List", data={"username": "x", "password": " two blanks "})[0] == 200
    assert face.send("POST", "/rest/User_Role_List", data={"username": "x", "password": "two blanks"})[0] == 401


@pytest.mark.parametrize("role", ["admin", "1"])
def test_nobody_gives_a_role_above_his_own(face, ids, role):
    user = {"username": "x", "password": "x", "role": role}
    assert face.refused("User_Create", "tina", user=user) == "user.role: a tenant may not make anybody admin"
    assert face.refused("User_Update", "tina", user_id=ids["ute"], user={"role": role}) == "user.role: a tenant may not make anybody admin"
    assert face.done("User_Get", user_id=ids["ute"])["role"] == "user"


def test_a_tenant_makes_accounts_below_itself(face, ids):
    assert face.done("User_Get", "tina", user_id=ids["ute"])["parent_id"] == ids["tina"]
    assert face.done("User_Get", "tina", user_id=ids["alf"])["parent_id"] == ids["ute"]
    assert (
        face.refused("User_Create", "tom", user={"username": "x", "password": "x", "parent_id": ids["ute"]})
        == f"user {ids['ute']} is not found"
    )
    assert [user["username"] for user in face.done("User_List", "tina")] == ["tina", "ute", "alf"]
    assert [user["username"] for user in face.done("User_List", "tom")] == ["tom"]
    assert [user["username"] for user in face.done("User_List", limit=2, cursor=ids["tina"])] == ["tom", "ute"]


@pytest.mark.parametrize("field", [{"role": "agent"}, {"role_id": 2}, {"active": False}, {"username": "uta"}])
def test_fields_that_a_role_may_not_set_are_named(face, ids, field):
    name = "role" if "role_id" in field else next(iter(field))
    said = face.refused("User_Update", "ute", user_id=ids["ute"], user=field | {"company": "x"})
    assert said == f"user.{name}: a user may not set this"
    assert face.done("User_Get", "ute", user_id=ids["ute"])["company"] is None


def test_everybody_changes_what_is_told_of_himself(face, ids):
    assert face.done("User_Update", "alf", user_id=ids["alf"], user={"first_name": "Alf", "phone": 4930123})["phone"] == "4930123"
    assert face.refused("User_Update", "alf", user_id=ids["ute"], user={"first_name": "x"}) == f"user {ids['ute']} is not found"
    assert face.refused("User_Update", "ute", user_id=ids["tina"], user={"first_name": "x"}) == f"user {ids['tina']} is not found"


@pytest.mark.parametrize(
    ("who", "field"),
    [("admin", {"role": "user"}), ("tina", {"role": "user"}), ("admin", {"active": "0"}), ("admin", {"role": "admin", "active": "0"})],
)
def test_nobody_changes_his_own_standing(face, ids, who, field):
    assert "nobody changes this of his own account" in face.refused("User_Update", who, user_id=ids[who], user=field)
    assert face.done("User_Update", who, user_id=ids[who], user={"role": {"admin": "admin", "tina": "tenant"}[who], "active": 1})


def test_nobody_ends_the_account_above_his_own(face, ids):
    make(face, "ada", role="admin", parent_id=1)
    said = face.refused("User_Update", "ada", user_id=1, user={"active": False})
    assert said.startswith("user: user 1 stands above your own account")
    assert face.answer("User_Role_List", "ada")[0] == 200


def test_a_deactivated_tenant_s_people_are_out_at_once(face, ids):
    key = face.done("User_Key_Create", "alf")["key"]
    assert face.answer("User_Role_List", "alf")[0] == 200
    face.done("User_Update", user_id=ids["tina"], user={"active": "no"})
    for name in ("tina", "ute", "alf"):
        assert face.answer("User_Role_List", name)[0] == 401
    assert face.send("POST", "/rest/User_Role_List", headers={"Authorization": f"Bearer {key}"})[0] == 401
    face.done("User_Update", user_id=ids["tina"], user={"active": "yes"})
    assert face.answer("User_Role_List", "alf")[0] == 200


def test_an_account_is_ended_by_whoever_manages_it(face, ids):
    assert face.refused("User_Delete", user_id=1) == "user 1 is the last administrator; make another one first"
    assert face.refused("User_Delete", "tina", user_id=ids["tina"]) == "nobody deletes himself; ask another account that manages yours"
    assert face.refused("User_Delete", "tom", user_id=ids["alf"]) == f"user {ids['alf']} is not found"
    assert face.refused("User_Delete", "tina", user_id=ids["ute"]) == f"user {ids['ute']} has accounts below it; delete them first"
    assert face.done("User_Delete", "tina", user_id=ids["alf"]) is True
    assert face.refused("User_Delete", "tina", user_id=ids["alf"]) == f"user {ids['alf']} is not found"
    assert face.done("User_Delete", "tina", usr_id=ids["ute"]) is True
    assert face.answer("User_Role_List", "ute")[0] == 401
    assert face.done("User_Delete", user_id=ids["tina"]) is True
    assert make(face, "tina") > ids["alf"]


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"user_id": "ute"}, "ute"),
        ({"usr_id": "ute"}, "ute"),
        ({"search": "username", "value": "ute"}, "ute"),
        ({"search": "company", "value": "4711"}, "tom"),
        ({"search": "company", "value": 4711}, "tom"),
        ({"search": "role", "value": 4}, "alf"),
        ({"user_id": "tom", "search": "company", "value": "4711"}, "tom"),
        ({"search": "user_id", "value": "ute"}, "ute"),
        ({"user_id": "ute", "search": "company", "value": "4711"}, "no user's company is '4711'"),
        ({"user_id": "ute", "search": "user_id", "value": "tom"}, "no user's user_id is"),
        ({"search": "username", "value": "UTE"}, "no user's username is 'UTE'"),
        ({"search": "username", "value": "ut%"}, "no user's username is 'ut%'"),
        ({"search": "role", "value": "tenant"}, "more than one user's role is 'tenant'; see User_List"),
        ({"search": "password_hash", "value": "x"}, "'password_hash' cannot be searched"),
        ({"search": "username"}, "send user_id, or search (a column) together with value"),
        ({}, "send user_id, or search"),
    ],
)
def test_one_account_is_found(face, ids, given, found):
    face.done("User_Update", user_id=ids["tom"], user={"company": "4711"})
    given = {name: ids.get(value, value) if name != "value" or given["search"] == "user_id" else value for name, value in given.items()}
    if found in ids:
        assert face.done("User_Get", **given)["username"] == found
    else:
        assert found in face.refused("User_Get", **given)


def test_a_search_stays_within_the_scope(face, ids):
    assert face.refused("User_Get", "tina", search="username", value="tom") == "no user's username is 'tom'"
    assert face.refused("User_Get", "tina", user_id=ids["tom"]) == f"user {ids['tom']} is not found"


def test_roles_and_what_each_may_do(face, ids):
    roles = face.done("User_Role_List", "alf")
    assert [(role["role_id"], role["name"]) for role in roles] == [(1, "admin"), (2, "tenant"), (3, "user"), (4, "agent")]
    assert set(roles[0]["permissions"]) == {operation.name for operation in OPERATIONS}
    assert "User_Create" in roles[1]["permissions"]
    assert "System_Stop" not in roles[1]["permissions"]
    assert {"User_Get", "User_Login"} <= set(roles[3]["permissions"])
    assert face.refused("User_Create", "ute", user={}) == "the role user may not use User_Create; an account above yours has to do it"


def test_the_kill_switch_is_the_administrator_s(face, ids):
    assert face.refused("System_Stop", "tina") == "the role tenant may not use System_Stop; an account above yours has to do it"
    assert face.done("System_Start") is False
    halted = face.done("System_Stop", reason="a wrong list")
    assert (halted["by"], halted["reason"]) == ("admin", "a wrong list")
    assert face.done("System_Stop", reason="again") == halted
    assert face.done("System_Start") is True
    assert face.done("System_Start") is False
