"""The mark `sending` asks once more: whatever changed after the claim hands the call back, and nothing goes out."""

from sql import claims, halts, models, store
from sql.states import CallState, ContactState
from tests.world import NOW


def marked(world, change) -> list[claims.Claimed]:
    """What may go out of two claimed calls when `change` happened in between."""
    claimed = world.claim(2)
    change()
    return store.unit(claims.sending, claimed, NOW)


def nothing_happened() -> bool:
    due = models.CampaignContact.select().where(models.CampaignContact.state == ContactState.DUE).count()
    return due == 5 and {call.state for call in models.Call.select()} == {CallState.VOID}


def test_the_kill_switch_was_thrown(world):
    assert marked(world, lambda: store.unit(halts.throw, 1, None, NOW)) == []
    assert nothing_happened()


def test_the_kill_switch_was_lifted_again(world):
    store.unit(halts.throw, 1, None, NOW)
    assert len(marked(world, lambda: store.unit(halts.lift, 1, NOW))) == 2
