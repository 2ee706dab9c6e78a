"""Files of contacts."""

import codecs
import csv
import io
import itertools
import logging
from collections.abc import Iterator
from typing import Literal

from pydantic import AliasChoices, Field
from werkzeug.datastructures import FileStorage

from api.operation import DIALLING, Caller, File, Id, Input, Operation
from api.operations.contacts import country_of, owner_of
from sql import contacts, numbers, store

COLUMNS = ("phone", "first_name", "last_name", "email", "address", "custom1", "custom2", "custom3", "description")
LENGTHS = {"email": 200, "address": 200, "custom1": 255, "custom2": 255, "custom3": 255, "description": 2000}
BATCH = 500
log = logging.getLogger(__name__)


class ContactImport(Input):
    contact_group_id: Id
    type: Literal["file"] = "file"
    source_file: File = Field(validation_alias=AliasChoices("source_file", "file"))


def import_(caller: Caller, given: ContactImport) -> int:
    """Put the rows of a CSV file into a group and its campaigns. Answers how many were imported.

    Rows that cannot be used are left out, with a log line each.
    """
    country, imported, seen = country_of(caller, owner_of(caller, given.contact_group_id)), 0, set()
    fresh = _contacts(given.source_file, country)
    while batch := list(itertools.islice(fresh, BATCH)):
        unique = [new for new in {new.phone: new for new in batch}.values() if new.phone not in seen]
        seen |= {new.phone for new in unique}
        store.unit(contacts.put, given.contact_group_id, unique, store.now())
        imported += len(unique)
    return imported


def _contacts(file: FileStorage, country: str | None) -> Iterator[contacts.NewContact]:
    columns: tuple[str, ...] = COLUMNS
    for line, row in enumerate(csv.reader(_text(file), dialect=_dialect(file)), 1):
        cells = [cell.strip() for cell in row]
        if line == 1 and "phone" in (names := [cell.lower().replace(" ", "_") for cell in cells]):
            columns = tuple(names)
            continue
        fields = {name: cell for name, cell in zip(columns, cells, strict=False) if cell and name in COLUMNS}
        try:
            phone = numbers.normalise(fields.pop("phone", ""), country)
            too_long = [name for name, value in fields.items() if len(value) > LENGTHS.get(name, 80)]
            if too_long:
                raise ValueError(f"{too_long[0]} is longer than {LENGTHS.get(too_long[0], 80)} characters")
        except ValueError as error:
            if cells:
                log.warning("import: line %d is left out: %s", line, error)
            continue
        yield contacts.NewContact(phone, numbers.zones(phone), fields)


def _text(file: FileStorage) -> io.TextIOBase:
    head = file.stream.read(4096)
    file.stream.seek(0)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encoding = "utf-16"
    else:
        try:
            codecs.getincrementaldecoder("utf-8")().decode(head)
            encoding = "utf-8-sig"
        except UnicodeDecodeError:
            encoding = "cp1252"
    return io.TextIOWrapper(file.stream, encoding, errors="replace", newline="")


def _dialect(file: FileStorage) -> type[csv.Dialect]:
    head = file.stream.read(4096)
    file.stream.seek(0)
    first = head.split(b"\n")[0]
    separator = max((",", ";", "\t"), key=lambda mark: first.count(mark.encode()))

    class Found(csv.excel):
        delimiter = separator

    return Found


OPERATIONS = (Operation("Contact_Import", ContactImport, import_, DIALLING, changes=True, files=("source_file", "file")),)
