"""Recordings: what people upload becomes what Asterisk plays without transcoding."""

import secrets
from pathlib import Path
from typing import Annotated

import soundfile
import soxr
from pydantic import StringConstraints
from werkzeug.datastructures import FileStorage

from api.operation import DIALLING, Caller, File, Input, Operation, Refused
from sql import recordings, store

RATE = 8000
LONGEST_S = 600
CODECS = {"ulaw": "ULAW", "alaw": "ALAW"}


class RecordingCreate(Input):
    title: Annotated[str, StringConstraints(max_length=200)]
    media: File


def create(caller: Caller, given: RecordingCreate) -> int:
    """Store a message to be played: wav, flac, ogg or mp3, ten minutes at the most. Answers its id."""
    sound, milliseconds = _decoded(given.media)
    caller.recordings.mkdir(exist_ok=True)
    made = {codec: caller.recordings / f".{secrets.token_hex(8)}.{codec}" for codec in CODECS}
    placed: list[Path] = []

    def place() -> int:
        """In one transaction with the row: a recording that is there has its files."""
        recording_id = recordings.create(caller.user_id, given.title, milliseconds, store.now())
        for codec, path in made.items():
            placed.append(path.rename(caller.recordings / f"{recording_id}.{codec}"))
        return recording_id

    try:
        for codec, path in made.items():
            soundfile.write(path, sound, RATE, format="RAW", subtype=CODECS[codec])
        return store.unit(place)
    except BaseException:
        for path in placed:
            path.unlink(missing_ok=True)
        raise
    finally:
        for path in made.values():
            path.unlink(missing_ok=True)


def _decoded(media: FileStorage) -> tuple[object, int]:
    """The sound in mono at Asterisk's rate, and its milliseconds."""
    try:
        with soundfile.SoundFile(media.stream) as file:
            if not file.frames:
                raise Refused("media is empty; send a recording with sound in it")
            if file.frames > LONGEST_S * file.samplerate:
                raise Refused(f"media is longer than {LONGEST_S} s; cut it")
            sound, rate = file.read(dtype="float32", always_2d=True).mean(axis=1), file.samplerate
    except (soundfile.LibsndfileError, OSError, ValueError) as error:
        raise Refused("media is no sound that can be read; send a wav, flac, ogg or mp3 file") from error
    return soxr.resample(sound, rate, RATE), len(sound) * 1000 // rate


OPERATIONS = (Operation("Recording_Create", RecordingCreate, create, DIALLING, changes=True, files=("media",)),)
