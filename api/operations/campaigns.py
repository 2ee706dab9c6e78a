"""Campaigns: made, started, stopped, and what holds them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, StringConstraints

from api.operation import DIALLING, EVERYBODY, Caller, Id, Input, NotOffered, Operation, Refused
from api.operations.pushes import Url
from api.operations.trunks import Digits
from api.operations.users import Timezone
from engine.rules import gates, window
from sql import campaigns, claims, contacts, nodes, pushes, recordings, store
from sql.states import CampaignFacts, CampaignStatus, NodeFacts


def _hours(text: str) -> str:
    window.hours(text)
    return text


def _days(value: Any) -> Any:
    text = ",".join(value) if isinstance(value, list) else value
    if isinstance(text, str):
        window.hours(window.ALL_DAY, text)
    return text


class NewCampaign(Input):
    contact_group_id: Id = Field(validation_alias=AliasChoices("contact_group_id", "group_id"))
    message: Id = Field(validation_alias=AliasChoices("message", "recording_id", "message_id"))
    name: Annotated[str, StringConstraints(max_length=200)] | None = None
    caller_id: Digits | None = Field(None, coerce_numbers_to_str=True)
    trunk: Annotated[str, StringConstraints(max_length=80)] | None = Field(
        None, validation_alias=AliasChoices("trunk", "trunk_id"), coerce_numbers_to_str=True
    )
    max_channels: int = Field(10, ge=1, le=100_000)
    cps: int = Field(5, ge=1, le=10_000)
    max_attempts: int = Field(1, ge=1, le=20)
    ring_timeout: int = Field(25, ge=15, le=120)
    max_duration: int = Field(3600, ge=5, le=4 * 3600)
    hours: Annotated[str, AfterValidator(_hours)] | None = None
    days: Annotated[str, BeforeValidator(_days)] | None = None
    timezone: Timezone | None = None
    mode: Literal["standard", "permanent"] = "standard"
    push_url: Url | None = None
    description: Annotated[str, StringConstraints(max_length=2000)] | None = None
    redial: NotOffered = None
    start_at: NotOffered = None
    stop_at: NotOffered = None
    amd: Literal["off"] = "off"
    voicemail: NotOffered = None
    opt_out_key: NotOffered = None


class CampaignCreate(Input):
    campaign: NewCampaign


class CampaignId(Input):
    campaign_id: Id


def create(caller: Caller, given: CampaignCreate) -> int:
    """Make a campaign that plays `message`, a recording, to every contact of the group. Answers its id. Nothing is dialled before
    Campaign_Start.
    """
    wanted = given.campaign
    fields = wanted.given()
    group_id, message = fields.pop("contact_group_id"), fields.pop("message")
    fields.pop("amd", None)
    push_url, trunk = fields.pop("push_url", None), fields.pop("trunk", None)
    user_id = contacts.group_owner(group_id, caller.scope)
    if user_id is None:
        raise Refused(f"campaign.contact_group_id: contact group {group_id} is not found")
    if not recordings.exists(message, caller.scope):
        raise Refused(f"campaign.message: recording {message} is not found")
    if trunk is not None:
        fields["trunk"] = campaigns.trunk_of(user_id, trunk)
        if fields["trunk"] is None:
            raise Refused(f"campaign.trunk: trunk {trunk!r} is not found")
    now = store.now()
    fields.setdefault("name", f"campaign {datetime.fromtimestamp(now // 1000, UTC):%Y-%m-%d %H:%M:%S}")

    def work() -> int:
        campaign_id = campaigns.create(user_id, group_id, {"recording": message, **fields}, now)
        if push_url:
            pushes.create_endpoint(user_id, push_url, "call.completed", campaign_id, now)
        return campaign_id

    return store.unit(work)


def mine(caller: Caller, campaign_id: int) -> CampaignFacts:
    """The campaign, if the caller may see it."""
    found = campaigns.visible(campaign_id, caller.scope)
    if found is None:
        raise Refused(f"campaign {campaign_id} is not found")
    return found


def start(caller: Caller, given: CampaignId) -> dict[str, Any]:
    """Start dialling; harmless on a running campaign. Answers as Campaign_Status."""
    return move(caller, given.campaign_id, CampaignStatus.RUNNING)


def stop(caller: Caller, given: CampaignId) -> dict[str, Any]:
    """Start no more calls; those in progress finish. Answers as Campaign_Status."""
    return move(caller, given.campaign_id, CampaignStatus.STOPPED)


def move(caller: Caller, campaign_id: int, to: CampaignStatus) -> dict[str, Any]:
    mine(caller, campaign_id)
    try:
        store.unit(campaigns.move, campaign_id, to, store.now())
    except campaigns.WrongState as error:
        raise Refused(f"campaign {campaign_id}: {error}") from None
    return status_of(caller, campaign_id)


def status(caller: Caller, given: CampaignId) -> dict[str, Any]:
    """How far the campaign is, and in `holding` what keeps it from dialling at this moment."""
    return status_of(caller, given.campaign_id)


def status_of(caller: Caller, campaign_id: int) -> dict[str, Any]:
    """`status` is `paused` where a lasting reason holds a running campaign; `holding` is that reason in a sentence, or null."""
    campaign = mine(caller, campaign_id)
    counted = campaigns.counts(campaign_id)
    gate = holding(caller, campaign, counted.active)
    return {
        "campaign_id": campaign.id,
        "name": campaign.name,
        "status": CampaignStatus.PAUSED if gate and gate.pauses else campaign.status,
        "contact_total": counted.total,
        "contact_done": counted.done,
        "calls_active": counted.active,
        "holding": gate.text if gate else None,
    }


def holding(caller: Caller, campaign: CampaignFacts, active: int) -> gates.Gate | None:
    """What keeps a running campaign from dialling at this moment, by the rules that dial."""
    due = campaigns.next_due(campaign.id) if campaign.status == CampaignStatus.RUNNING else None
    if due is None:
        return None
    now = store.now()
    engines: Sequence[NodeFacts | None] = nodes.facts() or [None]
    views = [(node, claims.trunks(node.name) if node else []) for node in engines]
    held = [gates.campaign_gate(campaign, trunks, node, now) for node, trunks in views]
    if all(held):
        return held[0]
    contact, word, next_at = due
    trunks = next(trunks for (_, trunks), gate in zip(views, held, strict=True) if gate is None)
    calling = gates.Calling(caller.config.text("calling", "hours"), caller.config.destinations)
    gate = None if gates.exempt(campaign, trunks) else gates.contact_gate(contact, campaign, calling, now)[0]
    if gate is None:
        way = gates.route_gate(contact, gates.serving(campaign, trunks), now)
        gate = way if isinstance(way, gates.Gate) else None
    if gate is None and word == "redial" and next_at > now and not active:
        gate = gates.Gate("redial", "everybody was tried; the next attempt is due", next_at)
    if gate is None or gate.opens_at is None or active:
        return gate
    opens = datetime.fromtimestamp(max(gate.opens_at, next_at) // 1000, UTC)
    return gates.Gate(gate.word, f"{gate.text}, for all remaining contacts until {opens:%Y-%m-%d %H:%M:%SZ}", gate.opens_at, gate.pauses)


OPERATIONS = (
    Operation("Campaign_Create", CampaignCreate, create, DIALLING, changes=True),
    Operation("Campaign_Start", CampaignId, start, DIALLING, changes=True),
    Operation("Campaign_Stop", CampaignId, stop, DIALLING, changes=True),
    Operation("Campaign_Status", CampaignId, status, EVERYBODY, changes=False),
)
