"""What campaign tests need: people, a group with contacts, a recording, and calls that ended somehow."""

from dataclasses import dataclass
from typing import Any

from sql import models, models_contacts, store, users
from tests.api.conftest import HASH, Face

NOW = 1_800_000_000_000


@dataclass
class Field:
    """The face with a user `anna` and her things; `bea` is another user with a campaign of hers."""

    face: Face
    user_id: int
    group: int
    recording: int
    other_user: int
    other_campaign: int

    def done(self, method: str, **arguments: Any) -> Any:
        return self.face.done(method, "anna", **arguments)

    def refused(self, method: str, **arguments: Any) -> str:
        return self.face.refused(method, "anna", **arguments)

    def campaign(self, **fields: Any) -> int:
        return self.done("Campaign_Create", campaign={"contact_group_id": self.group, "message": self.recording, **fields})

    def ended(self, campaign_id: int, disposition: str, **columns: Any) -> int:
        """A settled call of the campaign's next contact that is due, with what it came to; the call's id."""
        with store.connection():
            row = models.CampaignContact.get(models.CampaignContact.campaign_id == campaign_id, models.CampaignContact.state == "due")
            call = call_of(row, self.user_id, state="settled", disposition=disposition, final=True, **ENDED, **columns)
            models.CampaignContact.update(state="done", disposition=disposition, attempts=1).where(
                models.CampaignContact.id == row.id
            ).execute()
            return call


ENDED = {
    "sending_at": NOW, "connected_at": NOW + 3000, "ended_at": NOW + 7001, "settled_at": NOW + 8000,
    "billable_seconds": 5, "sip_code": 200, "hangup_code": 16,
}  # fmt: skip


def call_of(row: models.CampaignContact, user_id: int, **columns: Any) -> int:
    fixed = {
        "trunk_id": 1,
        "node": "main",
        "attempt": 1,
        "leg": 1,
        "kind": "voice",
        "ring_timeout": 25,
        "max_duration": 60,
        "claimed_at": NOW,
    }
    return models.Call.create(
        campaign_id=row.campaign_id, user_id=user_id, campaign_contact_id=row.id, contact_id=row.contact_id, phone=row.phone,
        **fixed | columns,
    ).id  # fmt: skip


def lay_out(face: Face) -> Field:
    with store.connection():
        ids = {}
        for name in ("anna", "bea"):
            fields = {"username": name, "password_hash": HASH, "role": "user", "country": "DE", "timezone": "Europe/Berlin"}
            user = store.unit(users.create, fields, 1, NOW)
            group = models_contacts.ContactGroup.create(user=user, name=name, created_at=NOW).id
            recording = models.Recording.create(user=user, title=name, milliseconds=1000, created_at=NOW).id
            ids[name] = (user, group, recording)
        anna, bea = ids["anna"], ids["bea"]
        for n in range(3):
            models_contacts.Contact.create(contact_group=anna[1], phone=f"+4930123400{n}", zone="Europe/Berlin", created_at=NOW)
        other = models.Campaign.create(user=bea[0], contact_group=bea[1], recording=bea[2], name="hers", created_at=NOW).id
    return Field(face, *anna, other_user=bea[0], other_campaign=other)
