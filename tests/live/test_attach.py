"""Carillon beside an Asterisk that it did not start: calls go out through it, its owner's own calls go on, and nothing stays behind."""

import pytest

from engine import witness
from sql import settings
from tests.dialplan.theirs import fingerprint
from tests.live.attached import Attached
from tests.live.house import wait_for
from tests.live.stock import Stock, free_base
from tests.live.telephones import Telephone


@pytest.fixture(scope="module")
def stock(asterisk, tmp_path_factory):
    with Stock(asterisk, tmp_path_factory.mktemp("stock") / "his", free_base()) as one:
        yield one


def his_own_call(stock: Stock) -> int:
    """How a call of his telephone to his own extension ends."""
    with Telephone(stock.sip, "desk", "desk-password") as desk:
        assert desk.register() == 200
        return desk.call("101")


def test_beside_another_s_asterisk_and_away_again(stock, tmp_path):
    before = fingerprint(stock.etc, stock.folder / "data")
    assert his_own_call(stock) == 200
    attached = Attached(tmp_path / "home", stock)
    assert "+; begin carillon" in attached.parts.run("asterisk", "install", "--dry-run")
    assert fingerprint(stock.etc, stock.folder / "data") == before
    with attached as house:
        trunk = house.trunk("carrier", house.port("carrier_sip"))
        campaign = house.campaign(["+493012300", "+493012370", "+493012390"], trunk=trunk)
        house.start(campaign)
        missing = f"Asterisk has not loaded trunk carrier yet: {stock.etc}/carillon is not there; run `carillon asterisk install` as root"
        wait_for("the remedy", lambda: _holding(house, campaign) in (missing, _no_link(house, campaign)), 15)
        assert house.parts.run("asterisk", "install").endswith("Asterisk has read them.\n")
        calls = {call["phone"][-2:]: call for call in house.finish(campaign)}
        assert {end: (call["disposition"], call["sip_code"]) for end, call in calls.items()} == {
            "00": ("answered", 200), "70": ("busy", 486), "90": ("invalid-number", 404),
        }  # fmt: skip
        assert house.pushed()[calls["00"]["call_id"]]["disposition"] == "answered"
        assert calls["00"]["billable_seconds"] >= 1
        assert "heard nothing" not in house.log("agi"), "the recording was found and played"
        assert len(house.seen_by_carrier()) == 3
        ids = {end: call["call_id"] for end, call in calls.items()}
        seen = witness.look(settings.read(house.home).asterisk_records, list(ids.values()), 0)
        assert {end: seen[call].cause for end, call in ids.items()} == {"00": 16, "70": 17, "90": 1}, "his Asterisk is a witness too"
        assert seen[ids["00"]].answered_at
        assert his_own_call(stock) == 200, "his own dialplan still works"
        records = settings.read(house.home).asterisk_records
        for record in records:  # as logrotate does it
            record.rename(record.with_name(record.name + ".1"))
        assert his_own_call(stock) == 200
        wait_for("new files", lambda: all(record.exists() for record in records), 10)
        assert set(witness.look(records, list(ids.values()), 0)) == set(ids.values())
        [customer] = [user["user_id"] for user in house.root.call("User_List") if user["username"] == "customer"]
        extension = {"name": "x", "username": "desk", "password": "another-good-one"}
        house.root.call("User_Extension_Create", user_id=customer, extension=extension)
        wait_for("the name", lambda: "Asterisk's own pjsip.conf has that name; choose another" in house.log("provision"))
        assert his_own_call(stock) == 200, "his telephone is still his"
        assert house.parts.run("asterisk", "install") == "Carillon is installed there already; nothing was changed.\n"
    assert "is as it was before. Asterisk has read them." in attached.parts.run("asterisk", "uninstall")
    assert fingerprint(stock.etc, stock.folder / "data") == before
    assert "trunk-" not in stock.rx("pjsip show endpoints")
    assert "There is no manager called carillon" in stock.rx("manager show user carillon")
    assert his_own_call(stock) == 200


def _holding(house: Attached, campaign: int) -> str | None:
    return house.status(campaign)["holding"]


def _no_link(house: Attached, campaign: int) -> str | None:
    """Before the installation the engine cannot log in either, and that is said first."""
    holding = _holding(house, campaign)
    return holding if holding and holding.startswith("no link to Asterisk since") else ""
