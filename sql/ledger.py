"""Money, by double entry: every entry's lines add up to zero, every account's balance is the sum of its lines, and no credit is ever
below zero. Amounts are micro-units. Knows no prices.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from peewee import IntegrityError

from sql.models_accounts import LedgerAccount, LedgerEntry, LedgerLine
from sql.row import db

OUTSIDE = "outside"  # where money comes from and goes to
PAYMENT = "payment"
MOST = 10**15  # of one credit, and of one payment: up to here a decimal number holds every micro-unit


class Short(Exception):
    """The account `name` would fall below zero, or rise above the most that may be held."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


class Different(Exception):
    """This payer used the reference for another payment."""


@dataclass(frozen=True)
class Payment:
    """`amount` goes from the account `source` to `user_id`'s credit; a negative one goes back."""

    by_user_id: int
    source: str
    user_id: int
    amount: int
    type: str | None = None
    reference: str | None = None
    description: str | None = None


def credit_name(user_id: int) -> str:
    return f"credit:{user_id}"


def pay(payment: Payment, now: int) -> int:
    """Post it; the entry's id. The same payment under the same reference is posted once. Short, Different."""
    target = credit_name(payment.user_id)
    hashed = payment.reference and sha256(payment.reference.encode()).hexdigest()
    fields = {
        "by_user_id": payment.by_user_id,
        "user_id": payment.user_id,
        "type": payment.type,
        "reference": payment.reference,
        "reference_hash": hashed,
        "description": payment.description,
    }
    try:
        with db.atomic():
            entry_id = LedgerEntry.insert(kind=PAYMENT, at=now, **fields).execute()
    except IntegrityError:
        return _before(payment, fields, target)
    _move(entry_id, {payment.source: -payment.amount, target: payment.amount})
    return entry_id


def _before(payment: Payment, fields: dict[str, Any], target: str) -> int:
    """The entry that this payer's reference stands for already."""
    mine = (LedgerEntry.by_user_id == payment.by_user_id) & (LedgerEntry.reference_hash == fields["reference_hash"])
    old = LedgerEntry.get(mine)
    line = LedgerLine.select(LedgerLine.amount).join(LedgerAccount).where(LedgerLine.entry == old, LedgerAccount.name == target).first()
    same = all(getattr(old, name) == value for name, value in fields.items())
    if not same or line is None or line.amount != payment.amount:
        raise Different(payment.reference)
    return old.id


def _move(entry_id: int, lines: dict[str, int]) -> None:
    """Write the lines and move the balances: always in the order of names, so that two entries do not wait for each other."""
    assert not sum(lines.values()), "the lines of an entry add up to zero"
    for name, amount in sorted(lines.items()):
        account_id = _account(name)
        changed = LedgerAccount.update(balance=LedgerAccount.balance + amount).where(LedgerAccount.id == account_id)
        if name != OUTSIDE and amount < 0:
            changed = changed.where(LedgerAccount.balance >= -amount)
        elif name != OUTSIDE:
            changed = changed.where(LedgerAccount.balance <= MOST - amount)
        if not changed.execute():
            raise Short(name)
        LedgerLine.insert(entry=entry_id, account=account_id, amount=amount).execute()


def _account(name: str) -> int:
    """The id of the account of this name, which is made when it is first needed."""
    for _ in range(2):
        row = LedgerAccount.get_or_none(LedgerAccount.name == name)
        if row is not None:
            return row.id
        try:
            with db.atomic():
                user_id = int(name.partition(":")[2]) if name != OUTSIDE else None
                return LedgerAccount.insert(name=name, user=user_id).execute()
        except IntegrityError:  # somebody else was faster
            continue
    raise AssertionError(f"ledger account {name} is neither there nor can it be made")


def credit(user_id: int) -> int:
    """What this user may still spend."""
    return credits([user_id])[user_id]


def credits(user_ids: list[int]) -> dict[int, int]:
    rows = LedgerAccount.select(LedgerAccount.user, LedgerAccount.balance).where(LedgerAccount.user.in_(user_ids)).tuples()
    return dict.fromkeys(user_ids, 0) | dict(rows)


def balance(name: str) -> int:
    row = LedgerAccount.get_or_none(LedgerAccount.name == name)
    return 0 if row is None else row.balance


def payments(user_id: int, limit: int, cursor: int) -> list[dict[str, Any]]:
    """What payments did to this user's credit, also those that it made to others, after entry id `cursor`."""
    rows = (
        LedgerLine.select(
            LedgerEntry.id, LedgerEntry.user_id, LedgerLine.amount, LedgerEntry.type, LedgerEntry.reference, LedgerEntry.description,
            LedgerEntry.by_user_id, LedgerEntry.at,
        )
        .join(LedgerEntry)
        .join(LedgerAccount, on=(LedgerLine.account == LedgerAccount.id))
        .where(LedgerAccount.user == user_id, LedgerEntry.kind == PAYMENT, LedgerEntry.id > cursor)
        .order_by(LedgerEntry.id)
        .limit(limit)
    )  # fmt: skip
    return list(rows.dicts())
