"""A small world for the engine's tests."""

import pytest

from engine import ami
from sql import calls, models, store
from tests import world as worlds


@pytest.fixture
def small(opened, monkeypatch):
    """A world of one contact whose turn is now, and short times."""
    monkeypatch.setattr(ami, "ANSWER_S", 0.3)
    monkeypatch.setattr(ami, "BACK_OFF_S", (0.05,))
    monkeypatch.setattr(calls, "GRACE_MS", 300)
    made = worlds.make(store.now() - 1000)
    models.CampaignContact.delete().where(models.CampaignContact.id.in_(made.contact_ids[1:])).execute()
    return made


@pytest.fixture
def clock(monkeypatch):
    """Sets the machine's clock: so many ms from the true time."""
    true, by = store.now, [0]
    for module in (store, ami):
        monkeypatch.setattr(module, "now", lambda: true() + by[0])
    return lambda ms: by.__setitem__(0, ms)
