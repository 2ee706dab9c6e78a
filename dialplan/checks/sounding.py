"""SIP and sound: trunks, extensions, registrations, NAT, recordings, RTP's ports."""

import ipaddress
import os
import pwd
import re
import socket
from pathlib import Path

from dialplan import beside, etc
from dialplan.checks.facts import Facts, NoControl
from dialplan.checks.finding import Seen, fault, fine, listing, skipped, warning
from sql import store
from sql.store import StoreError
from sql.trunks import Line

CODECS = ("ulaw", "alaw")
BYTES_PER_MS = 8
SLACK_BYTES = 800
PORTS_PER_CHANNEL = 2  # RTP and RTCP
NOBODY = "vm-nobodyavail"  # what carillon_extensions.conf plays when an extension does not take the call
REGISTRATION = re.compile(r"^ *(trunk-[0-9]+)-registration/\S+ +\S+ +(\w+)", re.MULTILINE)


def loopback(text: str) -> bool:
    try:
        return ipaddress.ip_address(text).is_loopback
    except ValueError:
        return text == "localhost"


def real(facts: Facts) -> list[Line]:
    """The trunks that lead away from this machine, as far as the store tells."""
    try:
        content = facts.content
    except (StoreError, OSError):  # said by the check of the store
        return []
    simulated = {trunk.id for trunk in content.trunks if trunk.simulated}
    return [line for line in content.lines if line.id not in simulated and not loopback(line.host)]


def bind(facts: Facts) -> Seen:
    """SIP is bound where real trunks reach it."""
    away, bound = real(facts), facts.config.text("sip", "bind")
    if away and loopback(bound):
        what = f"SIP is bound to {bound}, where trunk {away[0].name} ({away[0].host}) cannot reach it"
        return fault(what, "set [sip] bind to 0.0.0.0 or this machine's address, and restart")
    return fine(f"SIP is bound to {bound}")


def nat(facts: Facts) -> Seen:
    """External_address and local_net fit each other and the trunks."""
    config = facts.config
    external, nets = config.text("sip", "external_address"), config.words("sip", "local_net")
    if nets and not external:
        return warning(
            "[sip] local_net is set without external_address, and does nothing", "set [sip] external_address, or empty local_net"
        )
    if external and not nets:
        return warning(
            "[sip] external_address is set without local_net: it is told to everybody", "set [sip] local_net to the networks on this side"
        )
    if external and _address(external) and not ipaddress.ip_address(external).is_global:
        return warning(f"[sip] external_address {external} is no public address", "set the address by which the trunk sees this machine")
    for line in real(facts):
        if not external and _address(line.host) and ipaddress.ip_address(line.host).is_global:
            ours = _towards(line.host)
            if ours and not ipaddress.ip_address(ours).is_global:
                what = f"trunk {line.name} is public, and this machine speaks to it from {ours}, behind NAT"
                return warning(what, "set [sip] external_address and local_net")
    return fine("nothing about NAT contradicts itself")


def _address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _towards(host: str) -> str:
    """This machine's address on the way there. Sends nothing."""
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((host, 5060))
        except OSError:
            return ""
        return str(probe.getsockname()[0])


def accounts(facts: Facts) -> Seen:
    """Asterisk knows every trunk and extension, in its present version."""
    content = facts.content
    names = {f"trunk-{line.id}": f"trunk {line.name}" for line in content.lines}
    names |= {f"ext-{phone.id}": f"extension {phone.username}" for phone in content.phones}
    try:
        known = set(re.findall(r"^ *Endpoint: +((?:trunk|ext)-[0-9]+)\b", facts.says("pjsip show endpoints"), re.MULTILINE))
    except NoControl:
        if not facts.interview.logged_in:
            return skipped("neither the control socket nor the manager interface tells")
        known = facts.interview.endpoints
    missing = [names[key] for key in names if key not in known]
    why = content.node.trunks_text if content.node else None
    if missing:
        remedy = f"do what the provisioner says: {why}" if why else "log/provision.log, then Asterisk's messages, say why"
        return fault(f"Asterisk does not know {listing(missing)}", remedy)
    stale = [trunk.name for trunk in content.trunks if not trunk.loaded]
    if stale and "provision" in facts.parts:
        return fault(f"Asterisk has an old version of trunk {listing(stale)}", f"look in log/provision.log{f': {why}' if why else ''}")
    return fine(f"Asterisk knows all {len(names)} trunks and extensions" if names else "there are no trunks and extensions yet")


def registrations(facts: Facts) -> Seen:
    """Every trunk that registers is registered."""
    wanted = {f"trunk-{line.id}": line for line in facts.content.lines if line.register and line.username}
    if not wanted:
        return fine("no trunk asks for a registration")
    try:
        found = dict(REGISTRATION.findall(facts.says("pjsip show registrations")))
    except NoControl:
        if not facts.interview.logged_in:
            return skipped("neither the control socket nor the manager interface tells")
        found = {name.removesuffix("-registration"): status for name, status in facts.interview.registrations.items()}
    for key, line in wanted.items():
        if (status := found.get(key, "not begun")) != "Registered":
            remedy = f"see that {line.host}:{line.port} is the carrier's registrar and can be reached from here"
            if status == "Rejected":
                remedy = "correct the trunk's username and password (Trunk_Update): the carrier refuses them"
            return fault(f"trunk {line.name} is not registered at {line.host}: {status}", remedy)
    return fine(f"{len(wanted)} trunks are registered")


def resting(facts: Facts) -> Seen:
    """No trunk rests after failures."""
    down = [trunk for trunk in facts.content.trunks if trunk.down_until and trunk.down_until > store.now()]
    if down:
        return warning(
            f"trunk {down[0].name} rests: {down[0].down_why}", "it is tried again by itself; see that the carrier can be reached"
        )
    return fine("no trunk rests")


def recordings(facts: Facts) -> Seen:
    """Every recording has its files, of the right length."""
    folder, wrong = facts.home / "recordings", []
    for row in facts.content.recordings:
        for codec in CODECS:
            path, length = folder / f"{row.id}.{codec}", row.milliseconds * BYTES_PER_MS
            if not path.exists():
                wrong.append(f"{path.name} of {row.title!r} is missing")
            elif abs(path.stat().st_size - length) > SLACK_BYTES:
                wrong.append(f"{path.name} of {row.title!r} is {path.stat().st_size // BYTES_PER_MS} ms long, not {row.milliseconds}")
    if wrong:
        return fault(listing(wrong), f"bring {folder} back from a backup, or upload the recording again and let campaigns name the new one")
    return fine(f"{len(facts.content.recordings)} recordings are whole")


def sounds(facts: Facts) -> Seen:
    """Asterisk's sounds lead to our recordings; its own prompts are installed."""
    try:
        data = _data(facts)
    except NoControl as error:
        return skipped(str(error))
    if not data.exists():
        return skipped(f"{data} is not there yet")
    ours, folder = data / "sounds" / "carillon", facts.home / "recordings"
    if not ours.exists() or not ours.samefile(folder):
        remedy = "start asterisk again" if facts.config.own_asterisk else "carillon asterisk install"
        return fault(f"{ours} does not lead to {folder}", f"{remedy}, which links it")
    if shut := _shut(facts, folder):
        who, where = shut
        return fault(
            f"Asterisk runs as {who}, who may not look into {where}", f"let that user in: setfacl -m u:{who}:x {where}, or by a group"
        )
    if not any(data.glob(f"sounds/en*/{NOBODY}.*")) and not any(data.glob(f"sounds/{NOBODY}.*")):
        return warning(f"Asterisk has no sound {NOBODY}", "install the package asterisk-core-sounds-en-gsm")
    return fine("Asterisk sees the recordings")


def _shut(facts: Facts, folder: Path) -> tuple[str, Path] | None:
    """Whom another's Asterisk runs as, and the folder of this way that is closed to him."""
    if facts.config.own_asterisk:
        return None
    place = facts.instance
    if not isinstance(place, beside.Beside) or not place.socket.exists():
        return None
    user = pwd.getpwuid(place.socket.stat().st_uid)
    groups = os.getgrouplist(user.pw_name, user.pw_gid)
    for one in (*reversed(folder.parents), folder):
        needed = 0o5 if one == folder else 0o1
        rights = one.stat()
        mode = rights.st_mode >> (6 if rights.st_uid == user.pw_uid else 3 if rights.st_gid in groups else 0)
        if user.pw_uid and mode & needed != needed and not _listed(one):
            return user.pw_name, one
    return None


def _listed(folder: Path) -> bool:
    """Whether a list of rights (setfacl) says more than the mode does."""
    return "system.posix_acl_access" in os.listxattr(folder)


def _data(facts: Facts) -> Path:
    if facts.config.own_asterisk:
        return facts.home / "asterisk" / "data"
    return etc.folder(facts.instance.etc, "astdatadir", beside.DATA)


def rtp(facts: Facts) -> Seen:
    """RTP's ports are enough for what running campaigns may take."""
    first, last = facts.config.port("rtp"), facts.config.port("rtp_end")
    try:
        said = facts.says("rtp show settings")
        found = re.search(r"Port start: +(\d+)\s+Port end: +(\d+)", said)
        first, last = (int(found[1]), int(found[2])) if found else (first, last)
    except NoControl as error:
        if not facts.config.own_asterisk:
            return skipped(f"it cannot be asked: {error}")
    most, asked = (last - first + 1) // PORTS_PER_CHANNEL, facts.content.channels
    if asked > most:
        what = f"running campaigns may take {asked} channels; RTP's ports {first} to {last} are enough for {most}"
        return warning(what, "lower the campaigns' max_channels, or widen rtpstart and rtpend of an Asterisk of yours")
    return fine(f"RTP's ports are enough for {most} channels")
