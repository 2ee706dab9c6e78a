"""The settle step: from the facts of an ended call to its decision, written in one transaction with all that follows from it."""

import logging
from collections.abc import Mapping, Sequence

from engine.core import Core
from engine.rules import gates
from engine.rules.outcome import outcome
from engine.rules.redial import redial
from sql import claims, settling, store
from sql.logs import masked
from sql.states import CampaignFacts, TrunkFacts

BATCH = 100
BUSY_S, IDLE_S = 0.02, 0.1
TRUNK_RESTS_MS = 30_000
log = logging.getLogger(__name__)


class Settler:
    def __init__(self, core: Core) -> None:
        self._core = core

    async def step(self) -> float:
        """Settle one batch of calls that are ready."""
        ended = await self._core.read(settling.to_settle, store.now(), BATCH)
        if not ended:
            return IDLE_S
        for line in await self._core.write(settle_batch, ended, self._core.node, store.now()):
            log.log(*line)
        return BUSY_S


def settle_batch(ended: Sequence[settling.Ended], node: str, now: int) -> list[tuple]:
    """Decide and write each of these calls; the log lines to be written once that is committed."""
    campaigns = claims.campaigns({call.campaign_id for call in ended})
    trunks = claims.trunks(node)
    lines: list[tuple] = []
    for call in ended:
        decision, alarm = decide(call, campaigns, trunks, now)
        if settling.settle(call, decision, now):
            lines.append((
                logging.INFO, "call=%d %s to %s (SIP %s, cause %s), attempt %d leg %d, %s",
                call.call_id, decision.disposition, masked(call.phone), decision.sip_code, decision.hangup_code,
                call.attempt, call.leg, "done" if decision.next_at is None else "again later",
            ))  # fmt: skip
            if alarm:
                lines.append((logging.ERROR, "call=%d trunk %d: %s", call.call_id, call.trunk_id, alarm))
    for campaign_id in settling.complete_campaigns([call.campaign_id for call in ended], now):
        lines.append((logging.INFO, "campaign %d (%s) is completed", campaign_id, campaigns[campaign_id].name))
    return lines


def decide(
    call: settling.Ended, campaigns: Mapping[int, CampaignFacts], trunks: Sequence[TrunkFacts], now: int
) -> tuple[settling.Decision, str | None]:
    """The decision for one call, and what to alarm the administrator with."""
    seen = outcome(call.facts)
    serving = gates.serving(campaigns[call.campaign_id], trunks)
    left = gates.usable(call.phone, {*call.tried, call.trunk_id}, serving, now)
    verdict = redial(seen.rule.again, call.attempt, call.max_attempts, len(left), now)
    talked = seen.ended_at - seen.connected_at if seen.connected_at is not None else 0
    decision = settling.Decision(
        disposition=seen.rule.disposition,
        sip_code=seen.sip_code,
        hangup_code=seen.hangup_code,
        connected_at=seen.connected_at,
        ended_at=seen.ended_at,
        billable_seconds=-(-talked // 1000),
        next_at=verdict.next_at,
        other_trunk=verdict.other_trunk,
        trunk_down_until=now + TRUNK_RESTS_MS if seen.rule.trunk_down else None,
        reason=seen.reason,
    )
    return decision, seen.rule.alarm
