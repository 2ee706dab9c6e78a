"""Recordings: the messages that campaigns play."""

import secrets
from pathlib import Path
from typing import Annotated

from pydantic import Field, StringConstraints
from typing_extensions import TypedDict

from api.operation import DIALLING, EVERYBODY, Caller, File, Id, Input, Operation, Page, Refused
from api.sound import CODECS, NoSound, message
from sql import recordings, store
from sql.events import iso


class RecordingCreate(Input):
    title: Annotated[str, StringConstraints(max_length=200)]
    media: File


class RecordingId(Input):
    recording_id: Id


class Recording(TypedDict):
    """A recording. The next page of a list begins after the last `recording_id`, given as `cursor`."""

    recording_id: int
    user_id: int
    title: str
    seconds: Annotated[int, Field(description="rounded up")]
    created_at: str | None


def create(caller: Caller, given: RecordingCreate) -> int:
    """Store a message to be played: wav of any kind, flac, ogg, mp3 and what else libsndfile reads, ten minutes at the most. All its
    channels are mixed into one. Answers its id.
    """
    try:
        sound = message(given.media.stream)
    except NoSound as error:
        raise Refused(f"media {error}") from error
    caller.recordings.mkdir(exist_ok=True)
    made = {codec: caller.recordings / f".{secrets.token_hex(8)}.{codec}" for codec in CODECS}
    placed: list[Path] = []

    def place() -> int:
        """In one transaction with the row: a recording that is there has its files."""
        recording_id = recordings.create(caller.user_id, given.title, sound.milliseconds, store.now())
        for codec, path in made.items():
            placed.append(path.rename(_file(caller, recording_id, codec)))
        return recording_id

    try:
        for codec, path in made.items():
            sound.write(path, codec)
        return store.unit(place)
    except BaseException:
        for path in placed:
            path.unlink(missing_ok=True)
        raise
    finally:
        for path in made.values():
            path.unlink(missing_ok=True)


def listed(caller: Caller, given: Page) -> list[Recording]:
    """The recordings that the caller may see, by id, `limit` at a time after `cursor`."""
    return [_shown(row) for row in recordings.listed(caller.scope, given.limit, given.cursor)]


def get(caller: Caller, given: RecordingId) -> Recording:
    """One recording."""
    return _shown(_mine(caller, given.recording_id))


def delete(caller: Caller, given: RecordingId) -> bool:
    """Delete a recording and its sound. Refused while a campaign that is not archived plays it, or a call that has not ended."""
    found = _mine(caller, given.recording_id)
    try:
        store.unit(recordings.delete, found.id, caller.scope, store.now())
    except recordings.InUse as error:
        raise Refused(f"recording {found.id}: {error}") from None
    for codec in CODECS:
        _file(caller, found.id, codec).unlink(missing_ok=True)
    return True


def _mine(caller: Caller, recording_id: int) -> recordings.Stored:
    found = recordings.get(recording_id, caller.scope)
    if found is None:
        raise Refused(f"recording {recording_id} is not found")
    return found


def _file(caller: Caller, recording_id: int, codec: str) -> Path:
    return caller.recordings / f"{recording_id}.{codec}"


def _shown(row: recordings.Stored) -> Recording:
    return {
        "recording_id": row.id,
        "user_id": row.user_id,
        "title": row.title,
        "seconds": -(-row.milliseconds // 1000),
        "created_at": iso(row.created_at),
    }


OPERATIONS = (
    Operation("Recording_Create", RecordingCreate, create, DIALLING, changes=True, files=("media",)),
    Operation("Recording_List", Page, listed, EVERYBODY, changes=False),
    Operation("Recording_Get", RecordingId, get, EVERYBODY, changes=False),
    Operation("Recording_Delete", RecordingId, delete, DIALLING, changes=True),
)
