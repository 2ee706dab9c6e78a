"""From a due contact to a call that may be sent: what the dialer sees, the claim, the `sending` mark, and the way back.

A claim is a compare-and-set whose row count is believed; taking a call is at the same time taking the caps, because caps are
counted from the call rows.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sql import halts, store, turns
from sql.contacts import DELETED
from sql.models import Call, Campaign, CampaignContact, Trunk, TrunkLoaded
from sql.models_accounts import User
from sql.models_contacts import Contact
from sql.states import CallState, CampaignFacts, CampaignStatus, ContactFacts, ContactState, Disposition, TrunkFacts

OPEN = (CallState.CLAIMED, CallState.SENDING)
AHEAD_MS = 1050  # another machine's clock may be that far ahead; what is further ahead is of a clock that was set back since
AT_ONCE = 1000
NO_TURNS: Mapping[str, int] = MappingProxyType({})


class LostClaim(Exception):
    """Somebody else changed one of these contacts first; nothing of the batch was taken."""


@dataclass(frozen=True)
class Pick:
    """A contact that may be called now, over which trunk, and until when its window allows the INVITE (UTC ms)."""

    contact: ContactFacts
    trunk_id: int
    caller_id: str | None
    not_after: int | None


@dataclass(frozen=True)
class Claimed:
    """A call that was taken: its row exists, nothing has gone out."""

    call_id: int
    phone: str
    trunk_id: int
    caller_id: str | None
    kind: str
    ring_timeout: int
    max_duration: int
    not_after: int | None


def running() -> list[CampaignFacts]:
    return _campaigns((Campaign.status == CampaignStatus.RUNNING) & Campaign.deleted_at.is_null())


def campaigns(ids: Collection[int]) -> dict[int, CampaignFacts]:
    """These campaigns by id, whatever their status."""
    return {campaign.id: campaign for campaign in _campaigns(Campaign.id.in_(list(ids)))}


def _campaigns(where: Any) -> list[CampaignFacts]:
    """Read many times a second: as plain rows, in the order of their facts."""
    names = [name for name in CampaignFacts.__dataclass_fields__ if name != "user_active"]
    columns = [getattr(Campaign, name) for name in names]
    rows = Campaign.select(*columns, User.active, User.deleted_at).join(User, on=(User.id == Campaign.user))
    return [
        CampaignFacts(**dict(zip(names, row, strict=False)), user_active=row[-2] and row[-1] is None)
        for row in rows.where(where).order_by(Campaign.id).tuples()
    ]


def campaign_rows() -> Any:
    """Campaigns with their users' rows, as `campaign_facts` needs them."""
    return Campaign.select(Campaign, User).join(User, on=(User.id == Campaign.user))


def campaign_facts(row: Campaign) -> CampaignFacts:
    names = [name for name in CampaignFacts.__dataclass_fields__ if name != "user_active"]
    user_active = row.user.active and row.user.deleted_at is None
    return CampaignFacts(user_active=user_active, **{name: getattr(row, name) for name in names})


def trunks(node: str) -> list[TrunkFacts]:
    """Every trunk in the order of preference; `loaded` is true once `node` has loaded its present version."""
    names = [name for name in TrunkFacts.__dataclass_fields__ if name not in ("loaded", "unusable")]
    rows = (
        Trunk.select(*(getattr(Trunk, name) for name in names), TrunkLoaded.why, Trunk.version, TrunkLoaded.version)
        .join(TrunkLoaded, "LEFT OUTER JOIN", on=((TrunkLoaded.trunk_id == Trunk.id) & (TrunkLoaded.node == node)))
        .where(Trunk.deleted_at.is_null())
        .order_by(Trunk.priority, Trunk.id)
        .tuples()
    )
    return [TrunkFacts(**dict(zip(names, row, strict=False)), loaded=row[-1] == row[-2], unusable=row[-3]) for row in rows]


def candidates(campaign_id: int, now: int, limit: int, after: ContactFacts | None = None) -> list[ContactFacts]:
    """The contacts of a campaign whose turn has come, longest waiting first; only those behind `after`."""
    due = (CampaignContact.campaign_id == campaign_id) & (CampaignContact.state == ContactState.DUE)
    if after is None:
        return _contacts(due & (CampaignContact.next_at <= now), limit)
    # Two ranges of the index; as one condition neither database would find them.
    beside = _contacts(due & (CampaignContact.next_at == after.next_at) & (CampaignContact.id > after.id), limit)
    later = (CampaignContact.next_at > after.next_at) & (CampaignContact.next_at <= now)
    return [*beside, *(_contacts(due & later, limit - len(beside)) if len(beside) < limit else ())]


def _contacts(where: Any, limit: int) -> list[ContactFacts]:
    rows = CampaignContact.select().where(where).order_by(CampaignContact.next_at, CampaignContact.id).limit(limit)
    return [
        ContactFacts(
            id=row.id,
            contact_id=row.contact_id,
            phone=row.phone,
            zone=row.zone,
            attempts=row.attempts,
            legs=row.legs,
            tried=tuple(int(part) for part in (row.tried or "").split(",") if part),
            expires_at=row.expires_at,
            do_not_call=row.do_not_call,
            next_at=row.next_at,
        )
        for row in rows
    ]


def claim(campaign: CampaignFacts, picks: Sequence[Pick], node: str, now: int, seen: Mapping[str, int] = NO_TURNS) -> list[Claimed]:
    """Take these contacts of one campaign and insert their call rows, done before or not.

    `seen`: the owners of the caps that were counted for it, each with its turn before that. LostClaim if somebody else claimed under one of
    them since, or if one of the contacts is no longer due.
    """
    by_contact = {pick.contact.id: pick for pick in picks}
    try:
        _take(campaign, picks, node, now, seen)
    except LostClaim:
        if len(_taken(by_contact, node, now)) != len(picks):  # else it was ourselves: the answer to our commit was lost
            raise
    return [_claimed(campaign, call_id, by_contact[contact_id]) for call_id, contact_id in _taken(by_contact, node, now)]


def _taken(contact_ids: Iterable[int], node: str, now: int) -> list[tuple[int, int]]:
    """The calls that this very claim inserted."""
    ours = (Call.state == CallState.CLAIMED) & (Call.node == node) & (Call.claimed_at == now)
    return list(Call.select(Call.id, Call.campaign_contact_id).where(Call.campaign_contact_id.in_(list(contact_ids)), ours).tuples())


def _take(campaign: CampaignFacts, picks: Sequence[Pick], node: str, now: int, seen: Mapping[str, int]) -> None:
    for owner in sorted(seen):
        if not turns.take(owner, seen[owner]):
            raise LostClaim(f"campaign {campaign.id}: somebody else claimed under {owner}")
    ids = [pick.contact.id for pick in picks]
    taken = (
        CampaignContact.update(state=ContactState.BUSY, gate=None)
        .where(CampaignContact.id.in_(ids), CampaignContact.state == ContactState.DUE)
        .execute()
    )
    if taken != len(ids):
        raise LostClaim(f"campaign {campaign.id}: {taken} of {len(ids)} contacts could be taken")
    Call.insert_many([_row(campaign, pick, node, now) for pick in picks]).execute()


def _row(campaign: CampaignFacts, pick: Pick, node: str, now: int) -> dict:
    contact = pick.contact
    return {
        "campaign_id": campaign.id,
        "user_id": campaign.user_id,
        "campaign_contact_id": contact.id,
        "contact_id": contact.contact_id,
        "trunk_id": pick.trunk_id,
        "node": node,
        "attempt": contact.attempts if contact.legs else contact.attempts + 1,
        "leg": contact.legs + 1,
        "phone": contact.phone,
        "caller_id": pick.caller_id,
        "kind": campaign.kind,
        "recording_id": campaign.recording_id,
        "extension_id": campaign.extension_id,
        "extension_key": campaign.extension_key,
        "ring_timeout": campaign.ring_timeout,
        "max_duration": campaign.max_duration,
        "claimed_at": now,
    }


def _claimed(campaign: CampaignFacts, call_id: int, pick: Pick) -> Claimed:
    return Claimed(
        call_id, pick.contact.phone, pick.trunk_id, pick.caller_id,
        campaign.kind, campaign.ring_timeout, campaign.max_duration, pick.not_after,
    )  # fmt: skip


def sending(calls: Sequence[Claimed], now: int) -> list[Claimed]:
    """Mark these calls durably: from the commit on they may have gone out. Those that may no longer go are handed back.

    Kill switch, account, campaign, window, expiry and do-not-call are checked again here, in the transaction of the mark.
    """
    ids = [call.call_id for call in calls]
    marked = (Call.state == CallState.SENDING) & (Call.sending_at == now)  # by ourselves: the answer to our commit was lost
    rows = (
        Call.select(Call.id)
        .join(Campaign, on=(Campaign.id == Call.campaign_id))
        .join(User, on=(User.id == Campaign.user))
        .join(CampaignContact, on=(CampaignContact.id == Call.campaign_contact_id))
        .join(Contact, on=(Contact.id == Call.contact_id))
        .where(
            Call.id.in_(ids),
            (Call.state == CallState.CLAIMED) | marked,
            Campaign.status == CampaignStatus.RUNNING,
            Campaign.deleted_at.is_null(),
            User.active,
            User.deleted_at.is_null(),
            ~CampaignContact.do_not_call,
            CampaignContact.expires_at.is_null() | (CampaignContact.expires_at > now),
            Contact.deleted_at.is_null(),
            halts.none(),
        )
    )
    closed = {call.call_id for call in calls if call.not_after is not None and call.not_after <= now}
    going = {call_id for (call_id,) in rows.tuples()} - closed
    mark = Call.update(state=CallState.SENDING, sending_at=now).where(Call.id.in_(going), Call.state == CallState.CLAIMED)
    if mark.execute() != len(going):  # another engine took us for dead and handed some back, or this is done a second time
        going = {call_id for (call_id,) in Call.select(Call.id).where(Call.id.in_(going), marked).tuples()}
    if back := [call_id for call_id in ids if call_id not in going]:
        for state in OPEN:
            hand_back(back, state)
    return [call for call in calls if call.call_id in going]


def hand_back(call_ids: Sequence[int], state: CallState) -> int:
    """Undo calls in `state` that certainly never went out: their contacts are due again. How many there were.

    For `claimed` that is certain; for `sending` only whoever saw that nothing was written to Asterisk may say so.
    """
    contacts = [
        row.campaign_contact_id
        for row in Call.select(Call.id, Call.campaign_contact_id).where(Call.id.in_(call_ids), Call.state == state)
        if Call.update(state=CallState.VOID, attempt=None, settle_at=None).where(Call.id == row.id, Call.state == state).execute()
    ]
    CampaignContact.update(state=ContactState.DUE).where(
        CampaignContact.id.in_(contacts), CampaignContact.state == ContactState.BUSY
    ).execute()
    end_deleted(contacts)
    return len(contacts)


def end_deleted(campaign_contact_ids: Sequence[int]) -> None:
    """Of these, end those that are due again but whose contact was deleted meanwhile."""
    deleted = Contact.select(Contact.id).where(Contact.deleted_at.is_null(False))
    CampaignContact.update(state=ContactState.DONE, gate=None, disposition=Disposition.CANCELED, reason=DELETED, done_at=store.now()).where(
        CampaignContact.id.in_(campaign_contact_ids), CampaignContact.state == ContactState.DUE, CampaignContact.contact_id.in_(deleted)
    ).execute()


def stale_claims(node: str, before: int, after: int = 1 << 62) -> list[int]:
    """Calls of `node` claimed before that time and never marked, or claimed after the other one, by a clock that was set back since."""
    old = (Call.claimed_at < before) | (Call.claimed_at > after)
    rows = Call.select(Call.id).where(Call.state == CallState.CLAIMED, Call.node == node, old)
    return [row.id for row in rows]


def defer(contact_ids: Sequence[int], gate: str, until: int) -> None:
    """Let due contacts wait at `gate`; they are looked at again at `until`."""
    CampaignContact.update(gate=gate, next_at=until).where(
        CampaignContact.id.in_(contact_ids), CampaignContact.state == ContactState.DUE
    ).execute()


def wake(now: int, brief: Collection[str], longest: int) -> int:
    """Let contacts be due whose turn comes in the future by a clock that was set back since; how many of those there were, a part at once.

    They wait at no gate at all, or longer than the `longest` time that one of the gates `brief` ever holds.
    """
    due = CampaignContact.campaign_id.in_([campaign.id for campaign in running()]) & (CampaignContact.state == ContactState.DUE)
    ungated = CampaignContact.gate.is_null() & (CampaignContact.next_at > now + AHEAD_MS)
    too_long = CampaignContact.gate.in_(list(brief)) & (CampaignContact.next_at > now + longest + AHEAD_MS)
    late = due & (CampaignContact.next_at > now) & (ungated | too_long)
    ids = [row.id for row in CampaignContact.select(CampaignContact.id).where(late).limit(AT_ONCE)]
    return CampaignContact.update(next_at=now).where(CampaignContact.id.in_(ids), late).execute() if ids else 0
