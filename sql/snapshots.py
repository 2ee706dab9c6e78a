"""What the dialer sees before it decides: running campaigns, trunks, the kill switch, and the load under every cap."""

from collections.abc import Iterable
from dataclasses import dataclass

from peewee import fn

from sql import claims, halts, turns
from sql.models import Call
from sql.states import CallState, CampaignFacts, Halted, Load, TrunkFacts

# Longer than the second and the tenth that they stand for: between the claim and the INVITE lie two commits and Asterisk.
SECOND_MS, TENTH_MS = 1050, 105


@dataclass(frozen=True)
class Snapshot:
    """All that the dialer needs to decide what may start: one consistent-enough reading of the store."""

    halted: Halted | None
    campaigns: tuple[CampaignFacts, ...]
    trunks: tuple[TrunkFacts, ...]
    turns: dict[str, int]
    by_campaign: dict[int, Load]
    by_trunk: dict[int, Load]
    by_node: Load


def snapshot(node: str, now: int) -> Snapshot:
    """Running campaigns, usable trunks, and the load on each, counted after the turns were read."""
    campaigns, usable = tuple(claims.running()), tuple(claims.trunks(node))
    owners = [*(turns.campaign(campaign.id) for campaign in campaigns), *(turns.trunk(trunk.id) for trunk in usable)]
    seen = turns.seen(owners)
    is_open, was_now = Call.state.in_(claims.OPEN), Call.claimed_at <= now + claims.AHEAD_MS
    second, tenth = (was_now & (Call.claimed_at > now - span) for span in (SECOND_MS, TENTH_MS))
    rows = list(
        Call.select(
            Call.campaign_id,
            Call.trunk_id,
            Call.node,
            fn.SUM(is_open).alias("open"),
            fn.SUM(second).alias("second"),
            fn.SUM(tenth).alias("tenth"),
            fn.SUM(is_open & Call.extension_id.is_null(False)).alias("second_legs"),
        )
        .where(is_open | second)
        .where(Call.state != CallState.VOID)
        .group_by(Call.campaign_id, Call.trunk_id, Call.node)
        .dicts()
    )
    return Snapshot(
        halted=halts.active(),
        campaigns=campaigns,
        trunks=usable,
        turns=seen,
        by_campaign=_loads(rows, "campaign_id"),
        by_trunk=_loads(rows, "trunk_id"),
        by_node=_loads(rows, "node").get(node, Load()),
    )


def _loads(rows: Iterable[dict], key: str) -> dict:
    loads: dict = {}
    for row in rows:
        old = loads.get(row[key], Load())
        is_open, second, tenth = int(row["open"]), int(row["second"]), int(row["tenth"])
        channels = is_open + int(row["second_legs"])
        loads[row[key]] = Load(old.open + is_open, old.second + second, old.tenth + tenth, old.channels + channels)
    return loads
