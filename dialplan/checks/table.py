"""The table of all checks, from the ground up: what stands first explains what stands below it, which is then skipped."""

from dialplan.checks import asterisks, business, folder, machine, running, sounding, storing
from dialplan.checks.facts import Facts
from dialplan.checks.finding import Check


def up(facts: Facts) -> str:
    return "" if facts.parts else "Carillon is not running"


def asterisk_up(facts: Facts) -> str:
    if not facts.config.own_asterisk or "asterisk" in facts.parts:
        return ""
    return "our Asterisk does not run"


def own(facts: Facts) -> str:
    return "" if facts.config.own_asterisk else "that is decided in the other Asterisk's own configuration"


def near(facts: Facts) -> str:
    return "" if facts.ami_is_near else f"Asterisk is on another machine, {facts.config.ami[0]}"


STORE, TOLD = ("values", "store-version"), ("values", "ami")
CHECKS = (
    Check("settings", "without readable settings no part starts", folder.readable),
    Check("values", "a part that meets such a value ends, or does something else than was meant", folder.values, ("settings",)),
    Check("environment", "a misspelt variable changes nothing, and nobody notices", folder.environment, ("settings",)),
    Check("owners", "parts run as one user; what is another's they cannot write or read", folder.owners, ("settings",)),
    Check("secrets", "whoever reads them can dial at your expense, or read whom you call", folder.secrets, ("settings",)),
    Check("disk", "when the disk is full nothing can be dialled, because nothing can be recorded", folder.disk, ("settings",)),
    Check("logs", "parts that cannot write do not start; logs that grow fill the disk", folder.logs, ("settings",)),
    Check("python", "Carillon needs its language, and a SQLite that does not lose commits", machine.python),
    Check("zones", "a number whose time zone is not known is not called", machine.zones),
    Check("clock", "calling hours, signatures of pushes and records follow this clock", machine.clock),
    Check("store", "everything is in it", storing.reachable, ("values",)),
    Check("store-place", "a store in the wrong place or mode can lose what was committed", storing.place, ("store",)),
    Check("store-version", "parts start on no store of another version, or wrongly set", storing.version, ("store-place",)),
    Check("store-clock", "machines that share a store judge each other by its times", storing.clock, ("store-version",)),
    Check("administrator", "without one nobody can make accounts, trunks or settings", storing.administrator, ("store-version",)),
    Check("parts", "each part does what no other does: a dead one is missed by all", running.parts, ("settings",)),
    Check("ports", "a part whose port is taken does not start", running.ports, ("values",)),
    Check("node", "two engines of one name would close each other's calls; the second does not start", running.node, STORE),
    Check("engine", "it alone dials", running.engine, STORE, (up,)),
    Check("agi", "calls are silent without it, and their ends told late", running.agi, ("ports",), (up,)),
    Check("api", "without it nobody can start anything over HTTP", running.api, ("ports",), (up,)),
    Check("asterisk", "it makes the calls", asterisks.program, ("values",)),
    Check("attached", "beside an Asterisk of yours, everything of ours comes by these files", asterisks.attached, ("asterisk",)),
    Check("asterisk-answers", "that way it is told of trunks and extensions", asterisks.answers, ("asterisk",), (asterisk_up, near)),
    Check("ami", "the engine dials over the manager interface", asterisks.ami, ("attached", "ports"), (asterisk_up,)),
    Check("version", "older ones tell less of how a call ended", asterisks.version, TOLD, (asterisk_up,)),
    Check("modules", "one missing module can fail every call without a sign", asterisks.modules, ("asterisk-answers",), (asterisk_up,)),
    Check("dialplan", "an answered call enters there, and the hangup handler tells how it ended", asterisks.dialplan, TOLD, (asterisk_up,)),
    Check("ami-rights", "too few fail calls; more would let a stolen secret take over the machine", asterisks.rights, TOLD, (asterisk_up,)),
    Check("ami-bound", "who reaches it from outside can guess the secret, and dial", asterisks.bound, ("asterisk",), (asterisk_up,)),
    Check("ami-web", "a web face of it can be reached by browsers", asterisks.web, ("asterisk-answers",), (asterisk_up,)),
    Check("ami-patience", "with little of it a short stall breaks the link", asterisks.patience, ("asterisk-answers",), (asterisk_up,)),
    Check("ami-secret", "whoever knows it can dial", business.secret, ("values",)),
    Check("link", "without a link nothing is dialled", running.link, ("engine", "ami"), (up,)),
    Check("sip-bound", "a trunk can only be called from an address that it can answer to", sounding.bind, STORE, (own,)),
    Check("nat", "behind NAT, calls have no sound unless the trunk is told the right address", sounding.nat, STORE, (own,)),
    Check("accounts", "no call goes over a trunk that Asterisk has not loaded", sounding.accounts, (*STORE, "ami"), (asterisk_up,)),
    Check("registrations", "a carrier refuses calls from who is not registered", sounding.registrations, ("accounts",), (asterisk_up,)),
    Check("trunks", "calls wait, or go another way, while a trunk rests", sounding.resting, STORE),
    Check("recordings", "a missing one is silence in somebody's ear", sounding.recordings, STORE),
    Check("sounds", "Asterisk plays only what it finds in its own folder", sounding.sounds, ("attached",), (near,)),
    Check("rtp", "each channel needs two ports; without them calls are silent or fail", sounding.rtp, STORE, (asterisk_up,)),
    Check("calling", "what is not allowed is not dialled", business.calling, ("values",)),
    Check("halt", "while it is thrown nothing is dialled", business.halt, STORE),
    Check("campaigns", "their contacts are not called before that is mended", business.campaigns, STORE),
    Check("push", "your servers do not learn how calls ended", business.push, STORE),
    Check("push-targets", "pushes into private networks are refused unless allowed; too much allowed opens yours", business.targets, STORE),
    Check("api-exposed", "credentials in the clear can be read on every network between", business.exposed, ("values",)),
    Check("query-credentials", "URLs are written into logs", business.query, ("values",)),
    Check("profile", "the evaluation profile lets pushes reach this very machine", business.profile, ("values",)),
)  # fmt: skip
