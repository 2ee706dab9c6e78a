"""Contacts and their groups."""

import codecs
import csv
import io
import itertools
import logging
from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, BeforeValidator, Field, StringConstraints
from werkzeug.datastructures import FileStorage

from api.operation import DIALLING, Caller, File, Id, Input, Operation, Refused
from sql import contacts, numbers, store, users

COLUMNS = ("phone", "first_name", "last_name", "email", "address", "custom1", "custom2", "custom3", "description")
LENGTHS = {"email": 200, "address": 200, "custom1": 255, "custom2": 255, "custom3": 255, "description": 2000}
BATCH = 500
log = logging.getLogger(__name__)

Text = Annotated[str, StringConstraints(max_length=80)]
Custom = Annotated[str, StringConstraints(max_length=255)]


class NewGroup(Input):
    name: Annotated[str, StringConstraints(max_length=200)]
    description: Annotated[str, StringConstraints(max_length=2000)] | None = None


class GroupCreate(Input):
    contact_group: NewGroup


def _no_lost_plus(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(" "):
        raise ValueError("begins with a space; a + in a form or query has to be sent as %2B")
    return value


class NewContact(Input):
    phone: Annotated[str, BeforeValidator(_no_lost_plus), StringConstraints(max_length=60)] = Field(coerce_numbers_to_str=True)
    first_name: Text | None = None
    last_name: Text | None = None
    email: Annotated[str, StringConstraints(max_length=200)] | None = None
    address: Annotated[str, StringConstraints(max_length=200)] | None = None
    country: Text | None = None
    custom1: Custom | None = None
    custom2: Custom | None = None
    custom3: Custom | None = None
    description: Annotated[str, StringConstraints(max_length=2000)] | None = None


class ContactCreate(Input):
    contact: NewContact
    contact_group_id: Id | None = None


class ContactImport(Input):
    contact_group_id: Id
    type: Literal["file"] = "file"
    source_file: File = Field(validation_alias=AliasChoices("source_file", "file"))


def group_create(caller: Caller, given: GroupCreate) -> int:
    """Make a group of contacts. Answers its id."""
    group = given.contact_group
    return store.unit(contacts.create_group, caller.user_id, group.name, group.description, store.now())


def create(caller: Caller, given: ContactCreate) -> dict[str, Any]:
    """Put a person into a group (by default the group `API`) and into its campaigns; a number that is already there is updated."""
    fields = given.contact.given()
    try:
        phone = numbers.normalise(fields.pop("phone"), _country(caller, given.contact_group_id))
    except numbers.NumberError as error:
        raise Refused(f"contact.phone: {error}") from None

    def work() -> dict[str, Any]:
        group_id = given.contact_group_id or contacts.default_group(caller.user_id, store.now())
        [(contact_id, new)] = contacts.put(group_id, [contacts.NewContact(phone, numbers.zones(phone), fields)], store.now())
        return {"contact_id": contact_id, "contact_group_id": group_id, "phone": phone, "status": "created" if new else "updated"}

    return store.unit(work)


def _country(caller: Caller, group_id: int | None) -> str | None:
    """The country of national numbers in this group: its owner's, or the installation's. Refused if the group is not the caller's."""
    owner = caller.user_id if group_id is None else contacts.group_owner(group_id, caller.scope)
    account = None if owner is None else users.by_id(owner)
    if account is None:
        raise Refused(f"contact_group_id: contact group {group_id} is not found")
    return account.country or caller.config.text("calling", "country") or None


def import_(caller: Caller, given: ContactImport) -> int:
    """Put the rows of a CSV file into a group and its campaigns. Answers how many were imported.

    Rows that cannot be used are left out, with a log line each.
    """
    country, imported, seen = _country(caller, given.contact_group_id), 0, set()
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


OPERATIONS = (
    Operation("Contact_Group_Create", GroupCreate, group_create, DIALLING, changes=True),
    Operation("Contact_Create", ContactCreate, create, DIALLING, changes=True),
    Operation("Contact_Import", ContactImport, import_, DIALLING, changes=True, files=("source_file", "file")),
)
