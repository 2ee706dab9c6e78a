"""Campaigns: made, moved from status to status, and reported. Claiming their contacts is `claims`' work."""

from collections.abc import Iterator
from dataclasses import dataclass

from peewee import fn

from sql import claims, contacts, settling
from sql.events import answered_by, iso, money
from sql.models import Call, Campaign, CampaignContact, Trunk
from sql.scope import within
from sql.states import CAMPAIGN_MOVES, STATUS_OF, CallState, CampaignFacts, CampaignStatus, ContactFacts, ContactState, Disposition, Status


class WrongState(Exception):
    """The campaign cannot be moved like that; the text says why."""


@dataclass(frozen=True)
class Counts:
    total: int
    done: int
    active: int


def create(user_id: int, group_id: int, fields: dict[str, object], now: int) -> int:
    """A new campaign's id, with every contact of the group in it."""
    campaign_id = Campaign.create(user=user_id, contact_group=group_id, created_at=now, **fields).id
    contacts.join_all(campaign_id, group_id, now)
    return campaign_id


def visible(campaign_id: int, scope: str) -> CampaignFacts | None:
    """This campaign, if it is there within `scope`."""
    row = Campaign.get_or_none(Campaign.id == campaign_id, Campaign.deleted_at.is_null(), within(Campaign.user, scope))
    return None if row is None else claims.campaign_facts(row)


def trunk_of(user_id: int, name_or_id: str) -> int | None:
    """The trunk of that id or name which the user may name in a campaign."""
    rows = Trunk.select(Trunk.id).where(Trunk.deleted_at.is_null(), Trunk.user.is_null() | (Trunk.user == user_id))
    which = Trunk.id == int(name_or_id) if name_or_id.isascii() and name_or_id.isdigit() else Trunk.name == name_or_id
    row = rows.where(which).order_by(Trunk.priority, Trunk.id).first()
    return row and row.id


def move(campaign_id: int, to: CampaignStatus, now: int) -> None:
    """Set the status by the usual transitions; where nothing has to change nothing does. WrongState."""
    here = CampaignStatus(Campaign.get_by_id(campaign_id).status)
    if here == CampaignStatus.ARCHIVED and to != here:
        raise WrongState("the campaign is archived; it can be neither started nor stopped")
    if here == to or (here == CampaignStatus.COMPLETED and to == CampaignStatus.STOPPED):
        return
    if here == CampaignStatus.COMPLETED and to == CampaignStatus.RUNNING and not settling.unfinished(campaign_id):
        return
    if to not in CAMPAIGN_MOVES[here]:
        raise WrongState(f"the campaign is {here}; it cannot become {to}")
    stamp = {CampaignStatus.RUNNING: "started_at", CampaignStatus.STOPPED: "stopped_at", CampaignStatus.COMPLETED: "completed_at"}.get(to)
    changes: dict[str, object] = {"status": to} | ({stamp: now} if stamp else {})
    if not Campaign.update(**changes).where(Campaign.id == campaign_id, Campaign.status == here).execute():
        raise WrongState("the campaign's status changed meanwhile; try again")


def counts(campaign_id: int) -> Counts:
    by_state = dict(
        CampaignContact.select(CampaignContact.state, fn.COUNT(CampaignContact.id))
        .where(CampaignContact.campaign_id == campaign_id)
        .group_by(CampaignContact.state)
        .tuples()
    )
    active = Call.select().where(Call.campaign_id == campaign_id, Call.state.in_(claims.OPEN)).count()
    return Counts(sum(by_state.values()), by_state.get(ContactState.DONE, 0), active)


def next_due(campaign_id: int) -> tuple[ContactFacts, str | None, int] | None:
    """The contact whose turn comes next, the gate it waits at, and when it is looked at (UTC ms)."""
    found = claims.candidates(campaign_id, 1 << 62, 1)
    if not found:
        return None
    row = CampaignContact.select(CampaignContact.gate, CampaignContact.next_at).where(CampaignContact.id == found[0].id).get()
    return found[0], row.gate, row.next_at


def totals(campaign_id: int) -> dict[str, int]:
    """Contacts by outward status, then by those finer dispositions that are no status; `total` last."""
    made: dict[str, int] = dict.fromkeys((*Status, *Disposition), 0)
    rows = (
        CampaignContact.select(CampaignContact.state, CampaignContact.disposition, fn.COUNT(CampaignContact.id))
        .where(CampaignContact.campaign_id == campaign_id)
        .group_by(CampaignContact.state, CampaignContact.disposition)
        .tuples()
    )
    total = 0
    for state, disposition, count in rows:
        total += count
        made[_status(state, disposition)] += count
        if state == ContactState.DONE and disposition not in set(Status):
            made[disposition] += count
    return made | {"total": total}


def _status(state: str, disposition: str | None) -> str:
    if state == ContactState.DONE and disposition:
        return STATUS_OF[Disposition(disposition)]
    return Status.DIALING if state == ContactState.BUSY else Status.PENDING


def contact_list(campaign_id: int, limit: int, cursor: int) -> Iterator[tuple[int, dict]]:
    """(cursor, `{contact_id, phone, status, disposition}`) of the contacts after `cursor`."""
    rows = (
        CampaignContact.select()
        .where(CampaignContact.campaign_id == campaign_id, CampaignContact.id > cursor)
        .order_by(CampaignContact.id)
        .limit(limit)
    )
    for row in rows:
        status = _status(row.state, row.disposition)
        yield row.id, {"contact_id": row.contact_id, "phone": row.phone, "status": status, "disposition": row.disposition}


def results(campaign_id: int, word: str | None, limit: int, cursor: int) -> list[dict]:
    """The settled calls after call id `cursor`; with `word` those of that status or disposition."""
    wanted = {d for d in Disposition if word in (None, d, STATUS_OF[d])}
    rows = (
        Call.select(Call, CampaignContact.do_not_call.alias("dnc"))
        .join(CampaignContact, on=(CampaignContact.id == Call.campaign_contact_id))
        .where(Call.campaign_id == campaign_id, Call.state == CallState.SETTLED, Call.id > cursor, Call.disposition.in_(wanted))
        .order_by(Call.id)
        .limit(limit)
        .objects()
    )
    return [
        {
            "call_id": row.id,
            "contact_id": row.contact_id,
            "phone": row.phone,
            "attempt": row.attempt,
            "status": STATUS_OF[Disposition(row.disposition)],
            "disposition": row.disposition,
            "sip_code": row.sip_code,
            "hangup_cause": row.hangup_code,
            "answered_by": answered_by(row.disposition),
            "response": None,
            "do_not_call": row.dnc,
            "started_at": iso(row.sending_at),
            "answered_at": iso(row.connected_at),
            "ended_at": iso(row.ended_at),
            "billable_seconds": row.billable_seconds,
            "amount": money(row.amount),
        }
        for row in rows
    ]
