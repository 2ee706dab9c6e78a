"""`carillon asterisk install` and `uninstall`: Carillon's files into the configuration of an Asterisk that is not ours, and out again.

Ours lie in a folder of their own, `carillon`; theirs only get lines at their end, between two marks. What was done is kept in
`attached.json` in the installation's folder, and the undo takes out exactly that. What is in the way is asked in `conflicts.py`.
"""

import argparse
import grp
import json
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from dialplan import beside, conflicts, edits, etc, runtime
from dialplan.edits import Edit
from sql import settings, sip
from sql.settings import Settings

BEGIN = "; begin carillon: added by `carillon asterisk install`, taken out by `carillon asterisk uninstall`\n"
END = "; end carillon\n"
MANIFEST = "attached.json"
INCLUDES = {"extensions.conf": "carillon_extensions.conf", "manager.conf": "carillon_manager.conf", "pjsip.conf": runtime.ACCOUNTS}
RECORDS = {"cdr_custom.conf": "cdr-custom", "cel_custom.conf": "cel-custom"}  # and the folders that Asterisk writes into
TOLD = (
    "dialplan reload", "manager reload", "module reload res_pjsip.so", "module load cdr_custom.so", "module reload cdr_custom.so",
    "module load cel_custom.so", "module reload cel_custom.so", "module reload cel",
)  # fmt: skip


class Refused(Exception):
    """Nothing was changed; one sentence for each thing in the way, with the remedy."""


@dataclass(frozen=True)
class Plan:
    """All that an installation is: lines at the end of their files, files of ours, folders, and the link to the recordings."""

    edits: tuple[Edit, ...]
    files: dict[Path, str]
    folders: tuple[Path, ...]
    link: tuple[Path, Path]


def plan(config: Settings, theirs: beside.Beside, by_http: bool = False) -> Plan:
    """What has to be done. Refused if anything is in the way."""
    problems = conflicts.problems(config, theirs.etc, by_http)
    if problems:
        raise Refused("\n".join(problems))
    changes = tuple(_edit(theirs.etc / name, lines) for name, lines in additions(config, theirs.etc).items())
    log = etc.folder(theirs.etc, "astlogdir", beside.LOG)
    folders = tuple(path for path in (log / name for name in RECORDS.values()) if not path.exists())
    link = etc.folder(theirs.etc, "astdatadir", beside.DATA) / "sounds" / beside.OURS, config.home / "recordings"
    return Plan(changes, _files(config, theirs), folders, link)


def additions(config: Settings, folder: Path) -> dict[str, str]:
    """The lines that each of their files gets."""
    lines = {name: f'#tryinclude "{beside.OURS}/{ours}"\n' for name, ours in INCLUDES.items()}
    for name in RECORDS:
        mapping = (runtime.HERE / "conf" / name).read_text().split("[mappings]\n")[1]
        if name == "cel_custom.conf" and etc.read(folder, "cel.conf").last("general", "dateformat"):
            mapping = mapping.replace("${eventtime}", "${EPOCH}")  # theirs may say anything
        lines[name] = _under(folder, name, "mappings", mapping)
    if not etc.read(folder, "cel.conf").yes("general", "enable", False):
        events = "" if conflicts.tells_hangups(folder) else "events = HANGUP\n"
        lines["cel.conf"] = _under(folder, "cel.conf", "general", f"enable = yes\n{events}")
    if missing := conflicts.not_loaded(folder):
        lines["modules.conf"] = _under(folder, "modules.conf", "modules", "".join(f"load = {module}\n" for module in missing))
    if rights := _socket_rights(config, folder):
        lines["asterisk.conf"] = _under(folder, "asterisk.conf", "files", rights)
    return lines


def _under(folder: Path, name: str, section: str, lines: str) -> str:
    """Asterisk reads the first section of a name only, unless a later one says that it goes on with it."""
    more = "(+)" if section in etc.read(folder, name).sections else ""
    return f"[{section}]{more}\n{lines}"


def _socket_rights(config: Settings, folder: Path) -> str:
    """What lets the installation's user tell Asterisk of new trunks; empty if he may, or if they have decided that already."""
    user, theirs = config.home.stat().st_uid, (folder / "asterisk.conf").stat()
    if user in (0, theirs.st_uid) or theirs.st_gid == 0 or etc.read(folder, "asterisk.conf").all("files", "astctlpermissions"):
        return ""
    return f"astctlpermissions = 0660\nastctlgroup = {grp.getgrgid(theirs.st_gid).gr_name}\n"


def _edit(path: Path, lines: str) -> Edit:
    if not path.exists():
        return Edit(str(path), True, 0, 0, BEGIN + lines + END)
    data = etc.OURS.sub("", path.read_bytes().decode("utf-8", "surrogateescape"))
    facts = path.stat()
    glue = "\n" if data and not data.endswith("\n") else ""
    return Edit(str(path), False, facts.st_size, facts.st_mtime_ns, f"{glue}{BEGIN}{lines}{END}")


def _files(config: Settings, theirs: beside.Beside) -> dict[Path, str]:
    _, _, user, secret = config.ami
    values = {
        "AMI_USER": runtime.checked(runtime.WORD, user, "[ami] user"),
        "AMI_SECRET": runtime.checked(sip.SECRET, secret, "[ami] secret"),
    }
    manager = runtime.fill((runtime.HERE / "conf" / "carillon_manager.conf").read_text(), values)
    if not theirs.new:  # older ones know only a pattern over the whole event
        manager = re.sub(r"^eventfilter\(action\(include\),name\((\w+)\)\) =$", r"eventfilter = Event: \1", manager, flags=re.MULTILINE)
    dialplan = (runtime.HERE / "conf" / "carillon_extensions.conf").read_text()
    # A second [globals] would not be read: the AGI server's address stands where it is used.
    dialplan = re.sub(r"^\[globals\]\n.*?(?=^\[)", "", dialplan, flags=re.MULTILINE | re.DOTALL)
    ours = theirs.etc / beside.OURS
    accounts = ours / runtime.ACCOUNTS
    return {
        ours / INCLUDES["extensions.conf"]: dialplan.replace("${CARILLON_AGI}", f"agi://127.0.0.1:{config.port('agi')}/"),
        ours / INCLUDES["manager.conf"]: manager,
        accounts: accounts.read_text() if accounts.exists() else runtime.ACCOUNTS_HEAD,
    }


def install(config: Settings, theirs: beside.Beside, dry: bool, by_http: bool = False) -> str:
    """What was done, or with `dry` would be, as text. Refused if something is in the way; then nothing is changed."""
    manifest = config.home / MANIFEST
    wanted = plan(config, theirs, by_http)
    if manifest.exists():
        done = _manifest(manifest, theirs)
        if {edit.path: edit.lines for edit in done.edits} != {edit.path: edit.lines for edit in wanted.edits}:
            raise Refused("Carillon is installed there otherwise than it would be now; run `carillon asterisk uninstall` first")
        wanted = Plan(
            tuple(edit for edit in done.edits if edit.lines not in edits.read(Path(edit.path))),
            {path: text for path, text in wanted.files.items() if edits.read(path) != text}, wanted.folders, wanted.link,
        )  # fmt: skip
        if not (wanted.edits or wanted.files or wanted.folders) and wanted.link[0].is_symlink():
            return "Carillon is installed there already; nothing was changed."
    if dry:
        return "".join(_differences(wanted)) + "Nothing was changed: this was a dry run."
    try:
        if not manifest.exists():
            _keep(manifest, wanted, config)
        _do(wanted, config, theirs)
    except OSError as error:
        undo(_manifest(manifest, theirs))
        manifest.unlink()
        raise Refused(f"{error.filename or theirs.etc}: {error.strerror}; what was begun has been taken back") from None
    return f"Carillon's lines are in {theirs.etc}. {_tell(theirs, config.ami[2], True)}"


def _do(wanted: Plan, config: Settings, theirs: beside.Beside) -> None:
    for edit in wanted.edits:
        edits.apply(edit)
    model, owner = (theirs.etc / "manager.conf").stat(), config.home.stat()
    everybody = model.st_mode & 0o004
    for folder in wanted.folders:
        above = folder.parent.stat()
        edits.make_folder(folder, above.st_uid, above.st_gid, above.st_mode & 0o7777)
    edits.make_folder(theirs.etc / beside.OURS, owner.st_uid, model.st_gid, 0o2750 | everybody | everybody >> 2)
    for path, text in wanted.files.items():
        runtime.write(path, text, 0o640 | everybody)
        edits.give(path, owner.st_uid, model.st_gid)
    place, target = wanted.link
    edits.make_folder(target, owner.st_uid, model.st_gid, 0o2750 | everybody | everybody >> 2)
    if not place.is_symlink():
        place.symlink_to(target)


def _tell(theirs: beside.Beside, user: str, installed: bool) -> str:
    """Let Asterisk read all of it anew, if it runs, and look whether it did."""
    try:
        for command in TOLD:
            theirs.control(command)
        there = (
            "Context 'carillon' created" in theirs.control("dialplan show carillon"),
            "username:" in theirs.control(f"manager show user {user}"),
        )
    except OSError as error:
        return f"Asterisk was not told: {error}. It will read them at its next start."
    if there != (installed, installed):
        return f"Asterisk was told to read them and has not done so; {theirs.messages} says why."
    return "Asterisk has read them."


def uninstall(config: Settings, theirs: beside.Beside, dry: bool) -> str:
    """Take out what the manifest tells, and nothing else. Refused if lines of ours were changed since."""
    manifest = config.home / MANIFEST
    if not manifest.exists():
        raise Refused(f"{manifest} is not there: nothing was installed from this folder, or it was taken out already")
    done = _manifest(manifest, theirs)
    changed = [edit.path for edit in done.edits if edits.changed(edit)]
    if changed:
        raise Refused("\n".join(
            f"{path}: the lines between the marks of Carillon were changed; take them out by hand, marks included, and run this again"
            for path in changed
        ))  # fmt: skip
    strangers = sorted(set((theirs.etc / beside.OURS).glob("*")) - set(done.files)) if done.files else []
    if strangers:
        raise Refused(f"{strangers[0]} is not Carillon's; move it away, because its folder is removed")
    if dry:
        return "".join(edits.difference(edit, back=True) for edit in done.edits) + "Nothing was changed: this was a dry run."
    undo(done)
    manifest.unlink()
    return f"{theirs.etc} is as it was before. {_tell(theirs, config.ami[2], False)}"


def undo(done: Plan) -> None:
    for edit in done.edits:
        edits.revert(edit)
    for path in done.files:
        path.unlink(missing_ok=True)
    for folder in (*done.folders, *{path.parent for path in done.files}):
        with suppress(OSError):  # Asterisk's records in it stay
            folder.rmdir()
    if done.link[0].is_symlink():
        done.link[0].unlink()


def _differences(wanted: Plan) -> Iterator[str]:
    for edit in wanted.edits:
        yield edits.difference(edit)
    for path, text in wanted.files.items():
        hidden = re.sub(r"^secret = .*$", "secret = (not shown)", text, flags=re.MULTILINE)
        yield edits.unified(edits.read(path), hidden, path)
    place, target = wanted.link
    if not place.is_symlink():
        yield f"link {place} -> {target}\n"
    for folder in wanted.folders:
        yield f"folder {folder}\n"


def _keep(manifest: Path, wanted: Plan, config: Settings) -> None:
    told = {
        "edits": [asdict(edit) for edit in wanted.edits], "files": [str(path) for path in wanted.files],
        "folders": [str(path) for path in wanted.folders], "link": [str(path) for path in wanted.link],
    }  # fmt: skip
    runtime.write(manifest, json.dumps(told, indent=1) + "\n")
    edits.give(manifest, config.home.stat().st_uid, config.home.stat().st_gid)


def _manifest(path: Path, theirs: beside.Beside) -> Plan:
    """What was done. root believes no word of it that could lead elsewhere: the file is the installation's own."""
    told = json.loads(path.read_text())
    place, target = told["link"]
    done = Plan(
        tuple(Edit(**edit) for edit in told["edits"]), {Path(name): "" for name in told["files"]},
        tuple(Path(name) for name in told["folders"]), (Path(place), Path(target)),
    )  # fmt: skip
    log = etc.folder(theirs.etc, "astlogdir", beside.LOG)
    may = {
        *(theirs.etc / name for name in conflicts.TOUCHED), *(theirs.etc / beside.OURS / name for name in INCLUDES.values()),
        *(log / name for name in RECORDS.values()), etc.folder(theirs.etc, "astdatadir", beside.DATA) / "sounds" / beside.OURS,
    }  # fmt: skip
    strange = {*(Path(edit.path) for edit in done.edits), *done.files, *done.folders, done.link[0]} - may
    if strange or any(edit.lines != f"{BEGIN}{edit.lines[len(BEGIN) : -len(END)]}{END}" for edit in done.edits):
        raise Refused(
            f"{path} does not tell what was installed ({', '.join(map(str, strange)) or 'other lines'}); take the lines out by hand"
        )
    return done


def main() -> None:
    parser = argparse.ArgumentParser(prog="carillon asterisk", description="Add Carillon's files to an Asterisk, or take them out again.")
    parser.add_argument("verb", choices=["install", "uninstall"])
    parser.add_argument("--etc", type=Path, help="its configuration (default: as carillon.ini says)")
    parser.add_argument("--dry-run", action="store_true", help="show the difference and change nothing")
    parser.add_argument("--accept-webenabled", action="store_true", help="install though the manager is reached by HTTP too")
    given = parser.parse_args()
    try:
        config = settings.read()
        theirs = beside.asterisk(config)
        if given.etc and given.etc.absolute() != theirs.etc.absolute():
            raise Refused(f"carillon.ini says [asterisk] etc = {theirs.etc}, not {given.etc}; correct one of them")
        if given.verb == "install":
            print(install(config, theirs, given.dry_run, given.accept_webenabled))
        else:
            print(uninstall(config, theirs, given.dry_run))
    except (Refused, settings.SettingsError, etc.Misread, runtime.ConfigError, OSError) as error:
        text = "\n".join(f"carillon: {line}" for line in str(error).splitlines())
        sys.exit(f"{text}\ncarillon: nothing was changed")


if __name__ == "__main__":
    main()
