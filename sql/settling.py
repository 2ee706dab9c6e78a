"""The one transaction that ends a call: its decision, the contact's next state, the campaign's, and the pushes.

What the decision is comes from the engine's rules; here it is only written, guarded by the state the call was in.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from peewee import fn

from sql import events
from sql.calls import GRACE_MS
from sql.models import Call, Campaign, CampaignContact, Trunk
from sql.models_contacts import Contact
from sql.response import response
from sql.states import CallFacts, CallState, CampaignStatus, ContactState


@dataclass(frozen=True)
class Ended:
    """A call that is ready to be settled, with what the rules need beside its facts."""

    call_id: int
    campaign_id: int
    campaign_contact_id: int
    trunk_id: int
    phone: str
    attempt: int
    leg: int
    max_attempts: int
    tried: tuple[int, ...]
    response: str | None
    facts: CallFacts


@dataclass(frozen=True)
class Decision:
    """What a call came to. Times in UTC ms; `next_at` None: nothing more will follow for this contact.

    `other_trunk`: the same attempt goes on over another trunk. `trunk_down_until`: this trunk rests until then.
    """

    disposition: str
    sip_code: int | None
    hangup_code: int | None
    connected_at: int | None
    ended_at: int
    billable_seconds: int
    next_at: int | None = None
    other_trunk: bool = False
    trunk_down_until: int | None = None
    reason: str | None = None


def to_settle(now: int, limit: int) -> list[Ended]:
    """Calls whose witnesses have all spoken, or whose grace is over; longest waiting first."""
    rows = (
        Call.select(Call, Campaign.max_attempts.alias("most"), CampaignContact.tried.alias("tried"))
        .join(Campaign, on=(Campaign.id == Call.campaign_id))
        .switch(Call)
        .join(CampaignContact, on=(CampaignContact.id == Call.campaign_contact_id))
        # No grace is longer: what is to be settled later than that is of a clock that was set back since.
        .where(Call.state == CallState.SENDING, (Call.settle_at <= now) | (Call.settle_at > now + 2 * GRACE_MS))
        .order_by(Call.settle_at, Call.id)
        .limit(limit)
        .objects()
    )
    return [
        Ended(
            call_id=row.id,
            campaign_id=row.campaign_id,
            campaign_contact_id=row.campaign_contact_id,
            trunk_id=row.trunk_id,
            phone=row.phone,
            attempt=row.attempt,
            leg=row.leg,
            max_attempts=row.most,
            tried=tuple(int(part) for part in (row.tried or "").split(",") if part),
            response=response(row.extension_key, row.pressed, row.extension_id, row.bridge_outcome, row.bridged_at, row.bridge_ended_at),
            facts=CallFacts(**{name: getattr(row, name) for name in CallFacts.__dataclass_fields__}),
        )
        for row in rows
    ]


def settle(ended: Ended, decision: Decision, now: int) -> bool:
    """Write the decision; False if somebody else settled this call first."""
    final = decision.next_at is None or _deleted(ended.campaign_contact_id)
    won = (
        Call.update(
            state=CallState.SETTLED,
            settle_at=None,
            settled_at=now,
            disposition=decision.disposition,
            sip_code=decision.sip_code,
            hangup_code=decision.hangup_code,
            connected_at=decision.connected_at,
            ended_at=decision.ended_at,
            billable_seconds=decision.billable_seconds,
            response=ended.response,
            final=final,
        )
        .where(Call.id == ended.call_id, Call.state == CallState.SENDING)
        .execute()
    )
    if not won:
        return False
    tried = ",".join(map(str, (*ended.tried, ended.trunk_id))) if decision.other_trunk else None
    CampaignContact.update(
        state=ContactState.DONE if final else ContactState.DUE,
        next_at=now if final else decision.next_at,
        gate=None if final or decision.other_trunk else "redial",
        attempts=ended.attempt,
        legs=ended.leg if decision.other_trunk else 0,
        tried=tried,
        disposition=decision.disposition,
        reason=decision.reason,
        done_at=now if final else None,
    ).where(CampaignContact.id == ended.campaign_contact_id, CampaignContact.state == ContactState.BUSY).execute()
    if decision.trunk_down_until:
        Trunk.update(down_until=decision.trunk_down_until, down_why=decision.reason).where(Trunk.id == ended.trunk_id).execute()
    events.call_completed(ended.call_id, now)
    return True


def _deleted(campaign_contact_id: int) -> bool:
    """Whether the contact was deleted while it was called: then no attempt follows."""
    rows = Contact.select(Contact.id).join(CampaignContact, on=(CampaignContact.contact_id == Contact.id))
    return rows.where(CampaignContact.id == campaign_contact_id, Contact.deleted_at.is_null(False)).exists()


def refuse(contact_id: int, disposition: str, reason: str, now: int) -> None:
    """End a due contact that is never dialled, with the reason."""
    CampaignContact.update(state=ContactState.DONE, disposition=disposition, reason=reason[:200], gate=None, done_at=now).where(
        CampaignContact.id == contact_id, CampaignContact.state == ContactState.DUE
    ).execute()


def complete_campaigns(campaign_ids: Iterable[int], now: int) -> list[int]:
    """Complete those running campaigns in which nobody is due and no call is open; permanent ones never complete."""
    unfinished = CampaignContact.select(CampaignContact.id).where(
        CampaignContact.campaign_id == Campaign.id, CampaignContact.state.in_((ContactState.DUE, ContactState.BUSY))
    )
    done = []
    for campaign_id in sorted(set(campaign_ids)):
        changed = (
            Campaign.update(status=CampaignStatus.COMPLETED, completed_at=now)
            .where(
                Campaign.id == campaign_id,
                Campaign.status == CampaignStatus.RUNNING,
                Campaign.mode == "standard",
                ~fn.EXISTS(unfinished),
            )
            .execute()
        )
        done += [campaign_id] * changed
    return done


def unfinished(campaign_id: int) -> bool:
    """Whether somebody is still due or busy in this campaign."""
    return (
        CampaignContact.select(CampaignContact.id)
        .where(CampaignContact.campaign_id == campaign_id, CampaignContact.state.in_((ContactState.DUE, ContactState.BUSY)))
        .limit(1)
        .exists()
    )
