"""What in somebody else's Asterisk is in the way of Carillon: one sentence each, with the remedy. Reads only."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from dialplan import beside, etc, runtime
from sql.settings import Settings

NEEDED_THERE = ("asterisk.conf", "modules.conf", "manager.conf", "pjsip.conf")
TOUCHED = (*NEEDED_THERE, "extensions.conf", "cdr_custom.conf", "cel_custom.conf", "cel.conf")
MODULES = (
    "pbx_config", "app_playback", "app_stack", "app_dial", "func_channel", "func_hangupcause", "func_cdr", "func_timeout", "func_strings",
    "func_logic", "res_agi", "res_sorcery_config", "res_pjproject", "res_pjsip", "res_pjsip_pubsub", "res_pjsip_session",
    "res_pjsip_sdp_rtp", "res_pjsip_caller_id", "res_pjsip_nat", "res_pjsip_header_funcs", "res_pjsip_endpoint_identifier_ip",
    "res_pjsip_endpoint_identifier_user", "res_pjsip_registrar", "res_pjsip_authenticator_digest",
    "res_pjsip_outbound_authenticator_digest", "res_pjsip_outbound_registration", "chan_pjsip", "res_rtp_asterisk", "res_timing_timerfd",
    "bridge_simple", "codec_ulaw", "codec_alaw", "format_pcm",
)  # fmt: skip
WITNESSES = ("res_cdrel_custom", "cdr_custom", "cel_custom")  # the last ones; calls are made and told without them


def problems(config: Settings, folder: Path, by_http: bool = False) -> list[str]:
    """Everything that is in the way; the files are looked into only if they can be read and written.

    `by_http`: it is accepted that the manager is reached by HTTP too.
    """
    if config.own_asterisk:
        return ["[ami] host is empty, so Carillon runs an Asterisk of its own; set it to 127.0.0.1 to work beside another (carillon init)"]
    if not folder.is_dir():
        return [f"{folder} is no folder; write the one with that Asterisk's asterisk.conf into [asterisk] etc"]
    found = list(_files(config, folder))
    if found:
        return found
    try:
        return [
            *_ours(config, folder), *_dialplan(folder), *_manager(config, folder, by_http), *_pjsip(config, folder), *_modules(folder),
            *_records(folder), *_sounds(config, folder),
        ]  # fmt: skip
    except etc.Misread as error:
        return [str(error)]


def _files(config: Settings, folder: Path) -> Iterator[str]:
    if not os.access(folder, os.W_OK | os.X_OK):
        yield f"{folder} cannot be written; run this as root"
    for name in TOUCHED:
        path = folder / name
        if path.is_symlink():
            yield f"{path} is a symbolic link to {path.readlink()}: some program keeps it there; make it a file of its own first"
        elif not path.exists():
            if name in NEEDED_THERE:
                yield f"{path} is not there; is {folder} that Asterisk's configuration?"
        elif not path.is_file():
            yield f"{path} is no file; make it one"
        elif not os.access(path, os.R_OK | os.W_OK):
            yield f"{path} cannot be read and written; run this as root"


def _ours(config: Settings, folder: Path) -> Iterator[str]:
    """Something of Carillon's is there, and not from this installation."""
    if (config.home / "attached.json").exists():
        return
    marked = [
        name for name in TOUCHED if (folder / name).exists() and etc.OURS.search((folder / name).read_text("utf-8", "surrogateescape"))
    ]
    if marked:
        yield f"{folder / marked[0]} holds lines of another Carillon; uninstall that one first, or take them out by hand"
    if (folder / beside.OURS).exists():
        yield f"{folder / beside.OURS} exists already; Carillon's files go there: move it away"


def _dialplan(folder: Path) -> Iterator[str]:
    template = (runtime.HERE / "conf" / "carillon_extensions.conf").read_text()
    ours = set(re.findall(r"^\[([\w-]+)\]", template, re.MULTILINE)) - {"globals"}
    for name in sorted(ours & etc.read(folder, "extensions.conf").sections):
        yield f"extensions.conf has a context [{name}] already, a name that Carillon needs; rename it"


def _manager(config: Settings, folder: Path, by_http: bool) -> Iterator[str]:
    manager = etc.read(folder, "manager.conf")
    host, port, user, secret = config.ami
    if host not in ("127.0.0.1", "localhost"):
        yield f"[ami] host is {host}: Carillon runs on the machine of its Asterisk and reaches it over the loopback; set 127.0.0.1"
    if not secret:
        yield "[ami] secret is empty; write a long random one into carillon.ini"
    if not manager.yes("general", "enabled", False):
        yield "manager.conf has the manager switched off; set enabled = yes in its [general]"
    if manager.yes("general", "webenabled", False) and not by_http:
        yield "manager.conf has webenabled = yes: by HTTP the manager can be reached from elsewhere; set no, or give --accept-webenabled"
    listens = manager.last("general", "port", "5038")
    if listens != str(port):
        yield f"manager.conf has port = {listens}, but carillon.ini has [ami] port {port}; make them equal"
    bound = manager.last("general", "bindaddr", "0.0.0.0")
    if bound not in ("127.0.0.1", "0.0.0.0", "::"):
        yield f"manager.conf has bindaddr = {bound}, where Carillon does not reach it; set 127.0.0.1"
    if user in manager.sections - {"general"} or user == "general":
        yield f"manager.conf has a user [{user}] already; choose another [ami] user in carillon.ini"


def _pjsip(config: Settings, folder: Path) -> Iterator[str]:
    pjsip, wanted = etc.read(folder, "pjsip.conf"), config.text("asterisk", "transport")
    for name in sorted(name for name in pjsip.sections if re.fullmatch(r"(trunk|ext)-[0-9]+(-registration)?", name)):
        yield f"pjsip.conf has a section [{name}], a name that Carillon gives; rename it"
    transports = [
        name for name in sorted(pjsip.sections)
        if "transport" in pjsip.all(name, "type") and pjsip.last(name, "protocol", "udp").lower() == "udp"
    ]  # fmt: skip
    if not transports:
        yield "pjsip.conf has no UDP transport; add one (type = transport, protocol = udp, bind = 0.0.0.0) and restart Asterisk"
    elif wanted and wanted not in transports:
        yield f"[asterisk] transport is {wanted}, but pjsip.conf has the UDP transports {', '.join(transports)}; name one of them"
    elif not wanted and len(transports) > 1:
        yield f"pjsip.conf has the UDP transports {', '.join(transports)}; write into [asterisk] transport which one trunks shall use"


def _modules(folder: Path) -> Iterator[str]:
    kept_out = {_module(name) for name in etc.read(folder, "modules.conf").all("modules", "noload")}
    if missing := [name for name in MODULES if name in kept_out]:
        yield f"modules.conf keeps out what Carillon needs (noload): {', '.join(missing)}; take these lines out"


def not_loaded(folder: Path) -> list[str]:
    """The modules that have to be named in modules.conf, because nothing loads them."""
    modules = etc.read(folder, "modules.conf")
    if modules.yes("modules", "autoload", False):
        return []
    named = {_module(name) for name in modules.all("modules", "load", "preload", "require", "preload-require", "noload")}
    return [f"{name}.so" for name in (*MODULES, *WITNESSES) if name not in named]


def _module(name: str) -> str:
    return name.removesuffix(".so")


def _records(folder: Path) -> Iterator[str]:
    for name, ours in (("cdr_custom.conf", "carillon.csv"), ("cel_custom.conf", "carillon-cel.csv")):
        if ours in {entry.key for entry in etc.read(folder, name).entries}:
            yield f"{name} writes a file {ours} already, a name that Carillon needs; rename it"
    if etc.read(folder, "cel.conf").yes("general", "enable", False) and not tells_hangups(folder):
        yield "cel.conf leaves out HANGUP, by which Carillon finds calls that ended while it was down; add it to events"


def tells_hangups(folder: Path) -> bool:
    """Whether its channel event log has the ends of calls."""
    listed = ",".join(etc.read(folder, "cel.conf").all("general", "events")).upper().split(",")
    return bool({"HANGUP", "ALL"} & {word.strip() for word in listed})


def _sounds(config: Settings, folder: Path) -> Iterator[str]:
    sounds = etc.folder(folder, "astdatadir", beside.DATA) / "sounds"
    link = sounds / beside.OURS
    if not sounds.is_dir():
        yield f"{sounds} is not there; install Asterisk's sounds, or correct astdatadir in asterisk.conf"
    elif not os.access(sounds, os.W_OK | os.X_OK):
        yield f"{sounds} cannot be written, where a link to the recordings goes; run this as root"
    elif link.is_symlink() and link.readlink() == config.home / "recordings":
        return
    elif link.is_symlink() or link.exists():
        yield f"{link} exists already, a name that Carillon needs for its recordings; move it away"
