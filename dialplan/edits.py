"""Lines at the end of somebody else's file, and out again: in place, so that its owner, mode and every other mark of it stay.

Knows nothing of Asterisk. Carillon's lines are taken out as exactly what was put in, wherever they stand by then.
"""

import difflib
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Edit:
    """`inserted` goes to the end of `path`, which had `size` bytes and was last changed at `mtime_ns`, or did not exist (`created`)."""

    path: str
    created: bool
    size: int
    mtime_ns: int
    inserted: str

    @property
    def lines(self) -> str:
        """What was put in, without the line break that the file lacked at its end."""
        return self.inserted.removeprefix("\n")

    @property
    def bytes(self) -> bytes:
        return self.inserted.encode("utf-8", "surrogateescape")


def read(path: Path) -> str:
    return path.read_bytes().decode("utf-8", "surrogateescape") if path.exists() else ""


def apply(edit: Edit) -> None:
    path = Path(edit.path)
    if edit.created:
        model = path.parent.stat()
        path.touch(0o640)
        give(path, model.st_uid, model.st_gid)
    _write(path, path.read_bytes() + edit.bytes)


def changed(edit: Edit) -> bool:
    """Whether there are lines of ours in the file that are not those that were put in."""
    text = read(Path(edit.path))
    return "; begin carillon" in text.replace(edit.lines, "", 1)


def revert(edit: Edit) -> None:
    """Take the lines out. A file that is then as it was before gets its time back; one that we made goes, if it is empty."""
    path = Path(edit.path)
    if not path.exists():
        return
    data = path.read_bytes()
    rest = without(data, edit)
    if edit.created and not rest:
        path.unlink()
        return
    if rest == data:
        return
    untouched = data == data[: edit.size] + edit.bytes
    _write(path, rest)
    if untouched:
        os.utime(path, ns=(path.stat().st_atime_ns, edit.mtime_ns))


def without(data: bytes, edit: Edit) -> bytes:
    before, found, after = data.partition(edit.bytes)
    if not found:  # somebody has changed what stood before: then its line break is his
        before, found, after = data.partition(edit.bytes.removeprefix(b"\n"))
    elif after and edit.inserted.startswith("\n"):
        before += b"\n"
    return before + after if found else data


def difference(edit: Edit, back: bool = False) -> str:
    path = Path(edit.path)
    now = read(path)
    if not back:
        return unified(now, now + edit.inserted, path)
    rest = without(path.read_bytes() if path.exists() else b"", edit)
    return unified(now, rest.decode("utf-8", "surrogateescape"), path)


def unified(before: str, after: str, path: Path) -> str:
    """The difference of two texts, as people read it."""
    lines = difflib.unified_diff(before.splitlines(True), after.splitlines(True), str(path), str(path))
    text = "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def make_folder(path: Path, uid: int, gid: int, mode: int) -> None:
    """A folder with this owner and mode; OSError if it is a link, which may lead anywhere."""
    path.mkdir(exist_ok=True)
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        facts = os.fstat(handle)
        if (facts.st_uid, facts.st_gid) != (uid, gid):
            os.fchown(handle, uid, gid)
        os.fchmod(handle, mode)
    finally:
        os.close(handle)


def give(path: Path, uid: int, gid: int) -> None:
    """Hand it over, if it is not theirs yet. Only root can."""
    facts = path.lstat()
    if (facts.st_uid, facts.st_gid) != (uid, gid):
        os.chown(path, uid, gid, follow_symlinks=False)


def _write(path: Path, data: bytes) -> None:
    """Change the file in place from the first byte that differs."""
    with path.open("r+b") as file:
        old = file.read()
        same = next((n for n, (was, is_now) in enumerate(zip(old, data, strict=False)) if was != is_now), min(len(old), len(data)))
        file.seek(same)
        file.write(data[same:])
        file.truncate()
        file.flush()
        os.fsync(file.fileno())
