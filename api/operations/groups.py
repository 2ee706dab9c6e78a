"""Contact groups."""

from typing_extensions import TypedDict

from api.operation import DIALLING, Caller, Id, Input, Operation, Page, Refused
from api.operations.campaign_fields import Description, Name
from sql import contacts, groups, store
from sql.events import iso


class NewGroup(Input):
    name: Name
    description: Description | None = None


class GroupCreate(Input):
    contact_group: NewGroup


class GroupId(Input):
    contact_group_id: Id


class GroupChanges(Input):
    name: Name | None = None
    description: Description | None = None


class GroupUpdate(GroupId):
    contact_group: GroupChanges


class GroupSearch(Input):
    name: Name | None = None


class GroupList(Page):
    search: GroupSearch | None = None


class GroupData(TypedDict):
    """A group. `contacts` counts those in it; `campaign_id` is set where it holds those imported into that campaign alone."""

    contact_group_id: int
    user_id: int
    name: str
    description: str | None
    campaign_id: int | None
    contacts: int
    created_at: str | None


def _shown(group: groups.Group) -> GroupData:
    return {
        "contact_group_id": group.id,
        "user_id": group.user_id,
        "name": group.name,
        "description": group.description,
        "campaign_id": group.campaign_id,
        "contacts": group.contacts,
        "created_at": iso(group.created_at),
    }


def mine(caller: Caller, group_id: int) -> groups.Group:
    """The group, if the caller may see it."""
    found = groups.get(group_id, caller.scope)
    if found is None:
        raise Refused(f"contact group {group_id} is not found")
    return found


def create(caller: Caller, given: GroupCreate) -> int:
    """Make a group of contacts. Answers its id."""
    group = given.contact_group
    return store.unit(contacts.create_group, caller.user_id, group.name, group.description, store.now())


def get(caller: Caller, given: GroupId) -> GroupData:
    """One group, and how many contacts are in it."""
    return _shown(mine(caller, given.contact_group_id))


def list_(caller: Caller, given: GroupList) -> list[GroupData]:
    """The groups, `limit` at a time after the contact_group_id `cursor`; `search.name` is any part of the name."""
    name = given.search.name if given.search else None
    return [_shown(group) for group in groups.listed(caller.scope, name, given.limit, given.cursor)]


def update(caller: Caller, given: GroupUpdate) -> GroupData:
    """Change a group's name or description. Answers the group."""
    mine(caller, given.contact_group_id)
    store.unit(groups.change, given.contact_group_id, given.contact_group.given())
    return get(caller, given)


def delete(caller: Caller, given: GroupId) -> bool:
    """Delete a group and its contacts; refused while a campaign that is not archived uses it. Calls in progress finish."""
    mine(caller, given.contact_group_id)
    try:
        while not store.unit(groups.delete, given.contact_group_id, store.now()):
            continue
    except groups.InUse as error:
        raise Refused(f"contact group {given.contact_group_id} cannot be deleted: {error}") from None
    return True


OPERATIONS = (
    Operation("Contact_Group_Create", GroupCreate, create, DIALLING, changes=True),
    Operation("Contact_Group_Get", GroupId, get, DIALLING, changes=False),
    Operation("Contact_Group_List", GroupList, list_, DIALLING, changes=False),
    Operation("Contact_Group_Update", GroupUpdate, update, DIALLING, changes=True),
    Operation("Contact_Group_Delete", GroupId, delete, DIALLING, changes=True),
)
