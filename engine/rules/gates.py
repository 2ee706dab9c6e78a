"""Why something is not dialled: every gate, in the order in which it is asked, with the sentence a person reads. Pure.

The dialer asks these before it claims; the API asks the same ones to answer "why is nothing dialled".
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfoNotFoundError

from engine.rules.window import ALL_DAY, Hours, full_minute, hours, window
from sql.states import CampaignFacts, CampaignStatus, ContactFacts, Halted, NodeFacts, TrunkFacts

ENGINE_SILENT_MS = 15_000
LOOK_AGAIN_MS = 600_000
TRUNK_AGAIN_MS = 5_000
BRIEF = ("destination", "zone", "trunk")  # gates at which contacts are looked at again after LOOK_AGAIN_MS at the latest


@dataclass(frozen=True)
class Gate:
    """What holds calls back: one word, one sentence, when it opens (UTC ms; None: somebody has to act or an event to come).

    `pauses`: a lasting reason, for which a running campaign is shown as paused.
    """

    word: str
    text: str
    opens_at: int | None = None
    pauses: bool = False


@dataclass(frozen=True)
class Calling:
    """The installation's own ceiling: hours, and prefixes that may be called (`*`: all)."""

    hours: str
    destinations: tuple[str, ...]


@dataclass(frozen=True)
class Refusal:
    """A contact that will never be dialled."""

    disposition: str
    reason: str


def campaign_gate(
    campaign: CampaignFacts, trunks: Sequence[TrunkFacts], node: NodeFacts | None, halted: Halted | None, now: int
) -> Gate | None:
    """What holds the whole campaign; None if its contacts may be looked at."""
    return _halted(halted) or _stopped(campaign) or _engine(node, now) or _trunk(campaign, trunks, node, now)


def _halted(halted: Halted | None) -> Gate | None:
    if halted is None:
        return None
    why = f" ({halted.reason})" if halted.reason else ""
    return Gate("halt", f"all dialling was stopped by {halted.by} at {_clock(halted.at)}{why}; System_Start lifts it", pauses=True)


def _stopped(campaign: CampaignFacts) -> Gate | None:
    if not campaign.user_active:
        return Gate("account", "the account that this campaign belongs to is switched off or deleted", pauses=True)
    if campaign.status == CampaignStatus.RUNNING:
        return None
    return Gate("stopped", f"the campaign is {campaign.status}; start it to have it dialled")


def _engine(node: NodeFacts | None, now: int) -> Gate | None:
    # A beat from the future is of a clock that was set back since; a living engine beats again at once.
    if node is None or abs(now - node.beat_at) > ENGINE_SILENT_MS:
        since = "it never was" if node is None else f"last seen at {_clock(node.beat_at)}"
        return Gate("engine", f"the engine is not running ({since}); start it, its log says why it ended", pauses=node is not None)
    if not node.link_up:
        return Gate("link", f"no link to Asterisk since {_clock(node.link_since)}: {node.link_text}", pauses=True)
    if node.held_text and (node.held_until is None or node.held_until > now):
        return Gate(node.held_word or "engine", node.held_text, node.held_until, pauses=node.held_until is not None)
    return None


def script_silent(until: int) -> Gate:
    text = f"answered calls hear nothing, the AGI server does not answer (see log/agi.log); dialling rests until {_clock(until)}"
    return Gate("script", text, until, pauses=True)


def ports_taken(most: int) -> Gate:
    return Gate("ports", f"all {most} channels that this Asterisk's RTP ports allow are in use; calls start as others end")


def _trunk(campaign: CampaignFacts, trunks: Sequence[TrunkFacts], node: NodeFacts | None, now: int) -> Gate | None:
    mine = serving(campaign, trunks)
    if not mine:
        return Gate("trunk", "no trunk serves this campaign; an administrator has to create one", pauses=True)
    names = ", ".join(trunk.name for trunk in mine)
    loaded = [trunk for trunk in mine if trunk.loaded]
    if not loaded:
        why = f": {node.trunks_text}" if node and node.trunks_text else ""
        return Gate("trunk", f"Asterisk has not loaded trunk {names} yet{why}", pauses=bool(why))
    if all(trunk.unusable or resting(trunk, now) for trunk in loaded):
        up_at = [trunk.down_until or 0 for trunk in loaded if not trunk.unusable]
        return Gate("trunk", "; ".join(_down(trunk, now) for trunk in loaded), min(up_at, default=None), pauses=True)
    return None


def _down(trunk: TrunkFacts, now: int) -> str:
    if trunk.unusable:
        return f"trunk {trunk.name} cannot be used: {trunk.unusable}"
    return f"trunk {trunk.name} rests until {_clock(trunk.down_until or now)}: {trunk.down_why or 'it failed'}"


def serving(campaign: CampaignFacts, trunks: Sequence[TrunkFacts]) -> list[TrunkFacts]:
    """The trunks a campaign may use, best first: the one it names, or any of its user's and the common ones.

    A simulated trunk serves a campaign that names it; others only as long as there is no real one.
    """
    allowed = [trunk for trunk in trunks if trunk.user_id in (None, campaign.user_id)]
    if campaign.trunk_id is not None:
        return [trunk for trunk in allowed if trunk.id == campaign.trunk_id]
    return [trunk for trunk in allowed if not trunk.simulated] or allowed


def exempt(campaign: CampaignFacts, trunks: Sequence[TrunkFacts]) -> bool:
    """Whether hours and destinations do not bind: the campaign names a simulated trunk."""
    return any(trunk.simulated and trunk.id == campaign.trunk_id for trunk in trunks)


def refusal(contact: ContactFacts, now: int) -> Refusal | None:
    """Why this contact is never dialled; None if it may be."""
    if contact.do_not_call:
        return Refusal("do-not-call", "marked do-not-call")
    if contact.expires_at is not None and contact.expires_at <= now:
        return Refusal("canceled", f"expired at {_clock(contact.expires_at)}")
    return None


def contact_gate(contact: ContactFacts, campaign: CampaignFacts, calling: Calling, now: int) -> tuple[Gate | None, int | None]:
    """The gate that holds this contact, or None and until when the INVITE may go out (UTC ms; None: any time)."""
    if "*" not in calling.destinations and not contact.phone.startswith(calling.destinations):
        return Gate("destination", destinations_text(calling), now + LOOK_AGAIN_MS, pauses=True), None
    rules = _rules(campaign, calling)
    if not rules:
        return None, None
    zones = tuple((contact.zone or campaign.timezone or "").split(","))
    if zones == ("",):
        text = "the number tells no time zone; give the campaign a `timezone`"
        return Gate("zone", text, now + LOOK_AGAIN_MS, pauses=True), None
    try:
        seen = window(rules, zones, full_minute(now))
    except ZoneInfoNotFoundError:
        return Gate("zone", f"this machine does not know the time zone {','.join(zones)}", now + LOOK_AGAIN_MS, pauses=True), None
    if seen.open:
        return None, seen.changes_at
    opens = seen.changes_at if seen.changes_at is not None else now + LOOK_AGAIN_MS
    return Gate("window", f"outside {campaign.hours or calling.hours}", opens, pauses=True), None


def destinations_text(calling: Calling) -> str:
    if not calling.destinations:
        return "no destination is allowed; set [calling] country or [calling] destinations"
    return f"only numbers with {', '.join(calling.destinations)} may be called ([calling] destinations)"


def _rules(campaign: CampaignFacts, calling: Calling) -> tuple[Hours, ...]:
    texts = {calling.hours, campaign.hours or calling.hours}
    return tuple(hours(text, campaign.days) for text in sorted(texts) if text != ALL_DAY or campaign.days)


def choose_trunk(contact: ContactFacts, trunks: Sequence[TrunkFacts], room: Mapping[int, int], now: int) -> TrunkFacts | None:
    """The first trunk that is loaded, up, serves this number, was not tried in this attempt, and has room; else None."""
    return next((trunk for trunk in usable(contact.phone, contact.tried, trunks, now) if room[trunk.id] > 0), None)


def usable(phone: str, tried: Collection[int], trunks: Sequence[TrunkFacts], now: int) -> list[TrunkFacts]:
    """The trunks over which this number can be called now, best first."""
    up = [trunk for trunk in trunks if trunk.loaded and not trunk.unusable and not resting(trunk, now)]
    return [trunk for trunk in up if trunk.id not in tried and serves(trunk, phone)]


def resting(trunk: TrunkFacts, now: int) -> bool:
    """Whether it failed just now. No trunk rests for longer: then the clock was set back since."""
    return now < (trunk.down_until or 0) <= now + LOOK_AGAIN_MS


def route_gate(contact: ContactFacts, trunks: Sequence[TrunkFacts], now: int) -> Gate | Refusal | None:
    """What keeps this contact from every trunk, beside a lack of room; None if one is usable."""
    if usable(contact.phone, contact.tried, trunks, now):
        return None
    reachable = [trunk for trunk in trunks if serves(trunk, contact.phone)]
    if not reachable:
        return Gate("trunk", "no trunk serves this number (see the trunks' `prefix`)", now + LOOK_AGAIN_MS, pauses=True)
    if all(trunk.id in contact.tried for trunk in reachable):
        return Refusal("failed", "no other trunk is left for this attempt")
    return Gate("trunk", "the trunks that serve this number are resting, not loaded yet or cannot be used", now + TRUNK_AGAIN_MS)


def serves(trunk: TrunkFacts, phone: str) -> bool:
    """Whether the trunk's `prefix` (one or more, comma separated; empty: all) covers the number."""
    prefixes = tuple(part.strip() for part in (trunk.prefix or "").split(",") if part.strip())
    return not prefixes or phone.startswith(prefixes)


def _clock(at: int) -> str:
    return datetime.fromtimestamp(at // 1000, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
