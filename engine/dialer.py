"""The dialer: what may start now is claimed, marked, and handed to Asterisk.

It knows the rules and the store's verbs. It concludes nothing about calls: what becomes of them is for the watcher to record
and for the settler to decide.
"""

import asyncio
import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from engine.ami import LinkDown, Originate, Refused
from engine.clock import Watch, steady
from engine.core import Core
from engine.rules import gates, pacing
from sql import calls, claims, settling, snapshots, store, turns
from sql.logs import masked
from sql.states import CampaignFacts, ContactFacts, Load, NodeFacts, TrunkFacts

TICK_S, IDLE_S = 0.05, 0.25
PAGE, MOST_PAGES = 100, 3  # how far behind the first contacts is looked, for one campaign and for how many in one round
TOO_LATE_REST_MS = 1000  # what is too slow for one call is for the next one too
FRESH_S = 1.0  # from the reading that allows a call to its writing; a stop holds from then on
log = logging.getLogger(__name__)


class TooLate(Exception):
    """A call was marked, and then held up for too long: nothing was written to Asterisk."""


@dataclass
class Plan:
    """What one look at a campaign's due contacts came to."""

    picks: list[claims.Pick] = field(default_factory=list)
    held: list[tuple[int, gates.Gate]] = field(default_factory=list)
    refused: list[tuple[int, gates.Refusal]] = field(default_factory=list)
    last: ContactFacts | None = None


def plan(
    made: Plan,
    most: int,
    campaign: CampaignFacts,
    contacts: Sequence[ContactFacts],
    trunks: Sequence[TrunkFacts],
    room: dict[int, int],
    calling: gates.Calling,
    now: int,
) -> None:
    """Decide for each contact, until `most` are picked: call it over which trunk, hold it at a gate, or refuse it.

    Takes from `room` (by trunk). A contact whose trunks have none is passed over.
    """
    serving = gates.serving(campaign, trunks)
    exempt = gates.exempt(campaign, trunks)
    for contact in contacts:
        if len(made.picks) == most:
            return
        made.last = contact
        refused = gates.refusal(contact, now)
        gate, not_after = (None, None) if exempt else gates.contact_gate(contact, campaign, calling, now)
        way = refused or gate or gates.route_gate(contact, serving, now)
        if isinstance(way, gates.Refusal):
            made.refused.append((contact.id, way))
        elif isinstance(way, gates.Gate):
            made.held.append((contact.id, way))
        elif trunk := gates.choose_trunk(contact, serving, room, now):
            room[trunk.id] -= 1
            made.picks.append(claims.Pick(contact, trunk.id, campaign.caller_id or trunk.caller_id, not_after))


class Dialer:
    def __init__(self, core: Core) -> None:
        self._core = core
        self._turn = 0
        self._tasks: set[asyncio.Task] = set()
        self._unsent: set[int] = set()
        self._reached: dict[int, ContactFacts] = {}
        self._pages = 0
        self._calls_left = self._channels_left = 0
        self._watch = Watch()
        self._set_back = True  # perhaps, while this engine was away
        self._rest_until = 0

    async def step(self) -> float:
        """One round over the running campaigns. Nothing is claimed while the link is down."""
        await self._hand_back()
        if not self._core.link.up:
            return IDLE_S
        if by := self._watch.was_set():
            log.warning("the clock was set by %.1f s; dialling rests until calls per second can be counted again", by / 1000)
            self._rest_until = steady() + snapshots.SECOND_MS
            self._set_back |= by < 0
        if self._set_back:
            await self._wake()
        if steady() < self._rest_until:
            return IDLE_S
        if not self._core.governor.room():
            return TICK_S  # before anything is read: when Asterisk is late, this machine has better things to do
        now = store.now()
        seen = await self._core.read(snapshots.snapshot, self._core.node, now)
        node = self._bounded(seen.by_node)
        room = {trunk.id: pacing.room(seen.by_trunk.get(trunk.id, Load()), trunk.max_channels, trunk.cps) for trunk in seen.trunks}
        self._turn += 1
        self._pages = MOST_PAGES
        turn = self._turn % len(seen.campaigns) if seen.campaigns else 0
        for campaign in (*seen.campaigns[turn:], *seen.campaigns[:turn]):
            if gates.campaign_gate(campaign, seen.trunks, node, seen.halted, now) is None:
                await self._dial(campaign, seen, room)
        return TICK_S if seen.campaigns else IDLE_S

    async def _wake(self) -> None:
        """Nobody who was due waits for the hour by which the clock was set back."""
        while await self._core.write(claims.wake, store.now(), gates.BRIEF, gates.LOOK_AGAIN_MS):
            log.warning("the clock was set back: contacts that were due are due again")
        self._set_back = False

    def _bounded(self, load: Load) -> NodeFacts:
        """This engine as it is now, after a look at what bounds all of its calls."""
        most = self._core.most_channels
        self._channels_left, self._calls_left = most - load.channels, self._core.scripts.room(load.open)
        self._core.held.pop("ports", None)
        if self._channels_left < pacing.MOST_CHANNELS_OF_A_CALL:
            self._core.held["ports"] = gates.ports_taken(most)
        return self._core.facts()

    async def finish(self) -> None:
        """Wait for the originates that are on their way: what is marked `sending` has gone out when this engine ends."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))
        await self._hand_back()

    async def _dial(self, campaign: CampaignFacts, seen: snapshots.Snapshot, room: dict[int, int]) -> None:
        now = store.now()
        load = seen.by_campaign.get(campaign.id, Load())
        free = min(
            pacing.room(load, campaign.max_channels, campaign.cps), self._core.governor.room(),
            self._calls_left, self._channels_left // pacing.channels(campaign.kind),
        )  # fmt: skip
        if free <= 0 or not any(room[trunk.id] for trunk in gates.serving(campaign, seen.trunks)):
            return
        made = await self._look(campaign, seen, room, free, now)
        if made.last is None:
            if not load.open and not await self._core.read(settling.unfinished, campaign.id):
                await self._core.write(complete, campaign)
            return
        owners = self._owners(campaign, made, seen)
        try:
            claimed = await self._core.write(take, campaign, made, self._core.node, now, owners)
        except claims.LostClaim as error:
            log.info("%s; counting anew", error)
            return
        seen.turns.update({owner: turn + 1 for owner, turn in owners.items()})
        self._calls_left -= len(claimed)
        self._channels_left -= len(claimed) * pacing.channels(campaign.kind)
        if claimed:
            await self._send(claimed, seen.trunks)

    async def _look(self, campaign: CampaignFacts, seen: snapshots.Snapshot, room: dict[int, int], free: int, now: int) -> Plan:
        """Plan for the contacts that have waited longest; if that leaves room, then for a page of those behind them.

        The page moves on with every round, so that contacts whose trunk is full keep nobody waiting who goes over another one.
        """
        made = Plan()

        async def look(limit: int, after: ContactFacts | None) -> bool:
            """Whether there may be more behind the last one that was looked at."""
            contacts = await self._core.read(claims.candidates, campaign.id, now, limit, after)
            plan(made, free, campaign, contacts, seen.trunks, room, self._core.calling, now)
            return len(contacts) == limit or (bool(contacts) and made.last is not contacts[-1])

        if await look(free, None) and len(made.picks) < free and self._pages:
            self._pages -= 1
            more = await look(PAGE, self._reached.pop(campaign.id, made.last))
            if more and made.last is not None:
                self._reached[campaign.id] = made.last
        return made

    def _owners(self, campaign: CampaignFacts, made: Plan, seen: snapshots.Snapshot) -> dict[str, int]:
        """The caps under which this plan claims, each with the turn that it had when calls were counted."""
        used = {pick.trunk_id for pick in made.picks}
        capped = [trunk.id for trunk in seen.trunks if trunk.id in used and (trunk.max_channels, trunk.cps) != (None, None)]
        owners = [turns.campaign(campaign.id), *map(turns.trunk, capped)] if used else []
        return {owner: seen.turns[owner] for owner in owners}

    async def _send(self, claimed: Sequence[claims.Claimed], trunks: Sequence[TrunkFacts]) -> None:
        by_id = {trunk.id: trunk for trunk in trunks}
        marked_at = time.monotonic()
        try:
            going = await self._core.write(claims.sending, claimed, store.now())
        except Exception:
            self._unsent.update(call.call_id for call in claimed)
            raise
        for call in going:
            self._core.governor.sent(call.call_id)
            task = asyncio.create_task(self._originate(call, by_id[call.trunk_id], marked_at))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _originate(self, call: claims.Claimed, trunk: TrunkFacts, marked_at: float) -> None:
        try:
            # Nothing may lie between this look and the writing: whoever stopped dialling since the mark relies on it.
            check_fresh(call, marked_at)
            if await self._core.link.originate(order(call, trunk)) is None:
                log.warning("call=%d was sent and not acknowledged; its events or the reaper will tell", call.call_id)
            else:
                log.info("call=%d sent to trunk %s, number %s", call.call_id, trunk.name, masked(call.phone))
        except (LinkDown, TooLate) as error:
            log.warning("call=%d was not sent, its contact is due again: %s", call.call_id, error)
            self._core.governor.seen(call.call_id)
            self._unsent.add(call.call_id)
            if isinstance(error, TooLate):
                self._rest_until = steady() + TOO_LATE_REST_MS
        except (Refused, ValueError) as error:
            log.error("call=%d was refused: %s", call.call_id, error)
            self._core.governor.seen(call.call_id)
            await self._core.write(calls.replied, call.call_id, store.now(), False, None, str(error))

    async def _hand_back(self) -> None:
        """What was claimed or marked and certainly not written to Asterisk. Kept until the store has it."""
        back = sorted(self._unsent)
        if back:
            for state in claims.OPEN:
                await self._core.write(claims.hand_back, back, state)
            self._unsent.difference_update(back)


def check_fresh(call: claims.Claimed, marked_at: float) -> None:
    """TooLate if the mark has got old or the window has closed: nobody knows whether the call may still go out."""
    age = time.monotonic() - marked_at
    if age > FRESH_S:
        raise TooLate(f"its mark is {age:.1f} s old; the store or this machine was slow")
    if call.not_after is not None and store.now() >= call.not_after:
        raise TooLate("its window has closed")


def take(campaign: CampaignFacts, made: Plan, node: str, now: int, owners: Mapping[str, int]) -> list[claims.Claimed]:
    """Write what was planned, in one transaction: claims, waiting contacts, refused ones."""
    for contact_id, refused in made.refused:
        settling.refuse(contact_id, refused.disposition, refused.reason, now)
    for contact_id, gate in made.held:
        claims.defer([contact_id], gate.word, gate.opens_at or now + gates.LOOK_AGAIN_MS)
    return claims.claim(campaign, made.picks, node, now, owners) if made.picks else []


def complete(campaign: CampaignFacts) -> None:
    if settling.complete_campaigns([campaign.id], store.now()):
        log.info("campaign %d (%s) is completed", campaign.id, campaign.name)


def order(call: claims.Claimed, trunk: TrunkFacts) -> Originate:
    """The Originate of a call: its id and constants of ours, beside the number and the caller id."""
    variables: list[tuple[str, int | str]] = [
        ("CALL_ID", call.call_id),
        ("MAX_SECONDS", call.max_duration),
        ("CHANNEL(hangup_handler_push)", r"carillon-hangup\,s\,1"),
    ]
    if trunk.simulated:
        variables.append((r"PJSIP_HEADER(add\,X-Carillon-Call)", call.call_id))
    return Originate(
        call_id=call.call_id,
        number=dialled(call.phone, trunk),
        endpoint=f"trunk-{trunk.id}",
        context="carillon",
        exten=call.kind,
        timeout_ms=call.ring_timeout * 1000,
        caller_id=shown(call.caller_id, trunk),
        variables=tuple(variables),
    )


def shown(caller_id: str | None, trunk: TrunkFacts) -> str:
    """The caller id as the trunk wants it: without plus where its numbers are without."""
    return (caller_id or "").removeprefix("+") if trunk.number_format == "plain" else caller_id or ""


def dialled(phone: str, trunk: TrunkFacts) -> str:
    """The number as the trunk wants it: `+49…`, `49…`, or with the trunk's digits in front, then without plus."""
    digits = phone.lstrip("+")
    return f"{trunk.add_prefix or ''}{digits}" if trunk.add_prefix or trunk.number_format == "plain" else f"+{digits}"
