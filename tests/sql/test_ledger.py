"""Money: what is posted adds up, nobody's credit falls below zero, and one reference is one payment, however many come at once."""

import random
import threading

import pytest
from peewee import fn

from sql import ledger, store, users
from sql.ledger import MOST, OUTSIDE, Different, Payment, Short, credit_name
from sql.models_accounts import LedgerAccount, LedgerEntry, LedgerLine

NOW = 1_800_000_000_000
ADMIN = 99


@pytest.fixture
def people(opened) -> list[int]:
    """A tenant and two users of its."""
    tenant = store.unit(users.create, {"username": "tina", "password_hash": "x", "role": "tenant"}, None, NOW)
    return [tenant, *(store.unit(users.create, {"username": name, "password_hash": "x"}, tenant, NOW) for name in ("ute", "udo"))]


def pay(user_id: int, amount: int, source: str = OUTSIDE, by: int = ADMIN, **more) -> int:
    return store.unit(ledger.pay, Payment(by, source, user_id, amount, **more), NOW)


def adds_up() -> None:
    """Every entry's lines add up to zero, every balance is the sum of its lines, no credit is below zero."""
    sums = LedgerLine.select(LedgerLine.entry, fn.SUM(LedgerLine.amount), fn.COUNT(LedgerLine.id)).group_by(LedgerLine.entry).tuples()
    assert [row for row in sums if row[1] or row[2] != 2] == []
    assert {row[0] for row in sums} == {row.id for row in LedgerEntry.select(LedgerEntry.id)}
    for account in LedgerAccount.select():
        lines = LedgerLine.select(fn.SUM(LedgerLine.amount)).where(LedgerLine.account == account).scalar()
        assert (account.name, account.balance) == (account.name, lines or 0)
        assert account.name == OUTSIDE or 0 <= account.balance <= MOST


def test_an_administrator_s_payment_comes_from_outside_and_a_tenant_s_from_its_own_credit(people):
    tenant, ute, _ = people
    pay(tenant, 50)
    pay(ute, 20, credit_name(tenant))
    pay(ute, -5, credit_name(tenant))
    pay(tenant, -10)
    assert ledger.credits(people) == {tenant: 25, ute: 15, people[2]: 0}
    assert ledger.balance(OUTSIDE) == -40
    adds_up()


@pytest.mark.parametrize(("amount", "source", "short"), [(11, 0, 0), (-1, None, 1), (-1, 0, 1), (MOST + 1, None, 1)])
def test_no_credit_falls_below_zero_or_rises_too_high(people, amount, source, short):
    pay(people[0], 10)
    with pytest.raises(Short) as said:
        pay(people[1], amount, OUTSIDE if source is None else credit_name(people[source]))
    assert said.value.name == credit_name(people[short])
    assert (ledger.credits(people), LedgerEntry.select().count()) == ({people[0]: 10, people[1]: 0, people[2]: 0}, 1)
    adds_up()


def test_one_reference_of_one_payer_is_one_payment(people):
    tenant, ute, udo = people
    first = pay(tenant, 10, reference="r-1")
    assert pay(tenant, 10, reference="r-1") == first
    assert pay(tenant, 10, reference="R-1") != first
    assert pay(tenant, 10, reference="r-1 ") != first
    pay(ute, 10, credit_name(tenant), by=tenant, reference="r-1")
    for changed in ({"amount": 11}, {"user_id": udo}, {"type": "bank"}, {"description": "other"}):
        with pytest.raises(Different):
            pay(**{"user_id": tenant, "amount": 10} | changed, reference="r-1")
    assert ledger.credit(tenant) == 20
    adds_up()


def test_a_reference_of_a_payment_that_was_refused_is_free(people):
    with pytest.raises(Short):
        pay(people[0], -1, reference="r")
    pay(people[0], 1, reference="r")
    assert ledger.credit(people[0]) == 1


def test_a_list_shows_what_payments_did_to_one_credit(people):
    tenant, ute, _ = people
    ids = [pay(tenant, 50, type="bank", reference="r", description="first"), pay(ute, 20, credit_name(tenant), by=tenant)]
    rows = ledger.payments(tenant, 10, 0)
    shown = [(row["id"], row["amount"], row["user_id"], row["by_user_id"]) for row in rows]
    assert shown == [(ids[0], 50, tenant, ADMIN), (ids[1], -20, ute, tenant)]
    assert (rows[0]["type"], rows[0]["reference"], rows[0]["description"], rows[0]["at"]) == ("bank", "r", "first", NOW)
    assert [row["id"] for row in ledger.payments(tenant, 1, ids[0])] == [ids[1]]


def test_many_payments_at_once_add_up(people, store_url):
    """Threads pay around a circle, take back, and send the same references again; then everything is counted."""
    tenant, ute, udo = people
    ways = [(OUTSIDE, tenant), (credit_name(tenant), ute), (credit_name(ute), udo), (credit_name(udo), tenant)]
    pay(tenant, 100)
    done: list[tuple[str, int, int]] = []
    broken: list[BaseException] = []

    def work(seed: int) -> None:
        chance = random.Random(seed)
        try:
            with store.connection():
                for n in range(25):
                    source, target = chance.choice(ways)
                    amount = chance.randint(-60, 60) or 1
                    try:
                        pay(target, amount, source)
                        done.append((source, target, amount))
                    except Short:
                        continue
                    finally:
                        pay(ute, 3, reference=f"shared-{n}")
        except BaseException as error:
            broken.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert (broken, [thread for thread in threads if thread.is_alive()]) == ([], [])
    adds_up()
    expected = dict.fromkeys(map(credit_name, people), 0) | {OUTSIDE: -100 - 75, credit_name(tenant): 100, credit_name(ute): 75}
    for source, target, amount in done:
        expected[source] -= amount
        expected[credit_name(target)] += amount
    assert {name: ledger.balance(name) for name in expected} == expected
    assert len(done) > 30
