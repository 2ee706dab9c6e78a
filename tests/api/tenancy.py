"""Two tenants and their people, each with one of everything, all of it marked with the owner's canary.

admin ─┬─ acme (tenant) ─┬─ anna (user) ─┬─ alf (agent)
       │                 │               └─ ina (agent)
       │                 └─ otto (user)
       └─ bolt (tenant) ─── bea (user)
"""

import hashlib
from dataclasses import dataclass
from typing import Any

from sql import models, models_accounts, models_contacts, models_push
from sql.row import db

NOW = 1_800_000_000_000
MISSING = 999_999_999
ABOVE = {"acme": "admin", "bolt": "admin", "anna": "acme", "otto": "acme", "bea": "bolt", "alf": "anna", "ina": "anna"}
ROLE = {"admin": "admin", "acme": "tenant", "bolt": "tenant", "anna": "user", "otto": "user", "bea": "user", "alf": "agent", "ina": "agent"}
CALLERS = {  # who calls, and who stands in which relation to that caller
    "admin": {"own": "admin", "below": "acme", "other tenant's": "bea"},
    "acme": {"own": "acme", "below": "anna", "sibling's": "bolt", "other tenant's": "bea", "above": "admin"},
    "anna": {"own": "anna", "below": "alf", "sibling's": "otto", "other tenant's": "bea", "above": "acme"},
    "alf": {"own": "alf", "sibling's": "ina", "other tenant's": "bea", "above": "anna"},
}
PASSING = {"session", "idempotency"}  # tables that any call may write
UNTOLD = {("key", "used_at")}  # when a key was last used changes with its use


@dataclass(frozen=True)
class Ref:
    """In a sample: the id of the thing of this kind that the person in question owns."""

    kind: str


def canary(name: str) -> str:
    return f"canary-of-{name}"


def visible(caller: str, name: str) -> bool:
    """Whether `caller` may see what is `name`'s."""
    return caller in ("admin", name) or (name in ABOVE and visible(caller, ABOVE[name]))


def people(password_hash: str) -> dict[str, dict[str, int]]:
    """Make them all, in an open store that has its administrator; the ids of what each owns, by kind."""
    made = {"admin": belongings("admin", 1)}
    for name, above in ABOVE.items():
        parent = models_accounts.User.get_by_id(made[above]["user"])
        user = models_accounts.User.create(
            username=name, password_hash=password_hash, role=ROLE[name], parent=parent, path="?", company=canary(name),
            country="DE", created_at=NOW,
        )  # fmt: skip
        models_accounts.User.update(path=f"{parent.path}{user.id}/").where(models_accounts.User.id == user.id).execute()
        made[name] = belongings(name, user.id)
    return made


def belongings(name: str, user: int) -> dict[str, int]:
    mark = canary(name)
    group = models_contacts.ContactGroup.create(user=user, name=mark, created_at=NOW).id
    spare_group = models_contacts.ContactGroup.create(user=user, name=mark, created_at=NOW).id
    phone = f"+49301234{user:04}"
    contact = models_contacts.Contact.create(contact_group=group, phone=phone, first_name=mark, created_at=NOW).id
    recording = models.Recording.create(user=user, title=mark, milliseconds=1000, created_at=NOW).id
    spare_recording = models.Recording.create(user=user, title=mark, milliseconds=1000, created_at=NOW).id
    extension = models.Extension.create(user=user, name=mark, username=f"ext.{name}", digest="0" * 32, created_at=NOW).id
    trunk = models.Trunk.create(user=user, name=mark, host="127.0.0.1").id
    campaign = models.Campaign.create(user=user, contact_group=group, recording=recording, name=mark, created_at=NOW).id
    member = models.CampaignContact.create(
        campaign_id=campaign, contact_id=contact, phone=phone, next_at=NOW, state="done", disposition="busy", remote_id=mark
    ).id
    call = models.Call.create(
        campaign_id=campaign, user_id=user, campaign_contact_id=member, contact_id=contact, trunk_id=trunk, node="main", attempt=1, leg=1,
        phone=phone, kind="voice", recording_id=recording, ring_timeout=25, max_duration=60, state="settled", claimed_at=NOW,
        sending_at=NOW, settled_at=NOW, ended_at=NOW, disposition="busy", billable_seconds=0, final=True,
    ).id  # fmt: skip
    endpoint = models_push.PushEndpoint.create(user=user, url=f"http://127.0.0.1/{mark}", secret=f"whsec_{mark}", created_at=NOW).id
    delivery = models_push.Push.create(
        webhook_id=f"msg_{mark}", endpoint_id=endpoint, call_id=call, seq=1, event="call.completed", body="{}", state="delivered",
        next_at=NOW, created_at=NOW, done_at=NOW,
    ).id  # fmt: skip
    token = hashlib.sha256(mark.encode()).hexdigest()
    key = models_accounts.Key.create(user=user, name=mark, prefix=f"cln_{name}", hash=token, created_at=NOW).id
    import_ = models_contacts.Import.create(
        user=user, contact_group=group, token=mark, state="done", started_at=NOW, beat_at=NOW, ended_at=NOW
    ).id
    return {
        "user": user, "group": group, "spare group": spare_group, "contact": contact, "recording": recording,
        "spare recording": spare_recording, "extension": extension, "trunk": trunk, "campaign": campaign, "call": call,
        "endpoint": endpoint, "delivery": delivery, "key": key, "import": import_,
    }  # fmt: skip


def refs(sample: Any) -> list[str]:
    """The kinds of things that a sample refers to."""
    if isinstance(sample, Ref):
        return [sample.kind]
    inner = sample.values() if isinstance(sample, dict) else sample if isinstance(sample, list) else ()
    return [kind for value in inner for kind in refs(value)]


def filled(sample: Any, ids: dict[str, int]) -> Any:
    if isinstance(sample, Ref):
        return ids[sample.kind]
    if isinstance(sample, dict):
        return {key: filled(value, ids) for key, value in sample.items()}
    return [filled(value, ids) for value in sample] if isinstance(sample, list) else sample


def everything() -> dict[str, list[tuple]]:
    """All rows of all tables, but for those that any call may write."""
    tables = [name for name in db.get_tables() if name not in PASSING]
    found = {}
    for table in tables:
        columns = ", ".join(f'"{column.name}"' for column in db.get_columns(table) if (table, column.name) not in UNTOLD)
        found[table] = db.execute_sql(f'select {columns} from "{table}" order by 1').fetchall()
    return found
