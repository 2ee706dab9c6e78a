"""The mark `sending` asks once more: whatever changed after the claim hands the call back, and nothing goes out."""

import pytest

from sql import claims, halts, models, models_accounts, models_contacts, store
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


CHANGES = {
    "expired": lambda: models.CampaignContact.update(expires_at=NOW).execute(),
    "do not call": lambda: models.CampaignContact.update(do_not_call=True).execute(),
    "campaign stopped": lambda: models.Campaign.update(status="stopped").execute(),
    "campaign deleted": lambda: models.Campaign.update(deleted_at=NOW).execute(),
    "user deleted": lambda: models_accounts.User.update(deleted_at=NOW).execute(),
    "user switched off": lambda: models_accounts.User.update(active=False).execute(),
}


@pytest.mark.parametrize("what", CHANGES)
def test_something_changed_after_the_claim(world, what):
    assert marked(world, CHANGES[what]) == []
    assert nothing_happened()


def test_a_contact_was_deleted(world):
    assert marked(world, lambda: models_contacts.Contact.update(deleted_at=NOW).execute()) == []
    ended = models.CampaignContact.select().where(models.CampaignContact.state == ContactState.DONE)
    assert [row.disposition for row in ended] == ["canceled"] * 2


def test_what_expires_later_goes_out(world):
    assert len(marked(world, lambda: models.CampaignContact.update(expires_at=NOW + 1).execute())) == 2


@pytest.mark.parametrize("change", [{"active": False}, {"deleted_at": NOW}])
def test_the_campaigns_of_an_account_that_is_off_are_marked_so(world, change):
    assert claims.running()[0].user_active
    models_accounts.User.update(**change).execute()
    assert not claims.running()[0].user_active


def test_a_deleted_campaign_is_not_running(world):
    models.Campaign.update(deleted_at=NOW).execute()
    assert claims.running() == []
