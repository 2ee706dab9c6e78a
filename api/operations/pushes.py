"""Push endpoints: where a customer's server wants to be told. What it was told is `deliveries`'."""

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints
from typing_extensions import TypedDict

from api.operation import DIALLING, Caller, Id, Input, Operation, Page, Refused
from api.values import parsed
from sql import campaigns, endpoints, store
from sql.events import iso

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
    try:
        row = store.unit(endpoints.create, user_id, wanted.url, wanted.events, wanted.campaign_id, store.now())
    except endpoints.TooMany as error:
        raise Refused(str(error)) from None
    return {"endpoint_id": row.id, "secret": row.secret}


def mine(caller: Caller, endpoint_id: int) -> endpoints.Endpoint:
    """The endpoint, if the caller may see it."""
    found = endpoints.get(endpoint_id, caller.scope)
    if found is None:
        raise Refused(f"endpoint {endpoint_id} is not found")
    return found


def on(caller: Caller, endpoint_id: int) -> endpoints.Endpoint:
    """The same, if it is not switched off."""
    found = mine(caller, endpoint_id)
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
    mine(caller, given.endpoint_id)
    columns, rotate = given.endpoint.given(), given.rotate or given.endpoint.rotate
    columns.pop("rotate", None)

    def work() -> None:
        endpoints.change(given.endpoint_id, columns, store.now())
        if rotate:
            endpoints.rotate(given.endpoint_id, store.now())

    store.unit(work)
    return _shown(caller, mine(caller, given.endpoint_id), rotate)


def delete(caller: Caller, given: EndpointId) -> bool:
    """Tell this server nothing more; what was due for it is dead."""
    store.unit(endpoints.delete, mine(caller, given.endpoint_id).id, store.now())
    return True


def test(caller: Caller, given: EndpointId) -> Pinged:
    """Send a signed `ping`. Push_Delivery_List shows how it went."""
    return {"delivery_id": store.unit(endpoints.ping, on(caller, given.endpoint_id).id, store.now())}


OPERATIONS = (
    Operation("Push_Endpoint_Create", EndpointCreate, create, DIALLING, changes=True),
    Operation("Push_Endpoint_List", Page, list_, DIALLING, changes=False),
    Operation("Push_Endpoint_Update", EndpointUpdate, update, DIALLING, changes=True),
    Operation("Push_Endpoint_Delete", EndpointId, delete, DIALLING, changes=True),
    Operation("Push_Endpoint_Test", EndpointId, test, DIALLING, changes=True),
)
