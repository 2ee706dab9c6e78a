"""`carillon doctor` beside an Asterisk that is not ours: before Carillon's files are in it, with them, and with what breaks them."""

import os

import pytest

from dialplan.checks import machine, manager
from sql import settings
from tests.dialplan.patients import complaints
from tests.live.attached import Attached
from tests.live.house import wait_for
from tests.live.stock import Stock, free_base

NO_SOUNDS = {"sounds"}  # the stock one of the tests comes without any


@pytest.fixture
def stock(asterisk, tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "_unsynchronised", lambda: False)
    with Stock(asterisk, tmp_path / "his", free_base()) as one:
        monkeypatch.setenv("PATH", f"{one.folder}/bin:{os.environ['PATH']}")
        yield one


def test_beside_anothers_asterisk(stock, tmp_path):
    home = tmp_path / "home"
    with Attached(home, stock) as house:
        # started a moment ago, one by one
        found = wait_for("the last part", lambda: "parts" not in (seen := complaints(home)) and seen)
        assert set(found) == {"attached"}
        assert found["attached"].remedy.startswith("carillon asterisk install")
        house.parts.run("asterisk", "install")
        wait_for("the link", lambda: "link to Asterisk is up" in house.log("engine"))
        found = complaints(home)
        assert set(found) == NO_SOUNDS
        assert "vm-nobodyavail" in found["sounds"].what

        stock.rx("dialplan remove context carillon")
        found = complaints(home)
        assert set(found) == NO_SOUNDS | {"dialplan"}
        assert (found["dialplan"].what, "dialplan reload" in found["dialplan"].remedy) == ("the dialplan has no context carillon", True)
        stock.rx("dialplan reload")

        path = stock.etc / "carillon" / "carillon_manager.conf"
        written = path.read_text()
        path.write_text(written.replace("write = originate,", "write = system,originate,"))
        stock.rx("manager reload")
        assert "more than it should: system" in complaints(home)["ami-rights"].what
        path.write_text(written)
        stock.rx("manager reload")

        house.trunk("carrier", house.port("carrier_sip"))
        wait_for("the trunk", lambda: set(complaints(home)) == NO_SOUNDS)
        house.parts.processes["engine"].terminate()
        house.parts.processes["engine"].wait(10)
        _interviewed(home, stock)
        path.unlink()
        assert complaints(home)["attached"].what == f"{path} is lost"
        path.write_text(written)
        house.parts.run("asterisk", "uninstall")


def _interviewed(home, stock: Stock) -> None:
    """A real Asterisk allows exactly what it has to; asked by one who may do everything, it is changed by nothing."""
    seen = manager.interview(*settings.read(home).ami, ["trunk-1", "trunk-9"])
    assert (seen.logged_in, seen.booted, seen.version[:3]) == (True, True, "22.")
    assert seen.rights == dict.fromkeys(manager.MUST, True) | dict.fromkeys(manager.MUST_NOT, False)
    assert seen.endpoints == {"trunk-1"}
    assert {name: set(extensions) for name, extensions in manager.CONTEXTS.items() if extensions} == {
        name: seen.extensions[name] for name, extensions in manager.CONTEXTS.items() if extensions
    }
    with (stock.etc / "manager.conf").open("a") as file:
        file.write("\n[mighty]\nsecret = a-long-secret-of-his\nread = all\nwrite = all\n")
    stock.rx("manager reload")
    before = [stock.rx(command) for command in ("core show settings", "core show channels", "database show")]
    mighty = manager.interview("127.0.0.1", stock.ami, "mighty", "a-long-secret-of-his", [])
    assert all(mighty.rights.values())
    assert [stock.rx(command) for command in ("core show settings", "core show channels", "database show")] == before
