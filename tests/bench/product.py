"""The product: `carillon up`, a campaign made over HTTP, every call settled, every push received.

Uses an installation as a customer does. The store's file is read only once the run is over.
"""

import os
import sqlite3
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from dialplan import evaluation
from tests.bench.machine import Meter
from tests.bench.mix import PROMPT_S, RING_TIMEOUT_S, WARM_UP, WARM_UP_CPS, expected, percentile, plateau
from tests.live.house import House

PARTS = ("engine", "agi", "push", "api", "provision", "asterisk", "carrier")
# More channels than a healthy run ever has open. The simulated carrier has RTP ports for 450 calls, and refuses more with 488.
NO_LIMIT = {"cps": 10_000, "max_channels": 400}
BUSY = "mark to busy"
STAGES = {  # what a call waits for, by columns of the store
    "claim to mark": ("claimed_at", "sending_at"),
    BUSY: ("sending_at", "reply_at"),  # for busy numbers alone: Asterisk and the carrier answer these at once
    "end to settled": ("hangup_at", "settled_at"),
    "settled to pushed": ("settled_at", "pushed_at"),
}
SETTLE_DOWN_S = 1.0  # what the import and the API left to do
STILL_S = 15.0  # no push for so long: no more will come
SHOW_EACH_S = 2.0
LAST_WRITES_S = 5.0


def measure(home: Path, phones: Sequence[str], until: float) -> dict[str, object]:
    """The figures of the product, `wrong` among them: every account that differs."""
    with House(home) as house:
        message = house.client.call("Recording_Create", files={"media": evaluation.tone(PROMPT_S)}, title="bench")
        house.start(warm_up := house.campaign(WARM_UP, message=message, cps=WARM_UP_CPS))
        house.finish(warm_up)
        campaign = house.campaign(phones, message=message, ring_timeout=RING_TIMEOUT_S, **NO_LIMIT)
        time.sleep(SETTLE_DOWN_S)
        meter = Meter({part: house.pid(part) for part in PARTS} | {"receiver": os.getpid()})
        house.start(campaign)
        _wait(house, campaign, len(phones), until)
        used = meter.read(len(phones))
        rows = _rows(home, campaign, len(phones))
        wrong = _differences(house, campaign, phones, rows)
        tried_again = {"pushes_repeated": house.receiver.repeated, "pushes_refused": len(house.receiver.refused)}
        return {**_figures(rows), **tried_again, **used, "wrong": wrong}


def _pushed(house: House, campaign: int) -> list[dict]:
    """What the receiver was told of this campaign's calls."""
    return [event["data"] for event in list(house.receiver.events.values()) if event["data"]["campaign_id"] == campaign]


def _wait(house: House, campaign: int, calls: int, until: float) -> None:
    """Until every push arrived, none comes any more, or the time is over."""
    began = changed = shown = time.monotonic()
    before, seen = len(house.receiver.events), 0
    while seen < calls and (now := time.monotonic()) < until and now - changed < STILL_S:
        time.sleep(0.05)
        if (arrived := len(house.receiver.events) - before) != seen:
            seen, changed = arrived, now
        if now - shown >= SHOW_EACH_S:
            print(f"    {now - began:5.1f} s  {seen} of {calls} pushes received", flush=True)
            shown = now


def _rows(home: Path, campaign: int, calls: int) -> list[sqlite3.Row]:
    """Every call, with the time of its push: when the receiver's answer was there."""
    store = sqlite3.connect(f"file:{home}/carillon.sqlite?mode=ro", uri=True)
    store.row_factory = sqlite3.Row
    deadline = time.monotonic() + LAST_WRITES_S
    try:
        while True:
            rows = store.execute(
                "select call.*, push.state as push_state, push_try.at + push_try.milliseconds as pushed_at from call"
                " left join push on push.call_id = call.id left join push_try on push_try.push_id = push.id and push_try.status = 204"
                " where call.campaign_id = ?",
                (campaign,),
            ).fetchall()
            if sum(row["push_state"] == "delivered" for row in rows) >= calls or time.monotonic() > deadline:
                return rows
            time.sleep(0.2)
    finally:
        store.close()


def _differences(house: House, campaign: int, phones: Sequence[str], rows: Sequence[sqlite3.Row]) -> list[str]:
    """Where the carrier's account, the rows and the pushes are not the same, or not what was to be expected."""
    wanted = expected(phones)
    settled = Counter(row["disposition"] for row in rows if row["state"] == "settled")
    pushed = Counter(told["disposition"] for told in _pushed(house, campaign))
    invited = Counter(f"+{number}" for _, number in house.seen_by_carrier())
    found = {
        "the rows say": settled == wanted or dict(settled),
        "the pushes say": pushed == wanted or dict(pushed),
        "the carrier was called": invited == Counter([*WARM_UP, *phones]) or f"{sum(invited.values())} times",
        "rows for each call": len(rows) == len(phones) or len(rows),
    }
    return [f"{what}: {said}, where {dict(wanted)} was expected" for what, said in found.items() if said is not True]


def _figures(rows: Sequence[sqlite3.Row]) -> dict[str, object]:
    settled = [row["settled_at"] / 1000 for row in rows if row["settled_at"] is not None]
    pushed = [row["pushed_at"] / 1000 for row in rows if row["pushed_at"] is not None]
    first = min((row["claimed_at"] / 1000 for row in rows), default=0.0)
    seconds = max(pushed, default=first) - first
    return {
        "calls": len(rows),
        "settled": len(settled),
        "pushed": len(pushed),
        "seconds": round(seconds, 2),
        "calls_per_second": round(len(pushed) / seconds, 1) if seconds else 0.0,
        "plateau": round(plateau(settled), 1) if settled else 0.0,
        "plateau_of_pushes": round(plateau(pushed), 1) if pushed else 0.0,
        "ms": {
            stage: _stage([row for row in rows if stage != BUSY or row["disposition"] == "busy"], *columns)
            for stage, columns in STAGES.items()
        },
    }


def _stage(rows: Sequence[sqlite3.Row], begin: str, end: str) -> dict[str, float]:
    spent = [row[end] - row[begin] for row in rows if row[begin] is not None and row[end] is not None]
    return {"p50": percentile(spent, 0.5), "p95": percentile(spent, 0.95)}
