"""Files of contacts as people export them: in any usual encoding and separator, with or without header, and with every kind of fault.

Read line by line, so that a file of any size needs little memory, and a fault costs the row in which it is, never those after it.
Knows neither numbers nor the store.
"""

import codecs
import csv
import io
import re
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from itertools import islice
from typing import IO, NamedTuple

COLUMNS = ("phone", "first_name", "last_name", "email", "address", "custom1", "custom2", "custom3", "description")
LENGTHS = {
    "phone": 255, "first_name": 80, "last_name": 80, "email": 200, "address": 200, "country": 80,
    "custom1": 255, "custom2": 255, "custom3": 255, "description": 2000,
}  # fmt: skip
SYNONYMS = {
    "phone": "phone_number phonenumber phone_no number telephone telephone_number tel mobile mobile_phone mobile_number cell cell_phone"
    " cellphone cell_number msisdn contact_number phone1 phone_1 primary_phone telefon telefonnummer rufnummer handy telefono telephone1",
    "first_name": "firstname first fname given_name givenname forename name vorname prenom nombre",
    "last_name": "lastname last lname surname family_name familyname nachname nom apellido",
    "email": "e_mail mail email_address emailaddress e_mail_address",
    "address": "street street_address postal_address adresse address1 address_1 address_line_1",
    "country": "country_code land pays pais",
    "description": "notes note comment comments remark remarks",
    "custom1": "custom_1", "custom2": "custom_2", "custom3": "custom_3",
}  # fmt: skip
NAMES = {word: name for name in LENGTHS for word in (name, *SYNONYMS.get(name, "").split())}
SEPARATORS = (",", ";", "\t", "|")
LONGEST_LINE = 20_000  # characters
MOST_LINES = 20  # of one row, whose quoted cells may go over several
SHORTEST_TOO_LONG = min(LENGTHS.values())
# the `+` behind the braces gives nothing back: else a line of blanks would take seconds
PHONE = re.compile(r"[ \"'(]*[+(]?[0-9][0-9 ()./-]{5,}+[ \"']*", re.ASCII)
BOMS = {codecs.BOM_UTF8: "latin-1", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}
NO_TEXT = {
    b"PK\x03\x04": "a spreadsheet or an archive", b"\xd0\xcf\x11\xe0": "a spreadsheet", b"%PDF": "a PDF", b"\x1f\x8b": "compressed",
}  # fmt: skip


class NoTable(Exception):
    """The file as a whole is unusable; the text says what to change."""


class Row(NamedTuple):
    """`line` is counted from 1; `fields` holds no empty ones, but always a `phone`."""

    line: int
    fields: dict[str, str]


class Bad(NamedTuple):
    """A row that cannot be used, and why."""

    line: int
    reason: str


class _Line(NamedTuple):
    """A line without its end; a fault that spoils it as a whole."""

    number: int
    text: str
    fault: str | None = None


def rows(stream: IO[bytes], skip: int = 0) -> Iterator[Row | Bad]:
    """The rows of the file in order, good and bad, after the first `skip` of them; header and blank lines are none. NoTable."""
    lines = _lines(stream)
    try:
        return islice(_begun(lines), skip, None)
    except NoTable:
        lines.close()  # so that the file is let go before its owner closes it
        raise


def _begun(lines: Generator[_Line, None, None]) -> Iterator[Row | Bad]:
    """The rows, once the header is read. NoTable."""
    first = next((line for line in lines if line.text.strip() or line.fault), None)
    if first is None:
        raise NoTable("is empty; send a CSV file")
    declared = re.fullmatch(r"sep=([,;\t|])", first.text.strip(" \"'"))  # what a spreadsheet program writes for itself
    if declared:
        first = next(lines, _Line(2, ""))
    separator = declared[1] if declared else _separator(first.text)
    table = _Table(separator, first.text.split(separator))
    again = deque([first])
    if table.has_header:
        header = next(table.records(again, lines))
        table.name(header[1] if isinstance(header, tuple) else [])
    return _rows(table, again, lines)


def _rows(table: "_Table", again: deque[_Line], lines: Iterator[_Line]) -> Iterator[Row | Bad]:
    for record in table.records(again, lines):
        if isinstance(record, Bad):
            yield record
        elif isinstance(row := table.row(*record), Row) or "".join(record[1]).strip():
            yield row


class _Table:
    """What the columns are, and how a row is taken apart."""

    def __init__(self, separator: str, first: Sequence[str]) -> None:
        self._separator = separator
        self._width = len(first)
        known = {NAMES.get(_word(cell)) for cell in first} - {None}
        self.has_header = bool(known) and not any(PHONE.fullmatch(cell) for cell in first)
        if self.has_header and "phone" not in known and len(known) == 1:
            self.has_header = False  # one word that a cell may hold as well
        self._columns = list(enumerate(COLUMNS))
        self._phones = [0]

    def name(self, header: Sequence[str]) -> None:
        """Take the columns from the header. NoTable."""
        words = [_word(cell) for cell in header]
        found = [(index, NAMES[word]) for index, word in enumerate(words) if word in NAMES]
        # where several columns mean the same, the one of exactly that name goes first
        self._columns = sorted(found, key=lambda column: words[column[0]] != column[1])
        self._phones = [index for index, name in self._columns if name == "phone"]
        self._width = len(words)
        if not self._phones:
            raise NoTable("has a header without a phone column; call one `phone`")

    def row(self, line: int, cells: Sequence[str]) -> Row | Bad:
        fields: dict[str, str] = {}
        for index, name in self._columns:
            if index < len(cells) and name not in fields and (cell := cells[index].strip()):
                if len(cell) > SHORTEST_TOO_LONG and len(cell) > LENGTHS[name]:
                    return Bad(line, f"{name} is longer than {LENGTHS[name]} characters")
                fields[name] = cell
        if self.has_header and len(cells) > self._width and any(cells[self._width :]):
            return Bad(line, f"has {len(cells)} cells, the header {self._width}; a cell that holds the separator has to stand in quotes")
        return Row(line, fields) if "phone" in fields else Bad(line, "phone is missing")

    def records(self, again: deque[_Line], lines: Iterator[_Line]) -> Iterator[tuple[int, Sequence[str]] | Bad]:
        """(line, cells) of each row. `again` are lines that were read already."""
        while (line := _next(again, lines)) is not None:
            if line.fault:
                yield Bad(line.number, line.fault)
            elif '"' in line.text:
                yield self._quoted(line, again, lines)
            else:
                yield line.number, line.text.split(self._separator)

    def _quoted(self, line: _Line, again: deque[_Line], lines: Iterator[_Line]) -> tuple[int, Sequence[str]] | Bad:
        """A row in which quotes stand; it may go over several lines, but not over what looks like another row."""
        taken = [line]
        while True:
            cells, fault = _cells(taken, self._separator)
            if cells is not None:
                return line.number, cells
            follower = _next(again, lines) if fault is None and len(taken) < MOST_LINES else None
            if follower is None:
                break
            taken.append(follower)
            if follower.fault or self._is_row(follower.text):
                break
        again.extendleft(reversed(taken[1:]))
        return Bad(line.number, fault if fault and len(taken) == 1 else "a quote is opened and never closed")

    def _is_row(self, text: str) -> bool:
        cells = text.split(self._separator)
        return len(cells) >= self._width and any(PHONE.fullmatch(cells[index]) for index in self._phones)


def _next(again: deque[_Line], lines: Iterator[_Line]) -> _Line | None:
    return again.popleft() if again else next(lines, None)


def _cells(taken: Sequence[_Line], separator: str) -> tuple[list[str] | None, str | None]:
    """The cells of these lines; or none, and what is wrong with them: nothing if only the closing quote is missing yet."""
    try:
        return next(csv.reader([f"{line.text}\n" for line in taken], delimiter=separator, strict=True)), None
    except csv.Error as error:
        return None, None if "unexpected end of data" in str(error) else "text follows a closing quote; a quote within quotes is doubled"


def _word(cell: str) -> str:
    return re.sub(r"\W+", "_", cell.strip().casefold()).strip("_")


def _separator(line: str) -> str:
    outside = re.sub(r'"[^"]*"', "", line)
    return max(SEPARATORS, key=outside.count)


def _lines(stream: IO[bytes]) -> Generator[_Line, None, None]:
    stream.seek(0)
    head = stream.read(4096)
    for magic, what in NO_TEXT.items():
        if head.startswith(magic):
            raise NoTable(f"is {what}; save it as CSV and send that")
    bom = next((bom for bom in BOMS if head.startswith(bom)), b"")
    stream.seek(len(bom))
    encoding = BOMS[bom] if bom else _without_bom(head)
    # bytes as characters: which encoding it is, is seen line by line, for files put together from several
    text = io.TextIOWrapper(stream, encoding, errors="replace", newline="")
    number, start = 0, True
    try:
        while line := text.readline(LONGEST_LINE):
            ended = line[-1] in "\r\n"
            if start:
                number += 1
                yield (
                    _line(number, line.rstrip("\r\n"), encoding)
                    if ended or len(line) < LONGEST_LINE
                    else _Line(number, "", f"is longer than {LONGEST_LINE} characters")
                )
            start = ended or len(line) < LONGEST_LINE
    finally:
        if not stream.closed:  # its owner may be quicker than whoever drops this generator
            text.detach()


def _line(number: int, text: str, encoding: str) -> _Line:
    if not text.isascii():
        text = _decoded(text) if encoding == "latin-1" else text
        if "\N{REPLACEMENT CHARACTER}" in text:
            return _Line(number, text, "holds bytes that are no text; save the file as UTF-8")
    return _Line(number, text, "holds a NUL character; save the file as UTF-8") if "\0" in text else _Line(number, text)


def _decoded(text: str) -> str:
    raw = text.encode("latin-1")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def _without_bom(head: bytes) -> str:
    """UTF-16 in Western text is every other byte a NUL."""
    even, odd = head[::2].count(0), head[1::2].count(0)
    if even + odd <= len(head) // 4:
        return "latin-1"
    return "utf-16-le" if odd > even else "utf-16-be"
