"""The work on a file of contacts: kept in the installation's folder, read in short transactions beside live calls, and finished exactly
once, for what a crash broke off is taken up where it was.
"""

import itertools
import logging
import os
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from api import csvfile
from sql import imports, numbers, settings, store, users
from sql.contacts import NewContact

FIRST, SMALLEST, LARGEST = 300, 100, 500  # rows of one transaction
# whether calls are open: (seconds that a transaction may hold the store's write lock, how many times as long it is left to others)
PACE = {False: (0.03, 0.25), True: (0.008, 3.0)}
LOOK_S = 30.0
MOST_AT_ONCE = 4  # each keeps one of the API's threads
log = logging.getLogger(__name__)

_turns = threading.BoundedSemaphore(MOST_AT_ONCE)
_at_work: set[int] = set()  # imports of this process; put in before their rows can be seen


class TooMany(Exception):
    """Others' files are being imported; one sentence."""


@contextmanager
def turn() -> Iterator[None]:
    """Have room for one more. TooMany."""
    if not _turns.acquire(blocking=False):
        raise TooMany(f"{MOST_AT_ONCE} files are being imported at this moment; try again when one of them is done")
    try:
        yield
    finally:
        _turns.release()


def spooled(config: settings.Settings, stream: IO[bytes]) -> Path:
    """The upload, whole and durable, in a file that nobody else knows yet. NoTable."""
    next(iter(csvfile.rows(stream)), None)  # what is no table is not even begun
    stream.seek(0)
    _folder(config).mkdir(mode=0o700, exist_ok=True)
    path = _folder(config) / f"{secrets.token_hex(8)}.part"
    try:
        with path.open("xb") as file:
            shutil.copyfileobj(stream, file, 1 << 20)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return path


def take_in(config: settings.Settings, upload: Path, begin: Callable[[], int]) -> int:
    """Make the import by `begin` and read its file to the end; the import's id. `upload` is its own from here on."""
    mine: set[int] = set()

    def work() -> int:
        """In one transaction with the row: an import that is there has its file."""
        import_id = begin()
        mine.add(import_id)
        _at_work.add(import_id)
        where[0] = where[0].replace(_file(config, import_id))
        return import_id

    where = [upload]  # a unit may be done twice
    try:
        import_id = store.unit(work)
        _finish(config, import_id)
        return import_id
    finally:
        upload.unlink(missing_ok=True)
        _at_work.difference_update(mine)


def _finish(config: settings.Settings, import_id: int) -> None:
    """Read the file to its end, from where it is. TakenOver."""
    job = imports.job(import_id)
    if job is None:
        raise imports.TakenOver(f"import {import_id} is over")
    country = users.country(job.owner, config.text("calling", "country"))
    failure = None
    try:
        with _file(config, import_id).open("rb") as file:
            _read(job, csvfile.rows(file, job.read), country)
    except (imports.Gone, csvfile.NoTable) as error:
        failure = str(error)
    store.unit(imports.end, import_id, store.now(), failure)
    _file(config, import_id).unlink()


def _read(job: imports.Job, rows: Iterator[csvfile.Row | csvfile.Bad], country: str | None) -> None:
    place, size = job.read, FIRST
    while batch := list(itertools.islice(rows, size)):
        good, bad = _sorted(batch, country)
        began = time.monotonic()
        store.unit(imports.batch, job.id, place, len(batch), good, bad, store.now())
        took = time.monotonic() - began
        place += len(batch)
        hold, rest = PACE[imports.calls_open()]
        size = max(SMALLEST, min(LARGEST, int(size * hold / took)))
        time.sleep(took * rest)


def _sorted(batch: list[csvfile.Row | csvfile.Bad], country: str | None) -> tuple[list[NewContact], list[imports.Reject]]:
    """The rows that can be used, and those that cannot."""
    good, bad = [], []
    for row in batch:
        if isinstance(row, csvfile.Bad):
            bad.append(imports.Reject(row.line, row.reason))
            continue
        try:
            phone = numbers.normalise(row.fields.pop("phone"), country)
            good.append(NewContact(phone, numbers.zones(phone), row.fields))
        except numbers.NumberError as error:
            bad.append(imports.Reject(row.line, str(error)))
    return good, bad


def resume_in_background(config: settings.Settings) -> None:
    """Take up what a crash broke off, now and whenever something is left behind."""
    for path in _folder(config).glob("*.part"):  # an upload that was not whole when the process ended
        path.unlink()
    threading.Thread(target=_look_again, args=(config,), name="imports", daemon=True).start()


def _look_again(config: settings.Settings) -> None:
    while True:
        try:
            with store.connection():
                resume(config)
        except Exception:
            log.exception("imports could not be taken up; trying again in %.0f s", LOOK_S)
        time.sleep(LOOK_S)


def resume(config: settings.Settings) -> None:
    """Finish every import whose file lies here and on which nobody works; remove the files of those that are over."""
    unfinished = set(imports.unfinished())
    for path in sorted(path for path in _folder(config).glob("*") if path.name.isdigit()):
        import_id = int(path.name)
        if import_id in _at_work:
            continue
        if import_id not in unfinished:
            path.unlink(missing_ok=True)
            continue
        log.info("import %d is taken up where it was broken off", import_id)
        _at_work.add(import_id)
        try:
            _finish(config, import_id)
        except imports.TakenOver as error:
            log.info("%s", error)
        finally:
            _at_work.discard(import_id)


def _folder(config: settings.Settings) -> Path:
    return config.home / "imports"


def _file(config: settings.Settings, import_id: int) -> Path:
    return _folder(config) / str(import_id)
