"""Who joins a campaign alone."""

from typing import Annotated, Any

from pydantic import AliasChoices, BeforeValidator, Field, StringConstraints, model_validator

from api.operation import DIALLING, Caller, Id, Input, Operation, Refused
from api.operations.campaign_fields import text
from api.operations.contacts import NewContact, Phone, number
from api.operations.progress import CampaignId, CampaignState, mine, state
from api.times import Time, moment
from sql import campaigns, contacts, members, numbers, store
from sql.states import CampaignFacts, CampaignStatus

Word = Annotated[str, BeforeValidator(text), StringConstraints(max_length=255)]


class Remote(Input):
    """What the contact is called in another system; it comes back in every push."""

    remote_id: Word | None = None
    remote_module: Word | None = None


class Person(NewContact):
    """A new contact by its phone; or by `contact_id`, or by the bare number of it, one that is there."""

    phone: Phone | None = None  # type: ignore[assignment]
    contact_id: Id | None = Field(None, validation_alias=AliasChoices("contact_id", "id"))

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        bare = (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, str) and value.strip().isdecimal())
        return {"contact_id": value} if bare else value


class ContactJoin(CampaignId):
    contact: Person | None = None
    contact_id: Person | None = None
    schedule_time: Time | None = None
    expiry: Time | None = None
    remote: Remote | None = None
    do_not_call: bool = False


class Joined(CampaignState):
    """How far the campaign is, and who joined it."""

    contact_id: int


def contact_create(caller: Caller, given: ContactJoin) -> Joined:
    """Let one contact join this campaign only, also while it runs. Answers as Campaign_Status, and with the contact's id.

    `contact` (or `contact_id`) is a person, or the id of a contact that is there. A new person is kept in a group of the campaign's own. A
    running campaign dials the contact at once, one at rest after Campaign_Start. A number that is pending in the campaign is updated, not
    doubled. A number that is done there is dialled once more: to ask again is to want another call. A mark `do_not_call` stays, whatever
    is asked later. Times without a zone are in the campaign's, else the user's.
    """
    campaign, who = mine(caller, given), given.contact_id or given.contact
    if who is None or (who.contact_id is None and who.phone is None):
        raise Refused("contact.phone is missing; give a contact, or the id of one that is there")
    if campaign.status == CampaignStatus.ARCHIVED:
        raise Refused(f"campaign {campaign.id} is archived; nobody can join it")
    wish, now = _wish(campaign, given), store.now()
    if wish.expires_at is not None and wish.expires_at <= max(now, wish.next_at or 0):
        raise Refused("expiry lies before the contact could be called; give a later one, or none")
    new = None if who.contact_id is not None else _new(caller, campaign, who)

    def work() -> int:
        there = members.known(who.contact_id or 0, caller.scope) if new is None else members.person(campaign.id, campaign.user_id, new, now)
        if there is None:
            raise Refused(f"contact {who.contact_id} is not found")
        return members.join(campaign.id, there, wish, now)

    contact_id = store.unit(work)
    return {**state(caller, campaign.id), "contact_id": contact_id}


def _wish(campaign: CampaignFacts, given: ContactJoin) -> members.Wish:
    zone = campaign.timezone or campaigns.timezone_of(campaign.user_id)
    times = {}
    for name in ("schedule_time", "expiry"):
        try:
            written = getattr(given, name)
            times[name] = moment(written, zone) if written else None
        except ValueError as error:
            raise Refused(f"{name}: {error}") from None
    remote = given.remote or Remote()
    return members.Wish(times["schedule_time"], times["expiry"], remote.remote_id, remote.remote_module, given.do_not_call)


def _new(caller: Caller, campaign: CampaignFacts, person: Person) -> contacts.NewContact:
    phone = number(caller, person.phone or "", campaign.user_id)
    fields = {name: value for name, value in person.given().items() if name not in ("phone", "contact_id")}
    return contacts.NewContact(phone, numbers.zones(phone), fields)


OPERATIONS = (Operation("Campaign_Contact_Create", ContactJoin, contact_create, DIALLING, changes=True),)
