"""What the documents say is so: tables in them are held against the tables in the code."""

import re
from pathlib import Path

from api import reference
from api.operations import OPERATIONS
from dialplan.carrier import BEHAVIOURS

ROOT = Path(__file__).parent.parent


def rows(path: str, columns: int) -> list[list[str]]:
    """The body rows of every table of that many columns in a Markdown file."""
    found = []
    for line in (ROOT / path).read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and len(cells) == columns and not set(line) <= set("|-: "):
            found.append(cells)
    return found[1:]


def test_the_carriers_table_is_the_carriers_behaviour():
    written = [
        (*map(int, re.findall(r"\d\d", digits)), what, int(sip), disposition.strip("`"))
        for digits, what, sip, disposition in rows("docs/carrier.md", 4)
    ]
    told = [(row.first, *([row.last] if row.last != row.first else []), row.what, row.sip_code, row.disposition) for row in BEHAVIOURS]
    assert written == told


def test_every_file_that_the_readme_names_is_there():
    text = (ROOT / "README.md").read_text()
    named = re.findall(r"\b(?:docs|engine|agi|api|sql|dialplan|tests)/[\w/]+\.(?:md|py|sql|conf)\b", text)
    assert named
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_reference_is_that_of_the_declarations():
    written = (ROOT / "docs/api.md").read_text()
    assert written == reference.text(), "docs/api.md is old; run `python -m api.reference > docs/api.md`"
    assert all(f"\n## {' = '.join((operation.name, *operation.aliases))}\n\n" in written for operation in OPERATIONS)
