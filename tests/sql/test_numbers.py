"""Numbers as people write them, and where they may lie."""

import pytest

from sql.numbers import NumberError, country_prefix, normalise, zones


@pytest.mark.parametrize(
    ("text", "country", "number"),
    [
        ("+4930123456", None, "+4930123456"),
        ("+49 (30) 123-456", "US", "+4930123456"),
        ("030 123456", "DE", "+4930123456"),
        ("0049 30 123456", "DE", "+4930123456"),
        ("(212) 555-2368", "US", "+12125552368"),
    ],
)
def test_normalised(text, country, number):
    assert normalise(text, country) == number


@pytest.mark.parametrize(
    ("text", "country", "why"),
    [
        ("030123456", None, "no country is set"),
        ("12", "DE", "lacks its area code"),
        ("+493", None, "too short"),
        ("+4930", None, "lacks its area code"),
        ("+493012345678901234", None, "no phone number|too long"),
        ("+999123456789", None, "no phone number"),
        ("\uff0b\uff14\uff1930123456", "DE", "only digits"),
        ("+4930123456\r\nAction: Originate", "DE", "only digits"),
        ("+4930123456&SIP/x", "DE", "only digits"),
        ("+4930123456;phone-context=x", "DE", "only digits"),
        ("${SHELL(id)}", "DE", "only digits"),
        ("1-800-FLOWERS", "US", "only digits"),
        ("+49" + "1" * 500, "DE", "no phone number"),
        ("", "DE", "only digits"),
    ],
)
def test_refused(text, country, why):
    with pytest.raises(NumberError, match=why):
        normalise(text, country)


@pytest.mark.parametrize(
    ("phone", "zone"),
    [
        ("+4930123456", "Europe/Berlin"),
        ("+12125552368", "America/New_York"),
        ("+61212345678", "Australia/Sydney"),
        ("+18005551234", None),
        ("+80012345678", None),
    ],
)
def test_zones(phone, zone):
    assert zones(phone) == zone


def test_a_mobile_number_may_lie_anywhere_in_its_country():
    assert {"Australia/Perth", "Australia/Sydney"} <= set(zones("+61412345678").split(","))


def test_country_prefix():
    assert country_prefix("at") == "+43"
    with pytest.raises(NumberError, match="two letters"):
        country_prefix("Germany")
