"""Asterisk itself: its program, whether it answers, its modules, its dialplan, and its manager interface."""

import os
import re
from pathlib import Path

from dialplan import attach, beside, conflicts, etc, fetch, runtime
from dialplan.checks import manager
from dialplan.checks.facts import Facts, NoControl
from dialplan.checks.finding import Seen, fault, fine, listing, skipped, warning

NEWEST_ADVICE = f"install Asterisk {fetch.OLDEST[0]}.{fetch.OLDEST[1]} or newer"
READ, WRITE = {"system", "call", "user"}, {"originate", "call", "reporting"}
DANGEROUS = {"command", "config", "system", "agi", "all"}
STALLS_MS = 1000
RIGHTS = f"give [ami] user exactly read = {','.join(sorted(READ))} and write = {','.join(sorted(WRITE))}, and reload manager"
MANAGER_FILES = ("carillon_manager.conf", "carillon/carillon_manager.conf")


def program(facts: Facts) -> Seen:
    """Our own Asterisk is on this machine."""
    if not facts.config.own_asterisk:
        return fine(f"Asterisk is another's, at {facts.config.ami[0]}")
    if facts.program is None:
        return warning("no Asterisk is on this machine yet", f"the first start fetches one (Debian, Ubuntu); else {NEWEST_ADVICE}")
    return fine(f"Asterisk {facts.program.version}")


def answers(facts: Facts) -> Seen:
    """Asterisk answers on its control socket."""
    try:
        facts.says("core show version")
    except NoControl as error:
        what, _, remedy = str(error).partition("; ")
        if facts.config.own_asterisk:
            return fault(what, "look at the end of log/asterisk.log and asterisk/log/messages; run this as the installation's owner")
        return warning(what, remedy or "let this user use Asterisk's control socket: without it trunks do not follow the store")
    return fine("it answers on its control socket")


def attached(facts: Facts) -> Seen:
    """Carillon's files are included in the configuration of an Asterisk that is not ours."""
    if facts.config.own_asterisk:
        return fine("its configuration is ours, and written at each start")
    folder = Path(facts.config.text("asterisk", "etc"))
    if not facts.ami_is_near or not os.access(folder, os.R_OK | os.X_OK):
        return fine(f"its configuration ({folder}) is not to be seen from here")
    remedy = "carillon asterisk install, as root (--dry-run shows what it does)"
    for name, ours in attach.INCLUDES.items():
        path, included = folder / name, folder / beside.OURS / ours
        if not path.exists() or f'"{beside.OURS}/{ours}"' not in path.read_text("utf-8", "replace"):
            return fault(f"{path} does not include what is Carillon's", remedy)
        if not included.exists():
            return fault(f"{included} is lost", f"carillon asterisk uninstall, then {remedy}")
    return fine(f"Carillon's files are in {folder}")


def version(facts: Facts) -> Seen:
    """Asterisk is 22.7 or newer."""
    try:
        said = facts.says("core show version")
    except NoControl:
        said = f"Asterisk {facts.interview.version}"
    found = re.search(r"Asterisk (?:certified[-/])?(\d+)\.(\d+)", said)
    if found is None:
        return skipped(f"it does not tell its version: {said.strip()[:60]}")
    if (int(found[1]), int(found[2])) < fetch.OLDEST:
        what = f"Asterisk {found[1]}.{found[2]} does not tell the SIP code of a hangup (TechCause)"
        return warning(what, f"{NEWEST_ADVICE}; until then only the hangup handler tells")
    return fine(f"it is Asterisk {found[1]}.{found[2]}")


def modules(facts: Facts) -> Seen:
    """The modules that calls need run."""
    if facts.config.own_asterisk:
        needed = re.findall(r"^load = (\S+)\.so", (runtime.HERE / "conf" / "modules.conf").read_text(), re.MULTILINE)
    else:
        needed = list(conflicts.MODULES)
    try:
        lines = facts.says("module show").splitlines()
    except NoControl as error:
        return skipped(f"it cannot be asked: {error}")
    running = {line.split(".so")[0] for line in lines if re.search(r"\s(Running|Not Running)\s", line) and "Not Running" not in line}
    missing = [name for name in needed if name not in running]
    if missing:
        return fault(
            f"modules are missing: {listing(missing)}",
            f"load = {missing[0]}.so in modules.conf, then restart Asterisk; its log says why not",
        )
    return fine(f"all {len(needed)} modules run")


def dialplan(facts: Facts) -> Seen:
    """Our contexts are loaded, with their scripts and the hangup handler, and lead to our AGI server."""
    try:
        said = {context: facts.says(f"dialplan show {context}") for context in manager.CONTEXTS}
        there = {context: set(re.findall(r"'([^' ]+)' =>", text)) for context, text in said.items() if "There is no existence" not in text}
        programs = [line for text in said.values() for line in re.findall(r"AGI\((\S+?),", text)]
        found = re.search(r"CARILLON_AGI=(\S+)", facts.says("dialplan show globals"))
        base = found[1] if found else ""
    except NoControl:
        seen = facts.interview
        if not seen.logged_in:
            return skipped("neither the control socket nor the manager interface tells")
        there, programs, base = seen.extensions, seen.programs, seen.agi
    remedy = (
        "dialplan reload; ours comes by its include: `carillon asterisk install`"
        if not facts.config.own_asterisk
        else "start asterisk again"
    )
    for context, extensions in manager.CONTEXTS.items():
        if context not in there and extensions:
            return fault(f"the dialplan has no context {context}", remedy)
        if lacking := set(extensions) - there.get(context, set()):
            return fault(f"context {context} has no extension {listing(sorted(lacking))}", remedy)
    right = (f"agi://127.0.0.1:{facts.config.port('agi')}/", f"{runtime.AGI_SCRIPTS}/")
    wrong = [called for program in programs if not (called := program.replace("${CARILLON_AGI}", base)).startswith(right)]
    if wrong:
        return fault(f"calls are sent to {wrong[0].split(',')[0]}, and not to {right[0]}", remedy)
    return fine("contexts, scripts and hangup handler are there")


def ami(facts: Facts) -> Seen:
    """The manager interface takes our login and says FullyBooted; not tried while the engine is logged in."""
    host, port, user, _ = facts.config.ami
    if _is_logged_in(facts, user):  # a second login would be refused, and noted in Asterisk's log
        return fine(f"it serves {user}, the engine")
    try:
        seen = facts.interview
    except manager.NotAManager as error:
        return fault(f"{host} port {port}: {error}", "correct [ami] host and port, or end what listens there")
    except TimeoutError:
        return fault(f"{host} port {port} does not answer", "look whether Asterisk hangs, or a firewall lies between")
    except OSError as error:
        remedy = (
            "in manager.conf set enabled = yes and this port; then manager reload"
            if not facts.config.own_asterisk
            else "look at asterisk/log/messages"
        )
        return fault(f"{host} port {port} cannot be reached: {error.strerror or error}", remedy)
    if seen.refusal == manager.BUSY:
        return fine(f"it serves {user}, the engine")
    if not seen.logged_in:
        remedy = f"let [{user}] stand in manager.conf with the secret of [ami] secret, and permit this address; then manager reload"
        return fault(f"login as {user} is refused: {seen.refusal}", remedy)
    if not seen.booted:
        return fault(f"no FullyBooted comes for {user}", f"{RIGHTS}; if the rights are so, Asterisk is still starting, or hangs in that")
    return fine(f"login as {user} works, Asterisk is fully booted")


def _is_logged_in(facts: Facts, user: str) -> bool:
    try:
        return re.search(rf"^ *{re.escape(user)} ", facts.says("manager show connected"), re.MULTILINE) is not None
    except NoControl:
        return False


def rights(facts: Facts) -> Seen:
    """The user has read = system,call,user and write = originate,call,reporting: by Asterisk's account, or each action tried."""
    user = facts.config.ami[2]
    try:
        said = facts.says(f"manager show user {user}")
        read, write = (
            set(re.findall(r"\w+", found[1])) if (found := re.search(rf"{kind} perm: (.*)", said)) else set() for kind in ("read", "write")
        )
        read, write = read - {"none"}, write - {"none"}
        if "There is no manager user" in said or not (read or write):
            return skipped("the control socket does not know that user")
        lacking, much = sorted((READ - read) | (WRITE - write)) if "all" not in read | write else [], sorted(write & DANGEROUS)
        more = sorted((read - READ) | (write - WRITE))
    except NoControl:
        seen = facts.interview
        if not seen.logged_in:
            return skipped("the engine holds the one login; stop it to have the rights tried")
        lacking = [name for name in manager.MUST if not seen.rights.get(name)]
        much, more = [name for name in manager.MUST_NOT if seen.rights.get(name)], []
    if much:
        return fault(f"{user} may do more than it should: {listing(much, 6)}", RIGHTS)
    if lacking:
        return fault(f"{user} may not do what the engine needs: {listing(lacking, 6)}", RIGHTS)
    return (
        warning(f"{user} has more rights than it needs: {listing(more, 6)}", RIGHTS)
        if more
        else fine(f"{user} has exactly the rights it needs")
    )


def bound(facts: Facts) -> Seen:
    """The manager interface listens on this machine only."""
    host, port, _, _ = facts.config.ami
    if not facts.ami_is_near:
        return warning(f"secret and commands go over the network to {host}", "run Carillon beside that Asterisk, or let a tunnel carry it")
    wide = [one.address for one in facts.listeners if (one.kind, one.port) == ("tcp", port) and not one.address.is_loopback]
    if wide:
        return fault(
            f"the manager interface listens on {wide[0]} port {port}", "in manager.conf set bindaddr = 127.0.0.1, then restart Asterisk"
        )
    return fine("the manager interface listens on this machine only")


def web(facts: Facts) -> Seen:
    """The manager interface is not offered over HTTP."""
    try:
        said = facts.says("manager show settings")
    except NoControl as error:
        return skipped(f"it cannot be asked: {error}")
    if re.search(r"Web Manager \(AMI/HTTP\): +Yes", said):
        return warning("the manager interface is offered over HTTP too", "in manager.conf set webenabled = no, unless something needs it")
    return fine("the manager interface is not offered over HTTP")


def patience(facts: Facts) -> Seen:
    """Asterisk waits for a slow reader (writetimeout)."""
    folder, user = facts.instance.etc, facts.config.ami[2]
    for name in MANAGER_FILES:
        if (folder / name).exists():
            text = etc.read((folder / name).parent, (folder / name).name).last(user, "writetimeout", "100")
            if not text.isdigit() or int(text) < STALLS_MS:
                return warning(
                    f"writetimeout of {user} is {text} ms in {folder / name}", "set writetimeout = 5000 there, then manager reload"
                )
            return fine(f"Asterisk waits {text} ms for a slow reader")
    return skipped(f"no file of ours is in {folder}")
