"""What a push says: builds the body of each event and freezes it, as an outbox row, in the transaction that changes the call.

The bytes are final here; whoever delivers them adds nothing but the signature.
"""

import json
import secrets
from datetime import UTC, datetime

from peewee import fn

from sql.models import Call, Campaign, CampaignContact
from sql.models_push import Push, PushEndpoint
from sql.states import STATUS_OF, Disposition


def iso(at: int | None) -> str | None:
    """UTC milliseconds as ISO 8601 with milliseconds and `Z`."""
    if at is None:
        return None
    return datetime.fromtimestamp(at // 1000, UTC).strftime(f"%Y-%m-%dT%H:%M:%S.{at % 1000:03d}Z")


def money(micro: int) -> float | int:
    """Micro-units as a decimal number."""
    return micro / 1_000_000 if micro % 1_000_000 else micro // 1_000_000


def call_completed(call_id: int, now: int) -> None:
    """Write `call.completed` of a settled call for every endpoint that wants it."""
    call = (
        Call.select(Call, Campaign.name.alias("campaign_name"), CampaignContact.remote_id, CampaignContact.remote_module)
        .join(Campaign, on=(Campaign.id == Call.campaign_id))
        .switch(Call)
        .join(CampaignContact, on=(CampaignContact.id == Call.campaign_contact_id))
        .where(Call.id == call_id)
        .objects()
        .get()
    )
    for endpoint in endpoints(call.user_id, call.campaign_id, "call.completed"):
        seq = 1 + (Push.select(fn.MAX(Push.seq)).where(Push.endpoint_id == endpoint.id, Push.call_id == call_id).scalar() or 0)
        write(endpoint.id, "call.completed", call_data(call) | {"seq": seq}, now, call_id, seq)


def call_data(call: Call) -> dict:
    """The `data` of an event of a settled call. Times ISO 8601 UTC, `amount` decimal, `duration` in whole seconds rounded up."""
    duration = -(-(call.ended_at - call.sending_at) // 1000)
    return {
        "call_id": call.id,
        "attempt": call.attempt,
        "leg": call.leg,
        "final": bool(call.final),
        "campaign_id": call.campaign_id,
        "campaign": call.campaign_name,
        "contact_id": call.contact_id,
        "phone": call.phone,
        "remote_id": call.remote_id,
        "remote_module": call.remote_module,
        "event": "completed",
        "status": STATUS_OF[Disposition(call.disposition)],
        "disposition": call.disposition,
        "sip_code": call.sip_code,
        "hangup_cause": call.hangup_code,
        "started_at": iso(call.sending_at),
        "answered_at": iso(call.connected_at),
        "ended_at": iso(call.ended_at),
        "duration": duration,
        "billable_seconds": call.billable_seconds,
        "amount": money(call.amount),
        "response": json.loads(call.response) if call.response else None,
        "answered_by": answered_by(call.disposition),
        "recording": None,
        "user_id": call.user_id,
    }


def answered_by(disposition: str) -> str | None:
    """`human`, `machine`, or `unknown` for a call that nobody asked; None for one that was not answered."""
    return {"human": "human", "machine": "machine", "answered": "unknown"}.get(disposition)


def endpoints(user_id: int, campaign_id: int, event: str) -> list[PushEndpoint]:
    """The endpoints that get `event` of this campaign: its own, or else the user's general ones."""
    live = PushEndpoint.select().where(
        PushEndpoint.user == user_id,
        PushEndpoint.active,
        PushEndpoint.deleted_at.is_null(),
        PushEndpoint.campaign_id.is_null() | (PushEndpoint.campaign_id == campaign_id),
    )
    rows = list(live)
    own = [row for row in rows if row.campaign_id is not None]
    return [row for row in own or rows if event in row.events.split(",")]


def write(endpoint_id: int, event: str, data: dict, now: int, call_id: int | None = None, seq: int | None = None) -> int:
    """Freeze one event as an outbox row, due at once; the row's id."""
    body = json.dumps({"type": event, "timestamp": iso(now), "data": data}, separators=(",", ":"))
    return Push.insert(
        webhook_id=f"msg_{secrets.token_hex(16)}",
        endpoint_id=endpoint_id,
        call_id=call_id,
        seq=seq,
        event=event,
        body=body,
        next_at=now,
        created_at=now,
    ).execute()
