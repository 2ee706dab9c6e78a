"""What became of a campaign's contacts and calls."""

from typing import Annotated

from pydantic import StringConstraints
from typing_extensions import TypedDict

from api.operation import DIALLING, EVERYBODY, Caller, Operation, Page, Refused
from api.operations.calls import CallResult
from api.operations.calls import result as shown_call
from api.operations.progress import CampaignId, CampaignState, mine, move, state
from sql import reports
from sql.states import CampaignStatus, Disposition, Status

SETS = {
    "started": CampaignStatus.RUNNING, "running": CampaignStatus.RUNNING,
    "stopped": CampaignStatus.STOPPED, "paused": CampaignStatus.STOPPED,
    "archived": CampaignStatus.ARCHIVED, "completed": CampaignStatus.COMPLETED,
}  # fmt: skip
WORDS = {*map(str, Status), *map(str, Disposition)}


class SummaryOf(CampaignId, Page):
    pass


class ResultOf(CampaignId, Page):
    status: Annotated[str, StringConstraints(max_length=40)] | None = None


class ContactResult(TypedDict):
    """A contact of a campaign; `disposition` is null until it was called."""

    contact_id: int
    phone: str
    status: str
    disposition: str | None


class Summary(TypedDict):
    """`totals` counts contacts by status and disposition; `next` is the cursor of the next part, null at the end."""

    campaign_id: int
    name: str
    status: str
    totals: dict[str, int]
    contacts: list[ContactResult]
    next: int | None


class CampaignResults(CampaignState):
    """How far a campaign is, with its ended calls."""

    results: list[CallResult]


def summary(caller: Caller, given: SummaryOf) -> Summary:
    """Totals by status and disposition, then the contacts with theirs, `limit` at a time from `cursor` on."""
    campaign = mine(caller, given)
    tally = reports.tally(campaign.id)
    listed = reports.contact_list(campaign.id, given.limit, given.cursor)
    return {
        "campaign_id": campaign.id,
        "name": campaign.name,
        "status": state(caller, campaign.id, tally)["status"],
        "totals": tally.totals(),
        "contacts": [
            {"contact_id": one.contact_id, "phone": one.phone, "status": one.status, "disposition": one.disposition} for one in listed
        ],
        "next": listed[-1].id if len(listed) == given.limit else None,
    }


def result(caller: Caller, given: ResultOf) -> list[CallResult] | CampaignResults:
    """The ended calls, `limit` at a time from call id `cursor` on; with `status` those of that status or disposition.

    With `status` started, stopped, paused or archived, or with completed together with `usr_id`, it sets the campaign's status (POST
    only), and answers as Campaign_Status with the ended calls as `results`.
    """
    campaign = mine(caller, given)
    if sets(given):
        if not caller.posted:
            raise Refused("changing a campaign's status needs POST, and with a session an Origin of our own")
        if caller.role not in DIALLING:
            raise Refused(f"status: a {caller.role} may not change a campaign's status")
        moved = move(caller, campaign.id, SETS[given.status or ""])
        return {**moved, "results": _results(campaign.id, None, given)}
    if given.status not in WORDS | {"completed", None}:
        raise Refused(f"status {given.status!r} is none; there are {', '.join(sorted(WORDS))}")
    return _results(campaign.id, None if given.status == "completed" else given.status, given)  # calls are listed once they are


def _results(campaign_id: int, word: str | None, given: ResultOf) -> list[CallResult]:
    return [shown_call(call) for call in reports.results(campaign_id, word, given.limit, given.cursor)]


def sets(given: ResultOf) -> bool:
    """Whether this call changes the campaign's status: by the document's words, `completed` only together with `usr_id`."""
    return given.status in SETS and (given.status != "completed" or given.usr_id is not None)


OPERATIONS = (
    Operation("Campaign_Summary", SummaryOf, summary, EVERYBODY, changes=False),
    Operation("Campaign_Result", ResultOf, result, EVERYBODY, changes=False, sets=sets),
)
