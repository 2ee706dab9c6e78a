"""A store for each test, and a small world in it: a user, a campaign of five contacts, a trunk that Asterisk has loaded."""

from dataclasses import dataclass

import pytest

from sql import claims, models, pushes, store, trunks
from sql.states import CampaignFacts

NOW = 1_800_000_000_000


@pytest.fixture
def opened(tmp_path):
    """A migrated store with an open connection."""
    store.migrate(f"sqlite:///{tmp_path}/store.sqlite")
    with store.connection():
        yield


@dataclass
class World:
    campaign_id: int
    endpoint_id: int
    contact_ids: list[int]

    @property
    def campaign(self) -> CampaignFacts:
        return claims.campaigns([self.campaign_id])[self.campaign_id]

    def claim(self, count: int, now: int = NOW) -> list[claims.Claimed]:
        picks = [claims.Pick(contact, 1, None, None) for contact in claims.candidates(self.campaign_id, now, count)]
        return store.unit(claims.claim, self.campaign, picks, "main", now)

    def sent(self, count: int, now: int = NOW) -> list[int]:
        return [call.call_id for call in store.unit(claims.sending, self.claim(count, now), now)]

    def contact(self, call_id: int) -> models.CampaignContact:
        return models.CampaignContact.get_by_id(models.Call.get_by_id(call_id).campaign_contact_id)


@pytest.fixture
def world(opened) -> World:
    user = models.User.create(username="anna", password_hash="x", created_at=NOW)
    group = models.ContactGroup.create(user=user, name="g", created_at=NOW)
    recording = models.Recording.create(user=user, title="r", milliseconds=1000, created_at=NOW)
    campaign = models.Campaign.create(user=user, contact_group=group, recording=recording, name="c", created_at=NOW, status="running")
    contact_ids = []
    for n in range(5):
        contact = models.Contact.create(contact_group=group, phone=f"+4930123400{n}", created_at=NOW)
        contact_ids.append(
            models.CampaignContact.create(campaign_id=campaign.id, contact_id=contact.id, phone=contact.phone, next_at=NOW).id
        )
    trunks.loaded("main", {trunks.create(name="t", host="127.0.0.1"): 1})
    endpoint = pushes.create_endpoint(user.id, "http://127.0.0.1:9/", "call.completed", None, NOW)
    return World(campaign.id, endpoint.id, contact_ids)
