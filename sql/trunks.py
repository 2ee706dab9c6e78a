"""Trunks: made and changed by the API, followed by the provisioner, marked down and up by the engine."""

from dataclasses import dataclass
from typing import Any

from sql.models import Campaign, Trunk, TrunkLoaded
from sql.states import CampaignStatus


class InUse(Exception):
    """A campaign still names this trunk; the text names the campaign."""


@dataclass(frozen=True)
class Line:
    """A trunk as Asterisk has to know it."""

    id: int
    version: int
    name: str
    host: str
    port: int
    username: str | None
    password: str | None
    register: bool
    codecs: str
    qualify: int
    caller_id: str | None


@dataclass(frozen=True)
class Stored:
    """A trunk as an administrator may see it: without its password, but whether it has one."""

    id: int
    user_id: int | None
    name: str
    host: str
    port: int
    username: str | None
    has_password: bool
    register: bool
    caller_id: str | None
    max_channels: int | None
    cps: int | None
    codecs: str
    prefix: str | None
    add_prefix: str | None
    number_format: str
    priority: int
    qualify: int
    simulated: bool
    version: int
    down_why: str | None


def create(**fields: object) -> int:
    """A new trunk's id. Fields are the columns of the table."""
    return Trunk.create(**fields).id


def get(trunk_id: int) -> Stored | None:
    row = Trunk.get_or_none(Trunk.id == trunk_id, Trunk.deleted_at.is_null())
    return row and _stored(row)


def listed(now: int) -> list[Stored]:
    """Every trunk in the order of preference; `down_why` only while it is down."""
    rows = Trunk.select().where(Trunk.deleted_at.is_null()).order_by(Trunk.priority, Trunk.id)
    return [_stored(row, now) for row in rows]


def change(trunk_id: int, **fields: object) -> None:
    """Change columns; no node uses the trunk before it has loaded the change. What kept it down may be mended, so it is tried again."""
    Trunk.update(version=Trunk.version + 1, down_until=None, down_why=None, **fields).where(
        Trunk.id == trunk_id, Trunk.deleted_at.is_null()
    ).execute()


def delete(trunk_id: int, now: int) -> None:
    """Let nobody dial over it any more; its calls in progress finish. InUse."""
    used = Campaign.get_or_none(Campaign.trunk == trunk_id, Campaign.deleted_at.is_null(), Campaign.status != CampaignStatus.ARCHIVED)
    if used is not None:
        raise InUse(f"campaign {used.id} ({used.name}) names it; archive or delete that campaign, or let it name another trunk")
    Trunk.update(deleted_at=now, password=None).where(Trunk.id == trunk_id, Trunk.deleted_at.is_null()).execute()


def _stored(row: Trunk, now: int = 0) -> Stored:
    names = [name for name in Stored.__dataclass_fields__ if name not in ("has_password", "down_why")]
    columns: dict[str, Any] = {name: getattr(row, name) for name in names}
    down = row.down_until is not None and row.down_until > now
    return Stored(has_password=bool(row.password), down_why=row.down_why if down else None, **columns)


def lines() -> list[Line]:
    """Every trunk that Asterisk has to know."""
    rows = Trunk.select().where(Trunk.deleted_at.is_null()).order_by(Trunk.id)
    return [Line(**{name: getattr(row, name) for name in Line.__dataclass_fields__}) for row in rows]


def loaded(node: str, versions: dict[int, int]) -> bool:
    """Asterisk of `node` has now loaded exactly these versions (trunk id -> version). Whether that is news."""
    known = {row.trunk_id: row.version for row in TrunkLoaded.select().where(TrunkLoaded.node == node)}
    if known == versions:
        return False
    TrunkLoaded.delete().where(TrunkLoaded.node == node).execute()
    for trunk_id, version in versions.items():
        TrunkLoaded.insert(node=node, trunk_id=trunk_id, version=version).execute()
    return True


def simulated(name: str, host: str, port: int) -> int:
    """The id of the simulated trunk `name`, made or changed to lead there."""
    row = Trunk.get_or_none(Trunk.name == name, Trunk.simulated, Trunk.deleted_at.is_null())
    if row is None:
        return create(name=name, host=host, port=port, simulated=True)
    if (row.host, row.port) != (host, port):
        Trunk.update(host=host, port=port, version=Trunk.version + 1).where(Trunk.id == row.id).execute()
    return row.id
