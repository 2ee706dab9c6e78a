"""Trunks: made and changed by the API, followed by the provisioner, marked down and up by the engine."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from sql.models import Campaign, Node, Trunk, TrunkLoaded
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
    caller_id_in: str = "pai"


@dataclass(frozen=True)
class State:
    """A trunk as one Asterisk has it: None where it is not to register, or is not asked. `why`: what keeps Asterisk from using it."""

    registered: bool | None = None
    reachable: bool | None = None
    why: str | None = None


@dataclass(frozen=True)
class OnNode(State):
    """The same, of one node; `loaded`: its Asterisk knows the trunk's present version."""

    node: str = ""
    loaded: bool = False


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
    caller_id_in: str
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
    down_until: int | None
    down_why: str | None


NO_STATES: Mapping[int, State] = MappingProxyType({})


def create(**fields: object) -> int:
    """A new trunk's id. Fields are the columns of the table."""
    return Trunk.create(**fields).id


def get(trunk_id: int, now: int) -> Stored | None:
    row = Trunk.get_or_none(Trunk.id == trunk_id, Trunk.deleted_at.is_null())
    return row and _stored(row, now)


def listed(now: int) -> list[Stored]:
    """Every trunk in the order of preference; `down_until` and `down_why` only while it is down."""
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


def _stored(row: Trunk, now: int) -> Stored:
    columns: dict[str, Any] = {name: getattr(row, name) for name in Stored.__dataclass_fields__ if name != "has_password"}
    if row.down_until is None or row.down_until <= now:
        columns |= {"down_until": None, "down_why": None}
    return Stored(has_password=bool(row.password), **columns)


def on_nodes() -> dict[int, list[OnNode]]:
    """How each node's Asterisk has each trunk; a trunk that it does not have yet is not loaded there."""
    known = {(row.node, row.trunk_id): row for row in TrunkLoaded.select()}
    names = {row.name for row in Node.select(Node.name)} | {node for node, _ in known}
    found: dict[int, list[OnNode]] = {}
    for trunk in Trunk.select(Trunk.id, Trunk.version).where(Trunk.deleted_at.is_null()):
        found[trunk.id] = [_on_node(known.get((name, trunk.id)), trunk.version, name) for name in sorted(names)]
    return found


def _on_node(row: TrunkLoaded | None, version: int, node: str) -> OnNode:
    if row is None or row.version != version:
        return OnNode(node=node)
    return OnNode(row.registered, row.reachable, row.why, node, loaded=True)


def lines() -> list[Line]:
    """Every trunk that Asterisk has to know."""
    rows = Trunk.select().where(Trunk.deleted_at.is_null()).order_by(Trunk.id)
    return [Line(**{name: getattr(row, name) for name in Line.__dataclass_fields__}) for row in rows]


def loaded(node: str, versions: Mapping[int, int], states: Mapping[int, State] = NO_STATES) -> bool:
    """Asterisk of `node` has now loaded exactly these versions (trunk id -> version), and this is how it has them. Whether that is news."""
    news = {
        trunk_id: (version, state.registered, state.reachable, state.why and state.why[:200])
        for trunk_id, version in versions.items()
        for state in (states.get(trunk_id, State()),)
    }
    columns = (TrunkLoaded.version, TrunkLoaded.registered, TrunkLoaded.reachable, TrunkLoaded.why)
    rows = TrunkLoaded.select(TrunkLoaded.trunk_id, *columns).where(TrunkLoaded.node == node).tuples()
    if {trunk_id: tuple(rest) for trunk_id, *rest in rows} == news:
        return False
    TrunkLoaded.delete().where(TrunkLoaded.node == node).execute()
    for trunk_id, values in news.items():
        TrunkLoaded.insert(dict(zip(columns, values, strict=True)) | {TrunkLoaded.node: node, TrunkLoaded.trunk_id: trunk_id}).execute()
    return True


def simulated(name: str, host: str, port: int) -> int:
    """The id of the simulated trunk `name`, made or changed to lead there."""
    row = Trunk.get_or_none(Trunk.name == name, Trunk.simulated, Trunk.deleted_at.is_null())
    if row is None:
        return create(name=name, host=host, port=port, simulated=True)
    if (row.host, row.port) != (host, port):
        Trunk.update(host=host, port=port, version=Trunk.version + 1).where(Trunk.id == row.id).execute()
    return row.id
