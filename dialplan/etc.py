"""Reading Asterisk's configuration as Asterisk does: sections, templates, comments, includes. Changes nothing.

Knows what a file says, not what is right. What Asterisk itself could not load is `Misread`, with the file and the line.
"""

import glob
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

DEEPEST = 10  # Asterisk follows no more includes into each other
OURS = re.compile(r"^; begin carillon\b.*?^; end carillon\b[^\n]*(?:\n|\Z)", re.MULTILINE | re.DOTALL)
SECTION = re.compile(r"\[([^\]]*)\]\s*(?:\((.*)\))?")
INCLUDE = re.compile(r"#(include|tryinclude)\s+[\"<]?([^\"<>]*)[\">]?\s*$")


class Misread(Exception):
    """Asterisk could not load this file either; the text names the file, the line and what is wrong."""


@dataclass(frozen=True)
class Entry:
    """One line that says something: in which section it stands, its key and its value. The section's own line has no key."""

    section: str
    key: str
    value: str


@dataclass(frozen=True)
class File:
    """A file with all that it includes."""

    entries: tuple[Entry, ...]

    @property
    def sections(self) -> set[str]:
        return {entry.section for entry in self.entries if entry.section}

    def all(self, section: str, *keys: str) -> list[str]:
        """The values of these keys in the section, in the order in which they stand."""
        return [entry.value for entry in self.entries if entry.section == section and entry.key in keys]

    def last(self, section: str, key: str, default: str = "") -> str:
        """What counts where Asterisk reads one value."""
        return ([default, *self.all(section, key)])[-1]

    def yes(self, section: str, key: str, default: bool) -> bool:
        word = self.last(section, key).lower()
        return word in ("yes", "true", "y", "t", "1", "on") if word else default


def read(etc: Path, name: str) -> File:
    """The file `name` in the folder `etc`, as it is without Carillon's own lines. One that is not there says nothing."""
    path = etc / name
    return File(tuple(_entries(etc, path, 0))) if path.exists() else File(())


def folder(etc: Path, key: str, default: str) -> Path:
    """A folder that asterisk.conf names, such as astlogdir. Debian's section is marked as a template and says how it was built."""
    return Path(read(etc, "asterisk.conf").last("directories", key, default))


def _entries(etc: Path, path: Path, depth: int) -> Iterator[Entry]:
    if depth > DEEPEST:
        raise Misread(f"{path} is included more than {DEEPEST} deep: files that include each other; Asterisk refuses them, take one out")
    try:
        text = path.read_bytes().decode("utf-8", "surrogateescape")
    except OSError as error:
        raise Misread(f"{path} cannot be read ({error.strerror}); run this as root") from None
    section = ""
    for number, line in _lines(path, OURS.sub("", text)):
        if line.startswith("["):
            found = SECTION.match(line)
            if not found:
                raise Misread(f"{path} line {number}: no closing ] in {line[:40]!r}; Asterisk loads nothing of this file, correct it first")
            section = found[1].strip()
            yield Entry(section, "", found[2] or "")
        elif included := INCLUDE.match(line):
            for inner in _included(etc, path, number, included):
                for entry in _entries(etc, inner, depth + 1):
                    section = entry.section or section  # what follows an include stands in the section that it ended with
                    yield Entry(section, entry.key, entry.value)
        elif not line.startswith("#"):
            key, _, value = line.partition("=")
            yield Entry(section, key.strip(), value.removeprefix(">").strip())


def _included(etc: Path, path: Path, number: int, included: re.Match[str]) -> list[Path]:
    """The files that an include names, which may be none if it only tries."""
    pattern = str(etc / included[2].strip())
    found = [Path(name) for name in sorted(glob.glob(pattern)) if Path(name).is_file()]
    if not found and included[1] == "include":
        raise Misread(
            f"{path} line {number} includes {included[2]!r}, which is not there; Asterisk loads nothing of this file, correct it first"
        )
    return found


def _lines(path: Path, text: str) -> Iterator[tuple[int, str]]:
    """The lines that say something, without comments; `;-- … --;` goes over several lines and may hold others."""
    depth = opened = 0
    for number, line in enumerate(text.split("\n"), 1):
        kept, at = "", 0
        while at < len(line):
            if line.startswith(";--", at) and not line.startswith(";---", at):
                depth, opened, at = depth + 1, opened if depth else number, at + 3
            elif depth and line.startswith("--;", at):
                depth, at = depth - 1, at + 3
            elif depth:
                at += 1
            elif line.startswith("\\;", at):
                kept, at = kept + ";", at + 2
            elif line[at] == ";":
                break
            else:
                kept, at = kept + line[at], at + 1
        if kept.strip():
            yield number, kept.strip()
    if depth:
        raise Misread(f"{path} line {opened}: the comment ;-- is never closed by --;, so nothing after it counts; correct it first")
