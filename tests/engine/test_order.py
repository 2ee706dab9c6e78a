"""Numbers and caller ids as each trunk wants them."""

from dataclasses import replace

import pytest

from engine.dialer import dialled, order
from sql.claims import Claimed
from sql.states import TrunkFacts

TRUNK = TrunkFacts(3, None, "main", True, False, None, None, "plus", 10, None, None, None, None, None)
CALL = Claimed(7, "+4930123", 3, "+4930555", "voice", 25, 3600, None)


@pytest.mark.parametrize(
    ("trunk", "number", "caller_id"),
    [
        (TRUNK, "+4930123", "+4930555"),
        (replace(TRUNK, number_format="plain"), "4930123", "4930555"),
        (replace(TRUNK, add_prefix="00"), "004930123", "+4930555"),
        (replace(TRUNK, add_prefix="00", number_format="plain"), "004930123", "4930555"),
    ],
)
def test_numbers_as_a_trunk_wants_them(trunk, number, caller_id):
    made = order(CALL, trunk)
    assert (made.number, made.caller_id, made.endpoint) == (number, caller_id, "trunk-3")
    assert dialled(CALL.phone, trunk) == number
    assert order(replace(CALL, caller_id=None), trunk).caller_id == ""
