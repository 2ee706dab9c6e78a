"""What is remembered of a number's first digits is what the library says of each number: compared over many number plans."""

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneMetadata, PhoneNumberFormat, ValidationResult, timezone

from sql import number_plans, numbers

REGIONS = sorted(phonenumbers.SUPPORTED_REGIONS)
KINDS = range(11)
DIGITS = st.text("0123456789", max_size=15)


@st.composite
def written(draw) -> tuple[str, str]:
    """(what somebody may write, country): near the examples of each plan, and far from them; in both notations."""
    region = draw(st.sampled_from(REGIONS))
    example = phonenumbers.example_number_for_type(region, draw(st.sampled_from(KINDS))) or phonenumbers.example_number(region)
    national = phonenumbers.national_significant_number(example) if example else ""
    digits = national[: draw(st.integers(0, len(national)))] + draw(DIGITS)
    prefixes = (
        "",
        PhoneMetadata.metadata_for_region(region, None).national_prefix or "",
        f"+{phonenumbers.country_code_for_region(region)}",
        "+",
    )
    return draw(st.sampled_from(prefixes)) + digits[:15], region


def library(text: str, country: str) -> str | None:
    """The E.164 number by the library alone."""
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    made = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    possible = phonenumbers.is_possible_number_with_reason(number) == ValidationResult.IS_POSSIBLE
    return made if possible and numbers.E164.fullmatch(made) else None


def ours(text: str, country: str) -> str | None:
    try:
        return numbers.normalise(text, country)
    except numbers.NumberError:
        return None


@settings(max_examples=3000, deadline=None)
@given(written())
def test_numbers_are_the_librarys(case):
    text, country = case
    assert ours(text, country) == library(text, country)
    assert ours(text, country) == library(text, country)  # now it is remembered


@settings(max_examples=1500, deadline=None)
@given(written())
def test_zones_are_the_librarys(case):
    phone = library(*case)
    if phone is not None:
        found = set(timezone.time_zones_for_number(phonenumbers.parse(phone))) - {timezone.UNKNOWN_TIMEZONE}
        text = ",".join(sorted(found))
        assert numbers.zones(phone) == (text if 0 < len(text) <= numbers.ZONES_LENGTH else None)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(["+493012", "+121255", "+447911", "+3361234", "+614123", "+819012", "+5511987"]), DIGITS, DIGITS)
def test_two_numbers_that_begin_alike_lie_alike_where_that_is_settled(head, first, second):
    one, other = (f"{head}{digits:0<9}"[:12] for digits in (first, second))
    if one[:8] == other[:8] and number_plans.zones_settled(one[:8], 12):
        assert numbers.zones(one) == numbers.zones(other)


@pytest.mark.parametrize("punctuated", ["+49 (30) 123-456", "+49.30.123456", " +4930123456 ", "(+49) 30 123456"])
def test_punctuation_says_nothing(punctuated):
    assert ours(punctuated, "US") == library(punctuated, "US") == "+4930123456"


@pytest.mark.parametrize(("text", "country"), [("+4930123456", None), ("030123456", "DE"), ("+12125552368", None), ("2125552368", "US")])
def test_common_numbers_are_settled(text, country):
    """Else remembering would be of no use: the library takes some twenty times as long."""
    signed = text[0] == "+"
    assert number_plans.e164(country, text[: number_plans.KNOWN + signed], len(text)) is not None
    phone = ours(text, country or "US")
    assert number_plans.zones_settled(phone[: number_plans.KNOWN + 1], len(phone))


@pytest.mark.parametrize(
    ("pattern", "digits", "whole", "settled"),
    [
        (r"[2-9]\d{3}", "2xxx", True, True),
        (r"[2-9]\d{3}", "1xxx", True, False),
        (r"[2-9]\d{3}", "2xx", True, False),
        (r"2\d[0-5]\d", "2xxx", True, None),
        (r"(?:2|3)\d{2}", "3xx", True, True),
        (r"0|00", "0xx", False, True),
        (r"00", "0xx", False, None),
        (r"(1)\1", "11", True, None),  # not a kind of pattern that the metadata has: cannot be told
    ],
)
def test_a_pattern_is_settled_or_not(pattern, digits, whole, settled):
    assert number_plans._settled(pattern, digits, whole) is settled


def test_every_pattern_of_the_metadata_can_be_told():
    for region in REGIONS:
        plan = PhoneMetadata.metadata_for_region(region, None)
        described = [getattr(plan, kind) for kind in ("general_desc", *number_plans.KINDS)]
        patterns = [plan.national_prefix_for_parsing, plan.international_prefix, plan.leading_digits]
        for pattern in [*patterns, *(one.national_number_pattern for one in described if one)]:
            assert not pattern or number_plans._forms(pattern) is not None, (region, pattern)
