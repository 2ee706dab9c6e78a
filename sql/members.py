"""Who is in a campaign: its group's contacts, put in slice by slice, and those who join it alone."""

import time
from dataclasses import dataclass

from peewee import IntegrityError, Value, fn

from sql import contacts, store
from sql.models import Campaign, CampaignContact
from sql.models_contacts import Contact, ContactGroup
from sql.row import db
from sql.scope import within
from sql.states import ContactState

SLICE_S = 0.02  # so long a slice holds the lock for writing; others get it in a pause half as long
PAUSES = 2
FIRST, SMALLEST, LARGEST = 500, 50, 10_000


@dataclass(frozen=True)
class Known:
    """A contact that is there. `zone` as in its row."""

    contact_id: int
    phone: str
    zone: str | None


@dataclass(frozen=True)
class Wish:
    """How a contact joins one campaign. Times in UTC ms; None: as it is, or as usual."""

    next_at: int | None = None
    expires_at: int | None = None
    remote_id: str | None = None
    remote_module: str | None = None
    do_not_call: bool = False


def fill(campaign_id: int) -> int:
    """Let the contacts of the campaign's group join, in slices; how many slices that took.

    Goes on where an earlier one was broken off; two at once do no harm.
    """
    size, done = FIRST, 0
    if Campaign.get_by_id(campaign_id).filled_to is None:  # the usual case, without the lock for writing
        return done
    while True:
        began = time.monotonic()
        if not store.unit(_slice, campaign_id, size, store.now()):
            return done
        done += 1
        took = time.monotonic() - began
        size = max(SMALLEST, min(LARGEST, int(size * SLICE_S / max(took, 0.001))))
        time.sleep(took / PAUSES)


def _slice(campaign_id: int, size: int, now: int) -> bool:
    """Let the next `size` contacts join; False if there is nothing left to do."""
    campaign = Campaign.get_by_id(campaign_id)
    first = campaign.filled_to
    if first is None or campaign.deleted_at is not None:
        return False
    here = (Contact.contact_group == campaign.contact_group_id, Contact.id > first)
    last = Contact.select(Contact.id).where(*here).order_by(Contact.id).limit(size).alias("slice")
    upto = Campaign.select(fn.MAX(last.c.id)).from_(last).scalar()
    won = (
        Campaign.update(filled_to=upto)
        .where(Campaign.id == campaign_id, Campaign.filled_to == first, Campaign.contact_group == campaign.contact_group_id)
        .execute()
    )
    if won and upto is not None:
        _join_between(campaign_id, campaign.contact_group_id, first, upto, now)
    return not won or upto is not None


def _join_between(campaign_id: int, group_id: int, first: int, upto: int, now: int) -> None:
    into = CampaignContact
    fixed = {
        into.campaign_id: campaign_id, into.round: 0, into.state: ContactState.DUE, into.next_at: now, into.joined_at: now,
        into.attempts: 0, into.legs: 0, into.do_not_call: False,
    }  # fmt: skip
    there = into.alias()
    rows = Contact.select(Contact.id, Contact.phone, Contact.zone, *(Value(value) for value in fixed.values())).where(
        Contact.contact_group == group_id,
        Contact.id > first,
        Contact.id <= upto,
        Contact.deleted_at.is_null(),
        ~fn.EXISTS(there.select(there.id).where(there.campaign_id == campaign_id, there.phone == Contact.phone)),
    )
    into.insert_from(rows.order_by(Contact.id), [into.contact_id, into.phone, into.zone, *fixed]).execute()


def leave(campaign_id: int, group_id: int) -> None:
    """Let those of the group who were not dialled leave the campaign, in slices."""
    after: int | None = 0
    while after is not None:
        began = time.monotonic()
        after = store.unit(_leave_slice, campaign_id, group_id, after)
        time.sleep(time.monotonic() - began)


def _leave_slice(campaign_id: int, group_id: int, after: int) -> int | None:
    """Of the next rows after that id, those go; the last row's id, None if there was none."""
    rows = list(
        CampaignContact.select(CampaignContact.id, CampaignContact.state, CampaignContact.attempts, Contact.contact_group.alias("group_id"))
        .join(Contact, on=(Contact.id == CampaignContact.contact_id))
        .where(CampaignContact.campaign_id == campaign_id, CampaignContact.id > after)
        .order_by(CampaignContact.id)
        .limit(FIRST)
        .objects()
    )
    going = [row.id for row in rows if row.group_id == group_id and row.state == ContactState.DUE and not row.attempts]
    CampaignContact.delete().where(CampaignContact.id.in_(going), CampaignContact.state == ContactState.DUE).execute()
    return rows[-1].id if rows else None


def known(contact_id: int, scope: str) -> Known | None:
    """This contact, if it is there within `scope`."""
    row = (
        Contact.select(Contact.id, Contact.phone, Contact.zone)
        .join(ContactGroup, on=(ContactGroup.id == Contact.contact_group))
        .where(Contact.id == contact_id, Contact.deleted_at.is_null(), ContactGroup.deleted_at.is_null(), within(ContactGroup.user, scope))
        .first()
    )
    return row and Known(row.id, row.phone, row.zone)


def person(campaign_id: int, owner: int, new: contacts.NewContact, now: int) -> Known:
    """The contact with that number: the one already in this campaign, or the one in the campaign's own group, made if need be.

    The other columns given are written to it. It joins no campaign by this.
    """
    already = (
        Contact.select(Contact.id)
        .join(CampaignContact, on=(CampaignContact.contact_id == Contact.id))
        .where(CampaignContact.campaign_id == campaign_id, CampaignContact.phone == new.phone, Contact.deleted_at.is_null())
        .order_by(CampaignContact.round.desc())
        .scalar()
    )
    contact_id = already or _in_group(own_group(campaign_id, owner, now), new, now)
    if new.fields:
        Contact.update(**new.fields).where(Contact.id == contact_id).execute()
    return Known(contact_id, new.phone, new.zone)


def own_group(campaign_id: int, owner: int, now: int) -> int:
    """The group of those who are in this campaign alone, made if it is not there."""
    there = ContactGroup.select(ContactGroup.id).where(ContactGroup.campaign_id == campaign_id, ContactGroup.deleted_at.is_null())
    found = there.order_by(ContactGroup.id).limit(1).scalar()
    return found or ContactGroup.create(user=owner, name=f"campaign {campaign_id}", campaign_id=campaign_id, created_at=now).id


def _in_group(group_id: int, new: contacts.NewContact, now: int) -> int:
    there = Contact.select(Contact.id).where(Contact.contact_group == group_id, Contact.phone == new.phone, Contact.deleted_at.is_null())
    found = there.scalar()
    if found is not None:
        return found
    try:
        with db.atomic():
            return Contact.insert(contact_group=group_id, phone=new.phone, zone=new.zone, created_at=now).execute()
    except IntegrityError:  # somebody else put it there meanwhile
        return there.scalar()


def join(campaign_id: int, contact: Known, wish: Wish, now: int) -> int:
    """Let a contact join this campaign alone; the contact's id in it.

    A number that is pending there is updated. One that is done is asked for once more: a new row, so that what was done stays so. The mark
    do-not-call, once set, stays.
    """
    asked: dict[str, object] = {
        name: value for name in ("expires_at", "remote_id", "remote_module") if (value := getattr(wish, name)) is not None
    }
    asked |= {"next_at": wish.next_at, "gate": "schedule"} if wish.next_at is not None and wish.next_at > now else {}
    for last in (False, True):
        row = _latest(campaign_id, contact.phone)
        if row is not None and row.state != ContactState.DONE:
            _ask(row, asked | ({"do_not_call": True} if wish.do_not_call else {}))
            return row.contact_id
        new = {
            "campaign_id": campaign_id, "contact_id": contact.contact_id, "phone": contact.phone, "zone": contact.zone,
            "round": 0 if row is None else row.round + 1, "next_at": now, "joined_at": now,
            "do_not_call": wish.do_not_call or (row is not None and row.do_not_call),
        }  # fmt: skip
        try:
            with db.atomic():
                CampaignContact.insert(new | asked).execute()
            return contact.contact_id
        except IntegrityError:  # the same number joined meanwhile: it is pending now
            if last:
                raise
    raise AssertionError("unreachable")


def _latest(campaign_id: int, phone: str) -> CampaignContact | None:
    rows = CampaignContact.select().where(CampaignContact.campaign_id == campaign_id, CampaignContact.phone == phone)
    return rows.order_by(CampaignContact.round.desc()).first()


def _ask(row: CampaignContact, asked: dict[str, object]) -> None:
    """Write what was asked; a time only where the contact still waits for its first turn or its next."""
    timed = {name: asked.pop(name) for name in ("next_at", "gate") if name in asked}
    if asked:
        CampaignContact.update(**asked).where(CampaignContact.id == row.id).execute()
    if timed:
        CampaignContact.update(**timed).where(CampaignContact.id == row.id, CampaignContact.state == ContactState.DUE).execute()
