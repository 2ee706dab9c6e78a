"""Contact groups as their owners see them: found, listed, changed, and deleted in short transactions."""

from dataclasses import dataclass
from typing import Any

from peewee import JOIN, fn

from sql import contacts
from sql.models import Campaign
from sql.models_contacts import Contact, ContactGroup, Import
from sql.row import holds
from sql.scope import within
from sql.states import CampaignStatus

SLICE = 300  # contacts that are ended in one transaction

BEAT_MS = 60_000  # an import that gave no sign of life for so long may be lost


class InUse(Exception):
    """A campaign or an import needs this; the text says which."""


@dataclass(frozen=True)
class Group:
    """A group and how many contacts are in it. Times in UTC ms."""

    id: int
    user_id: int
    name: str
    description: str | None
    campaign_id: int | None
    created_at: int
    contacts: int


def get(group_id: int, scope: str) -> Group | None:
    """This group, if it is there within `scope`."""
    found = _groups(ContactGroup.id == group_id, within(ContactGroup.user, scope))
    return found[0] if found else None


def listed(scope: str, name: str | None, limit: int, cursor: int) -> list[Group]:
    """The groups after id `cursor` whose name contains `name`."""
    rows = ContactGroup.select(ContactGroup.id).where(
        ContactGroup.deleted_at.is_null(), ContactGroup.id > cursor, within(ContactGroup.user, scope)
    )
    rows = rows if name is None else rows.where(holds(ContactGroup.name, name))
    return _groups(ContactGroup.id.in_([row.id for row in rows.order_by(ContactGroup.id).limit(limit)]))


def _groups(*where: Any) -> list[Group]:
    there = (Contact.contact_group == ContactGroup.id) & (Contact.gone == 0)
    rows = (
        ContactGroup.select(ContactGroup, fn.COUNT(Contact.id).alias("contacts"))
        .join(Contact, JOIN.LEFT_OUTER, on=there)
        .where(ContactGroup.deleted_at.is_null(), *where)
        .group_by(ContactGroup.id)
        .order_by(ContactGroup.id)
        .objects()
    )
    return [Group(**{name: getattr(row, name) for name in Group.__dataclass_fields__}) for row in rows]


def change(group_id: int, columns: dict[str, str]) -> None:
    if columns:
        ContactGroup.update(**columns).where(ContactGroup.id == group_id, ContactGroup.deleted_at.is_null()).execute()


def delete(group_id: int, now: int) -> bool:
    """End a slice of the group's contacts; once there are none left, the group itself, and True. InUse."""
    its_own = ContactGroup.select(ContactGroup.campaign_id).where(ContactGroup.id == group_id, ContactGroup.campaign_id.is_null(False))
    user = Campaign.select(Campaign.id, Campaign.name).where(
        (Campaign.contact_group == group_id) | Campaign.id.in_(its_own),
        Campaign.status != CampaignStatus.ARCHIVED,
        Campaign.deleted_at.is_null(),
    )
    using = user.order_by(Campaign.id).first()
    if using is not None:
        raise InUse(f"campaign {using.id} ({using.name}) uses it; archive that campaign first")
    running = Import.select(Import.id).where(Import.contact_group == group_id, Import.state == "running", Import.beat_at > now - BEAT_MS)
    if running.exists():
        raise InUse(f"import {running.limit(1).scalar()} is being read into it; try again when that is done")
    here = Contact.select(Contact.id).where(Contact.contact_group == group_id, Contact.gone == 0).order_by(Contact.id).limit(SLICE)
    ids = [row.id for row in here]
    contacts.delete(ids, now)
    if ids:
        return False
    ContactGroup.update(deleted_at=now).where(ContactGroup.id == group_id, ContactGroup.deleted_at.is_null()).execute()
    return True
