"""What a campaign is made of: the fields people write, and the object they read."""

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, StringConstraints
from typing_extensions import TypedDict

from api.operation import Id, Input, NotOffered, Refused
from api.operations.pushes import Url, words
from api.operations.trunks import Digits
from api.operations.users import Timezone
from api.times import Time, span
from engine.rules import window
from sql.campaigns import Stored
from sql.events import iso
from sql.states import CampaignStatus

GROUP = AliasChoices("contact_group_id", "group_id")
MESSAGE = AliasChoices("message", "recording_id", "message_id")
TRUNK = AliasChoices("trunk", "trunk_id")
COLUMNS = {"campaign_id": "id", "message": "recording_id", "trunk": "trunk_id"}  # where the field has another name
WORDS = {**{str(status): status for status in CampaignStatus}, "started": CampaignStatus.RUNNING}
TIMES = ("created", "started", "stopped", "completed")


def _hours(text: str) -> str:
    window.hours(text)
    return text


def _days(text: str) -> str:
    window.hours(window.ALL_DAY, text)
    return text


def _word(text: str) -> str:
    if text not in WORDS:
        raise ValueError(f"{text!r} is none; there are {', '.join(sorted(WORDS))}")
    return WORDS[text]


def text(value: Any) -> Any:
    """A number will do where text is expected."""
    return str(value) if isinstance(value, int | float) and not isinstance(value, bool) else value


Number = Annotated[int, Field(ge=0, lt=1 << 31)]
CampaignWord = Annotated[str, StringConstraints(max_length=40), AfterValidator(_word)]
CallerId = Annotated[Digits, BeforeValidator(text)]
TrunkName = Annotated[str, BeforeValidator(text), StringConstraints(max_length=80)]
Key = Annotated[str, BeforeValidator(text), StringConstraints(pattern=r"^[0-9*#]$")]
Name = Annotated[str, BeforeValidator(text), StringConstraints(min_length=1, max_length=200)]
Description = Annotated[str, BeforeValidator(text), StringConstraints(max_length=2000)]
Hours = Annotated[str, StringConstraints(max_length=11), AfterValidator(_hours)]
Days = Annotated[str, BeforeValidator(words), StringConstraints(max_length=40), AfterValidator(_days)]
Mode = Literal["standard", "permanent"]


class CampaignFields(Input):
    """What may be given when a campaign is made, and changed later."""

    name: Name | None = None
    caller_id: CallerId | None = None
    trunk: TrunkName | None = Field(None, validation_alias=TRUNK)
    max_channels: int | None = Field(None, ge=1, le=100_000)
    cps: int | None = Field(None, ge=1, le=10_000)
    max_attempts: int | None = Field(None, ge=1, le=20)
    ring_timeout: int | None = Field(None, ge=15, le=120)
    max_duration: int | None = Field(None, ge=5, le=4 * 3600)
    hours: Hours | None = None
    days: Days | None = None
    timezone: Timezone | None = None
    mode: Mode | None = None
    push_url: Url | None = None
    description: Description | None = None
    redial: NotOffered = None
    start_at: NotOffered = None
    stop_at: NotOffered = None
    amd: Literal["off"] = "off"
    voicemail: NotOffered = None
    opt_out_key: NotOffered = None


class NewCampaign(CampaignFields):
    contact_group_id: Id = Field(validation_alias=GROUP)
    message: Id = Field(validation_alias=MESSAGE)
    max_channels: int = Field(10, ge=1, le=100_000)
    cps: int = Field(5, ge=1, le=10_000)
    max_attempts: int = Field(1, ge=1, le=20)
    ring_timeout: int = Field(25, ge=15, le=120)
    max_duration: int = Field(3600, ge=5, le=4 * 3600)
    mode: Mode = "standard"


class NewInteractive(NewCampaign):
    extension_key: Key
    extension_id: Id


class CampaignChanges(CampaignFields):
    contact_group_id: Id | None = Field(None, validation_alias=GROUP)
    message: Id | None = Field(None, validation_alias=MESSAGE)
    extension_key: Key | None = None
    extension_id: Id | None = None


class CampaignSearch(Input):
    """Columns are matched exactly, the name by a part of it; of a time, the whole day or second that was written."""

    campaign_id: Id | None = None
    user_id: Id | None = Field(None, validation_alias=AliasChoices("user_id", "usr_id"))
    contact_group_id: Id | None = Field(None, validation_alias=GROUP)
    message: Id | None = Field(None, validation_alias=MESSAGE)
    trunk: Id | None = Field(None, validation_alias=TRUNK)
    extension_id: Id | None = None
    extension_key: Key | None = None
    kind: Annotated[str, StringConstraints(max_length=20)] | None = None
    name: Name | None = None
    caller_id: CallerId | None = None
    max_channels: Number | None = None
    cps: Number | None = None
    max_attempts: Number | None = None
    ring_timeout: Number | None = None
    max_duration: Number | None = None
    hours: Hours | None = None
    days: Days | None = None
    timezone: Timezone | None = None
    mode: Mode | None = None
    description: Description | None = None
    status: CampaignWord | None = None
    created_at: Time | None = None
    created_from: Time | None = None
    created_to: Time | None = None
    started_at: Time | None = None
    started_from: Time | None = None
    started_to: Time | None = None
    stopped_at: Time | None = None
    stopped_from: Time | None = None
    stopped_to: Time | None = None
    completed_at: Time | None = None
    completed_from: Time | None = None
    completed_to: Time | None = None

    def equal(self) -> dict[str, Any]:
        """The columns that have to be equal."""
        plain = self.given().keys() - {"name", "status"} - {f"{time}_{end}" for time in TIMES for end in ("at", "from", "to")}
        return {COLUMNS.get(name, name): getattr(self, name) for name in sorted(plain)}

    def spans(self, zone: str | None) -> dict[str, tuple[int | None, int | None]]:
        """By column of a time from when to when it lies, in UTC ms. Refused."""
        made = {}
        for time in TIMES:
            at, begin, end = (self._span(f"{time}_{word}", zone) for word in ("at", "from", "to"))
            firsts = [one.first for one in (at, begin) if one]
            ends = [one.end for one in (at, end) if one]
            if firsts or ends:
                made[f"{time}_at"] = (max(firsts, default=None), min(ends, default=None))
        return made

    def _span(self, name: str, zone: str | None) -> Any:
        text = getattr(self, name)
        try:
            return text and span(text, zone)
        except ValueError as error:
            raise Refused(f"search.{name}: {error}") from None


class CampaignData(TypedDict):
    """A campaign. `message` is a recording's id, `trunk` a trunk's (null: any). `status` is `paused` where a lasting reason holds a running
    campaign.
    """

    campaign_id: int
    user_id: int
    name: str
    status: str
    kind: str
    mode: str
    contact_group_id: int | None
    message: int | None
    extension_key: str | None
    extension_id: int | None
    trunk: int | None
    caller_id: str | None
    max_channels: int
    cps: int
    max_attempts: int
    ring_timeout: int
    max_duration: int
    hours: str | None
    days: str | None
    timezone: str | None
    description: str | None
    created_at: str | None
    started_at: str | None
    stopped_at: str | None
    completed_at: str | None


def data(campaign: Stored, status: str) -> CampaignData:
    return {
        "campaign_id": campaign.id,
        "user_id": campaign.user_id,
        "name": campaign.name,
        "status": status,
        "kind": campaign.kind,
        "mode": campaign.mode,
        "contact_group_id": campaign.contact_group_id,
        "message": campaign.recording_id,
        "extension_key": campaign.extension_key,
        "extension_id": campaign.extension_id,
        "trunk": campaign.trunk_id,
        "caller_id": campaign.caller_id,
        "max_channels": campaign.max_channels,
        "cps": campaign.cps,
        "max_attempts": campaign.max_attempts,
        "ring_timeout": campaign.ring_timeout,
        "max_duration": campaign.max_duration,
        "hours": campaign.hours,
        "days": campaign.days,
        "timezone": campaign.timezone,
        "description": campaign.description,
        "created_at": iso(campaign.created_at),
        "started_at": iso(campaign.started_at),
        "stopped_at": iso(campaign.stopped_at),
        "completed_at": iso(campaign.completed_at),
    }
