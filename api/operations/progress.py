"""A campaign's progress: started, stopped, how far it is, and what holds it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from pydantic import AliasChoices, Field
from typing_extensions import TypedDict

from api.operation import DIALLING, EVERYBODY, Caller, Id, Input, Operation, Refused
from engine.rules import gates
from sql import campaigns, claims, halts, members, nodes, reports, store
from sql.states import CampaignFacts, CampaignStatus, Halted, NodeFacts, TrunkFacts

WAITS = {
    "redial": "everybody was tried; the next attempt is due",
    "schedule": "nobody is due before the time that was given for the next contact",
}


@dataclass(frozen=True)
class House:
    """What every campaign depends on: the kill switch, and each engine with the trunks as it has them."""

    halted: Halted | None
    engines: Sequence[tuple[NodeFacts | None, Sequence[TrunkFacts]]]


class CampaignId(Input):
    campaign_id: Id
    usr_id: Id | None = Field(None, validation_alias=AliasChoices("usr_id", "user_id"))


class CampaignState(TypedDict):
    """How far a campaign is. `status` is `paused` where a lasting reason holds a running one; `holding` is that reason, or null."""

    campaign_id: int
    name: str
    status: str
    contact_total: int
    contact_done: int
    calls_active: int
    holding: str | None


def mine(caller: Caller, given: CampaignId) -> CampaignFacts:
    """The campaign, if the caller may see it and it is `usr_id`'s, where that is given."""
    found = seen(caller, given.campaign_id)
    if given.usr_id not in (None, found.user_id):
        raise Refused(f"campaign {found.id} is not user {given.usr_id}'s")
    return found


def seen(caller: Caller, campaign_id: int) -> CampaignFacts:
    """The campaign, if the caller may see it."""
    found = campaigns.visible(campaign_id, caller.scope)
    if found is None:
        raise Refused(f"campaign {campaign_id} is not found")
    return found


def start(caller: Caller, given: CampaignId) -> CampaignState:
    """Start dialling; harmless on a running campaign. A completed one runs again if contacts are pending, else stays completed: nobody
    who is done is dialled again. Answers as Campaign_Status.
    """
    return move(caller, mine(caller, given).id, CampaignStatus.RUNNING)


def stop(caller: Caller, given: CampaignId) -> CampaignState:
    """Start no more calls; those in progress finish. A completed campaign stays completed. Answers as Campaign_Status."""
    return move(caller, mine(caller, given).id, CampaignStatus.STOPPED)


def move(caller: Caller, campaign_id: int, to: CampaignStatus) -> CampaignState:
    if to == CampaignStatus.RUNNING:
        members.fill(campaign_id)  # done already, unless making it was broken off
    try:
        store.unit(campaigns.move, campaign_id, to, store.now())
    except campaigns.WrongState as error:
        raise Refused(f"campaign {campaign_id}: {error}") from None
    return state(caller, campaign_id)


def status(caller: Caller, given: CampaignId) -> CampaignState:
    """How far the campaign is, and in `holding` what keeps it from dialling at this moment."""
    return state(caller, mine(caller, given).id)


def state(caller: Caller, campaign_id: int, tally: reports.Tally | None = None) -> CampaignState:
    campaign = seen(caller, campaign_id)
    counted = tally or reports.tally(campaign_id)
    active = reports.active(campaign_id)
    gate = holding(caller, campaign, active, house())
    return {
        "campaign_id": campaign.id,
        "name": campaign.name,
        "status": shown(campaign, gate),
        "contact_total": counted.total,
        "contact_done": counted.done,
        "calls_active": active,
        "holding": gate.text if gate else None,
    }


def shown(campaign: CampaignFacts, gate: gates.Gate | None) -> str:
    """The status that people read."""
    return str(CampaignStatus.PAUSED if gate and gate.pauses else campaign.status)


def house() -> House:
    """As it is now; without any engine there is one that is None."""
    found: Sequence[NodeFacts | None] = nodes.facts() or [None]
    return House(halts.active(), [(node, claims.trunks(node.name) if node else []) for node in found])


def holding(caller: Caller, campaign: CampaignFacts, active: int, around: House) -> gates.Gate | None:
    """What keeps a running campaign from dialling at this moment, by the rules that dial."""
    due = reports.next_due(campaign.id) if campaign.status == CampaignStatus.RUNNING else None
    if due is None:
        return None
    now = store.now()
    held = [gates.campaign_gate(campaign, trunks, node, around.halted, now) for node, trunks in around.engines]
    if all(held):
        return held[0]
    contact, word, next_at = due
    trunks = next(trunks for (_, trunks), gate in zip(around.engines, held, strict=True) if gate is None)
    calling = gates.Calling(caller.config.text("calling", "hours"), caller.config.destinations)
    gate = None if gates.exempt(campaign, trunks) else gates.contact_gate(contact, campaign, calling, now)[0]
    if gate is None:
        way = gates.route_gate(contact, gates.serving(campaign, trunks), now)
        gate = way if isinstance(way, gates.Gate) else None
    if gate is None and word in WAITS and next_at > now and not active:
        gate = gates.Gate(word, WAITS[word], next_at)
    if gate is None or gate.opens_at is None or active:
        return gate
    opens = datetime.fromtimestamp(max(gate.opens_at, next_at) // 1000, UTC)
    return gates.Gate(gate.word, f"{gate.text}, for all remaining contacts until {opens:%Y-%m-%d %H:%M:%SZ}", gate.opens_at, gate.pauses)


OPERATIONS = (
    Operation("Campaign_Start", CampaignId, start, DIALLING, changes=True),
    Operation("Campaign_Stop", CampaignId, stop, DIALLING, changes=True),
    Operation("Campaign_Status", CampaignId, status, EVERYBODY, changes=False),
)
