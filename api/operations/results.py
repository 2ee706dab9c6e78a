"""What became of a campaign's contacts and calls."""

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from api.operation import DIALLING, EVERYBODY, Caller, Id, Input, Operation, Refused
from api.operations.campaigns import mine, move, status_of
from sql import campaigns
from sql.states import CampaignFacts, CampaignStatus, Disposition, Status

SETS = {
    "started": CampaignStatus.RUNNING, "running": CampaignStatus.RUNNING,
    "stopped": CampaignStatus.STOPPED, "paused": CampaignStatus.STOPPED,
    "archived": CampaignStatus.ARCHIVED, "completed": CampaignStatus.COMPLETED,
}  # fmt: skip
WORDS = {*Status, *Disposition}


class SummaryOf(Input):
    campaign_id: Id
    usr_id: Id | None = None
    limit: int = Field(1000, ge=1, le=10_000)
    cursor: int = Field(0, ge=0)


class ResultOf(SummaryOf):
    status: Annotated[str, StringConstraints(max_length=40)] | None = None


def _campaign(caller: Caller, given: SummaryOf) -> CampaignFacts:
    campaign = mine(caller, given.campaign_id)
    if given.usr_id is not None and given.usr_id != campaign.user_id:
        raise Refused(f"campaign {campaign.id} is not user {given.usr_id}'s")
    return campaign


def summary(caller: Caller, given: SummaryOf) -> dict[str, Any]:
    """Totals by status and disposition, then the contacts with theirs, `limit` at a time from `cursor` on."""
    campaign = _campaign(caller, given)
    listed = list(campaigns.contact_list(campaign.id, given.limit, given.cursor))
    return {
        "campaign_id": campaign.id,
        "name": campaign.name,
        "status": status_of(caller, campaign.id)["status"],
        "totals": campaigns.totals(campaign.id),
        "contacts": [contact for _, contact in listed],
        "next": listed[-1][0] if len(listed) == given.limit else None,
    }


def result(caller: Caller, given: ResultOf) -> Any:
    """The ended calls, `limit` at a time from call id `cursor` on; with `status` those of that status or disposition.

    With `status` started, stopped, paused or archived, or with completed together with `usr_id`, it sets the campaign's status (POST only).
    """
    campaign = _campaign(caller, given)
    if sets(given):
        if not caller.posted or caller.role not in DIALLING:
            raise Refused(
                "changing a campaign's status needs POST" if not caller.posted else f"a {caller.role} may not change a campaign's status"
            )
        data = move(caller, campaign.id, SETS[given.status or ""])
        return data | {"results": campaigns.results(campaign.id, None, given.limit, given.cursor)}
    if given.status is not None and given.status not in WORDS | {"completed"}:
        raise Refused(f"status {given.status!r} is none; there are {', '.join(sorted(WORDS))}")
    word = None if given.status == "completed" else given.status  # calls are listed once they are
    return campaigns.results(campaign.id, word, given.limit, given.cursor)


def sets(given: ResultOf) -> bool:
    """Whether this call changes the campaign's status: by the document's words, `completed` only together with `usr_id`."""
    return given.status in SETS and (given.status != "completed" or given.usr_id is not None)


OPERATIONS = (
    Operation("Campaign_Summary", SummaryOf, summary, EVERYBODY, changes=False),
    Operation("Campaign_Result", ResultOf, result, EVERYBODY, changes=False),
)
