"""Contacts put into groups, let into campaigns, changed and deleted. One number stands once in a group, and who joins a group joins its
campaigns. Finding them is `people`'s work, groups themselves are `groups`'.
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from peewee import IntegrityError, Value, fn

from sql.models import Campaign, CampaignContact
from sql.models_contacts import Contact, ContactGroup
from sql.row import db
from sql.scope import within
from sql.states import CampaignStatus, ContactState, Disposition

DEFAULT_GROUP = "API"
DELETED = "the contact was deleted"
FIELDS = ("first_name", "last_name", "email", "address", "country", "custom1", "custom2", "custom3", "description")
COLUMNS = ("contact_group_id", "created_at", "gone", "import_id", "phone", "zone", *FIELDS)


class NumberThere(Exception):
    """Another contact of the group has that number; the text says which."""


@dataclass(frozen=True)
class NewContact:
    """A person to be put into a group. `fields` are the other columns of the table."""

    phone: str
    zone: str | None
    fields: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Written:
    """What became of many: the numbers that are new, how many were already in the group, how many the import had brought before."""

    new: frozenset[str]
    updated: int
    duplicates: int


def create_group(user_id: int, name: str, description: str | None, now: int) -> int:
    return ContactGroup.create(user=user_id, name=name, description=description, created_at=now).id


def default_group(user_id: int, now: int) -> int:
    """The user's group `API`, made if it is not there."""
    rows = ContactGroup.select(ContactGroup.id).where(
        ContactGroup.user == user_id, ContactGroup.name == DEFAULT_GROUP, ContactGroup.deleted_at.is_null()
    )
    return rows.order_by(ContactGroup.id).limit(1).scalar() or create_group(user_id, DEFAULT_GROUP, None, now)


def group_owner(group_id: int, scope: str) -> int | None:
    """Whose group this is, if it is there within `scope`."""
    row = ContactGroup.get_or_none(ContactGroup.id == group_id, ContactGroup.deleted_at.is_null(), within(ContactGroup.user, scope))
    return row and row.user_id


def put(group_id: int, news: Sequence[NewContact], now: int) -> list[tuple[int, bool]]:
    """Put these into the group and its campaigns: for each (contact id, whether it is new). A known number is updated."""
    written = write(group_id, news, now)
    phones = [new.phone for new in news]
    join_campaigns(group_id, phones, now)
    ids = dict(Contact.select(Contact.phone, Contact.id).where(*_there(group_id, phones)).tuples())
    return [(ids[new.phone], new.phone in written.new) for new in news]


def write(group_id: int, news: Sequence[NewContact], now: int, import_id: int | None = None) -> Written:
    """Put these into the group alone. A known number is updated, unless the same import brought it before."""
    return _again_if_taken(_write, group_id, news, now, import_id)


def join_campaigns(group_id: int, phones: Collection[str], now: int) -> None:
    """Let the group's contacts with these numbers join every campaign of the group that is not archived."""
    campaigns = Campaign.select(Campaign.id).where(
        Campaign.contact_group == group_id, Campaign.status != CampaignStatus.ARCHIVED, Campaign.deleted_at.is_null()
    )
    for campaign in campaigns.order_by(Campaign.id):
        join(campaign.id, group_id, phones, now)


def join(campaign_id: int, group_id: int, phones: Collection[str], now: int) -> int:
    """Let the group's contacts with these numbers join this campaign; how many did.

    A number that is in it already joins only if that was a contact since deleted, and is done.
    """
    return _again_if_taken(_join, campaign_id, group_id, phones, now)


def change(contact_id: int, columns: dict[str, str | None], now: int) -> None:
    """Change columns of a contact; a new `phone` (with `zone`) holds for all that is still to be dialled. NumberThere."""
    old = Contact.get_by_id(contact_id)
    try:
        with db.atomic():
            Contact.update(**columns).where(Contact.id == contact_id, Contact.gone == 0).execute()
    except IntegrityError:
        other = Contact.select(Contact.id).where(*_there(old.contact_group_id, [columns["phone"]])).scalar()
        raise NumberThere(f"contact {other} of the same group has that number; delete one of them") from None
    if columns.get("phone", old.phone) == old.phone:
        return
    for row in CampaignContact.select(CampaignContact.id).where(*_due(contact_id)):
        mine = (CampaignContact.id == row.id, CampaignContact.state == ContactState.DUE)
        try:
            with db.atomic():
                CampaignContact.update(phone=columns["phone"], zone=columns["zone"], gate=None).where(*mine).execute()
        except IntegrityError:
            end = {"disposition": Disposition.CANCELED, "reason": "its new number is in the campaign already", "done_at": now}
            CampaignContact.update(state=ContactState.DONE, gate=None, **end).where(*mine).execute()


def delete(contact_ids: Collection[int], now: int) -> int:
    """Let nobody find these contacts, and nobody dial them: attempts in progress finish, none follows. How many there were."""
    gone = Contact.update(deleted_at=now, gone=Contact.id).where(Contact.id.in_(contact_ids), Contact.gone == 0).execute()
    CampaignContact.update(state=ContactState.DONE, gate=None, disposition=Disposition.CANCELED, reason=DELETED, done_at=now).where(
        CampaignContact.contact_id.in_(contact_ids), CampaignContact.state == ContactState.DUE
    ).execute()
    return gone


def _due(contact_id: int) -> tuple[Any, ...]:
    return CampaignContact.contact_id == contact_id, CampaignContact.state == ContactState.DUE


def _there(group_id: int, phones: Collection[Any]) -> tuple[Any, ...]:
    return Contact.contact_group == group_id, Contact.phone.in_(phones), Contact.gone == 0


def _again_if_taken(work: Callable[..., Any], *args: Any) -> Any:
    """A number that somebody else put there in the same moment is known when the work is done again."""
    try:
        with db.atomic():
            return work(*args)
    except IntegrityError:
        return work(*args)


def _write(group_id: int, news: Sequence[NewContact], now: int, import_id: int | None) -> Written:
    if not news:
        return Written(frozenset(), 0, 0)
    phones = [new.phone for new in news]
    rows = db.execute_sql(_known_text(len(phones), db.param), [group_id, *phones]).fetchall()
    known = {phone: (contact_id, brought_by) for phone, contact_id, brought_by in rows}
    fresh: dict[str, NewContact] = {}
    updated: dict[str, NewContact] = {}
    for new in news:
        if new.phone not in known:
            fresh.setdefault(new.phone, new)
        elif import_id is None or known[new.phone][1] != import_id:
            updated.setdefault(new.phone, new)
    if fresh:
        fixed = (group_id, now, 0, import_id)
        values = [value for new in fresh.values() for value in (*fixed, new.phone, new.zone, *map(new.fields.get, FIELDS))]
        db.execute_sql(_insert_text(len(fresh), db.param), values)
    for new in updated.values():
        values = [new.zone, import_id, *new.fields.values(), known[new.phone][0]]
        db.execute_sql(_update_text(tuple(new.fields), db.param), values)
    return Written(frozenset(fresh), len(updated), len(news) - len(fresh) - len(updated))


# text that is made once: a million contacts would otherwise be a million times the same query built
@lru_cache
def _known_text(phones: int, mark: str) -> str:
    some = ", ".join([mark] * phones)
    return f"SELECT phone, id, import_id FROM contact WHERE contact_group_id = {mark} AND gone = 0 AND phone IN ({some})"


@lru_cache
def _insert_text(rows: int, mark: str) -> str:
    one = f"({', '.join([mark] * len(COLUMNS))})"
    return f"INSERT INTO contact ({', '.join(COLUMNS)}) VALUES {', '.join([one] * rows)}"


@lru_cache
def _update_text(names: tuple[str, ...], mark: str) -> str:
    return f"UPDATE contact SET {', '.join(f'{name} = {mark}' for name in ('zone', 'import_id', *names))} WHERE id = {mark}"


def _join(campaign_id: int, group_id: int, phones: Collection[str], now: int) -> int:
    into, there, before, person = CampaignContact, CampaignContact.alias(), CampaignContact.alias(), Contact.alias()
    same = (there.campaign_id == campaign_id, there.phone == Contact.phone)
    in_it = there.select(there.id).join(person, on=(person.id == there.contact_id))
    in_it = in_it.where(*same, (person.gone == 0) | (there.state != ContactState.DONE))
    earlier = (before.campaign_id == campaign_id, before.phone == Contact.phone)
    rounds = before.select(fn.COALESCE(fn.MAX(before.round) + 1, 0)).where(*earlier)
    marked = before.select(fn.COALESCE(fn.MAX(before.do_not_call), False)).where(*earlier)  # once set, it stays
    fixed = {
        into.campaign_id: campaign_id, into.state: ContactState.DUE, into.next_at: now, into.joined_at: now,
        into.attempts: 0, into.legs: 0,
    }  # fmt: skip
    rows = Contact.select(Contact.id, Contact.phone, Contact.zone, rounds, marked, *(Value(value) for value in fixed.values()))
    rows = rows.where(*_there(group_id, phones), ~fn.EXISTS(in_it)).order_by(Contact.id)
    columns = [into.contact_id, into.phone, into.zone, into.round, into.do_not_call, *fixed]
    return into.insert_from(rows, columns).as_rowcount().execute()
