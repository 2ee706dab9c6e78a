"""A long file with every kind of fault through the real API process: each fault told with its line, all else imported, little memory."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.bench import imports as bench

FAULTS = [  # a line, and how the reason begins
    ("12;too short", "'12' lacks its area code"),
    ("+493012345&SIP/x;injected", "'+493012345&SIP/x' is no phone number"),
    (";nobody", "phone is missing"),
    ('0151{n:08};"opened', "a quote is opened and never closed"),
    ('0151{n:08};"closed" and more', "text follows a closing quote"),
    ("0151{n:08};Ann;Lee;one too many", "has 4 cells, the header 3"),
    ("0151{n:08};{long}", "first_name is longer than 80 characters"),
    ("0151{n:08};{longer}", "is longer than 20000 characters"),
    ("0151{n:08};A\0n", "holds a NUL character"),
]
EVERY = 50  # rows, of which one is a fault and one was there before


def lines(rows: int) -> Iterator[tuple[str, str | None]]:
    """Each row's text, and the beginning of the reason why it is none."""
    for n in range(rows):
        if n % EVERY == 7:
            text, why = FAULTS[n // EVERY % len(FAULTS)]
            yield text.format(n=n, long="x" * 81, longer="y" * 30_000), why
        elif n % EVERY == 9:
            yield f"+49 151 {n - 1:08};Again;Lee", None
        elif n % EVERY == 11:
            yield f'0151{n:08};"Ann ""A""\nof two lines";"Lee; jr."', None
        else:
            yield f"0151{n:08};Jürgen{n};Łee", None


def written(path: Path, rows: int) -> dict[int, str]:
    """Write the file; the faults' lines and reasons."""
    faults, at = {}, 2
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write("Mobile;First Name;Surname\r\n")
        for text, why in lines(rows):
            faults |= {at: why} if why else {}
            at += 1 + text.count("\n")
            file.write(f"{text}\r\n")
    return faults


@pytest.mark.parametrize("rows", [20_000, pytest.param(1_000_000, marks=pytest.mark.soak)])
def test_every_fault_is_told_and_all_else_imported(tmp_path, rows):
    faults = written(tmp_path / "rows.csv", rows)
    again = len(range(9, rows, EVERY))
    (tmp_path / "home").mkdir()
    with bench.api(tmp_path / "home") as (port, client, pid, login):
        group = client.call("Contact_Group_Create", contact_group={"name": "many"})
        before = bench.peak_mb(pid)
        count = bench.upload(port, tmp_path / "rows.csv", {**login, "contact_group_id": str(group), "type": "file", "import_id": "mine"})
        more = bench.peak_mb(pid) - before
        told = client.call("Import_Get", import_id="mine")
        [first, *_] = client.call("Contact_List", search={"contact_group_id": group}, limit=1)
        kept = client.call("Contact_Group_Get", contact_group_id=group)["contacts"]
    assert count == kept == rows - len(faults) - again
    assert (told["state"], told["read"], told["imported"]) == ("done", rows, count)
    assert (told["rejected"], told["duplicates"], told["updated"]) == (len(faults), again, 0)
    assert [one["line"] for one in told["rejects"]] == sorted(faults)[:1000]
    assert [one for one in told["rejects"] if not one["reason"].startswith(faults[one["line"]])] == []
    assert (first["phone"], first["first_name"], first["last_name"]) == ("+4915100000000", "Jürgen0", "Łee")
    assert more < 60
