"""Extensions and trunks in the store, on both databases: names that are one in any case, owners, versions, and what is in use."""

import pytest

from sql import calls, extensions, models, models_accounts, scope, settling, store, trunks
from tests.world import NOW

DIGEST = "0" * 32


def make(username: str = "desk7", user_id: int = 1, within: str = scope.EVERYTHING) -> extensions.Stored:
    return store.unit(extensions.create, user_id, within, "desk", username, DIGEST, None, NOW)


def test_what_asterisk_has_to_know(world):
    made = make()
    assert extensions.phones() == [extensions.Phone(made.id, 1, "desk7", DIGEST, None)]


@pytest.mark.parametrize("again", ["desk7", "DESK7", "Desk7"])
def test_a_user_name_is_one_in_any_case_until_it_is_deleted(world, again):
    made = make()
    with pytest.raises(extensions.Taken, match=f"^username '{again}' is taken"):
        make(again)
    store.unit(extensions.delete, made.id, NOW)
    assert extensions.phones() == []
    assert make(again).username == again


def test_two_deleted_ones_are_no_conflict(world):
    for made in (make("a1"), make("a2")):
        store.unit(extensions.delete, made.id, NOW)
    assert [row.digest for row in models.Extension.select()] == ["", ""]


def test_ownership_is_part_of_every_query(world):
    models_accounts.User.create(username="ben", password_hash="x", path="/2/", created_at=NOW)
    made = make()
    with pytest.raises(extensions.NoOwner, match=r"^user 1 is not found$"):
        make("desk8", within="/2/")
    assert (extensions.visible(made.id, "/1/"), extensions.visible(made.id, "/2/")) == (made, None)
    assert [extensions.listed(*of, 10, 0) for of in (("/1/", None), ("/2/", None), ("", 2))] == [[made], [], []]


def test_an_extension_that_a_campaign_uses_stays(world):
    made = make()
    models.Campaign.update(extension=made.id).execute()
    with pytest.raises(extensions.InUse, match=rf"^campaign {world.campaign_id} \(c\) connects people to it"):
        store.unit(extensions.delete, made.id, NOW)
    models.Campaign.update(status="archived").execute()
    store.unit(extensions.delete, made.id, NOW)
    assert extensions.visible(made.id, scope.EVERYTHING) is None


def test_a_deleted_owner_s_telephone_is_none(world):
    make()
    models_accounts.User.update(deleted_at=NOW).execute()
    assert extensions.phones() == []


def test_a_trunk_s_change_is_a_new_version_and_another_chance(world):
    models.Trunk.update(down_until=NOW + 1, down_why="gone").execute()
    assert [row.down_why for row in trunks.listed(NOW)] == ["gone"]
    assert [row.down_why for row in trunks.listed(NOW + 2)] == [None]
    store.unit(lambda: trunks.change(1, host="192.0.2.1", password="s3cret"))
    found = trunks.get(1, NOW)
    assert (found.version, found.host, found.has_password, found.down_why) == (2, "192.0.2.1", True, None)
    assert models.Trunk.get_by_id(1).down_until is None


def test_a_trunk_that_a_campaign_names_stays(world):
    models.Campaign.update(trunk=1).execute()
    with pytest.raises(trunks.InUse, match=rf"^campaign {world.campaign_id} \(c\) names it"):
        store.unit(trunks.delete, 1, NOW)
    models.Campaign.update(trunk=None).execute()
    store.unit(trunks.delete, 1, NOW)
    assert (trunks.get(1, NOW), trunks.listed(NOW), trunks.lines()) == (None, [], [])


def test_a_call_carries_its_campaign_s_key_and_extension_to_its_response(world):
    made = make()
    models.Campaign.update(kind="interactive", extension=made.id, extension_key="1").execute()
    [call_id] = world.sent(1)
    told = calls.instructions(call_id)
    assert (told.kind, told.key, told.extension_id, told.phone) == ("interactive", "1", made.id, "+49301234000")
    store.unit(calls.pressed, call_id, NOW, "21")
    store.unit(calls.bridged, call_id, NOW + 9000, "connected", NOW + 7500)
    store.unit(calls.bridged, call_id, NOW + 9999, "busy", None)
    store.unit(calls.on_record, call_id, NOW + 9000, 16, NOW)
    [ended] = settling.to_settle(NOW + 20_000, 9)
    expected = f'{{"key": "1", "keys": "21", "extension_id": {made.id}, "outcome": "connected", "seconds": 2}}'
    assert ended.response == expected
    store.unit(settling.settle, ended, settling.Decision("answered", 200, 16, NOW, NOW + 9000, 9), NOW)
    assert models.Call.get_by_id(call_id).response == expected
