"""The dialer: what may start now is claimed, marked, and handed to Asterisk.

It knows the rules and the store's verbs. It concludes nothing about calls: what becomes of them is for the watcher to record
and for the settler to decide.
"""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.ami import LinkDown, Originate, Refused
from engine.core import Core
from engine.rules import gates, pacing
from sql import calls, claims, settling, store
from sql.logs import masked
from sql.states import CallState, CampaignFacts, ContactFacts, Load, NodeFacts, TrunkFacts

TICK_S, IDLE_S = 0.05, 0.25
log = logging.getLogger(__name__)


@dataclass
class Plan:
    """What one look at a campaign's due contacts came to."""

    picks: list[claims.Pick] = field(default_factory=list)
    held: list[tuple[int, gates.Gate]] = field(default_factory=list)
    refused: list[tuple[int, gates.Refusal]] = field(default_factory=list)


def plan(
    campaign: CampaignFacts,
    contacts: Sequence[ContactFacts],
    trunks: Sequence[TrunkFacts],
    room: dict[int, int],
    calling: gates.Calling,
    now: int,
) -> Plan:
    """Decide for each contact: call it over which trunk, hold it at a gate, or refuse it. Takes from `room` (by trunk)."""
    made = Plan()
    serving = gates.serving(campaign, trunks)
    exempt = gates.exempt(campaign, trunks)
    for contact in contacts:
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
    return made


class Dialer:
    def __init__(self, core: Core) -> None:
        self._core = core
        self._turn = 0
        self._tasks: set[asyncio.Task] = set()

    async def step(self) -> float:
        """One round over the running campaigns. Nothing is claimed while the link is down."""
        if not self._core.link.up:
            return IDLE_S
        now = store.now()
        seen = await self._core.read(claims.snapshot, self._core.node, now)
        node = NodeFacts(self._core.node, True, "", now, now)
        room = {trunk.id: pacing.room(seen.by_trunk.get(trunk.id, Load()), trunk.max_channels, trunk.cps) for trunk in seen.trunks}
        self._turn += 1
        turn = self._turn % len(seen.campaigns) if seen.campaigns else 0
        for campaign in (*seen.campaigns[turn:], *seen.campaigns[:turn]):
            if gates.campaign_gate(campaign, seen.trunks, node, seen.halted, now) is None:
                await self._dial(campaign, seen, room)
        return TICK_S if seen.campaigns else IDLE_S

    async def finish(self) -> None:
        """Wait for the originates that are on their way: what is marked `sending` has gone out when this engine ends."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def _dial(self, campaign: CampaignFacts, seen: claims.Snapshot, room: dict[int, int]) -> None:
        now = store.now()
        load = seen.by_campaign.get(campaign.id, Load())
        free = min(pacing.room(load, campaign.max_channels, campaign.cps), self._core.governor.room(now))
        if not free:
            return
        contacts = await self._core.read(claims.candidates, campaign.id, now, free)
        if not contacts:
            if not load.open and not await self._core.read(settling.unfinished, campaign.id):
                await self._core.write(complete, campaign)
            return
        made = plan(campaign, contacts, seen.trunks, room, self._core.calling, now)
        try:
            claimed = await self._core.write(take, campaign, made, self._core.node, now)
        except claims.LostClaim as error:
            log.warning("%s; another engine dials it too, trying again", error)
            return
        if claimed:
            await self._send(await self._core.write(claims.sending, claimed, store.now()), seen.trunks)

    async def _send(self, going: Sequence[claims.Claimed], trunks: Sequence[TrunkFacts]) -> None:
        by_id = {trunk.id: trunk for trunk in trunks}
        for call in going:
            self._core.governor.sent(call.call_id, store.now())
            task = asyncio.create_task(self._originate(call, by_id[call.trunk_id]))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _originate(self, call: claims.Claimed, trunk: TrunkFacts) -> None:
        try:
            if await self._core.link.originate(order(call, trunk)) is None:
                log.warning("call=%d was sent and not acknowledged; its events or the reaper will tell", call.call_id)
            else:
                log.info("call=%d sent to trunk %s, number %s", call.call_id, trunk.name, masked(call.phone))
        except LinkDown as error:
            log.warning("call=%d was not sent, its contact is due again: %s", call.call_id, error)
            self._core.governor.seen(call.call_id, store.now())
            await self._core.write(claims.hand_back, [call.call_id], CallState.SENDING)
        except (Refused, ValueError) as error:
            log.error("call=%d was refused: %s", call.call_id, error)
            self._core.governor.seen(call.call_id, store.now())
            await self._core.write(calls.replied, call.call_id, store.now(), False, None, str(error))


def take(campaign: CampaignFacts, made: Plan, node: str, now: int) -> list[claims.Claimed]:
    """Write what was planned, in one transaction: claims, waiting contacts, refused ones."""
    for contact_id, refused in made.refused:
        settling.refuse(contact_id, refused.disposition, refused.reason, now)
    for contact_id, gate in made.held:
        claims.defer([contact_id], gate.word, gate.opens_at or now + gates.LOOK_AGAIN_MS)
    return claims.claim(campaign, made.picks, node, now) if made.picks else []


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
        caller_id=call.caller_id or "",
        variables=tuple(variables),
    )


def dialled(phone: str, trunk: TrunkFacts) -> str:
    """The number as the trunk wants it: `+49…`, `49…`, or with the trunk's digits in front, then without plus."""
    digits = phone.lstrip("+")
    return f"{trunk.add_prefix or ''}{digits}" if trunk.add_prefix or trunk.number_format == "plain" else f"+{digits}"
