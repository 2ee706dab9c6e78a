"""Trunks: made and changed by the API, followed by the provisioner, marked down and up by the engine."""

from dataclasses import dataclass

from sql.models import Trunk, TrunkLoaded


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


def create(**fields: object) -> int:
    """A new trunk's id. Fields are the columns of the table."""
    return Trunk.create(**fields).id


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
