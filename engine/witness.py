"""The last word about calls that ended while nobody looked: Asterisk's own CDR and CEL files.

They are append-only and written at once. The CDR proves that a call existed, when, and whether it was answered; the CEL gives
the hangup cause. Nothing else in them is believed.
"""

import csv
import json
import logging
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

BLOCK = 1 << 16
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Seen:
    """What the files say of one call. Times in UTC ms; `answered_at` None: not answered."""

    answered_at: int | None = None
    ended_at: int | None = None
    cause: int | None = None


def look(records: Sequence[Path], call_ids: Collection[int], since: int) -> dict[int, Seen]:
    """What `records` (the CDR file, the CEL file) say of these calls; a call in neither is not in the answer.

    Reads backwards, in bounded memory, until rows older than `since` (UTC ms).
    """
    cdr, cel = records
    wanted = {str(call_id) for call_id in call_ids}
    seen: dict[int, Seen] = {}
    for row in _rows(cdr, wanted, 6, 3, since):  # a call that an extension did not take has two, the last one first
        last = seen.get(int(row[0]), Seen())
        seen[int(row[0])] = Seen(answered_at=_ms(row[2]) or last.answered_at, ended_at=last.ended_at or _ms(row[3]) or None)
    for row in _rows(cel, wanted, 4, 1, since):
        if row[2] != "HANGUP":
            continue  # an Asterisk that is not ours may tell more
        call_id = int(row[0])
        seen[call_id] = replace(seen.get(call_id, Seen(ended_at=_ms(row[1]))), cause=_cause(row[3]))
    return seen


def _rows(path: Path, wanted: Collection[str], columns: int, time_column: int, since: int) -> Iterator[list[str]]:
    for part in (path, path.with_name(path.name + ".1")):
        if not part.exists():
            if part == path:
                log.warning("%s does not exist: calls that ended unseen cannot be finished from it", path)
            continue
        for line in _backwards(part):
            row = next(csv.reader([line]), [])
            if len(row) != columns:
                continue  # a torn last line, or not ours
            # A CDR is written at its end: once the rows are a minute older than the oldest call, nothing of ours follows.
            if 0 < _ms(row[time_column]) < since - 60_000:
                return
            if row[0].lstrip("0") in wanted:  # the channel's id is the call's, with zeros in front
                yield row


def _backwards(path: Path) -> Iterator[str]:
    """The complete lines of a file, last one first. What follows the last newline is still being written."""
    with path.open("rb") as file:
        position, rest, torn = file.seek(0, 2), b"", True
        while position:
            size = min(BLOCK, position)
            position -= size
            file.seek(position)
            lines = (file.read(size) + rest).split(b"\n")
            if torn and len(lines) > 1:
                lines[-1], torn = b"", False
            rest = lines.pop(0) if position else b""
            yield from (line.decode("utf-8", "replace") for line in reversed(lines) if line)


def _ms(text: str) -> int:
    try:
        return int(float(text) * 1000)
    except ValueError:
        return 0


def _cause(text: str) -> int | None:
    try:
        cause = json.loads(text).get("hangupcause")
    except (ValueError, AttributeError):
        return None
    return cause if isinstance(cause, int) else None
