"""The provisioner and trunks that register: used once Asterisk is registered, and told of a new password at once."""

from pathlib import Path

import pytest

from dialplan.provision import LOOK_S, STATES_S, Provisioner
from sql import claims
from tests.dialplan.test_provision import Asterisk, change, look, trunk


class Registering(Asterisk):
    """One trunk registers, with this result."""

    registration = "Unregistered (exp. 0s)"
    logs: tuple[Path, ...] = ()

    def control(self, command: str) -> str:
        if command == "pjsip show registrations":
            self.commands.append(command)
            return f"\n trunk-{max(self.loaded)}-registration/sip:h:5060    trunk-{max(self.loaded)}    {self.registration}\n"
        if command.startswith("pjsip send register "):
            self.commands.append(command)
            return ""
        return super().control(command)


@pytest.fixture
def asterisk(tmp_path) -> Registering:
    return Registering(tmp_path / "asterisk")


@pytest.fixture
def provisioner(opened, asterisk) -> Provisioner:
    return Provisioner("main", asterisk)


MEMBER = {"username": "me", "password": "s3cret", "register": True}
REGISTER = "pjsip send register trunk-{}-registration"


def unusable() -> str | None:
    """What the engine is told of the only trunk."""
    [row] = claims.trunks("main")
    return row.unusable if row.loaded else "not loaded"


def test_a_trunk_is_used_once_it_is_registered_and_no_longer_than_that(provisioner, asterisk, caplog):
    caplog.set_level("INFO", "provision")
    trunk_id = trunk(**MEMBER)
    look(provisioner)
    assert unusable() == "it is not registered yet", "and never loaded without that"
    asterisk.registration = "Registered (exp. 285s)"
    look(provisioner, STATES_S + LOOK_S)
    assert unusable() is None
    asterisk.registration = "Registered (exp. 30s ago)"
    look(provisioner, STATES_S + LOOK_S)
    assert unusable() == "its registration is not renewed, the registrar does not answer"
    look(provisioner, 5)
    said = [record.getMessage() for record in caplog.records if record.getMessage().startswith("trunk")]
    assert said == [f"trunk {trunk_id}: {text}" for text in ("it is not registered yet", "can be used", unusable())], "each news once"


def test_a_new_password_is_tried_at_once(provisioner, asterisk):
    trunk_id = trunk(**MEMBER)
    look(provisioner)
    change(trunk_id, cps=3)
    look(provisioner)
    assert REGISTER.format(trunk_id) not in asterisk.commands
    change(trunk_id, password="another")
    look(provisioner, 5)
    assert asterisk.commands.count(REGISTER.format(trunk_id)) == 1
    assert asterisk.commands.index(REGISTER.format(trunk_id)) > max(
        n for n, command in enumerate(asterisk.commands) if command.startswith("module reload")
    )


def test_a_registrar_that_was_restarted_is_asked_once_more(provisioner, asterisk):
    trunk_id = trunk(**MEMBER)
    asterisk.registration = "Rejected (exp. 119s)"
    look(provisioner, 5)
    assert REGISTER.format(trunk_id) not in asterisk.commands, "a wrong password is not tried again and again"
    asterisk.registration = "Registered (exp. 285s)"
    look(provisioner, 5)
    asterisk.registration = "Rejected (exp. 119s)"
    look(provisioner, 20)
    assert asterisk.commands.count(REGISTER.format(trunk_id)) == 1
