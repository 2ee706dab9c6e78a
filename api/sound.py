"""From whatever sound people send to what Asterisk plays without transcoding: µ-law and A-law, mono, 8000 samples a second.

Reads block by block, so that what it needs in memory depends on the message's length alone, never on the file's rate or channels.
Knows no operation and no store.
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import soundfile
import soxr

RATE = 8000
LONGEST_S = 600
RATES = (1_000, 768_000)
CODECS = {"ulaw": "ULAW", "alaw": "ALAW"}
BLOCK = 1 << 18  # samples of all channels together
LOUDEST = 0.999
MOST_CHUNKS = 1000  # of a wav; each could be as small as eight bytes
OPEN_END = 0x7FF00000  # programs that write into a pipe leave such a length in the header
LOST = 0.1  # other formats only estimate their length


class NoSound(Exception):
    """This cannot be made into a message; the text says what to change."""


def message(stream: IO[bytes]) -> "Message":
    """The sound in `stream` as a message. NoSound."""
    cut = _missing_of_wav(stream)
    if cut:
        raise NoSound(f"is cut short: {cut}; send it again")
    stream.seek(0)
    try:
        with soundfile.SoundFile(stream) as file:
            return _decoded(file)
    except (soundfile.LibsndfileError, OSError, ValueError, TypeError) as error:
        raise NoSound("is no sound that can be read to its end; send a wav, flac, ogg or mp3 file") from error


class Message:
    """Mono sound at Asterisk's rate, in pieces."""

    def __init__(self, pieces: list[Any], frames: int, rate: int) -> None:
        self._pieces = pieces
        self.milliseconds = frames * 1000 // rate

    def write(self, path: Path, codec: str) -> None:
        """As a file of that codec, a key of CODECS."""
        peak = max((float(abs(piece).max()) for piece in self._pieces), default=0.0)
        # what is louder than full scale would come out as noise
        scale = min(1.0, LOUDEST / peak) if peak else 1.0
        with soundfile.SoundFile(path, "w", RATE, 1, CODECS[codec], format="RAW") as file:
            for piece in self._pieces:
                file.write(piece * scale)


def _decoded(file: soundfile.SoundFile) -> Message:
    rate, low, high = file.samplerate, *RATES
    if not low <= rate <= high:
        raise NoSound(f"has {rate} samples a second; send one with {low} to {high}")
    stream = soxr.ResampleStream(rate, RATE, 1, dtype="float32")
    pieces, frames = [], 0
    for mono in _mono(file):
        frames += len(mono)
        if frames > LONGEST_S * rate:
            raise NoSound(f"is longer than {LONGEST_S} s; cut it")
        pieces.append(stream.resample_chunk(mono))
    if not frames:
        raise NoSound("is empty; send a recording with sound in it")
    if frames < file.frames * (1 - LOST):
        raise NoSound(f"is cut short: of {file.frames / rate:.1f} s only {frames / rate:.1f} s are there; send it again")
    pieces.append(stream.resample_chunk(pieces[0][:0], last=True))
    return Message([piece for piece in pieces if len(piece)], frames, rate)


def _mono(file: soundfile.SoundFile) -> Iterator[Any]:
    """The mean of all channels, which is never louder than the loudest of them."""
    size = max(1, BLOCK // file.channels)
    while len(block := file.read(size, dtype="float32", always_2d=True)):
        mono = block.mean(axis=1)
        if not float(abs(mono).max()) < float("inf"):  # neither infinite nor no number at all
            raise NoSound("holds samples that are no numbers; export it again")
        yield mono


def _missing_of_wav(stream: IO[bytes]) -> str | None:
    """What a wav's header promises and the file does not hold. The decoder would make a shorter message of it without a word."""
    stream.seek(0, 2)
    there = stream.tell()
    stream.seek(0)
    head = stream.read(12)
    if head[:4] != b"RIFF" or head[8:] != b"WAVE":
        return None
    for _ in range(MOST_CHUNKS):
        if len(chunk := stream.read(8)) < 8:
            return None
        name, size = struct.unpack("<4sI", chunk)
        if name == b"data":
            left = there - stream.tell()
            return f"its header says {size} bytes of sound, {left} are there" if left < size < OPEN_END else None
        stream.seek(size + size % 2, 1)
    raise NoSound(f"has more than {MOST_CHUNKS} parts before its sound; export it again")
