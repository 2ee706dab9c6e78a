"""Push endpoints: where a customer's server wants to be told, what it was told, and telling it again."""

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, StringConstraints
from typing_extensions import TypedDict

from api.operation import DIALLING, Caller, Id, Input, Operation, Page, Refused
from api.times import Time, span
from api.values import parsed
from sql import campaigns, deliveries, endpoints, pushes, store
from sql.events import iso
from sql.states import DeliveryState

EVENTS = ("call.completed",)


def _url(text: str) -> str:
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        good = False
    if not good or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("is no address like https://crm.example.com/calls")
    if parts.username is not None or parts.password is not None:
        raise ValueError("may hold no user name or password; the signature tells that a push is ours")
    return text


def words(value: Any) -> Any:
    """Words, comma separated, as a list, or as the lists that JSON text and PHP brackets make, are one text."""
    if isinstance(value, str) and value.strip().startswith("["):
        value = parsed(value)
    several = list(value.values()) if isinstance(value, dict) else value
    return ",".join(map(str, several)) if isinstance(several, list) else several


def _events(text: str) -> str:
    given = [word.strip() for word in text.split(",")]
    wrong = [word for word in given if word not in EVENTS]
    if wrong:
        raise ValueError(f"{wrong[0]!r} is not offered yet; there is {', '.join(EVENTS)}")
    return ",".join(dict.fromkeys(given))


Url = Annotated[str, StringConstraints(max_length=2000), AfterValidator(_url)]
Events = Annotated[str, BeforeValidator(words), StringConstraints(max_length=500), AfterValidator(_events)]


class NewEndpoint(Input):
    url: Url
    format: Literal["json"] = "json"
    events: Events = "call.completed"
    campaign_id: Id | None = None


class EndpointCreate(Input):
    endpoint: NewEndpoint


class EndpointChanges(Input):
    url: Url | None = None
    format: Literal["json"] | None = None
    events: Events | None = None
    active: bool | None = None
    rotate: bool = False


class EndpointId(Input):
    endpoint_id: Id


class EndpointUpdate(EndpointId):
    endpoint: EndpointChanges = Field(default_factory=EndpointChanges)
    rotate: bool = False


class DeliveryList(Page):
    endpoint_id: Id | None = None
    call_id: Id | None = None
    status: DeliveryState | None = None


class Replay(Input):
    delivery_id: Id | None = None
    endpoint_id: Id | None = None
    since: Time | None = Field(None, validation_alias=AliasChoices("from", "since"))
    until: Time | None = Field(None, validation_alias=AliasChoices("to", "until"))


class EndpointMade(TypedDict):
    """`secret` signs its pushes."""

    endpoint_id: int
    secret: str


class EndpointData(TypedDict):
    """An endpoint. Only its owner reads `secret`; until `old_secret_until` the one before it signs along. `off_why`: why it is not
    active.
    """

    endpoint_id: int
    user_id: int
    campaign_id: int | None
    url: str
    format: str
    events: list[str]
    secret: str | None
    old_secret_until: str | None
    active: bool
    off_why: str | None
    created_at: str | None


class TryData(TypedDict):
    """One try: the HTTP status or the error, and the first KiB of the answer."""

    at: str | None
    status: int | None
    milliseconds: int
    answer: str | None
    error: str | None


class DeliveryData(TypedDict):
    """One event for one endpoint. `webhook_id` is that of the header; `next_at` is null once it is delivered or dead."""

    delivery_id: int
    webhook_id: str
    endpoint_id: int
    call_id: int | None
    seq: int | None
    event: str
    status: str
    created_at: str | None
    next_at: str | None
    done_at: str | None
    reason: str | None
    tries: list[TryData]


class Pinged(TypedDict):
    """The ping, as Push_Delivery_List names it."""

    delivery_id: int


def create(caller: Caller, given: EndpointCreate) -> EndpointMade:
    """Tell a server of every call's outcome. Answers the endpoint's id, and the secret that signs its pushes."""
    wanted = given.endpoint
    user_id = caller.user_id
    if wanted.campaign_id is not None:
        campaign = campaigns.visible(wanted.campaign_id, caller.scope)
        if campaign is None:
            raise Refused(f"endpoint.campaign_id: campaign {wanted.campaign_id} is not found")
        user_id = campaign.user_id
    row = store.unit(pushes.create_endpoint, user_id, wanted.url, wanted.events, wanted.campaign_id, store.now())
    return {"endpoint_id": row.id, "secret": row.secret}


def _mine(caller: Caller, endpoint_id: int) -> endpoints.Endpoint:
    found = endpoints.get(endpoint_id, caller.scope)
    if found is None:
        raise Refused(f"endpoint {endpoint_id} is not found")
    return found


def _on(caller: Caller, endpoint_id: int) -> endpoints.Endpoint:
    found = _mine(caller, endpoint_id)
    if not found.active:
        raise Refused(f"endpoint {endpoint_id} is switched off ({found.off_why}); switch it on with Push_Endpoint_Update, active = true")
    return found


def _shown(caller: Caller, endpoint: endpoints.Endpoint, secret: bool = False) -> EndpointData:
    return {
        "endpoint_id": endpoint.id,
        "user_id": endpoint.user_id,
        "campaign_id": endpoint.campaign_id,
        "url": endpoint.url,
        "format": endpoint.format,
        "events": endpoint.events.split(","),
        "secret": endpoint.secret if secret or endpoint.user_id == caller.user_id else None,
        "old_secret_until": iso(endpoint.old_secret_until),
        "active": endpoint.active,
        "off_why": endpoint.off_why,
        "created_at": iso(endpoint.created_at),
    }


def list_(caller: Caller, given: Page) -> list[EndpointData]:
    """The endpoints; those of one's own with their secrets."""
    return [_shown(caller, endpoint) for endpoint in endpoints.listed(caller.scope, given.limit, given.cursor)]


def update(caller: Caller, given: EndpointUpdate) -> EndpointData:
    """Change an endpoint. Answers it.

    `rotate` makes a new secret, which is answered; the old one signs along for 24 hours. Switched off (`active` false), what was due for
    it is dead, and can be replayed once it is switched on.
    """
    _mine(caller, given.endpoint_id)
    columns, rotate = given.endpoint.given(), given.rotate or given.endpoint.rotate
    columns.pop("rotate", None)

    def work() -> None:
        endpoints.change(given.endpoint_id, columns, store.now())
        if rotate:
            endpoints.rotate(given.endpoint_id, store.now())

    store.unit(work)
    return _shown(caller, _mine(caller, given.endpoint_id), rotate)


def delete(caller: Caller, given: EndpointId) -> bool:
    """Tell this server nothing more; what was due for it is dead."""
    store.unit(endpoints.delete, _mine(caller, given.endpoint_id).id, store.now())
    return True


def test(caller: Caller, given: EndpointId) -> Pinged:
    """Send a signed `ping`. Push_Delivery_List shows how it went."""
    return {"delivery_id": store.unit(endpoints.ping, _on(caller, given.endpoint_id).id, store.now())}


def delivery_list(caller: Caller, given: DeliveryList) -> list[DeliveryData]:
    """What was or is to be told, with every try. `status` is `due`, `delivered` or `dead`."""
    equal = {"state" if name == "status" else name: value for name, value in given.given().items() if name not in ("limit", "cursor")}
    return [_delivery(one) for one in deliveries.listed(caller.scope, given.limit, given.cursor, equal)]


def _delivery(one: deliveries.Delivery) -> DeliveryData:
    return {
        "delivery_id": one.id,
        "webhook_id": one.webhook_id,
        "endpoint_id": one.endpoint_id,
        "call_id": one.call_id,
        "seq": one.seq,
        "event": one.event,
        "status": str(one.state),
        "created_at": iso(one.created_at),
        "next_at": iso(one.next_at) if one.state == DeliveryState.DUE else None,
        "done_at": iso(one.done_at),
        "reason": one.reason,
        "tries": [
            {"at": iso(t.at), "status": t.status, "milliseconds": t.milliseconds, "answer": t.answer, "error": t.error} for t in one.tries
        ],
    }


def replay(caller: Caller, given: Replay) -> int:
    """Send again what is delivered or dead: one delivery, or those of an endpoint whose events lie between `from` and `to`, both included.

    Answers how many. Ids and bytes stay the same, and within a call the order too. What is due still is left alone.
    """
    if given.delivery_id is not None:
        endpoint_id = deliveries.endpoint_of(given.delivery_id, caller.scope)
        if endpoint_id is None:
            raise Refused(f"delivery {given.delivery_id} is not found")
        _on(caller, endpoint_id)
        return store.unit(deliveries.again, given.delivery_id, store.now())
    if given.endpoint_id is None or given.since is None or given.until is None:
        raise Refused("give a delivery_id, or an endpoint_id with from and to")
    first, end, after, count = _time(caller, "from", given.since).first, _time(caller, "to", given.until).end, 0, 0
    endpoint_id, now = _on(caller, given.endpoint_id).id, store.now()
    while True:
        some, go_on = store.unit(deliveries.again_between, endpoint_id, first, end, after, now)
        count += some
        if go_on is None:
            return count
        after = go_on


def _time(caller: Caller, name: str, written: str) -> Any:
    try:
        return span(written, campaigns.timezone_of(caller.user_id))
    except ValueError as error:
        raise Refused(f"{name}: {error}") from None


OPERATIONS = (
    Operation("Push_Endpoint_Create", EndpointCreate, create, DIALLING, changes=True),
    Operation("Push_Endpoint_List", Page, list_, DIALLING, changes=False),
    Operation("Push_Endpoint_Update", EndpointUpdate, update, DIALLING, changes=True),
    Operation("Push_Endpoint_Delete", EndpointId, delete, DIALLING, changes=True),
    Operation("Push_Endpoint_Test", EndpointId, test, DIALLING, changes=True),
    Operation("Push_Delivery_List", DeliveryList, delivery_list, DIALLING, changes=False),
    Operation("Push_Replay", Replay, replay, DIALLING, changes=True),
)
