"""Phone numbers: from what people write to E.164, and the time zones that a number may lie in. Knows no table.

The metadata is Google's libphonenumber. "Possible" for its region is enough: number plans change faster than metadata.
"""

import re
from functools import lru_cache

import phonenumbers
from phonenumbers import ValidationResult, timezone

from sql import number_plans

E164 = re.compile(r"\+[1-9][0-9]{2,14}", re.ASCII)
DIGITS = re.compile(r"\+?[0-9]{3,15}", re.ASCII)
LONGEST = 60  # characters of what people write
ZONES_LENGTH = 255

_PUNCTUATION = str.maketrans("", "", " -.()")
_WRONG = {
    ValidationResult.TOO_SHORT: "is too short",
    ValidationResult.TOO_LONG: "is too long",
    ValidationResult.INVALID_COUNTRY_CODE: "has no known country code",
    ValidationResult.INVALID_LENGTH: "has no possible length",
    ValidationResult.IS_POSSIBLE_LOCAL_ONLY: "lacks its area code",
}


class NumberError(ValueError):
    """This is no phone number; the text says why."""


def normalise(text: str, country: str | None = None) -> str:
    """The E.164 form of a number in international, or with `country` (two letters) in national notation. NumberError."""
    plain = text.translate(_PUNCTUATION)
    if DIGITS.fullmatch(plain) and len(text) <= LONGEST:
        signed = plain[0] == "+"
        known = number_plans.e164(None if signed else country, plain[: number_plans.KNOWN + signed], len(plain))
        if known is not None:
            return known[0] + plain[known[1] :]
    shown = text if len(text) <= LONGEST else text[:LONGEST] + "…"
    if not text.isascii() or len(text) > LONGEST or not re.fullmatch(r"[0-9+() ./-]+", text):
        raise NumberError(f"{shown!r} is no phone number: only digits, a leading + and ( ) . / - may stand in it")
    if not country and not text.lstrip().startswith("+"):
        raise NumberError(f"{shown!r} does not begin with + and no country is set: write it like +4930123456, or set [calling] country")
    try:
        number = phonenumbers.parse(text, country or None)
    except phonenumbers.NumberParseException as error:
        raise NumberError(f"{shown!r} is no phone number: {error}") from None
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason in _WRONG:
        raise NumberError(f"{shown!r} {_WRONG[reason]}")
    made = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    if not E164.fullmatch(made):
        raise NumberError(f"{shown!r} is no phone number that can be dialled")
    return made


def zones(phone: str) -> str | None:
    """The time zones an E.164 number may lie in, comma separated; None if it tells none (or too many to be of use)."""
    head = phone[: number_plans.KNOWN + 1]
    return _zones_of_all(head, len(phone)) if number_plans.zones_settled(head, len(phone)) else _zones(phone)


@lru_cache(number_plans.REMEMBERED)
def _zones_of_all(head: str, length: int) -> str | None:
    return _zones(head + "0" * (length - len(head)))


def _zones(phone: str) -> str | None:
    found = set(timezone.time_zones_for_number(phonenumbers.parse(phone)))
    text = ",".join(sorted(found - {timezone.UNKNOWN_TIMEZONE}))
    return text if 0 < len(text) <= ZONES_LENGTH else None


def country_prefix(country: str) -> str:
    """`+49` for `DE`. NumberError for a country that is none."""
    code = phonenumbers.country_code_for_region(country.upper())
    if not code:
        raise NumberError(f"country {country!r} is none; write two letters, such as DE")
    return f"+{code}"
