"""SIP accounts for softphones: who may make them for whom, what is refused, and that a password is shown once and kept nowhere."""

import re

import pytest

from sql import extensions, models, models_contacts, sip, store
from tests.api.conftest import PASSWORD


@pytest.fixture
def ids(face) -> dict[str, int]:
    """A tenant with a user below, and a stranger."""
    made = {}
    for name, by, role in (("tina", "admin", "tenant"), ("ute", "tina", "user"), ("sven", "admin", "tenant")):
        made[name] = face.done("User_Create", by, user={"username": name, "password": PASSWORD, "role": role})["user_id"]
    return made


def make(face, by: str, user_id: int, **extension) -> dict:
    return face.done("User_Extension_Create", by, user_id=user_id, extension=extension)


def test_an_extension_is_answered_with_its_credentials_once(face, ids):
    made = make(face, "tina", ids["ute"], name="desk", username="desk7", caller_id="+4930123")
    expected = {"user_id": ids["ute"], "name": "desk", "username": "desk7", "caller_id": "+4930123", "host": "127.0.0.1", "port": 7003}
    assert made | expected == made
    assert len(made["password"]) >= 20
    shown = {key: value for key, value in made.items() if key != "password"}
    for who in ("admin", "tina", "ute"):
        assert face.done("User_Extension_List", who) == [shown]
    with store.connection():
        row = models.Extension.get_by_id(made["extension_id"])
        assert row.digest == sip.digest("desk7", made["password"])
        assert made["password"] not in str(row.__data__)
        assert [phone.username for phone in extensions.phones()] == ["desk7"]


def test_the_other_name_and_no_name_at_all(face, ids):
    first = face.done("Client_Extension_Create", "tina", usr_id=ids["tina"], extension={})
    second = make(face, "tina", ids["tina"])
    assert re.fullmatch("phone[0-9]{9}", first["username"])
    assert (first["name"], first["caller_id"]) == (first["username"], None)
    assert first["username"] != second["username"]
    assert first["password"] != second["password"]
    listed = face.done("User_Extension_List", usr_id=ids["tina"], limit=1, cursor=first["extension_id"])
    assert [one["username"] for one in listed] == [second["username"]]
    assert face.done("User_Extension_List", usr_id=ids["sven"]) == []


@pytest.mark.parametrize("by", ["ute", "sven"])
def test_nobody_makes_one_for_somebody_above_or_beside_him(face, ids, by):
    said = face.refused("User_Extension_Create", by, user_id=ids["tina"], extension={"name": "x"})
    assert said == f"user {ids['tina']} is not found"
    assert face.done("User_Extension_List", "admin") == []


def test_other_tenants_neither_see_nor_delete_it(face, ids):
    made = make(face, "tina", ids["ute"], name="desk")["extension_id"]
    assert face.done("User_Extension_List", "sven") == []
    assert face.done("User_Extension_List", "admin", user_id=ids["sven"]) == []
    assert face.refused("User_Extension_Delete", "sven", extension_id=made) == f"extension {made} is not found"
    assert face.done("User_Extension_Delete", "ute", extension_id=made) is True
    assert face.refused("User_Extension_Delete", "ute", extension_id=made) == f"extension {made} is not found"


@pytest.mark.parametrize(
    "username",
    [
        "trunk-1", "TRUNK-1", "ext-1", "trunk-x", "anonymous", "Anonymous", "a", "-ab", ".ab", "a b", "a@b", "a;b", "a]b", "a\n[evil]",
        "ä1", "１１", "a" * 41, "a/b", "a&b", "${X}", "a,b", "a=b", "a:b", "a%41",
    ],
)  # fmt: skip
def test_a_user_name_that_may_not_travel_is_refused(face, ids, username):
    said = face.refused("User_Extension_Create", "tina", user_id=ids["tina"], extension={"username": username})
    assert said.startswith("extension.username: is no user name for a telephone: 2 to 40 of ")


@pytest.mark.parametrize("username", ["ab", "100", "Desk.7", "trunks", "extension", "a" * 40, "front-desk_2"])
def test_an_ordinary_user_name_is_taken_as_it_is(face, ids, username):
    assert make(face, "tina", ids["tina"], username=username)["username"] == username


@pytest.mark.parametrize("again", ["desk7", "DESK7"])
def test_a_user_name_is_nobody_else_s_in_the_whole_installation(face, ids, again):
    made = make(face, "tina", ids["tina"], username="desk7")
    refused = face.refused("User_Extension_Create", "sven", user_id=ids["sven"], extension={"username": again})
    assert refused == f"extension.username '{again}' is taken; choose another one"
    face.done("User_Extension_Delete", "tina", extension_id=made["extension_id"])
    assert make(face, "sven", ids["sven"], username=again)["extension_id"] != made["extension_id"]


@pytest.mark.parametrize(
    ("password", "said"),
    [
        ("short", "is weak"), ("x" * 30, "is weak"), ("123123123123", "is weak"), ("Desk7100-secret!", "is weak: it holds the user name"),
        ("with a space in it", "may hold printable"), ("pässwörter-und-mehr", "may hold printable"),
        ("x1y2z3a4b5" * 21, "may hold printable"),
    ],
)  # fmt: skip
def test_a_weak_password_is_refused(face, ids, password, said):
    wanted = {"username": "desk7100", "password": password}
    assert f"extension.password: {said}" in face.refused("User_Extension_Create", "tina", user_id=ids["tina"], extension=wanted)


def test_a_password_of_one_s_own(face, ids):
    assert make(face, "tina", ids["tina"], username="desk7", password="q\"u;o't%e#d12")["password"] == "q\"u;o't%e#d12"


def test_an_extension_in_use_is_not_deleted(face, ids):
    made = make(face, "tina", ids["tina"], name="desk")["extension_id"]
    with store.connection():
        group = models_contacts.ContactGroup.create(user=ids["tina"], name="g", created_at=1)
        campaign = models.Campaign.create(
            user=ids["tina"], contact_group=group, name="press one", extension=made, extension_key="1", created_at=1
        )
    said = face.refused("User_Extension_Delete", "tina", extension_id=made)
    assert said == (f"extension {made}: campaign {campaign.id} (press one) connects people to it; archive or delete that campaign first")
    with store.connection():
        models.Campaign.update(status="archived").execute()
    assert face.done("User_Extension_Delete", "tina", extension_id=made) is True
    with store.connection():
        assert extensions.phones() == []
        assert models.Extension.get_by_id(made).digest == ""


def test_a_deleted_user_s_telephones_are_unknown_to_asterisk(face, ids):
    make(face, "tina", ids["ute"], name="desk")
    face.done("User_Delete", "tina", user_id=ids["ute"])
    with store.connection():
        assert extensions.phones() == []
