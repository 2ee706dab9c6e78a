"""Number plans: what is settled of a number by its length and its first digits, whatever its others are. Knows no table.

The library's rules are patterns. Each is put twice to a number whose other digits are unknown (`x`): written so that an unknown digit
is whatever may be asked for, and so that it passes only where all ten may stand. A pattern that fails the first fails for every
number that begins so; one that passes the second passes for every one. Where each pattern that the library would ask is settled in
one of these ways, its answer for one such number is its answer for all of them, and may be remembered.
"""

import re
from functools import lru_cache
from typing import Any

import phonenumbers
from phonenumbers import PhoneMetadata, ValidationResult
from phonenumbers.tzdata import TIMEZONE_DATA

KNOWN = 7  # first digits that are looked at
LONGEST = 16  # characters of E.164, + included
REMEMBERED = 1 << 15
PARTS = re.compile(r"(\{[0-9,]+\}|\(\?:|[()|?$])|(\\d)|\[([0-9-]+)\]|([0-9])", re.ASCII)
FINER_ZONES = frozenset(key[:KNOWN] for key in TIMEZONE_DATA if len(key) > KNOWN)
KINDS = ("premium_rate", "toll_free", "shared_cost", "voip", "personal_number", "pager", "uan", "voicemail", "fixed_line", "mobile")


@lru_cache(REMEMBERED)
def e164(country: str | None, head: str, length: int) -> tuple[str, int] | None:
    """How every number of `length` characters that begins with `head` (its first seven digits, and a + before them) becomes E.164: the
    text to put in front after cutting that many characters off. None if its other digits have a say in it, or if it is no number.
    """
    written, digits = head + "0" * (length - len(head)), head.lstrip("+") + "x" * (length - len(head))
    try:
        number = phonenumbers.parse(written, country)
    except phonenumbers.NumberParseException:
        return None
    if phonenumbers.is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE:
        return None
    code = str(number.country_code)
    if head[0] == "+":
        cut = 1 if not _prefixed(_main(code), digits[len(code) :]) else None
    else:
        cut = _prefix_length(_of_region(country or ""), written, digits)
    front = "+" if head[0] == "+" else f"+{code}"
    made = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return (front, cut) if cut is not None and made == front + written[cut:] and len(made) <= LONGEST else None


@lru_cache(REMEMBERED)
def zones_settled(head: str, length: int) -> bool:
    """Whether all E.164 numbers that begin with `head` lie in the same time zones: they are of one type, and no finer zone begins so."""
    if head[1:] in FINER_ZONES or e164(None, head, length) is None:
        return False
    code = str(phonenumbers.parse(head + "0" * (length - len(head))).country_code)
    rest = (head[1:] + "x" * (length - len(head)))[len(code) :]
    regions = phonenumbers.COUNTRY_CODE_TO_REGION_CODE[int(code)]
    if len(regions) == 1:
        return _type(_main(code), rest) is not None
    for region in regions:
        metadata = _of_region(region)
        marked = metadata.leading_digits
        here = _settled(marked, rest, whole=False) if marked else _type(metadata, rest)
        if here is None or here:
            return here is not None and _type(metadata, rest) is not None
    return True


def _main(code: str) -> Any:
    return PhoneMetadata.metadata_for_region_or_calling_code(int(code), phonenumbers.region_code_for_country_code(int(code)))


def _of_region(region: str) -> Any:
    return PhoneMetadata.metadata_for_region(region, None)


def _prefixed(metadata: Any, digits: str) -> bool:
    """Whether a national prefix may stand before these digits."""
    prefix = metadata.national_prefix_for_parsing
    return bool(prefix) and _settled(prefix, digits, whole=False) is not False


def _prefix_length(metadata: Any, written: str, digits: str) -> int | None:
    """How long the national prefix of a number in national notation is; None if that is not settled."""
    abroad = metadata.international_prefix
    if (abroad and _settled(abroad, digits, whole=False) is not False) or digits.startswith(str(metadata.country_code)):
        return None
    if not _prefixed(metadata, digits):
        return 0
    prefix, plan = metadata.national_prefix_for_parsing, metadata.general_desc.national_number_pattern
    if not prefix.isdigit() or not digits.startswith(prefix):
        return None
    with_it, without = (_settled(plan, one, whole=True) for one in (digits, digits[len(prefix) :]))
    if with_it is None or without is None:
        return None
    return 0 if with_it and not without else len(prefix)


def _type(metadata: Any, digits: str) -> bool | None:
    """True if all these numbers are of one type, False if they are of none, None if that is not settled."""
    general = _described(metadata.general_desc, digits)
    if not general:
        return general
    kinds = [_described(getattr(metadata, kind), digits) for kind in KINDS]
    return None if None in kinds else any(kinds)


def _described(description: Any, digits: str) -> bool | None:
    if description is None or not description.national_number_pattern:
        return False
    if description.possible_length and len(digits) not in description.possible_length:
        return False
    return _settled(description.national_number_pattern, digits, whole=True)


def _settled(pattern: str, digits: str, whole: bool) -> bool | None:
    """True if the pattern matches whatever the unknown digits are, False if it never does, None if it depends, or cannot be told."""
    forms = _forms(pattern)
    if forms is None:
        return None
    may, must = forms
    if not (may.fullmatch if whole else may.match)(digits):
        return False
    return True if (must.fullmatch if whole else must.match)(digits) else None


@lru_cache(None)
def _forms(pattern: str) -> tuple[re.Pattern, re.Pattern] | None:
    """The pattern as it may match, and as it must. None if it holds anything else than groups, choices, digits and their counts."""
    if PARTS.sub("", pattern):
        return None
    may = PARTS.sub(lambda part: part[1] or (f"[{part[3] or part[4]}x]" if part[3] or part[4] else "[0-9x]"), pattern)
    must = PARTS.sub(lambda part: "[0-9x]" if part[2] else part[0], pattern)
    return re.compile(may), re.compile(must)
