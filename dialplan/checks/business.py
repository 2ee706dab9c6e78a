"""What is dialled and told: the calling rules, the kill switch, what campaigns wait for, pushes; and settings that are unsafe."""

import ipaddress
from urllib.parse import urlsplit

from dialplan.checks.facts import Facts
from dialplan.checks.finding import Seen, fault, fine, listing, warning
from dialplan.checks.running import OVERDUE_MS, evaluates
from dialplan.checks.sounding import loopback, real
from sql import store

ORDINARY = ("window",)  # a gate that opens by itself every day
OWN_WISH = "switched off by its owner"
KNOWN_SECRETS = ("secret", "password", "carillon", "asterisk", "admin", "amp111", "mysecret", "changeme")
LEAST_SECRET = 16
WIDEST_V4, WIDEST_V6 = 8, 16  # bits of a network that is meant


def calling(facts: Facts) -> Seen:
    """Some destination is allowed, not everything, and not by night."""
    allowed, hours = facts.config.destinations, facts.config.text("calling", "hours")
    if not allowed and (not evaluates(facts) or real(facts)):
        return fault("no destination is allowed, so nothing is dialled", "set [calling] country (such as DE), or [calling] destinations")
    if "*" in allowed:
        return warning("every destination may be called, expensive ones too", "name in [calling] destinations those that you call")
    if hours == "00:00-24:00":
        return warning("people may be called at any hour of the night", "set [calling] hours, such as 08:00-21:00")
    return fine(f"{', '.join(allowed) or 'only the simulated carrier'} may be called, {hours}")


def halt(facts: Facts) -> Seen:
    """The kill switch is not thrown."""
    thrown = facts.content.halted
    if thrown:
        why = f" ({thrown.reason})" if thrown.reason else ""
        return warning(f"{thrown.by} stopped all dialling{why}", "System_Start lifts it: carillon system start")
    return fine("the kill switch is not thrown")


def campaigns(facts: Facts) -> Seen:
    """Contacts of running campaigns wait at no gate but their hours."""
    held = [waits for waits in facts.content.waiting if waits.gate not in ORDINARY]
    if held:
        told = listing([f"campaign {one.campaign_id} ({one.name}): {one.contacts} wait at {one.gate}" for one in held])
        return warning(told, f"`holding` says why: carillon campaign status {held[0].campaign_id}")
    return fine(f"{facts.content.running} campaigns run; no contact waits for anything but its hours")


def push(facts: Facts) -> Seen:
    """No endpoint is off against its owner's wish, no push given up or late."""
    content = facts.content
    off = [f"endpoint {one.id}: {one.off_why}" for one in content.endpoints if one.off_why and one.off_why != OWN_WISH]
    if off:
        return warning(f"no more is pushed to {listing(off)}", "mend that server, then Push_Endpoint_Update with active, and Push_Replay")
    if content.due_since is not None and (late := store.now() - content.due_since) > OVERDUE_MS:
        return warning(
            f"a push is due for {late // 60_000} minutes", "see that push runs, and log/push.log; a receiver may be slow or down"
        )
    if content.dead:
        return warning(f"{content.dead} pushes were given up", "Push_Delivery_List tells why; Push_Replay sends them again")
    return fine(f"{len(content.endpoints)} endpoints are told of everything")


def targets(facts: Facts) -> Seen:
    """Endpoints with private addresses are allowed, and not too much is."""
    allowed = [ipaddress.ip_network(text, strict=False) for text in facts.config.words("push", "allow")]
    wide = [str(one) for one in allowed if one.prefixlen < (WIDEST_V4 if one.version == 4 else WIDEST_V6)]
    if wide:
        return warning(f"[push] allow lets customers reach {wide[0]}: any machine of yours", "name only the networks where receivers stand")
    for one in facts.content.endpoints:
        host = urlsplit(one.url).hostname or ""
        host = "127.0.0.1" if host == "localhost" else host
        try:
            address = ipaddress.ip_address(host)
        except ValueError:
            continue  # a name: whoever pushes looks it up, and says
        if one.active and not address.is_global and not any(address in net for net in allowed if net.version == address.version):
            return fault(
                f"endpoint {one.id} is at {address}, to which nothing may be pushed", f"add its network to [push] allow, such as {address}"
            )
    return fine("every endpoint may be pushed to")


def exposed(facts: Facts) -> Seen:
    """The API is on loopback, or behind a proxy that is named."""
    bound = facts.config.text("api", "bind")
    if not loopback(bound) and not facts.config.text("api", "trusted_proxy"):
        what = f"the API is offered on {bound} without TLS: passwords can be read on the way"
        return fault(what, "set [api] bind = 127.0.0.1, put a proxy with TLS before it, and name it in [api] trusted_proxy")
    return fine(f"the API is offered on {bound}")


def query(facts: Facts) -> Seen:
    """Credentials in URLs are refused."""
    if facts.config.flag("api", "query_credentials"):
        return warning(
            "passwords are taken from URLs, which logs and proxies keep", "set [api] query_credentials = no once no integration needs it"
        )
    return fine("passwords are not taken from URLs")


def profile(facts: Facts) -> Seen:
    """An evaluation installation is on loopback only."""
    if not evaluates(facts):
        return fine("this is a production installation")
    wide = [f"[{section}] bind" for section in ("api", "sip") if not loopback(facts.config.text(section, "bind"))]
    if wide:
        remedy = "set [carillon] profile = production, and take 127.0.0.0/8 out of [push] allow"
        return fault(f"this evaluation installation is open to the network ({listing(wide)})", remedy)
    return fine("this is an evaluation installation, on this machine only")


def secret(facts: Facts) -> Seen:
    """The manager interface's secret cannot be guessed."""
    _, _, user, word = facts.config.ami
    if word.lower() in (*KNOWN_SECRETS, user.lower()) or len(word) < LEAST_SECRET:
        remedy = 'write a random one into [ami] secret (and manager.conf): python3 -c "import secrets; print(secrets.token_hex(24))"'
        return fault("the manager interface's secret can be guessed", remedy)
    return fine("the manager interface's secret is long")
