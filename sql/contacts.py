"""Contact groups and contacts: one number stands once in a group, and who joins a group joins its campaigns."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from peewee import Value

from sql.models import Campaign, CampaignContact
from sql.models_contacts import Contact, ContactGroup
from sql.scope import within
from sql.states import CampaignStatus, ContactState

DEFAULT_GROUP = "API"


@dataclass(frozen=True)
class NewContact:
    """A person to be put into a group. `fields` are the other columns of the table."""

    phone: str
    zone: str | None
    fields: dict[str, str] = field(default_factory=dict)


def create_group(user_id: int, name: str, description: str | None, now: int) -> int:
    return ContactGroup.create(user=user_id, name=name, description=description, created_at=now).id


def default_group(user_id: int, now: int) -> int:
    """The user's group `API`, made if it is not there."""
    row = ContactGroup.get_or_none(ContactGroup.user == user_id, ContactGroup.name == DEFAULT_GROUP, ContactGroup.deleted_at.is_null())
    return row.id if row is not None else create_group(user_id, DEFAULT_GROUP, None, now)


def group_owner(group_id: int, scope: str) -> int | None:
    """Whose group this is, if it is there within `scope`."""
    row = ContactGroup.get_or_none(ContactGroup.id == group_id, ContactGroup.deleted_at.is_null(), within(ContactGroup.user, scope))
    return row and row.user_id


def put(group_id: int, news: Sequence[NewContact], now: int) -> list[tuple[int, bool]]:
    """Put these into the group and its campaigns: for each (contact id, whether it is new). A known number is updated."""
    known = {
        row.phone: row for row in Contact.select().where(Contact.contact_group == group_id, Contact.phone.in_([new.phone for new in news]))
    }
    done: dict[str, tuple[int, bool]] = {}
    joining: list[tuple[int, NewContact]] = []
    for new in news:
        old = known.get(new.phone)
        if new.phone in done or old is not None:
            contact_id = done[new.phone][0] if old is None else old.id
            Contact.update(zone=new.zone, deleted_at=None, **new.fields).where(Contact.id == contact_id).execute()
            done.setdefault(new.phone, (contact_id, False))
            if old is not None and old.deleted_at is not None:
                joining.append((contact_id, new))
            continue
        contact_id = Contact.insert(contact_group=group_id, phone=new.phone, zone=new.zone, created_at=now, **new.fields).execute()
        done[new.phone] = (contact_id, True)
        joining.append((contact_id, new))
    for campaign in Campaign.select(Campaign.id).where(
        Campaign.contact_group == group_id, Campaign.status != CampaignStatus.ARCHIVED, Campaign.deleted_at.is_null()
    ):
        _join(campaign.id, joining, now)
    return [done[new.phone] for new in news]


def _join(campaign_id: int, joining: Sequence[tuple[int, NewContact]], now: int) -> None:
    there = CampaignContact.select(CampaignContact.phone).where(
        CampaignContact.campaign_id == campaign_id, CampaignContact.phone.in_([new.phone for _, new in joining])
    )
    phones = {row.phone for row in there}
    rows = [
        {"campaign_id": campaign_id, "contact_id": contact_id, "phone": new.phone, "zone": new.zone, "next_at": now}
        for contact_id, new in joining
        if new.phone not in phones
    ]
    if rows:
        CampaignContact.insert_many(rows).execute()


def join_all(campaign_id: int, group_id: int, now: int) -> None:
    """Put every contact of the group into a new campaign."""
    into = CampaignContact
    fixed = {
        into.campaign_id: campaign_id,
        into.state: ContactState.DUE,
        into.next_at: now,
        into.attempts: 0,
        into.legs: 0,
        into.do_not_call: False,
    }
    rows = Contact.select(Contact.id, Contact.phone, Contact.zone, *(Value(value) for value in fixed.values())).where(
        Contact.contact_group == group_id, Contact.deleted_at.is_null()
    )
    CampaignContact.insert_from(rows, [into.contact_id, into.phone, into.zone, *fixed]).execute()
