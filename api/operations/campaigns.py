"""Campaigns: made, changed, deleted, listed. Dialling them is `progress`' work, what came of them `results`'."""

from datetime import UTC, datetime
from typing import Any

from pydantic import AliasChoices, Field

from api.operation import DIALLING, EVERYBODY, Caller, Id, Input, Operation, Page, Refused
from api.operations.campaign_fields import (
    CampaignChanges,
    CampaignData,
    CampaignFields,
    CampaignSearch,
    CampaignWord,
    NewCampaign,
    NewInteractive,
    data,
)
from api.operations.contacts import owner_of
from api.operations.progress import CampaignId, holding, house, mine, seen, shown
from sql import campaigns, endpoints, members, recordings, store, users
from sql.states import CampaignStatus

GROUP = "campaign.contact_group_id"


class CampaignCreate(Input):
    campaign: NewCampaign


class InteractiveCreate(Input):
    campaign: NewInteractive


class CampaignUpdate(CampaignId):
    campaign: CampaignChanges


class CampaignList(Page):
    usr_id: Id | None = Field(None, validation_alias=AliasChoices("usr_id", "user_id"))


class CampaignListMode(CampaignList):
    status: CampaignWord | None = None


class CampaignFilter(Page):
    search: CampaignSearch = Field(default_factory=lambda: CampaignSearch.model_validate({}))


class CampaignWhole(CampaignData):
    """A campaign, with the address of its own that is told of its calls."""

    push_url: str | None


def create(caller: Caller, given: CampaignCreate) -> int:
    """Make a campaign that plays `message`, a recording, to every contact of the group. Answers its id. Nothing is dialled before
    Campaign_Start. It is answered once everybody is in: with a million contacts after half a minute or more.
    """
    return _create(caller, given.campaign, "voice")


def interactive_create(caller: Caller, given: InteractiveCreate) -> int:
    """Make a campaign that plays `message` and connects whoever presses `extension_key` to the extension. Answers its id."""
    return _create(caller, given.campaign, "interactive")


def _create(caller: Caller, wanted: NewCampaign, kind: str) -> int:
    user_id = owner_of(caller, wanted.contact_group_id, GROUP)
    columns = _columns(caller, wanted, user_id)
    group_id, push_url, now = columns.pop("contact_group_id"), wanted.push_url, store.now()
    columns.setdefault("name", f"campaign {datetime.fromtimestamp(now // 1000, UTC):%Y-%m-%d %H:%M:%S}")

    def work() -> int:
        campaign_id = campaigns.create(user_id, group_id, {"kind": kind, **columns}, now)
        if push_url:
            endpoints.of_campaign(user_id, campaign_id, push_url, now)
        return campaign_id

    campaign_id = store.unit(work)
    members.fill(campaign_id)
    return campaign_id


def _columns(caller: Caller, wanted: CampaignFields, user_id: int) -> dict[str, Any]:
    """The columns of a campaign of this user. Refused if something it names is not the caller's, or not the user's, to use."""
    columns = {name: value for name, value in wanted.given().items() if name not in ("amd", "push_url")}
    if "message" in columns:
        columns["recording_id"] = columns.pop("message")
        if not recordings.exists(columns["recording_id"], caller.scope):
            raise Refused(f"campaign.message: recording {columns['recording_id']} is not found")
    if "trunk" in columns:
        name = columns.pop("trunk")
        columns["trunk_id"] = campaigns.trunk_of(user_id, name)
        if columns["trunk_id"] is None:
            raise Refused(f"campaign.trunk: trunk {name!r} is not found")
    extension_id = columns.get("extension_id")
    if extension_id is not None and not campaigns.has_extension(user_id, extension_id):
        raise Refused(f"campaign.extension_id: extension {extension_id} is not found among user {user_id}'s")
    return columns


def get(caller: Caller, given: CampaignId) -> CampaignWhole:
    """All fields of a campaign."""
    return _whole(caller, mine(caller, given).id)


def _whole(caller: Caller, campaign_id: int) -> CampaignWhole:
    facts = seen(caller, campaign_id)
    stored = campaigns.get(campaign_id, caller.scope)
    if stored is None:
        raise Refused(f"campaign {campaign_id} is not found")
    status = shown(facts, holding(caller, facts, 0, house()))
    return {**data(stored, status), "push_url": campaigns.push_url(campaign_id)}


def update(caller: Caller, given: CampaignUpdate) -> CampaignWhole:
    """Change fields of a campaign, also while it runs: calls that start from now on follow. Answers the campaign.

    Only `contact_group_id` needs the campaign to be stopped: those of the old group who were not dialled leave, those of the new one
    join. An archived campaign is not changed. An empty value changes nothing.
    """
    campaign, wanted = mine(caller, given), given.campaign
    if campaign.kind != "interactive" and (wanted.extension_key or wanted.extension_id):
        raise Refused(f"campaign {campaign.id} has no extension; Campaign_Interactive_Create makes one that has")
    columns = _columns(caller, wanted, campaign.user_id)
    before = campaigns.get(campaign.id, caller.scope)
    old_group, new_group = before.contact_group_id if before else None, columns.get("contact_group_id")
    if new_group == old_group:
        columns.pop("contact_group_id", None)
    elif new_group is not None and owner_of(caller, new_group, GROUP) != campaign.user_id:
        raise Refused(f"campaign.contact_group_id: contact group {new_group} is not user {campaign.user_id}'s")

    def work() -> None:
        campaigns.change(campaign.id, columns)
        if wanted.push_url:
            endpoints.of_campaign(campaign.user_id, campaign.id, wanted.push_url, store.now())

    try:
        store.unit(work)
    except campaigns.WrongState as error:
        raise Refused(f"campaign {campaign.id}: {error}") from None
    if "contact_group_id" in columns:
        if old_group is not None:
            members.leave(campaign.id, old_group)
        members.fill(campaign.id)
    return _whole(caller, campaign.id)


def delete(caller: Caller, given: CampaignId) -> bool:
    """Stop a campaign for good: it is not found any more, its calls in progress finish, and what they cost stays in the books."""
    store.unit(campaigns.delete, mine(caller, given).id, store.now())
    return True


def list_(caller: Caller, given: CampaignList) -> list[CampaignData]:
    """The campaigns, of all users that the caller sees or of `usr_id`."""
    return _list(caller, given, _of(caller, given))


def list_mode(caller: Caller, given: CampaignListMode) -> list[CampaignData]:
    """The campaigns of one status, as Campaign_Status shows it."""
    return _list(caller, given, _of(caller, given), given.status)


def list_permanent(caller: Caller, given: CampaignList) -> list[CampaignData]:
    """The campaigns that never complete: whoever joins them is dialled."""
    return _list(caller, given, {"mode": "permanent"} | _of(caller, given))


def filter_(caller: Caller, given: CampaignFilter) -> list[CampaignData]:
    """The campaigns that match in every field of `search`; all of them if it is empty.

    `name` matches by a part of it, all else exactly. `created_from` and `created_to` are a range, both included; so are those of
    `started`, `stopped` and `completed`. Times that name no zone are in the caller's.
    """
    search = given.search
    unknown = sorted(search.model_extra or ())
    if unknown:
        raise Refused(f"search.{unknown[0]}: there is no such column; there are {', '.join(CampaignSearch.model_fields)}")
    spans = search.spans(campaigns.timezone_of(caller.user_id))
    return _list(caller, given, search.equal(), search.status, search.name, spans)


def _of(caller: Caller, given: CampaignList) -> dict[str, Any]:
    if given.usr_id is None:
        return {}
    if users.visible(given.usr_id, caller.scope) is None:
        raise Refused(f"user {given.usr_id} is not found")
    return {"user_id": given.usr_id}


def _list(
    caller: Caller, page: Page, equal: dict[str, Any], status: str | None = None, name: str | None = None, spans: Any = None
) -> list[CampaignData]:
    """A part of the list. What holds a campaign is known after it was read only, so reading goes on until enough have the status."""
    around, cursor = house(), page.cursor
    made: list[CampaignData] = []
    if status is not None:
        equal = equal | {"status": CampaignStatus.RUNNING if status == CampaignStatus.PAUSED else status}
    while True:
        rows = campaigns.listed(caller.scope, page.limit, cursor, equal, name, spans)
        for facts, stored in rows:
            word = shown(facts, holding(caller, facts, 0, around))
            if status in (None, word):
                made.append(data(stored, word))
            if len(made) == page.limit:
                return made
        if len(rows) < page.limit:
            return made
        cursor = rows[-1][1].id


OPERATIONS = (
    Operation("Campaign_Create", CampaignCreate, create, DIALLING, changes=True),
    Operation("Campaign_Interactive_Create", InteractiveCreate, interactive_create, DIALLING, changes=True),
    Operation("Campaign_List", CampaignList, list_, EVERYBODY, changes=False),
    Operation("Campaign_List_Mode", CampaignListMode, list_mode, EVERYBODY, changes=False),
    Operation("Campaign_List_Permanent", CampaignList, list_permanent, EVERYBODY, changes=False),
    Operation("Campaign_Filter", CampaignFilter, filter_, EVERYBODY, changes=False),
    Operation("Campaign_Get", CampaignId, get, EVERYBODY, changes=False),
    Operation("Campaign_Update", CampaignUpdate, update, DIALLING, changes=True),
    Operation("Campaign_Delete", CampaignId, delete, DIALLING, changes=True),
)
