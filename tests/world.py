"""A small world in a store: a user, a campaign of five contacts, a trunk that Asterisk has loaded, a push endpoint."""

from dataclasses import dataclass

from sql import claims, models, models_accounts, models_contacts, pushes, store, trunks
from sql.states import CampaignFacts

NOW = 1_800_000_000_000


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


def make(now: int = NOW) -> World:
    """In an open store."""
    user = models_accounts.User.create(username="anna", password_hash="x", path="/1/", created_at=now)
    group = models_contacts.ContactGroup.create(user=user, name="g", created_at=now)
    recording = models.Recording.create(user=user, title="r", milliseconds=1000, created_at=now)
    campaign = models.Campaign.create(user=user, contact_group=group, recording=recording, name="c", created_at=now, status="running")
    contact_ids = []
    for n in range(5):
        contact = models_contacts.Contact.create(contact_group=group, phone=f"+4930123400{n}", created_at=now)
        contact_ids.append(
            models.CampaignContact.create(campaign_id=campaign.id, contact_id=contact.id, phone=contact.phone, next_at=now).id
        )
    trunks.loaded("main", {trunks.create(name="t", host="127.0.0.1"): 1})
    endpoint = pushes.create_endpoint(user.id, "http://127.0.0.1:9/", "call.completed", None, now)
    return World(campaign.id, endpoint.id, contact_ids)
