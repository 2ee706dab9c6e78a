"""Who calls: how passwords are verified, remembered and protected against guessing. The forms in which they travel: test_convention."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from api import credentials, guesses
from api.credentials import TooMany, Unknown, Verifier
from sql import models_accounts, store, users
from sql.users import By

NOW = 1_800_000_000_000
HERE, THERE = "192.0.2.1", "192.0.2.2"


class Counting:
    """A hasher that counts what it is asked, and how many are at it at once."""

    def __init__(self, hasher) -> None:
        self._hasher, self._lock = hasher, threading.Lock()
        self.verified = self.at_once = self.most_at_once = 0

    def verify(self, stored: str, password: str) -> bool:
        with self._lock:
            self.verified += 1
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return self._hasher.verify(stored, password)
        finally:
            with self._lock:
                self.at_once -= 1

    def __getattr__(self, name: str):
        return getattr(self._hasher, name)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def hasher(monkeypatch) -> Counting:
    counting = Counting(credentials._hasher)
    monkeypatch.setattr(credentials, "_hasher", counting)
    return counting


@pytest.fixture
def clock(monkeypatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(credentials.time, "monotonic", made)
    return made


@pytest.fixture
def verifier(opened, clock, hasher) -> Verifier:
    """Of a store in which anna's password is `right` and berta is deactivated."""
    right = credentials.hashed("right")
    for name, active in (("anna", True), ("berta", False), ("carl", True)):
        store.unit(users.create, {"username": name, "password_hash": right, "active": active}, None, NOW)
    made = Verifier()
    made._guesses = guesses.Guesses(clock)
    return made


def guess(verifier: Verifier, username: str = "anna", address: str = HERE, times: int = 1) -> None:
    for _ in range(times):
        with pytest.raises(Unknown, match="user name or password is wrong"):
            verifier.verify(username, "wrong", address)


def held(verifier: Verifier, username: str = "anna", address: str = HERE, password: str = "wrong") -> int:
    with pytest.raises(TooMany) as said:
        verifier.verify(username, password, address)
    return said.value.seconds


@pytest.mark.usefixtures("earnest")
def test_the_parameters_are_those_of_owasp():
    assert credentials.hashed("x").startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_a_right_password_is_verified_once_and_remembered_for_minutes(verifier, hasher, clock):
    for after in (0, 1, credentials.REMEMBERED_S - 1, credentials.REMEMBERED_S - 1):
        clock.now += after
        assert verifier.verify("anna", "right", HERE).username == "anna"
    assert hasher.verified == 1
    clock.now += credentials.REMEMBERED_S
    verifier.verify("anna", "right", THERE)
    assert hasher.verified == 2


def test_a_wrong_password_is_not_remembered_and_two_accounts_are_kept_apart(verifier, hasher):
    verifier.verify("anna", "right", HERE)
    guess(verifier, times=2)
    assert hasher.verified == 3
    verifier.verify("carl", "right", HERE)
    assert hasher.verified == 4


def test_what_is_remembered_tells_neither_password_nor_hash(verifier):
    verifier.verify("anna", "right", HERE)
    [mark] = verifier._known
    assert len(mark) == 32
    other = Verifier()
    other.verify("anna", "right", HERE)
    assert [mark] != list(other._known)  # the key is the process's own


@pytest.mark.parametrize("username", ["anna", "nobody", "berta", "Anna", "", "\N{PILE OF POO}"])
def test_every_wrong_name_costs_one_verification_and_is_answered_alike(verifier, hasher, username):
    with pytest.raises(Unknown, match=r"^user name or password is wrong$"):
        verifier.verify(username, "wrong", HERE)
    assert hasher.verified == 1


def test_a_deactivated_account_is_as_unknown_as_none(verifier, hasher):
    with pytest.raises(Unknown, match=r"^user name or password is wrong$"):
        verifier.verify("berta", "right", HERE)
    assert hasher.verified == 1


def test_a_new_password_counts_at_once(verifier):
    account = verifier.verify("anna", "right", HERE)
    change = {"password_hash": credentials.hashed("newer")}
    store.unit(users.update, account.id, By(account.id, account.role, account.path), change, NOW)
    with pytest.raises(Unknown):
        verifier.verify("anna", "right", HERE)
    assert verifier.verify("anna", "newer", HERE)


def test_a_deactivated_account_is_out_at_once_though_remembered(verifier):
    account = verifier.verify("anna", "right", HERE)
    models_accounts.User.update(active=False).where(models_accounts.User.id == account.id).execute()
    guess(verifier)


def test_verifications_take_their_turn_and_the_same_password_is_verified_once(verifier, hasher, store_url):
    def call(name: str) -> str:
        with store.connection():
            return verifier.verify(name, "right", HERE).username

    names = ["anna", "carl"] * 6
    with ThreadPoolExecutor(12) as pool:
        assert list(pool.map(call, names)) == names
    assert (hasher.most_at_once, hasher.verified) == (1, 2)


@pytest.mark.usefixtures("earnest")
def test_an_older_hash_is_renewed_by_the_next_right_password(verifier, hasher):
    from argon2 import PasswordHasher

    user = models_accounts.User.get(models_accounts.User.username == "anna")
    weak = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash("right")
    models_accounts.User.update(password_hash=weak).where(models_accounts.User.id == user.id).execute()
    guess(verifier)
    assert models_accounts.User.get_by_id(user.id).password_hash == weak
    for _ in range(3):
        verifier.verify("anna", "right", HERE)
    assert "m=19456,t=2,p=1" in models_accounts.User.get_by_id(user.id).password_hash
    assert hasher.verified == 2


def test_guessing_from_one_address_is_slowed_before_any_hashing(verifier, hasher, clock):
    guess(verifier, times=5)
    guess(verifier, "nobody", times=5)
    assert [held(verifier), held(verifier, "nobody"), held(verifier, "carl", password="right")] == [guesses.WITHIN_S + 1] * 3
    assert hasher.verified == 10
    clock.now += 30
    assert held(verifier) == 31
    clock.now += 30
    guess(verifier)
    assert hasher.verified == 11


def test_guessing_one_account_from_everywhere_is_slowed_and_its_owner_gets_in(verifier, hasher):
    for n in range(guesses.FAILURES):
        guess(verifier, address=f"198.51.100.{n}")
    assert held(verifier, address="198.51.100.0") > 0
    assert held(verifier, address="198.51.100.0", password="right") > 0  # an address that failed waits, whatever it sends
    assert verifier.verify("anna", "right", HERE)  # one that did not fail gets in
    guess(verifier, address=THERE)
    assert held(verifier, address=THERE) > 0
    assert verifier.verify("carl", "right", THERE)  # and so does one that failed, at another account


def test_who_was_just_verified_gets_in_whatever_others_do_at_his_address(verifier):
    verifier.verify("anna", "right", HERE)
    guess(verifier, "nobody", times=guesses.FAILURES)
    assert verifier.verify("anna", "right", HERE)
    assert held(verifier, "carl", password="right") > 0


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("", "192.0.2.2", False),
    ],
)
def test_what_counts_as_one_address(verifier, one, other, same):
    guess(verifier, "nobody", one, guesses.FAILURES)
    if same:
        assert held(verifier, "carl", other) > 0
    else:
        guess(verifier, "carl", other)


def test_guessers_who_come_at_once_get_no_more_tries(verifier, hasher):
    def call(_: int) -> str:
        with store.connection():
            try:
                verifier.verify("anna", "wrong", HERE)
            except (Unknown, TooMany) as error:
                return type(error).__name__
        return "in"

    with ThreadPoolExecutor(16) as pool:
        said = list(pool.map(call, range(40)))
    assert (said.count("Unknown"), said.count("TooMany"), hasher.verified) == (guesses.FAILURES, 40 - guesses.FAILURES, guesses.FAILURES)


def test_memory_is_bounded(verifier, monkeypatch):
    monkeypatch.setattr(guesses, "MOST", 50)
    monkeypatch.setattr(credentials, "MOST_REMEMBERED", 1)
    for n in range(100):
        verifier._guesses.failed("x" * 100_000 + str(n), f"10.0.0.{n}")
    assert len(verifier._guesses._failed) == 50
    assert max(map(len, verifier._guesses._failed)) < 100
    for name in ("anna", "carl"):
        verifier.verify(name, "right", HERE)
    assert len(verifier._known) == 1
