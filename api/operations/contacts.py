"""Contacts: put into groups, found, changed, deleted, and told of."""

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, StringConstraints
from typing_extensions import TypedDict

from api.operation import DIALLING, Caller, Id, Input, Operation, Page, Refused
from api.operations.campaign_fields import Description, text
from sql import contacts, numbers, people, store, users
from sql.events import iso


def _no_lost_plus(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(" "):
        raise ValueError("begins with a space; a + in a form or query has to be sent as %2B")
    return value


Word = Annotated[str, BeforeValidator(text), StringConstraints(max_length=80)]
Line = Annotated[str, BeforeValidator(text), StringConstraints(max_length=200)]
Custom = Annotated[str, BeforeValidator(text), StringConstraints(max_length=255)]
Phone = Annotated[str, BeforeValidator(_no_lost_plus), BeforeValidator(text), StringConstraints(max_length=60)]


class ContactFields(Input):
    first_name: Word | None = None
    last_name: Word | None = None
    email: Line | None = None
    address: Line | None = None
    country: Word | None = None
    custom1: Custom | None = None
    custom2: Custom | None = None
    custom3: Custom | None = None
    description: Description | None = None


class NewContact(ContactFields):
    phone: Phone


class ContactCreate(Input):
    contact: NewContact
    contact_group_id: Id | None = None


class ContactId(Input):
    contact_id: Id


class ContactChanges(ContactFields):
    phone: Phone | None = None


class ContactUpdate(ContactId):
    contact: ContactChanges


class ContactSearch(ContactFields):
    contact_id: Id | None = None
    contact_group_id: Id | None = None
    phone: Word | None = None


class ContactList(Page):
    search: ContactSearch = Field(default_factory=ContactSearch)


class ContactState(TypedDict):
    """A contact and what became of it: `created`, or `updated` because the number was in the group already."""

    contact_id: int
    contact_group_id: int
    phone: str
    status: str


class ContactEnd(TypedDict):
    """The contact that is gone; `status` is `deleted`."""

    contact_id: int
    status: str


class ContactData(TypedDict):
    """A contact. `timezones` are those that its number may lie in."""

    contact_id: int
    contact_group_id: int
    phone: str
    first_name: str | None
    last_name: str | None
    email: str | None
    address: str | None
    country: str | None
    custom1: str | None
    custom2: str | None
    custom3: str | None
    description: str | None
    timezones: list[str]
    created_at: str | None


class EventData(TypedDict):
    """Something that happened: created, joined, claimed, dialled, answered, heard, pressed, connected, disconnected, ended, settled,
    pushed, push-dead or done; `text` says it in words.
    """

    at: str | None
    what: str
    text: str
    campaign_id: int | None
    call_id: int | None


def shown(person: people.Person) -> ContactData:
    return {
        "contact_id": person.id,
        "contact_group_id": person.contact_group_id,
        "phone": person.phone,
        "first_name": person.first_name,
        "last_name": person.last_name,
        "email": person.email,
        "address": person.address,
        "country": person.country,
        "custom1": person.custom1,
        "custom2": person.custom2,
        "custom3": person.custom3,
        "description": person.description,
        "timezones": (person.zone or "").split(",") if person.zone else [],
        "created_at": iso(person.created_at),
    }


def mine(caller: Caller, contact_id: int) -> people.Person:
    """The contact, if the caller may see it."""
    found = people.get(contact_id, caller.scope)
    if found is None:
        raise Refused(f"contact {contact_id} is not found")
    return found


def owner_of(caller: Caller, group_id: int, name: str = "contact_group_id") -> int:
    """Whose group this is. Refused, by the argument's `name`, if it is not the caller's to see."""
    owner = contacts.group_owner(group_id, caller.scope)
    if owner is None:
        raise Refused(f"{name}: contact group {group_id} is not found")
    return owner


def number(caller: Caller, written: str, owner: int) -> str:
    """What the owner of a contact wrote, in E.164. Refused."""
    try:
        return numbers.normalise(written, users.country(owner, caller.config.text("calling", "country")))
    except numbers.NumberError as error:
        raise Refused(f"contact.phone: {error}") from None


def create(caller: Caller, given: ContactCreate) -> ContactState:
    """Put a person into a group (by default the group `API`) and into its campaigns; a number that is already there is updated."""
    fields = given.contact.given()
    owner = caller.user_id if given.contact_group_id is None else owner_of(caller, given.contact_group_id)
    phone = number(caller, fields.pop("phone"), owner)

    def work() -> ContactState:
        group_id = given.contact_group_id or contacts.default_group(caller.user_id, store.now())
        [(contact_id, new)] = contacts.put(group_id, [contacts.NewContact(phone, numbers.zones(phone), fields)], store.now())
        return {"contact_id": contact_id, "contact_group_id": group_id, "phone": phone, "status": "created" if new else "updated"}

    return store.unit(work)


def get(caller: Caller, given: ContactId) -> ContactData:
    """One contact."""
    return shown(mine(caller, given.contact_id))


def list_(caller: Caller, given: ContactList) -> list[ContactData]:
    """The contacts that match `search`, `limit` at a time after the contact_id `cursor`. Text is looked for anywhere in its column;
    empty search finds all.
    """
    unknown = sorted(given.search.model_extra or ())
    if unknown:
        raise Refused(f"search: {unknown[0]!r} is no column; there are {', '.join(ContactSearch.model_fields)}")
    wanted = given.search.given()
    ids = {"contact_id": "id", "contact_group_id": "contact_group"}
    equal = {ids[name]: wanted.pop(name) for name in ids if name in wanted}
    return [shown(person) for person in people.listed(caller.scope, equal, wanted, given.limit, given.cursor)]


def update(caller: Caller, given: ContactUpdate) -> ContactData:
    """Change a contact. A new number holds for all that is still to be dialled. Answers the contact."""
    mine(caller, given.contact_id)
    columns: dict[str, str | None] = given.contact.given()
    if given.contact.phone is not None:
        group = mine(caller, given.contact_id).contact_group_id
        phone = number(caller, given.contact.phone, owner_of(caller, group))
        columns |= {"phone": phone, "zone": numbers.zones(phone)}
    try:
        if columns:
            store.unit(contacts.change, given.contact_id, columns, store.now())
    except contacts.NumberThere as error:
        raise Refused(f"contact.phone: {error}") from None
    return get(caller, given)


def delete(caller: Caller, given: ContactId) -> ContactEnd:
    """Delete a contact. An attempt in progress finishes, none follows."""
    mine(caller, given.contact_id)
    if not store.unit(contacts.delete, [given.contact_id], store.now()):
        raise Refused(f"contact {given.contact_id} is not found")
    return {"contact_id": given.contact_id, "status": "deleted"}


def timeline(caller: Caller, given: ContactId) -> list[EventData]:
    """All that happened to a contact, in order: how it came, the campaigns it joined, each call's stages, and who was told of it."""
    mine(caller, given.contact_id)
    return [
        {"at": iso(event.at), "what": event.what, "text": event.text, "campaign_id": event.campaign_id, "call_id": event.call_id}
        for event in people.timeline(given.contact_id, caller.scope)
    ]


OPERATIONS = (
    Operation("Contact_Create", ContactCreate, create, DIALLING, changes=True),
    Operation("Contact_Get", ContactId, get, DIALLING, changes=False),
    Operation("Contact_List", ContactList, list_, DIALLING, changes=False),
    Operation("Contact_Update", ContactUpdate, update, DIALLING, changes=True),
    Operation("Contact_Delete", ContactId, delete, DIALLING, changes=True),
    Operation("Contact_Timeline", ContactId, timeline, DIALLING, changes=False),
)
