"""What became of a campaign's contacts and calls: counted, and listed. Nothing here changes anything."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sql import claims
from sql.models import Call, CampaignContact
from sql.row import fetched
from sql.scope import within
from sql.states import STATUS_OF, CallState, ContactFacts, ContactState, Disposition, Status

NO_STATUS = set(Disposition) - set(Status)
PLACES = [(state, disposition) for state in ContactState for disposition in (None, *Disposition)]
TALLY = "SELECT " + ", ".join(
    f"(SELECT COUNT(*) FROM campaign_contact WHERE campaign_id = ? AND state = '{state}' AND disposition "
    + (f"= '{disposition}')" if disposition else "IS NULL)")
    for state, disposition in PLACES
)


@dataclass(frozen=True)
class Listed:
    """A contact of a campaign. `id` is the row's, by which the list goes on."""

    id: int
    contact_id: int
    phone: str
    status: str
    disposition: str | None


@dataclass(frozen=True)
class Outcome:
    """A call: what it was, and once it is settled what it came to. Times in UTC ms, `amount` in micro-units."""

    id: int
    campaign_id: int
    user_id: int
    contact_id: int
    trunk_id: int
    phone: str
    caller_id: str | None
    attempt: int
    leg: int
    status: str
    disposition: str | None
    sip_code: int | None
    hangup_cause: int | None
    response: Any
    do_not_call: bool
    remote_id: str | None
    remote_module: str | None
    final: bool | None
    started_at: int | None
    answered_at: int | None
    ended_at: int | None
    billable_seconds: int | None
    amount: int


@dataclass(frozen=True)
class Tally:
    """How many contacts stand where: by state and disposition."""

    by: tuple[tuple[str, str | None, int], ...]

    @property
    def total(self) -> int:
        return sum(count for _, _, count in self.by)

    @property
    def done(self) -> int:
        return sum(count for state, _, count in self.by if state == ContactState.DONE)

    def totals(self) -> dict[str, int]:
        """Contacts by outward status, and by those finer dispositions that are no status; `total` last."""
        made: dict[str, int] = dict.fromkeys((*Status, *Disposition), 0)
        for state, disposition, count in self.by:
            made[_status(state, disposition)] += count
            if state == ContactState.DONE and disposition in NO_STATUS:
                made[disposition] += count
        return made | {"total": self.total}


def tally(campaign_id: int) -> Tally:
    """Each place is counted alone, in an index that holds nothing else: half the time of grouping."""
    [counts] = fetched(TALLY, *[campaign_id] * len(PLACES))
    return Tally(tuple((*place, count) for place, count in zip(PLACES, counts, strict=True) if count))


def active(campaign_id: int) -> int:
    """Calls in progress."""
    return Call.select().where(Call.campaign_id == campaign_id, Call.state.in_(claims.OPEN)).count()


def next_due(campaign_id: int) -> tuple[ContactFacts, str | None, int] | None:
    """The contact whose turn comes next, the gate it waits at, and when it is looked at (UTC ms)."""
    found = claims.candidates(campaign_id, 1 << 62, 1)
    if not found:
        return None
    row = CampaignContact.select(CampaignContact.gate, CampaignContact.next_at).where(CampaignContact.id == found[0].id).get()
    return found[0], row.gate, row.next_at


def _status(state: str, disposition: str | None) -> str:
    if state == ContactState.DONE and disposition:
        return STATUS_OF[Disposition(disposition)]
    return Status.DIALING if state == ContactState.BUSY else Status.PENDING


def contact_list(campaign_id: int, limit: int, cursor: int) -> list[Listed]:
    """The contacts after `cursor`."""
    return [
        Listed(row.id, row.contact_id, row.phone, _status(row.state, row.disposition), row.disposition)
        for row in _contact_list(campaign_id, limit, cursor)
    ]


def _contact_list(campaign_id: int, limit: int, cursor: int) -> Any:
    columns = [getattr(CampaignContact, name) for name in ("id", "contact_id", "phone", "state", "disposition")]
    rows = CampaignContact.select(*columns).where(CampaignContact.campaign_id == campaign_id, CampaignContact.id > cursor)
    return rows.order_by(CampaignContact.id).limit(limit)


def results(campaign_id: int, word: str | None, limit: int, cursor: int) -> list[Outcome]:
    """The settled calls after call id `cursor`; with `word` those of that status or disposition."""
    wanted = [disposition for disposition in Disposition if word in (None, disposition, STATUS_OF[disposition])]
    rows = _calls().where(Call.campaign_id == campaign_id, Call.state == CallState.SETTLED, Call.id > cursor, Call.disposition.in_(wanted))
    return [_outcome(row) for row in rows.order_by(Call.id).limit(limit).objects()]


def call(call_id: int, scope: str) -> Outcome | None:
    """This call, if it is there within `scope`; one that was claimed and never sent is not."""
    rows = _calls().where(Call.id == call_id, Call.state != CallState.VOID, within(Call.user_id, scope))
    row = rows.objects().first()
    return None if row is None else _outcome(row)


def _calls() -> Any:
    of_contact: Iterable[Any] = (CampaignContact.do_not_call, CampaignContact.remote_id, CampaignContact.remote_module)
    return Call.select(Call, *of_contact).join(CampaignContact, "LEFT OUTER JOIN", on=(CampaignContact.id == Call.campaign_contact_id))


def _outcome(row: Any) -> Outcome:
    settled = row.state == CallState.SETTLED
    return Outcome(
        id=row.id,
        campaign_id=row.campaign_id,
        user_id=row.user_id,
        contact_id=row.contact_id,
        trunk_id=row.trunk_id,
        phone=row.phone,
        caller_id=row.caller_id,
        attempt=row.attempt,
        leg=row.leg,
        status=STATUS_OF[Disposition(row.disposition)] if settled else Status.DIALING,
        disposition=row.disposition,
        sip_code=row.sip_code,
        hangup_cause=row.hangup_code,
        response=json.loads(row.response) if row.response else None,
        do_not_call=bool(row.do_not_call),
        remote_id=row.remote_id,
        remote_module=row.remote_module,
        final=row.final,
        started_at=row.sending_at,
        answered_at=row.connected_at if settled else row.answered_at,
        ended_at=row.ended_at,
        billable_seconds=row.billable_seconds,
        amount=row.amount,
    )
