"""Recordings: real files in every form, what is left of them on the disk, and what is refused."""

import io
import os
import struct
import subprocess
import sys

import numpy
import pytest
import soundfile
from werkzeug.datastructures import FileStorage
from werkzeug.test import encode_multipart

from api import sound
from sql import models, recordings, store
from tests.api.conftest import PASSWORD

HERTZ, LEVEL = 1000, 0.5


def tone(rate: int = 8000, channels: int = 1, seconds: float = 1.0, level: float = LEVEL) -> numpy.ndarray:
    wave = level * numpy.sin(2 * numpy.pi * HERTZ * numpy.arange(int(rate * seconds)) / rate)
    return numpy.repeat(wave[:, None], channels, axis=1)


def encoded(samples: numpy.ndarray, rate: int, form: str, subtype: str | None = None) -> bytes:
    made = io.BytesIO()
    soundfile.write(made, samples, rate, format=form, subtype=subtype)
    return made.getvalue()


def send(face, data: bytes, title: str = "hello") -> tuple[int, list]:
    form = {"username": "admin", "password": PASSWORD, "title": title, "media": FileStorage(io.BytesIO(data), "hello.wav")}
    mark, body = encode_multipart(form)  # in memory: the client would leave a temporary file open
    return face.send("POST", "/rest/Recording_Create", data=body, content_type=f"multipart/form-data; boundary={mark}")


def kept(face) -> list[str]:
    folder = face.home / "recordings"
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def heard(face, recording_id: int, codec: str) -> tuple[float, float, float]:
    """(frequency in Hz, level of its middle as a sine's amplitude, seconds) of the file that Asterisk will play."""
    path = face.home / "recordings" / f"{recording_id}.{codec}"
    samples, rate = soundfile.read(path, samplerate=8000, channels=1, format="RAW", subtype=codec.upper())
    middle = samples[len(samples) // 4 : -(len(samples) // 4)]
    spectrum = abs(numpy.fft.rfft(middle * numpy.hanning(len(middle))))
    return spectrum.argmax() * rate / len(middle), float(numpy.sqrt(2 * (middle**2).mean())), len(samples) / rate


FORMS = [
    *[("WAV", rate, "PCM_16", 1) for rate in (8000, 11025, 16000, 22050, 44100, 48000, 96000, 192000)],
    *[("WAV", 44100, width, 2) for width in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW", "IMA_ADPCM")],
    ("WAV", 8000, "GSM610", 1), ("WAV", 8000, "ULAW", 1), ("WAV", 8000, "ALAW", 1), ("WAV", 44100, "MS_ADPCM", 1),
    ("WAV", 48000, "PCM_16", 8), ("WAVEX", 48000, "PCM_24", 6),
    ("RF64", 16000, "PCM_16", 1), ("W64", 16000, "PCM_16", 1), ("AIFF", 44100, "PCM_16", 2), ("AU", 8000, "ULAW", 1),
    ("FLAC", 44100, "PCM_24", 2), ("OGG", 44100, "VORBIS", 2), ("OGG", 48000, "OPUS", 1), ("MP3", 44100, "MPEG_LAYER_III", 2),
]  # fmt: skip


@pytest.mark.parametrize(("form", "rate", "subtype", "channels"), FORMS)
def test_every_form_becomes_what_asterisk_plays(face, form, rate, subtype, channels):
    status, body = send(face, encoded(tone(rate, channels), rate, form, subtype))
    assert (status, body) == (200, [True, 1])
    assert kept(face) == ["1.alaw", "1.ulaw"]
    for codec in ("ulaw", "alaw"):
        hertz, level, seconds = heard(face, 1, codec)
        assert hertz == pytest.approx(HERTZ, abs=3)
        assert level == pytest.approx(LEVEL, rel=0.05)
        assert seconds == pytest.approx(1.0, abs=0.11)  # the lossy ones pad to whole frames


@pytest.mark.parametrize(
    ("samples", "level"),
    [
        (tone(level=0.9999), 0.9999),
        (tone(level=8.0), 1.0),
        (tone(level=32767.0), 1.0),
        (numpy.sign(tone()), 1.27),  # the sine within a square wave
        (numpy.hstack([tone(level=0.9), tone(level=0.9) * 0]), 0.45),
        (numpy.hstack([tone(level=2.0)] * 3), 1.0),
    ],
    ids=["full scale", "floats over full scale", "integers written as floats", "square", "one silent channel", "loud in all channels"],
)
def test_nothing_is_clipped_or_wraps_around(face, samples, level):
    assert send(face, encoded(samples, 8000, "WAV", "FLOAT")) == (200, [True, 1])
    path = face.home / "recordings" / "1.ulaw"
    made, _ = soundfile.read(path, samplerate=8000, channels=1, format="RAW", subtype="ULAW")
    sine = 2 * abs(numpy.fft.rfft(made[:4000])[HERTZ * 4000 // 8000]) / 4000
    assert sine == pytest.approx(level, rel=0.05)
    ideal = samples.mean(axis=1)
    ideal = ideal / max(1.0, abs(ideal).max() / sound.LOUDEST)
    assert abs(made - ideal).max() < 0.05, "a sample that wrapped around would be as far off as can be"


WAV = encoded(tone(), 8000, "WAV", "PCM_16")
AS_FLOAT = encoded(tone() * 0 + 1, 8000, "WAV", "FLOAT")


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"", "is no sound that can be read"),
        (b"hello, this is no sound at all\n" * 50, "is no sound that can be read"),
        (os.urandom(5000), "is no sound that can be read"),
        (WAV[:20], "is no sound that can be read"),
        (WAV[:12] + b"\0" * 8000 + WAV[12:], "has more than 1000 parts before its sound; export it again"),
        (WAV[:44], "is cut short: its header says 16000 bytes of sound, 0 are there"),
        (WAV[:9000], "is cut short: its header says 16000 bytes of sound, 8956 are there"),
        (WAV[:40] + struct.pack("<I", 10**9) + WAV[44:], "is cut short: its header says 1000000000 bytes"),
        (WAV[:40] + struct.pack("<I", 0) + WAV[44:], "is empty"),
        (WAV[:24] + struct.pack("<I", 5) + WAV[28:], "has 5 samples a second"),
        (WAV[:24] + struct.pack("<I", 2**31 - 1) + WAV[28:], "has 2147483647 samples a second"),
        (WAV[:22] + struct.pack("<H", 0) + WAV[24:], "is no sound that can be read"),
        (AS_FLOAT[:-400] + struct.pack("<100f", *[float("nan")] * 100), "holds samples that are no numbers"),
        (AS_FLOAT[:-400] + struct.pack("<100f", *[float("-inf")] * 100), "holds samples that are no numbers"),
        (encoded(tone(), 8000, "FLAC")[:4000], "is no sound that can be read to its end"),
        (encoded(tone(seconds=10), 8000, "MP3")[:5000], "is cut short: of 10.0 s only"),
        (encoded(tone(seconds=600.1) * 0, 8000, "WAV", "ULAW"), "is longer than 600 s; cut it"),
        (encoded(tone()[:0], 8000, "WAV"), "is empty; send a recording with sound in it"),
    ],
)
def test_what_is_no_message_is_refused_and_leaves_no_file(face, data, says, capfd):
    status, (done, text) = send(face, data)
    assert (status, done) == (200, False)
    assert text.startswith("media ")
    assert says in text
    assert kept(face) == []
    assert face.done("Recording_List") == []


@pytest.mark.parametrize("length", [0xFFFFFFFF, 0x7FFFFFFF, 0x7FFFF024])
def test_a_wav_that_was_written_into_a_pipe(face, length):
    assert send(face, WAV[:40] + struct.pack("<I", length) + WAV[44:]) == (200, [True, 1])
    assert heard(face, 1, "ulaw")[2] == pytest.approx(1.0)


@pytest.mark.slow
def test_ten_minutes_in_any_rate_need_little_memory(tmp_path):
    """192,000 samples a second in eight channels: 3.7 GB as floats. The file is mostly a hole."""
    path = tmp_path / "long.wav"
    with soundfile.SoundFile(path, "w", 192_000, 8, "PCM_U8") as file:
        file.write(tone(192_000, 8, 0.1))
    size = 192_000 * 8 * 599
    with path.open("r+b") as raw:
        head = raw.read(60)
        at = head.index(b"data") + 4
        raw.truncate(at + 4 + size)
        raw.seek(at)
        raw.write(struct.pack("<I", size))
    script = (
        "import sys, resource; from pathlib import Path; from api.sound import message\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "made = message(open(sys.argv[1], 'rb')); made.write(Path(sys.argv[1] + '.ulaw'), 'ulaw')\n"
        "print(made.milliseconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=True)
    milliseconds, kilobytes = map(int, done.stdout.split())
    assert milliseconds == 599_000
    assert (tmp_path / "long.wav.ulaw").stat().st_size == pytest.approx(599 * 8000, abs=2)
    assert kilobytes < 80_000


def test_a_full_disk_leaves_nothing(face, monkeypatch):
    def full(*_args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sound.Message, "write", full)
    status, body = send(face, WAV)
    assert (status, body["ErrorCode"]) == (500, 500)
    assert kept(face) == []
    assert face.done("Recording_List") == []


def test_a_store_that_fails_leaves_no_file(face, monkeypatch):
    monkeypatch.setattr(recordings, "create", lambda *_: 1 / 0)
    assert send(face, WAV)[0] == 500
    assert kept(face) == []


def test_listed_in_pages_and_found(face):
    for n in range(5):
        assert send(face, WAV, f"message {n}") == (200, [True, n + 1])
    rows = face.done("Recording_List")
    assert [row["recording_id"] for row in rows] == [1, 2, 3, 4, 5]
    assert rows[2] == face.done("Recording_Get", recording_id=3)
    assert {**rows[2], "created_at": None} == {"recording_id": 3, "user_id": 1, "title": "message 2", "seconds": 1, "created_at": None}
    assert [row["title"] for row in face.done("Recording_List", limit=2, cursor=2)] == ["message 2", "message 3"]
    assert "recording 6 is not found" in face.refused("Recording_Get", recording_id=6)
    for limit in (0, 10_001):
        assert "limit" in face.refused("Recording_List", limit=limit)


def test_others_recordings_are_not_found(face):
    send(face, WAV)
    face.done("User_Create", user={"username": "bob", "password": PASSWORD})
    assert face.done("Recording_List", "bob") == []
    for method in ("Recording_Get", "Recording_Delete"):
        assert face.refused(method, "bob", recording_id=1) == "recording 1 is not found"
    assert kept(face) == ["1.alaw", "1.ulaw"]


def campaign(face) -> int:
    group = face.done("Contact_Group_Create", contact_group={"name": "friends"})
    return face.done("Campaign_Create", campaign={"contact_group_id": group, "message": 1, "name": "spring"})


def test_deleted_with_its_sound_but_never_under_a_campaign(face):
    send(face, WAV)
    made = campaign(face)
    assert face.refused("Recording_Delete", recording_id=1) == (
        f"recording 1: campaign {made} (spring) plays it; archive or delete that campaign first"
    )
    assert kept(face) == ["1.alaw", "1.ulaw"]
    face.done("Campaign_Result", campaign_id=made, status="archived")
    assert face.done("Recording_Delete", recording_id=1) is True
    assert kept(face) == []
    assert face.done("Recording_List") == []
    assert face.refused("Recording_Delete", recording_id=1) == "recording 1 is not found"


@pytest.mark.parametrize(("state", "open_"), [("claimed", True), ("sending", True), ("settled", False), ("void", False)])
def test_not_deleted_under_a_call_that_has_not_ended(face, state, open_):
    send(face, WAV)
    made = campaign(face)
    face.done("Campaign_Result", campaign_id=made, status="archived")
    with store.connection():
        models.Call.create(
            campaign_id=made, user_id=1, campaign_contact_id=1, contact_id=1, trunk_id=1, node="main", attempt=1, leg=1,
            phone="+4930123456", kind="voice", recording_id=1, ring_timeout=25, max_duration=60, state=state, claimed_at=1,
        )  # fmt: skip
    if open_:
        assert face.refused("Recording_Delete", recording_id=1) == "recording 1: call 1 may be playing it; try again when it has ended"
        assert kept(face) == ["1.alaw", "1.ulaw"]
    else:
        assert face.done("Recording_Delete", recording_id=1) is True
        assert kept(face) == []
