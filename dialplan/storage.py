"""`carillon store copy`: move an installation's store to another database, with its parts stopped, and hold both against each other.

The old store stays as it is; what decides which one is used is [store] url in carillon.ini.
"""

import argparse
import fcntl
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from dialplan import processes
from sql import copy, logs, settings, store

LOCKS = ("up.lock", "engine.lock")
URL = ("store", "url")
VARIABLE = "CARILLON_STORE_URL"


class Refused(Exception):
    """One sentence with the remedy."""


@contextmanager
def stopped(home: Path) -> Iterator[None]:
    """Nothing of this installation runs, nor can `carillon up` or an engine be started meanwhile. Refused: something runs."""
    if parts := {name for name in processes.parts(home) if name not in processes.ASTERISKS}:
        raise Refused(f"{', '.join(sorted(parts))} of {home} still run; stop them first")
    with ExitStack() as held:
        (home / "run").mkdir(exist_ok=True)
        for name in LOCKS:
            lock = held.enter_context((home / "run" / name).open("a"))
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise Refused(f"somebody in {home} holds {name}; stop what runs there first") from None
        yield


def table(compared: list[copy.Compared]) -> str:
    """What was found on both sides, of every table that holds something."""
    lines = [f"{'table':20}{'rows':>12}{'sum of ids':>20}{'sum of money':>20}  the copy"]
    for one in compared:
        money = "" if one.source.money is None else f"{one.source.money / 1_000_000:.6f}"
        said = "is the same" if one.same else f"DIFFERS: {one.target.rows} rows, ids {one.target.ids}"
        lines.append(f"{one.table:20}{one.source.rows:12}{one.source.ids:20}{money:>20}  {said}")
    return "\n".join(lines)


def shown(url: str) -> str:
    """The URL without its password."""
    return url.replace(f":{password}@", ":***@") if (password := urlsplit(url).password) else url


def move(home: Path, target: str, switch: bool) -> None:
    """Copy, compare and say so; name the new store in carillon.ini if asked for."""
    if switch and VARIABLE in os.environ:
        raise Refused(f"{VARIABLE} is set, and carillon.ini would not matter; unset it, or copy without --switch and change it yourself")
    config = settings.read(home)
    with stopped(home):
        compared = copy.copy(config.store_url, target, lambda name: print(f"copying {name} …", file=sys.stderr, flush=True))
        print(table(compared))
        if wrong := [one.table for one in compared if not one.same]:
            raise Refused(f"the copy is not the same in {', '.join(wrong)}; nothing was switched, the old store is as it was")
        if switch:
            settings.change(home, {URL: target})
    print(f"{sum(one.source.rows for one in compared)} rows: each was read back and is the same; the ledger adds up in both.")
    print(f"The old store {shown(config.store_url)} is as it was.")
    if switch:
        print(f"[store] url in {home / 'carillon.ini'} is {shown(target)} now; start the parts.")
    else:
        print(f"Now set [store] url = {shown(target)} in {home / 'carillon.ini'}, and start the parts.")


def main() -> None:
    logs.setup("store")
    parser = argparse.ArgumentParser(prog="carillon store", description="What can be done with a store as a whole.")
    commands = parser.add_subparsers(dest="command", required=True)
    one = commands.add_parser("copy", help="copy it into another, empty database, and hold every row of both against each other")
    one.add_argument(
        "--to", required=True, metavar="URL", help="mysql://user:password@host/name or sqlite:////path; - reads it from standard input"
    )
    one.add_argument("--switch", action="store_true", help="then set [store] url to it in carillon.ini")
    given = parser.parse_args()
    try:
        target = sys.stdin.readline().strip() if given.to == "-" else given.to
        move(Path(os.environ["CARILLON_HOME"]), target, given.switch)
    except (Refused, settings.SettingsError, store.StoreError, OSError) as error:
        sys.exit(f"carillon: {error}")


if __name__ == "__main__":
    main()
