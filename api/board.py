"""What the command line shows a person: payloads as text, a campaign as a live board, an import's progress. Knows no operation."""

import json
import secrets
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table

EVERY_S = 1.0
OVER = ("completed", "archived")


def text(payload: Any) -> str:
    """A payload for people: lists of objects as columns, an object as lines, a value as itself."""
    if isinstance(payload, dict):
        wide = max(map(len, payload), default=0)
        return "\n".join(f"{key:{wide}}  {_cell(value)}" for key, value in payload.items())
    if isinstance(payload, list):
        rows = [row if isinstance(row, dict) else {"": row} for row in payload]
        return _columns(rows) if rows else "nothing"
    return _cell(payload)


def _columns(rows: list[dict[str, Any]]) -> str:
    names = list(rows[0])
    cells = [names, *([_cell(row.get(name)) for name in names] for row in rows)]
    wide = [max(len(line[n]) for line in cells) for n in range(len(names))]
    return "\n".join("  ".join(cell.ljust(width) for cell, width in zip(line, wide, strict=True)).rstrip() for line in cells)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def watch(look: Callable[[], dict[str, Any]], as_json: bool) -> None:
    """Show what `look` answers (Campaign_Summary and Campaign_Status together) as it changes, until the campaign is over."""
    console = Console()
    if as_json or not console.is_terminal:
        _lines(look, as_json)
        return
    began, first = time.monotonic(), look()
    with Live(_board(first, 0.0), console=console, refresh_per_second=4) as live:
        seen = first
        while seen["status"] not in OVER:
            time.sleep(EVERY_S)
            seen = look()
            minutes = (time.monotonic() - began) / 60
            live.update(_board(seen, (seen["contact_done"] - first["contact_done"]) / minutes))


def _lines(look: Callable[[], dict[str, Any]], as_json: bool) -> None:
    last = ""
    while True:
        seen = look()
        line = json.dumps({key: seen[key] for key in seen if key != "contacts"}) if as_json else _line(seen)
        if line != last:
            print(line, flush=True)
        last = line
        if seen["status"] in OVER:
            return
        time.sleep(EVERY_S)


def _line(seen: dict[str, Any]) -> str:
    held = f"; {seen['holding']}" if seen["holding"] else ""
    return f"{seen['status']}: {seen['contact_done']} of {seen['contact_total']} done, {seen['calls_active']} calls active{held}"


def _board(seen: dict[str, Any], per_minute: float) -> Table:
    table = Table(title=f"campaign {seen['campaign_id']}: {seen['name']}", caption=seen["holding"] or "", min_width=50)
    table.add_column(seen["status"])
    table.add_column("", justify="right")
    table.add_row("done", f"{seen['contact_done']} of {seen['contact_total']}")
    table.add_row("calls active", str(seen["calls_active"]))
    table.add_row("contacts done per minute", f"{per_minute:.0f}", end_section=True)
    for word, count in seen["totals"].items():
        if count and word != "total":
            table.add_row(word, str(count))
    return table


@contextmanager
def importing(arguments: dict[str, Any], look: Callable[[str], Any]) -> Iterator[None]:
    """While a file of contacts is imported, say on a terminal's standard error how far it is; `look` reports of it by its name."""
    if "source_file" not in arguments or not sys.stderr.isatty():
        yield
        return
    token: str = arguments.setdefault("import_id", f"cli-{secrets.token_hex(8)}")
    done = threading.Event()

    def tell() -> None:
        while not done.wait(EVERY_S):
            if seen := look(token):
                told = f"\r{seen.read} rows read, {seen.new_rows + seen.updated} imported, {seen.rejected} rejected"
                print(told, end="", file=sys.stderr, flush=True)

    teller = threading.Thread(target=tell, daemon=True)
    teller.start()
    try:
        yield
    finally:
        done.set()
        teller.join()
        print(file=sys.stderr)
