"""Files of contacts: into a group and its campaigns, or into one campaign alone, and how far they are."""

from typing import Annotated, Literal

from pydantic import AliasChoices, BeforeValidator, Field, StringConstraints
from typing_extensions import TypedDict

from api import csvfile
from api import imports as work
from api.operation import DIALLING, Caller, File, Id, Input, Operation, Refused
from api.operations.campaign_fields import text
from api.operations.contacts import owner_of
from api.operations.progress import CampaignId, mine
from sql import imports, store
from sql.events import iso
from sql.states import CampaignStatus

Token = Annotated[str, BeforeValidator(text), StringConstraints(max_length=200)]


class FileOfContacts(Input):
    type: Literal["file"] = "file"
    source_file: File = Field(validation_alias=AliasChoices("source_file", "file"))
    import_id: Token | None = None


class ContactImport(FileOfContacts):
    contact_group_id: Id


class CampaignImport(FileOfContacts, CampaignId):
    pass


class ImportGet(Input):
    import_id: Token | None = None


class RejectData(TypedDict):
    """A row that could not be used: its line in the file, from 1, and why."""

    line: int
    reason: str


class ImportData(TypedDict):
    """An import and how far it is. `state` is running, done or failed (`reason` says why). Of the rows `read` so far, `imported` are
    those that are contacts now (`created` were new to the group, `updated` were in it already), `duplicates` had a number that stood
    in the file, or in the campaign, before, and `rejected` could not be used; `rejects` lists the first thousand of these.
    """

    import_id: int
    token: str | None
    contact_group_id: int
    campaign_id: int | None
    state: str
    reason: str | None
    read: int
    imported: int
    created: int
    updated: int
    duplicates: int
    rejected: int
    rejects: list[RejectData]
    started_at: str | None
    ended_at: str | None


def contact_import(caller: Caller, given: ContactImport) -> int:
    """Put the rows of a CSV file into a group and its campaigns. Answers how many contacts were imported, when it is done.

    The file may be in any usual encoding and separator, with or without header; without one the columns are phone, first_name,
    last_name, email, address, custom1, custom2, custom3, description. A number that is in the group already is updated. Meanwhile
    and afterwards Import_Get tells of it, and of each row that could not be used, by the `import_id` that you choose here.
    """
    return _import(caller, given, given.contact_group_id, None, owner_of(caller, given.contact_group_id))


def campaign_import(caller: Caller, given: CampaignImport) -> int:
    """As Contact_Import, but the contacts join this campaign alone, also a running one; a number that is in it already does not again."""
    campaign = mine(caller, given)
    if campaign.status == CampaignStatus.ARCHIVED:
        raise Refused(f"campaign {campaign.id} is archived; nobody can join it")
    return _import(caller, given, None, campaign.id, campaign.user_id)


def _import(caller: Caller, given: FileOfContacts, group_id: int | None, campaign_id: int | None, owner: int) -> int:
    def begin() -> int:
        return imports.begin(caller.user_id, group_id, campaign_id, owner, given.import_id, store.now())

    try:
        with work.turn():
            import_id = work.take_in(caller.config, work.spooled(caller.config, given.source_file.stream), begin)
    except csvfile.NoTable as error:
        raise Refused(f"source_file {error}") from None
    except imports.TakenOver as error:
        raise Refused(f"{error}; look with Import_Get what becomes of it") from None
    except (imports.Running, work.TooMany) as error:
        raise Refused(str(error)) from None
    told = imports.report(import_id)
    if told.state == imports.FAILED:
        raise Refused(f"import {import_id} was broken off after {told.read} rows: {told.reason}")
    return told.new_rows + told.updated


def get(caller: Caller, given: ImportGet) -> ImportData:
    """How far an import is, and which rows could not be used. `import_id` is the one that its caller chose, or ours; without it, the
    last one.
    """
    told = imports.find(caller.scope, given.import_id)
    if told is None:
        raise Refused(f"import {given.import_id} is not found" if given.import_id else "nothing was imported yet")
    return {
        "import_id": told.id,
        "token": told.token,
        "contact_group_id": told.contact_group_id,
        "campaign_id": told.campaign_id,
        "state": told.state,
        "reason": told.reason,
        "read": told.read,
        "imported": told.new_rows + told.updated,
        "created": told.new_rows,
        "updated": told.updated,
        "duplicates": told.duplicates,
        "rejected": told.rejected,
        "rejects": [{"line": one.line, "reason": one.reason} for one in imports.rejects(told.id)],
        "started_at": iso(told.started_at),
        "ended_at": iso(told.ended_at),
    }


OPERATIONS = (
    Operation("Contact_Import", ContactImport, contact_import, DIALLING, changes=True, files=("source_file", "file")),
    Operation("Campaign_Contact_Import", CampaignImport, campaign_import, DIALLING, changes=True, files=("source_file", "file")),
    Operation("Import_Get", ImportGet, get, DIALLING, changes=False),
)
