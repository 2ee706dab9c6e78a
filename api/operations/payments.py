"""Payments: money onto a user's credit, and off it again."""

import re
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AliasChoices, BeforeValidator, Field, StringConstraints, WithJsonSchema
from typing_extensions import TypedDict

from api.operation import DIALLING, MANAGERS, Caller, Id, Input, Operation, Page, Refused
from api.operations.users import UserId, visible
from sql import events, ledger, store

DECIMAL = re.compile(r"[+-]?([0-9]{1,15}(\.[0-9]{0,30})?|\.[0-9]{1,30})", re.ASCII)
MICRO = 1_000_000


def _micro(value: Any) -> int:
    """Micro-units of a decimal that came as text or as a number."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError("is no amount; write one like 12.50")
    # a float is written out as shortly as it can be read back: 0.1 is 0.1
    text = value.strip() if isinstance(value, str) else format(Decimal(repr(value)), "f")
    if not DECIMAL.fullmatch(text):
        raise ValueError("is no amount; write one like 12.50")
    micro = Decimal(text) * MICRO
    if micro != int(micro):
        raise ValueError("has more than six decimals")
    if not 0 < abs(micro) <= ledger.MOST:
        raise ValueError(f"is not between 0.000001 and {ledger.MOST // MICRO}, or below zero between the same")
    return int(micro)


Amount = Annotated[int, BeforeValidator(_micro), WithJsonSchema({"type": "number"})]


class PaymentCreate(Input):
    user_id: UserId
    value: Amount
    description: Annotated[str, StringConstraints(max_length=2000)] | None = None
    type: Annotated[str, StringConstraints(max_length=80)] | None = None
    reference: Annotated[str, StringConstraints(max_length=200)] | None = None


class PaymentList(Page):
    user_id: Id | None = Field(None, validation_alias=AliasChoices("user_id", "usr_id"))


class Payment(TypedDict):
    """`value` is what it did to the credit of the account asked for; `user_id` whom it was made to, `by_user_id` who made it."""

    payment_id: int
    user_id: int
    by_user_id: int
    value: float
    type: str | None
    reference: str | None
    description: str | None
    at: str


def create(caller: Caller, given: PaymentCreate) -> bool:
    """Change a user's credit by `value`, which may be below zero. An administrator's payment comes from outside, a tenant's from its
    own credit. Sent twice with the same `reference`, it is one payment.
    """
    target = visible(caller, given.user_id)
    source = ledger.OUTSIDE if caller.role == "admin" else ledger.credit_name(caller.user_id)
    if source == ledger.credit_name(target.id):
        raise Refused("user_id: nobody pays himself; ask an administrator")
    payment = ledger.Payment(caller.user_id, source, target.id, given.value, given.type, given.reference, given.description)
    try:
        store.unit(ledger.pay, payment, store.now())
    except ledger.Different:
        raise Refused(f"reference {given.reference!r} was used for another payment; choose a new one") from None
    except ledger.Short as error:
        raise Refused(_why_short(error.name, payment)) from None
    return True


def _why_short(name: str, payment: ledger.Payment) -> str:
    loses = (name == payment.source) == (payment.amount > 0)
    credit = events.money(ledger.balance(name))
    whose = f"user {payment.user_id}'s credit" if name == ledger.credit_name(payment.user_id) else "your own credit"
    return f"value: {whose} is {credit}; it cannot {'fall below 0' if loses else f'rise above {ledger.MOST // MICRO}'}"


def list_(caller: Caller, given: PaymentList) -> list[Payment]:
    """What payments did to an account's credit (by default the caller's own), `limit` at a time after the payment_id `cursor`."""
    user_id = visible(caller, given.user_id or caller.user_id).id
    return [
        {
            "payment_id": row["id"],
            "user_id": row["user_id"],
            "by_user_id": row["by_user_id"],
            "value": events.money(row["amount"]),
            "type": row["type"],
            "reference": row["reference"],
            "description": row["description"],
            "at": events.iso(row["at"]) or "",
        }
        for row in ledger.payments(user_id, given.limit, given.cursor)
    ]


OPERATIONS = (
    Operation("User_Payment_Create", PaymentCreate, create, MANAGERS, changes=True, aliases=("Client_Payment_Create",)),
    Operation("User_Payment_List", PaymentList, list_, DIALLING, changes=False),
)
