"""The store: whether it is there, of this version, set as it has to be, with the right time, and with somebody who may administer it."""

from dialplan.checks.facts import Facts
from dialplan.checks.finding import Seen, fault, fine, skipped, warning
from sql import inspection, store

APART_MS, FAR_APART_MS = 2_000, 30_000
AHEAD_MS = 60_000


def reachable(facts: Facts) -> Seen:
    """The database opens."""
    try:
        seen = facts.database
    except inspection.NoStore as error:
        if (facts.home / "admin.json").exists() and not facts.config.text("store", "url"):
            return fault(f"{error}, though this installation was started before", "bring the file back from a backup")
        return skipped(f"{error} yet: the first start makes it")
    except store.StoreError as error:
        return _told(error)
    except OSError as error:
        return fault(f"the store cannot be read: {error}", "run this as the installation's owner, or give the file back to him")
    return fine(f"{seen.kind} {seen.version} answers ({seen.name})")


def _told(error: store.StoreError) -> Seen:
    what, _, remedy = str(error).partition("; ")
    return fault(what, remedy)


def place(facts: Facts) -> Seen:
    """SQLite lies on a local disk, with WAL; MySQL isolates and keeps what it committed."""
    seen = facts.database
    if seen.filesystem in inspection.NETWORKS:
        remedy = "move the installation to a local disk, or to MySQL: carillon store copy"
        return fault(f"{seen.name} lies on a network filesystem ({seen.filesystem})", remedy)
    if seen.kind == "sqlite":
        if seen.journal != "WAL":
            return warning(f"SQLite works with {seen.journal} on {seen.name}", "start Carillon once: it sets that")
        return fine("SQLite, with WAL, on a local disk")
    if seen.isolation != "READ-COMMITTED":
        return fault(
            f"transactions are {seen.isolation}, though READ-COMMITTED was asked for", "look what lies between: a proxy may ignore SET"
        )
    if seen.danger:
        what, _, remedy = seen.danger.rpartition("; ")
        return warning(what, remedy)
    return fine(f"{seen.version}: READ-COMMITTED, durable")


def version(facts: Facts) -> Seen:
    """The tables are those of this version; MySQL is new enough and compares text exactly."""
    try:
        inspection.check(facts.config.store_url)
    except store.StoreError as error:
        return _told(error)
    return fine("the store is of this version, and set as it has to be")


def clock(facts: Facts) -> Seen:
    """The database's clock and ours agree, and nothing in the store is of the future."""
    now, theirs = store.now(), facts.database.clock
    if theirs is not None and (apart := abs(theirs - now)) > APART_MS:
        tell = fault if apart > FAR_APART_MS else warning
        return tell(f"the database's clock and ours are {apart / 1000:.0f} s apart", "let both machines' clocks be kept right (chrony)")
    newest = facts.content.newest
    if newest is not None and newest > now + AHEAD_MS:
        ahead = (newest - now) / 1000
        return fault(
            f"the store knows of times {ahead:.0f} s after now: this clock is slow, or was ahead then",
            "set the clock right; what lies ahead passes",
        )
    return fine("the store's times and this machine's clock agree")


def administrator(facts: Facts) -> Seen:
    """An active administrator is there."""
    if facts.content.admins:
        return fine("there is an administrator")
    if not (facts.home / "admin.json").exists() and not facts.content.newest:
        return skipped("the first start makes one")
    return fault(
        "no active administrator is in the store", "stop Carillon and let somebody in: UPDATE user SET role='admin', active=1 WHERE id=1"
    )
