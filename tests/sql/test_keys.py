"""API keys, sessions and idempotency keys in the store: hashed, found exactly, over in time, and never somebody else's."""

import pytest

from sql import idempotency, keys, sessions, store, users
from sql.models_accounts import Idempotency, Key, Session

NOW = 1_800_000_000_000
MINUTE = 60_000


@pytest.fixture
def two(opened) -> tuple[int, int]:
    first, second = (store.unit(users.create, {"username": name, "password_hash": "x"}, None, NOW) for name in ("anna", "berta"))
    return first, second


def make_key(user_id: int, key: str, expires_at: int | None = None) -> int:
    return store.unit(keys.create, user_id, "name", key, key[:12], expires_at, NOW)


def test_a_key_is_kept_as_a_hash_and_found_exactly(two):
    make_key(two[0], "cln_abcdefgh-Secret")
    assert "Secret" not in str(Key.select().dicts().get())
    assert keys.find("cln_abcdefgh-Secret", NOW).account.id == two[0]
    for wrong in ("cln_abcdefgh-secret", "cln_abcdefgh-Secret ", "cln_abcdefgh", ""):
        assert "is unknown" in keys.find(wrong, NOW).why


def test_a_key_ends_in_time(two):
    make_key(two[0], "k", NOW + 1000)
    assert keys.find("k", NOW + 999).expires_at == NOW + 1000
    found = keys.find("k", NOW + 1000)
    assert (found.account, "has expired" in found.why) == (None, True)


def test_a_deleted_key_is_over_with_its_sessions_and_others_cannot_delete_it(two):
    key_id = make_key(two[0], "k")
    store.unit(sessions.open_, two[0], "of the key", key_id, None, NOW)
    store.unit(sessions.open_, two[0], "of the password", None, None, NOW)
    scope = [users.by_id(user_id).path for user_id in two]
    assert store.unit(keys.delete, key_id, scope[1], NOW) is False
    assert keys.find("k", NOW).account
    assert store.unit(keys.delete, key_id, scope[0], NOW) is True
    assert store.unit(keys.delete, key_id, scope[0], NOW) is False
    assert "was deleted" in keys.find("k", NOW).why
    assert sessions.find("of the key", NOW) is None
    assert sessions.find("of the password", NOW)
    assert keys.listed(two[0], "", 10, 0) == []


def test_the_last_use_is_noted_once_a_minute(two):
    key_id = make_key(two[0], "k")
    for at, noted in ((0, 0), (MINUTE - 1, 0), (MINUTE, MINUTE), (MINUTE + 1, MINUTE)):
        stale = keys.find("k", NOW + at).stale
        assert stale == (at == noted)
        store.unit(keys.used, key_id, NOW + at)
        assert Key.get_by_id(key_id).used_at == NOW + noted


def test_a_session_is_kept_as_a_hash_and_renewed_by_its_owner_only(two):
    assert store.unit(sessions.open_, two[0], "value", None, None, NOW)
    assert "value" not in str(Session.select().dicts().get())
    assert store.unit(sessions.open_, two[0], "value", None, None, NOW + MINUTE)
    assert Session.get().expires_at == NOW + MINUTE + sessions.LONGEST_MS
    assert store.unit(sessions.open_, two[1], "value", None, None, NOW) is False
    assert sessions.find("value", NOW + MINUTE)[0].id == two[0]
    assert store.unit(sessions.end, two[1], "value") is False
    assert store.unit(sessions.end, two[0], "value") is True
    assert sessions.find("value", NOW) is None


def test_a_session_is_over_when_idle_and_after_its_longest_time(two):
    store.unit(sessions.open_, two[0], "idle", None, None, NOW)
    assert sessions.find("idle", NOW + sessions.IDLE_MS - 1) == (users.by_id(two[0]), True, None, None)
    assert sessions.find("idle", NOW + sessions.IDLE_MS) is None
    store.unit(sessions.open_, two[0], "busy", None, None, NOW)
    for at in range(NOW, NOW + sessions.LONGEST_MS, sessions.IDLE_MS - 1):
        assert sessions.find("busy", at)
        store.unit(sessions.used, "busy", at)
    assert sessions.find("busy", NOW + sessions.LONGEST_MS) is None
    store.unit(sessions.open_, two[0], "of a key", make_key(two[0], "k"), NOW + 10, NOW)
    assert sessions.find("of a key", NOW + 9)
    assert sessions.find("of a key", NOW + 10) is None


def test_of_too_many_sessions_the_oldest_end(two, monkeypatch):
    monkeypatch.setattr(sessions, "MOST", 3)
    store.unit(sessions.open_, two[1], "another's", None, None, NOW)
    for n in range(5):
        store.unit(sessions.open_, two[0], f"session {n}", None, None, NOW)
    store.unit(sessions.open_, two[0], "session 2", None, None, NOW)  # renewed
    assert [bool(sessions.find(f"session {n}", NOW)) for n in range(5)] == [False, False, True, True, True]
    assert sessions.find("another's", NOW)


def test_an_idempotency_key_is_one_user_s_and_one_call_s(two):
    def begin(user_id, request="r", at=NOW):
        return store.unit(idempotency.begin, user_id, "k", request, at)

    assert begin(two[0]) is None
    with pytest.raises(idempotency.Conflict, match="in flight, or was interrupted"):
        begin(two[0])
    assert begin(two[1]) is None
    store.unit(idempotency.end, two[0], "k", "the answer")
    assert begin(two[0], at=NOW + 5) == idempotency.Before("the answer", NOW)
    with pytest.raises(idempotency.Conflict, match="was used for another call"):
        begin(two[0], "another")
    store.unit(idempotency.end, two[1], "k", None)
    assert begin(two[1], "another") is None
    assert begin(two[0], "another", NOW + idempotency.KEPT_MS + 1) is None
    assert Idempotency.select().count() == 1
