"""Contacts as their owners see them: found, listed, and what happened to one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sql.models import Call, Campaign, CampaignContact
from sql.models_contacts import Contact, ContactGroup
from sql.models_push import Push, PushTry
from sql.row import fetched, holds
from sql.scope import bounds, within
from sql.states import CallState, DeliveryState

MOST_EVENTS = 10_000


@dataclass(frozen=True)
class Person:
    """A contact's columns. Times in UTC ms; `zone` is comma separated time zones."""

    id: int
    contact_group_id: int
    phone: str
    first_name: str | None
    last_name: str | None
    email: str | None
    address: str | None
    country: str | None
    custom1: str | None
    custom2: str | None
    custom3: str | None
    description: str | None
    zone: str | None
    created_at: int


ONE = f"""SELECT {", ".join(f"c.{name}" for name in Person.__dataclass_fields__)} FROM contact c
JOIN contact_group g ON g.id = c.contact_group_id JOIN user u ON u.id = g.user_id
WHERE c.id = ? AND c.gone = 0 AND g.deleted_at IS NULL AND u.path >= ? AND u.path < ?"""


@dataclass(frozen=True)
class Event:
    """Something that happened to a contact: when, which word, the call and campaign it belongs to, and in a sentence what."""

    at: int
    what: str
    text: str
    campaign_id: int | None = None
    call_id: int | None = None


def get(contact_id: int, scope: str) -> Person | None:
    """This contact, if it is there within `scope`."""
    rows = fetched(ONE, contact_id, *bounds(scope))
    return Person(*rows[0]) if rows else None


def listed(scope: str, equal: Mapping[str, int], containing: Mapping[str, str], limit: int, cursor: int) -> list[Person]:
    """The contacts after id `cursor` whose columns are `equal`, or contain that text, whatever the case."""
    rows = _within(scope).where(Contact.id > cursor)
    for column, value in equal.items():
        rows = rows.where(getattr(Contact, column) == value)
    for column, text in containing.items():
        rows = rows.where(holds(getattr(Contact, column), text))
    return [_person(row) for row in rows.order_by(Contact.id).limit(limit)]


def _within(scope: str) -> Any:
    return (
        Contact.select()
        .join(ContactGroup, on=(ContactGroup.id == Contact.contact_group))
        .where(Contact.gone == 0, ContactGroup.deleted_at.is_null(), within(ContactGroup.user, scope))
    )


def _person(row: Contact) -> Person:
    return Person(**{name: getattr(row, name) for name in Person.__dataclass_fields__})


def timeline(contact_id: int, scope: str) -> list[Event]:
    """All that the store knows of this contact within `scope`, in order: another account's campaign may have it too."""
    contact = Contact.get_by_id(contact_id)
    brought = f", by import {contact.import_id}" if contact.import_id else ""
    made = [Event(contact.created_at, "created", f"put into contact group {contact.contact_group_id}{brought}")]
    events = [*made, *_memberships(contact_id, scope), *_calls(contact_id, scope), *_pushes(contact_id, scope)]
    return sorted(events, key=lambda event: event.at)[:MOST_EVENTS]


def _memberships(contact_id: int, scope: str) -> Iterator[Event]:
    rows = (
        CampaignContact.select(CampaignContact, Campaign.name.alias("campaign"))
        .join(Campaign, on=(Campaign.id == CampaignContact.campaign_id))
        .where(CampaignContact.contact_id == contact_id, within(Campaign.user, scope))
        .order_by(CampaignContact.id)
        .objects()
    )
    for row in rows:
        if row.joined_at is not None:
            yield Event(row.joined_at, "joined", f"joined campaign {row.campaign_id} ({row.campaign})", row.campaign_id)
        if row.done_at is not None:
            why = f": {row.reason}" if row.reason else ""
            yield Event(row.done_at, "done", f"done in campaign {row.campaign_id} as {row.disposition}{why}", row.campaign_id)


def _calls(contact_id: int, scope: str) -> Iterator[Event]:
    for call in Call.select().where(Call.contact_id == contact_id, within(Call.user_id, scope)).order_by(Call.id):
        for at, what, text in _stages(call):
            if at is not None:
                yield Event(at, what, text, call.campaign_id, call.id)


def _stages(call: Call) -> Iterator[tuple[int | None, str, str]]:
    yield call.claimed_at, "claimed", f"attempt {call.attempt or 'none'}, over trunk {call.trunk_id}, was prepared"
    if call.state == CallState.VOID:
        return
    yield call.sending_at, "dialled", f"{call.phone} was dialled"
    yield call.connected_at or call.answered_at, "answered", "the call was answered"
    heard = "to its end" if call.heard_complete else f"for {(call.heard_ms or 0) / 1000:.1f} s"
    yield call.heard_at, "heard", f"the message was played {heard}"
    yield call.pressed_at, "pressed", f"key {call.pressed} was pressed"
    yield call.bridged_at, "connected", f"extension {call.extension_id} answered"
    yield call.bridge_ended_at, "disconnected", f"the conversation with extension {call.extension_id} ended: {call.bridge_outcome}"
    codes = ", ".join(f"{name} {code}" for name, code in (("SIP", call.sip_code), ("cause", call.hangup_code)) if code is not None)
    yield call.ended_at, "ended", f"{call.disposition}{f' ({codes})' if codes else ''}"
    yield call.settled_at, "settled", "the result was decided" + (", nothing more follows" if call.final else ", it is tried again")


def _pushes(contact_id: int, scope: str) -> Iterator[Event]:
    told = Push.select(Push, Call.campaign_id.alias("campaign_id")).join(Call, on=(Call.id == Push.call_id))
    pushes = {row.id: row for row in told.where(Call.contact_id == contact_id, within(Call.user_id, scope)).order_by(Push.id).objects()}
    for row in PushTry.select().where(PushTry.push_id.in_(list(pushes))).order_by(PushTry.id):
        push = pushes[row.push_id]
        said = f"answered {row.status}" if row.status is not None else f"failed: {row.error}"
        yield Event(row.at, "pushed", f"{push.event} to endpoint {push.endpoint_id} {said}", push.campaign_id, push.call_id)
    for push in pushes.values():
        if push.state == DeliveryState.DEAD and push.done_at is not None:
            text = f"{push.event} to endpoint {push.endpoint_id} was given up: {push.reason}"
            yield Event(push.done_at, "push-dead", text, push.campaign_id, push.call_id)
