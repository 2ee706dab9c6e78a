"""`python -m tests.bench.calls`: how many calls per second Carillon carries, against a bare AMI client, in one run on this machine.

Both sides make the same calls through the same Asterisk and the same simulated carrier; all of it shares the machine's cores.
Leaves its figures in var/bench/calls.json. Ends by itself within five minutes.
"""

import argparse
import json
import os
import shutil
import sys
import time
from pathlib import Path

from dialplan import fetch
from dialplan.client import MethodRefused
from dialplan.demo import DemoFailed
from tests.bench import floor, machine, mix, product

HOME = Path("var/bench")
CALLS, MOST_CALLS = 3000, 10_000
FLOOR_S, WHOLE_S = 100, 270


def run(calls: int) -> dict[str, object]:
    """Both measurements, one after the other."""
    phones = mix.numbers(calls)
    shutil.rmtree(HOME, ignore_errors=True)
    HOME.mkdir(parents=True)
    result: dict[str, object] = {
        "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": machine.described(fetch.asterisk().version),
        "mix": {"calls": calls, "prompt_s": mix.PROMPT_S, **mix.expected(phones)},
    }
    began = time.monotonic()
    for name, side, seconds in (("floor", floor, FLOOR_S), ("product", product, WHOLE_S)):
        load = os.getloadavg()[0]
        print(f"{name}: {calls} calls, at a load of {load:.1f}", flush=True)
        result[name] = {"load_before": round(load, 2), **side.measure((HOME / name).absolute(), phones, began + seconds)}
    bare, ours = result["floor"], result["product"]
    result["ratio"] = {key: round(ours[key] / bare[key], 2) if bare[key] else 0.0 for key in ("calls_per_second", "plateau")}
    result["ratio"]["cpu"] = round(bare["cpu_ms_per_call"]["all"] / ours["cpu_ms_per_call"]["all"], 2)
    result["wrong"] = wrong(result, calls)
    return result


def wrong(result: dict[str, object], calls: int) -> list[str]:
    """What makes the figures worthless: calls that were lost, or that did not end as the carrier makes them end."""
    bare = result["floor"]
    answered = result["mix"]["answered"]
    lost = [] if (bare["ended"], bare["answered"]) == (calls, answered) else [
        f"floor: {bare['ended']} of {calls} calls ended, {bare['answered']} of {answered} were answered"
    ]  # fmt: skip
    return lost + [f"product: {text}" for text in result["product"]["wrong"]]


def table(result: dict[str, object]) -> str:
    bare, ours, ratio = result["floor"], result["product"], result["ratio"]
    here = result["machine"]
    names = dict.fromkeys(ours["cpu_ms_per_call"] | bare["cpu_ms_per_call"])
    lines = [
        f"{here['cpu']}, {here['cores']} cores, Asterisk {here['asterisk']}, Python {here['python']}",
        f"{'calls per second':24}{'floor':>10}{'Carillon':>10}{'ratio':>8}",
        f"{'  in the middle':24}{bare['plateau']:10.1f}{ours['plateau']:10.1f}{ratio['plateau']:8.2f}",
        f"{'  first to last':24}{bare['calls_per_second']:10.1f}{ours['calls_per_second']:10.1f}{ratio['calls_per_second']:8.2f}",
        "CPU ms a call",
        *(f"{f'  {name}':24}{_of(bare, name)}{_of(ours, name)}" for name in names if name != "all"),
        f"{'  all of these':24}{_of(bare, 'all')}{_of(ours, 'all')}{ratio['cpu']:8.2f}",
        f"{'idle':24}{bare['idle']:10.0%}{ours['idle']:10.0%}",
        f"{'others on this machine':24}{bare['others']:10.0%}{ours['others']:10.0%}",
        f"floor: at most {bare['cap']} originates unanswered; Asterisk made a channel within {bare['channel_ms_p95']} ms (p95)",
        *(f"Carillon, {stage}: {ms['p50']:.0f} ms, p95 {ms['p95']:.0f} ms" for stage, ms in ours["ms"].items()),
        f"Carillon, pushes: {ours['pushed']} delivered, {ours['pushes_repeated']} of them again, {ours['pushes_refused']} damaged",
    ]
    return "\n".join(lines)


def _of(side: dict[str, object], name: str) -> str:
    ms = side["cpu_ms_per_call"].get(name)
    return f"{'':10}" if ms is None else f"{ms:10.2f}"


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.calls", description="Calls per second: Carillon against a bare AMI client."
    )
    parser.add_argument("--calls", type=int, default=CALLS, metavar="N", help=f"calls on each side (default {CALLS}, at most {MOST_CALLS})")
    given = parser.parse_args()
    if not 100 <= given.calls <= MOST_CALLS:
        parser.error(f"--calls is between 100 and {MOST_CALLS}")
    try:
        result = run(given.calls)
    except (floor.FloorFailed, fetch.FetchError, DemoFailed, MethodRefused, OSError) as error:
        sys.exit(f"bench: {error}")
    (HOME / "calls.json").write_text(json.dumps(result, indent=2) + "\n")
    print(f"\n{table(result)}\n\nnothing was lost; figures in {HOME / 'calls.json'}" if not result["wrong"] else f"\n{table(result)}")
    if result["wrong"]:
        sys.exit("bench: " + "\nbench: ".join(result["wrong"]))


if __name__ == "__main__":
    main()
