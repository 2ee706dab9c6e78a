"""Push endpoints: where a customer's server wants to be told."""

from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, StringConstraints

from api.operation import DIALLING, Caller, Id, Input, Operation, Refused
from sql import campaigns, pushes, store

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


def _events(value: Any) -> str:
    words = value.split(",") if isinstance(value, str) else value
    wrong = [word for word in map(str.strip, words) if word not in EVENTS]
    if wrong:
        raise ValueError(f"{wrong[0]!r} is not offered yet; there is {', '.join(EVENTS)}")
    return ",".join(dict.fromkeys(map(str.strip, words)))


Url = Annotated[str, StringConstraints(max_length=2000), AfterValidator(_url)]


class NewEndpoint(Input):
    url: Url
    format: Literal["json"] = "json"
    events: Annotated[str | list[str], AfterValidator(_events)] = "call.completed"
    campaign_id: Id | None = None


class EndpointCreate(Input):
    endpoint: NewEndpoint


def create(caller: Caller, given: EndpointCreate) -> dict[str, Any]:
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


OPERATIONS = (Operation("Push_Endpoint_Create", EndpointCreate, create, DIALLING, changes=True),)
