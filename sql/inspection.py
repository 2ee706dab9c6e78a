"""What the doctor asks of a store: how the database is set, and what of the installation stands in it. Reads only, from SQLite
through a connection that could not write; the store may be of any version, or none.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from peewee import MySQLDatabase, PeeweeException, fn
from playhouse.cysqlite_ext import CySqliteDatabase

from sql import claims, endpoints, extensions, halts, nodes, recordings, server, trunks
from sql import store as stores
from sql.models import Call, CampaignContact, Node
from sql.models_accounts import User
from sql.models_push import Push, PushEndpoint
from sql.row import db
from sql.states import ContactState, DeliveryState, Halted, NodeFacts, TrunkFacts

PATIENCE_S = 3
ALL = 1_000_000
NEXT = 500  # of a campaign's contacts, those whose turn comes next
NETWORKS = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "ceph", "glusterfs", "fuse.glusterfs"}
MOUNTS = Path("/proc/self/mounts")


class NoStore(stores.StoreError):
    """Nothing is there yet."""


@dataclass(frozen=True)
class Database:
    """`kind` is sqlite or mysql; `clock` its time in UTC ms (None: ours); `danger`: what may lose commits; `filesystem`: of its file."""

    kind: str
    version: str
    name: str
    isolation: str = ""
    danger: str = ""
    journal: str = ""
    filesystem: str = ""
    clock: int | None = None


@dataclass(frozen=True)
class Waiting:
    """How many of the contacts that a running campaign would dial next wait at one gate."""

    campaign_id: int
    name: str
    gate: str
    contacts: int


@dataclass(frozen=True)
class Content:
    """Of the installation on node `node`. `bearer`: (process, last beat) of the engine of that name; `newest`: the last call's time."""

    admins: int
    node: NodeFacts | None
    bearer: tuple[str | None, int] | None
    lines: list[trunks.Line]
    trunks: list[TrunkFacts]
    phones: list[extensions.Phone]
    recordings: list[recordings.Stored]
    halted: Halted | None
    endpoints: list[endpoints.Endpoint]
    dead: int
    due_since: int | None
    running: int
    channels: int
    waiting: list[Waiting]
    newest: int | None


@contextmanager
def opened(url: str) -> Iterator[None]:
    """The store at `url` for reading, on a connection of this thread. NoStore, StoreError, OSError: it cannot be opened, and what to do."""
    database = stores.database(url)  # StoreError for what is no store's URL
    if isinstance(database, MySQLDatabase):
        database.connect_params |= {"connect_timeout": PATIENCE_S, "read_timeout": PATIENCE_S, "write_timeout": PATIENCE_S}
    else:
        database = _sqlite(Path(unquote(urlsplit(url).path[1:])))
    db.initialize(database)
    try:
        with stores.connection():
            yield
    except PeeweeException as error:
        if isinstance(database, MySQLDatabase):
            raise stores.StoreError(server.meaning(database, error)) from error
        raise stores.StoreError(f"{url.partition(':///')[2]} does not open ({error}); it is damaged, or no store: take a backup") from error


def _sqlite(path: Path) -> CySqliteDatabase:
    if not path.exists():
        raise NoStore(f"{path} is not there")
    with path.open("rb"):  # OSError says why it may not be read
        pass
    # Where nobody has it open, nothing is to be left beside it.
    alone = "" if Path(f"{path}-wal").exists() else "&immutable=1"
    return CySqliteDatabase(f"file:{quote(str(path))}?mode=ro{alone}", pragmas={"query_only": 1}, timeout=PATIENCE_S, autoconnect=False)


def database(url: str) -> Database:
    """How the open database at `url` is set."""
    if isinstance(db.obj, MySQLDatabase):
        [(version,)] = db.execute_sql("select version()").fetchall()
        isolation = "@@tx_isolation" if "maria" in version.lower() else "@@transaction_isolation"
        [(said, clock)] = db.execute_sql(f"select {isolation}, unix_timestamp(now(3))").fetchall()
        return Database("mysql", version, db.obj.database, said, server.lasting(db.obj), clock=int(float(clock) * 1000))
    db.execute_sql("select count(*) from sqlite_master").fetchall()  # opens the file
    path = Path(unquote(urlsplit(url).path[1:]))
    with path.open("rb") as file:
        journal = "WAL" if file.read(20)[18:] == b"\x02\x02" else "no WAL"  # read like this, nobody takes a lock
    return Database("sqlite", ".".join(map(str, db.obj.server_version)), str(path), journal=journal, filesystem=_filesystem(path))


def check(url: str) -> None:
    """StoreError unless the store at `url` can be used by this version of Carillon."""
    with opened(url):
        stores.check()


def _filesystem(path: Path) -> str:
    """The kind of filesystem that holds this file: of the deepest mount above it."""
    where = str(path.resolve())
    mounts = [line.split() for line in MOUNTS.read_text().splitlines()]
    above = [(mount[1], mount[2]) for mount in mounts if where.startswith(mount[1].rstrip("/") + "/")]
    return max(above, key=lambda mount: len(mount[0]))[1] if above else ""


def content(node: str, now: int) -> Content:
    """What stands in an open store of this version."""
    facts = nodes.facts(node)
    running = claims.running()
    dead = Push.select(fn.COUNT(Push.id)).where(Push.state == DeliveryState.DEAD).scalar()
    due_since = (
        Push.select(fn.MIN(Push.created_at))
        .join(PushEndpoint, on=(PushEndpoint.id == Push.endpoint_id))
        .where(Push.state == DeliveryState.DUE, Push.next_at <= now, PushEndpoint.active)
        .scalar()
    )
    return Content(
        admins=User.select(User.id).where(User.role == "admin", User.active, User.deleted_at.is_null()).count(),
        node=facts[0] if facts else None,
        bearer=nodes.bearer(node),
        lines=trunks.lines(),
        trunks=claims.trunks(node),
        phones=extensions.phones(),
        recordings=recordings.listed("", ALL, 0),
        halted=halts.active(),
        endpoints=endpoints.listed("", ALL, 0),
        dead=dead,
        due_since=due_since,
        running=len(running),
        channels=sum(campaign.max_channels for campaign in running),
        waiting=[waits for campaign in running for waits in _waiting(campaign.id, campaign.name)],
        newest=_newest(),
    )


def _newest() -> int | None:
    """When the engine last claimed or beat, whichever is later, by the clock of that time."""
    times = (Call.select(fn.MAX(Call.claimed_at)).scalar(), Node.select(fn.MAX(Node.beat_at)).scalar())
    return max((time for time in times if time), default=None)


def _waiting(campaign_id: int, name: str) -> Iterator[Waiting]:
    due = CampaignContact.select(CampaignContact.gate).where(
        CampaignContact.campaign_id == campaign_id, CampaignContact.state == ContactState.DUE
    )
    gates = [gate for (gate,) in due.order_by(CampaignContact.next_at, CampaignContact.id).limit(NEXT).tuples() if gate]
    for gate in sorted(set(gates)):
        yield Waiting(campaign_id, name, gate, gates.count(gate))
