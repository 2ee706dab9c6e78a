"""Imports: files of contacts on their way into a group, row by row in short transactions, each of which moves the place in the file.

Whoever works on an import writes only from the place that he read; a second one who works on the same finds it moved and ends.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sql import contacts, members
from sql.contacts import NewContact
from sql.models import Call, Campaign, CampaignContact
from sql.models_contacts import Contact, ContactGroup, Import, ImportReject
from sql.scope import within
from sql.states import CallState, CampaignStatus

MOST_REJECTS = 1000  # kept of one import; the count is of all
FRESH_MS = 600_000  # an import that was not moved for so long holds nobody up
RUNNING, DONE, FAILED = "running", "done", "failed"


class TakenOver(Exception):
    """Somebody else works on this import, or it is over."""


class Gone(Exception):
    """What it goes into was deleted or archived meanwhile."""


class Running(Exception):
    """The client's import of that name is still on its way."""


@dataclass(frozen=True)
class Job:
    """An import to be worked on: whose numbers these are, and how many rows of the file are done."""

    id: int
    group_id: int
    owner: int
    read: int


@dataclass(frozen=True)
class Reject:
    """A row that could not be used."""

    line: int
    reason: str


@dataclass(frozen=True)
class Report:
    """An import and how far it is. Times in UTC ms."""

    id: int
    token: str | None
    contact_group_id: int
    campaign_id: int | None
    state: str
    read: int
    new_rows: int
    updated: int
    duplicates: int
    rejected: int
    reason: str | None
    started_at: int
    ended_at: int | None


def begin(user_id: int, group_id: int | None, campaign_id: int | None, owner: int, token: str | None, now: int) -> int:
    """A new import's id. Without group the contacts join that campaign alone, and stand in a group of theirs. Running."""
    same = Import.select(Import.id).where(
        Import.user == user_id, Import.token == token, Import.state == RUNNING, Import.beat_at > now - FRESH_MS
    )
    if token is not None and (running := same.scalar()):
        raise Running(f"import {running} of that import_id is running; look with Import_Get how far it is")
    group = group_id or members.own_group(campaign_id or 0, owner, now)
    return Import.create(user=user_id, contact_group=group, campaign_id=campaign_id, token=token, started_at=now, beat_at=now).id


def job(import_id: int) -> Job | None:
    """The import, if it is not over."""
    row = (
        Import.select(Import.id, Import.contact_group, ContactGroup.user.alias("owner"), Import.read)
        .join(ContactGroup, on=(ContactGroup.id == Import.contact_group))
        .where(Import.id == import_id, Import.state == RUNNING)
        .objects()
        .first()
    )
    return row and Job(row.id, row.contact_group_id, row.owner, row.read)


def unfinished() -> list[int]:
    return [row.id for row in Import.select(Import.id).where(Import.state == RUNNING).order_by(Import.id)]


def batch(import_id: int, place: int, rows: int, news: Sequence[NewContact], rejects: Sequence[Reject], now: int) -> None:
    """Write the next `rows` rows after the first `place`. TakenOver, Gone."""
    here = Import.get_by_id(import_id)
    if here.state != RUNNING or here.read != place:
        raise TakenOver(f"import {import_id} is not at row {place}")
    if gone := _gone(here.contact_group_id, here.campaign_id):
        raise Gone(gone)
    wanted = news if here.campaign_id is None else _not_yet_in(here.campaign_id, here.contact_group_id, news)
    written = contacts.write(here.contact_group_id, wanted, now, import_id)
    phones = [new.phone for new in wanted]
    if here.campaign_id is None:
        contacts.join_campaigns(here.contact_group_id, phones, now)
    else:
        contacts.join(here.campaign_id, here.contact_group_id, phones, now)
    kept = rejects[: max(0, MOST_REJECTS - here.rejected)]
    if kept:
        ImportReject.insert_many([{"import_id": import_id, "line": one.line, "reason": one.reason[:300]} for one in kept]).execute()
    moved = (
        Import.update(
            read=place + rows,
            new_rows=Import.new_rows + len(written.new),
            updated=Import.updated + written.updated,
            duplicates=Import.duplicates + written.duplicates + len(news) - len(wanted),
            rejected=Import.rejected + len(rejects),
            beat_at=now,
        )
        .where(Import.id == import_id, Import.state == RUNNING, Import.read == place)
        .execute()
    )
    if not moved:
        raise TakenOver(f"import {import_id} was moved from row {place}")


def _gone(group_id: int, campaign_id: int | None) -> str | None:
    """Why nobody can join any longer."""
    group = ContactGroup.select(ContactGroup.id).where(ContactGroup.id == group_id, ContactGroup.deleted_at.is_null())
    if group.scalar() is None:
        return f"contact group {group_id} was deleted meanwhile"
    if campaign_id is None:
        return None
    campaign = Campaign.get_by_id(campaign_id)
    word = "deleted" if campaign.deleted_at else "archived" if campaign.status == CampaignStatus.ARCHIVED else None
    return word and f"campaign {campaign_id} was {word} meanwhile"


def _not_yet_in(campaign_id: int, own_group: int, news: Sequence[NewContact]) -> list[NewContact]:
    """Those whose number is not in the campaign by another of its groups."""
    there = (
        CampaignContact.select(CampaignContact.phone)
        .join(Contact, on=(Contact.id == CampaignContact.contact_id))
        .where(
            CampaignContact.campaign_id == campaign_id,
            CampaignContact.phone.in_([new.phone for new in news]),
            Contact.gone == 0,
            Contact.contact_group != own_group,
        )
    )
    phones = {row.phone for row in there}
    return [new for new in news if new.phone not in phones]


def end(import_id: int, now: int, failure: str | None = None) -> None:
    """The file is read to its end, or cannot be."""
    state = DONE if failure is None else FAILED
    reason = failure and failure[:200]
    Import.update(state=state, reason=reason, ended_at=now).where(Import.id == import_id, Import.state == RUNNING).execute()


def report(import_id: int) -> Report:
    return _report(Import.get_by_id(import_id))


def find(scope: str, name: str | None) -> Report | None:
    """The newest import within `scope`; with `name`, that of this token or id."""
    mine = Import.select().where(within(Import.user, scope)).order_by(Import.id.desc())
    if name is None:
        row = mine.first()
    else:
        row = mine.where(Import.token == name).first()
        if row is None and name.isascii() and name.isdigit() and len(name) < 19:
            row = mine.where(Import.id == int(name)).first()
    return row and _report(row)


def rejects(import_id: int) -> list[Reject]:
    rows = ImportReject.select().where(ImportReject.import_id == import_id).order_by(ImportReject.id)
    return [Reject(row.line, row.reason) for row in rows]


def _report(row: Import) -> Report:
    return Report(**{name: getattr(row, name) for name in Report.__dataclass_fields__})


def calls_open() -> bool:
    """Whether anybody is called at this moment."""
    return Call.select(Call.id).where(Call.state.in_((CallState.CLAIMED, CallState.SENDING))).limit(1).exists()
