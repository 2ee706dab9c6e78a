"""Every gate: what closes it, and what a person is told."""

from dataclasses import replace

import pytest

from engine.rules import gates
from engine.rules.gates import Calling, Gate, Refusal
from sql.states import CampaignFacts, ContactFacts, Halted, NodeFacts, TrunkFacts

NOON = 1_795_521_600_000  # 2026-11-24 12:00 UTC
CAMPAIGN = CampaignFacts(1, 7, "running", "voice", "c", None, 1, None, None, None, 10, 5, 1, 25, 3600, None, None, None)
TRUNK = TrunkFacts(3, None, "main", True, False, None, None, "plus", 10, None, None, None, None, None)
NODE = NodeFacts("main", True, "up", NOON, NOON)
CONTACT = ContactFacts(1, 1, "+49301234567", "Europe/Berlin", 0, 0, (), None, False)
CALLING = Calling("08:00-21:00", ("+49",))


@pytest.mark.parametrize(
    ("change", "word", "says"),
    [
        ({}, None, ""),
        ({"halted": Halted(NOON, "anna", "wrong list")}, "halt", "by anna at 2026-11-24 12:00:00Z (wrong list); System_Start lifts"),
        ({"campaign": replace(CAMPAIGN, user_active=False)}, "account", "switched off or deleted"),
        ({"node": replace(NODE, held_word="ports", held_text="all in use")}, "ports", "all in use"),
        ({"node": replace(NODE, held_word="script", held_text="x", held_until=NOON)}, None, ""),
        ({"campaign": replace(CAMPAIGN, status="stopped")}, "stopped", "campaign is stopped"),
        ({"node": None}, "engine", "not running"),
        ({"node": replace(NODE, beat_at=NOON - 20_000)}, "engine", "last seen at 2026-11-24 11:59:40Z"),
        ({"node": replace(NODE, link_up=False, link_text="login refused")}, "link", "login refused"),
        ({"trunks": []}, "trunk", "no trunk serves this campaign"),
        ({"trunks": [replace(TRUNK, user_id=8)]}, "trunk", "no trunk serves this campaign"),
        ({"trunks": [replace(TRUNK, loaded=False)]}, "trunk", "not loaded trunk main yet"),
        ({"trunks": [replace(TRUNK, loaded=False)], "node": replace(NODE, trunks_text="say so")}, "trunk", "loaded trunk main yet: say so"),
        ({"node": replace(NODE, trunks_text="say so")}, None, ""),
        ({"trunks": [replace(TRUNK, down_until=NOON + 30_000, down_why="dead")]}, "trunk", "rests until 2026-11-24 12:00:30Z: dead"),
        ({"trunks": [replace(TRUNK, down_until=NOON - 1)]}, None, ""),
        ({"trunks": [replace(TRUNK, unusable="not registered")]}, "trunk", "trunk main cannot be used: not registered"),
        ({"trunks": [TRUNK, replace(TRUNK, id=5, unusable="not registered")]}, None, ""),
        (
            {"trunks": [replace(TRUNK, unusable="silent"), replace(TRUNK, id=5, name="b", down_until=NOON + 1, down_why="dead")]},
            "trunk",
            "trunk main cannot be used: silent; trunk b rests until 2026-11-24 12:00:00Z: dead",
        ),
        ({"trunks": [replace(TRUNK, user_id=7)]}, None, ""),
        ({"campaign": replace(CAMPAIGN, trunk_id=4)}, "trunk", "no trunk serves this campaign"),
    ],
)
def test_campaign_gates(change, word, says):
    args = {"campaign": CAMPAIGN, "trunks": [TRUNK], "node": NODE, "halted": None} | change
    gate = gates.campaign_gate(**args, now=NOON)
    assert (gate and gate.word) == word
    assert gate is None or says in gate.text


def test_who_can_only_wait_for_a_registration_is_given_no_time():
    silent, resting = replace(TRUNK, unusable="silent"), replace(TRUNK, id=5, down_until=NOON + 30_000)
    for trunks, opens in (([silent], None), ([silent, resting], NOON + 30_000)):
        gate = gates.campaign_gate(CAMPAIGN, trunks, NODE, None, NOON)
        assert gate is not None
        assert (gate.opens_at, gate.pauses) == (opens, True)


@pytest.mark.parametrize(
    ("contact", "campaign", "calling", "word", "opens_in"),
    [
        (CONTACT, CAMPAIGN, CALLING, None, 8 * 3600),
        (CONTACT, CAMPAIGN, Calling("00:00-24:00", ("*",)), None, None),
        (CONTACT, CAMPAIGN, Calling("08:00-21:00", ("+43", "+41")), "destination", 600),
        (CONTACT, CAMPAIGN, Calling("08:00-21:00", ()), "destination", 600),
        (CONTACT, replace(CAMPAIGN, hours="14:00-15:00"), CALLING, "window", 3600),
        (CONTACT, replace(CAMPAIGN, hours="06:00-23:00"), Calling("08:00-12:00", ("*",)), "window", 19 * 3600),  # the ceiling holds
        (CONTACT, replace(CAMPAIGN, days="wed"), CALLING, "window", 19 * 3600),
        (replace(CONTACT, zone=None), CAMPAIGN, CALLING, "zone", 600),
        (replace(CONTACT, zone=None), replace(CAMPAIGN, timezone="Europe/Vienna"), CALLING, None, 8 * 3600),
        (replace(CONTACT, zone="Mars/Olympus"), CAMPAIGN, CALLING, "zone", 600),
        (replace(CONTACT, zone="Europe/Berlin,Asia/Tokyo"), CAMPAIGN, CALLING, "window", 19 * 3600),
    ],
)
def test_contact_gates(contact, campaign, calling, word, opens_in):
    gate, not_after = gates.contact_gate(contact, campaign, calling, NOON)
    assert (gate and gate.word) == word
    when = gate.opens_at if gate else not_after
    assert when == (opens_in and NOON + opens_in * 1000)


@pytest.mark.parametrize(
    ("contact", "refusal"),
    [
        (CONTACT, None),
        (replace(CONTACT, do_not_call=True), Refusal("do-not-call", "marked do-not-call")),
        (replace(CONTACT, expires_at=NOON), Refusal("canceled", "expired at 2026-11-24 12:00:00Z")),
        (replace(CONTACT, expires_at=NOON + 1), None),
    ],
)
def test_refusals(contact, refusal):
    assert gates.refusal(contact, NOON) == refusal


SIMULATED = replace(TRUNK, id=4, name="demo", simulated=True)


@pytest.mark.parametrize(
    ("trunk_id", "trunks", "ids"),
    [
        (None, [TRUNK, SIMULATED], [3]),  # "any" never means a simulated one while there is a real one
        (None, [SIMULATED], [4]),
        (4, [TRUNK, SIMULATED], [4]),
        (3, [TRUNK, SIMULATED], [3]),
        (9, [TRUNK, SIMULATED], []),
    ],
)
def test_which_trunks_serve_a_campaign(trunk_id, trunks, ids):
    assert [trunk.id for trunk in gates.serving(replace(CAMPAIGN, trunk_id=trunk_id), trunks)] == ids


@pytest.mark.parametrize(("trunk_id", "exempt"), [(4, True), (3, False), (None, False)])
def test_only_a_campaign_that_names_a_simulated_trunk_is_exempt(trunk_id, exempt):
    assert gates.exempt(replace(CAMPAIGN, trunk_id=trunk_id), [TRUNK, SIMULATED]) is exempt
    assert gates.exempt(replace(CAMPAIGN, trunk_id=trunk_id), [SIMULATED]) is (trunk_id == 4)


SECOND = replace(TRUNK, id=5, name="second", prefix="+49, +43")


@pytest.mark.parametrize(
    ("contact", "trunks", "room", "chosen"),
    [
        (CONTACT, [TRUNK, SECOND], {3: 1, 5: 1}, 3),
        (CONTACT, [TRUNK, SECOND], {3: 0, 5: 1}, 5),
        (CONTACT, [TRUNK, SECOND], {3: 0, 5: 0}, None),
        (replace(CONTACT, tried=(3,)), [TRUNK, SECOND], {3: 1, 5: 1}, 5),
        (replace(CONTACT, phone="+12025550100"), [SECOND], {5: 1}, None),
        (CONTACT, [replace(TRUNK, loaded=False), SECOND], {3: 1, 5: 1}, 5),
        (CONTACT, [replace(TRUNK, down_until=NOON + 1), SECOND], {3: 1, 5: 1}, 5),
        (CONTACT, [replace(TRUNK, unusable="not registered"), SECOND], {3: 1, 5: 1}, 5),
    ],
)
def test_choosing_a_trunk(contact, trunks, room, chosen):
    trunk = gates.choose_trunk(contact, trunks, room, NOON)
    assert (trunk and trunk.id) == chosen


@pytest.mark.parametrize(
    ("contact", "trunks", "kind"),
    [
        (CONTACT, [TRUNK], type(None)),
        (replace(CONTACT, phone="+12025550100"), [SECOND], Gate),
        (CONTACT, [replace(TRUNK, down_until=NOON + 1)], Gate),
        (CONTACT, [replace(TRUNK, unusable="not registered")], Gate),
        (replace(CONTACT, tried=(3,)), [TRUNK], Refusal),
    ],
)
def test_what_keeps_a_contact_from_every_trunk(contact, trunks, kind):
    assert type(gates.route_gate(contact, trunks, NOON)) is kind
