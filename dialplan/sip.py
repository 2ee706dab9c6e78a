"""Trunks and extensions as PJSIP's text. Refuses what cannot be written, and names the thing and the field; writes no file."""

from collections.abc import Iterable

from dialplan.runtime import ConfigError, address, checked
from sql import sip
from sql.extensions import Phone
from sql.trunks import Line

Section = tuple[str, dict[str, str]]
OWN_TRANSPORT = "transport-udp"  # conf/pjsip.conf
MEDIA = {
    "type": "endpoint", "context": "carillon-refused", "disallow": "all", "direct_media": "no", "rtp_symmetric": "yes",
    "force_rport": "yes", "dtmf_mode": "rfc4733", "allow_transfer": "no", "allow_subscribe": "no",
}  # fmt: skip
# What is refused today may be mended tomorrow, by the carrier alone; Asterisk would give up for good. More often than every two minutes
# looks like an attack. The last one: it waits up to ten seconds with the first registration unless told otherwise.
RETRIES = {
    "retry_interval": "20", "forbidden_retry_interval": "120", "fatal_retry_interval": "120",
    "max_retries": "100000", "max_random_initial_delay": "1",
}  # fmt: skip


def trunk_conf(line: Line, transport: str = OWN_TRANSPORT) -> str:
    """The sections of a trunk: `trunk-<id>`. ConfigError names the trunk and the field. No `transport`: Asterisk chooses."""
    name = f"trunk-{int(line.id)}"
    what = f"trunk {line.name!r} (id {line.id}):"
    host = address(line.host, f"{what} host")
    _within(line.port, 1, 65535, f"{what} port")
    where = _where(line)
    # Nobody becomes a trunk by calling himself so.
    over = {"transport": transport} if transport else {}
    endpoint = MEDIA | over | {
        "aors": name, "allow": checked(sip.CODECS, line.codecs, f"{what} codecs"), "identify_by": "ip",
        "rewrite_contact": "no", "trust_id_outbound": "no", "send_pai": "no" if line.caller_id_in == "from" else "yes",
    }  # fmt: skip
    aor = {"type": "aor", "contact": f"sip:{where}", "qualify_frequency": _within(line.qualify, 0, 3600, f"{what} qualify")}
    sections = [(name, endpoint), (name, aor)]
    if line.username:
        user, _, domain = checked(sip.ACCOUNT, line.username, f"{what} username").partition("@")
        password = checked(sip.SECRET, line.password or "", f"{what} password")
        sections.append((name, {"type": "auth", "auth_type": "digest", "username": line.username, "password": password}))
        endpoint |= {"outbound_auth": name, "from_domain": domain or _bracketed(host)}
        # Asterisk refuses a trunk with an @ in from_user; where there is none, From is the call's caller id.
        endpoint |= {} if line.caller_id_in == "from" else {"from_user": user}
        if line.register:
            registration = {
                "type": "registration", "server_uri": f"sip:{where}", "client_uri": member(line),
                "outbound_auth": name, "contact_user": user, "expiration": "300",
            } | RETRIES | over  # fmt: skip
            sections.append((registration_of(name), registration))
    return _text(sections)


def registration_of(trunk: str) -> str:
    """The name of a trunk's registration in Asterisk."""
    return f"{trunk}-registration"


def member(line: Line) -> str:
    """As whom a trunk registers."""
    user, _, domain = (line.username or "").partition("@")
    return f"sip:{user}@{domain or _where(line)}"


def _where(line: Line) -> str:
    return f"{_bracketed(line.host)}:{line.port}"


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def extension_conf(phone: Phone, transport: str = OWN_TRANSPORT) -> str:
    """The sections of an extension: as its user name it registers and may call nobody, as `ext-<id>` it is called.

    Two endpoints, because Asterisk knows a caller by the name of his endpoint, and what the dialplan dials is to be of our making.
    One contact: the telephone that registered last rings. Several could only be dialled by addresses that telephones made up.
    """
    name = f"ext-{int(phone.id)}"
    what = f"extension {phone.username!r} (id {phone.id}):"
    username = checked(sip.EXTENSION, phone.username, f"{what} username")
    stored = checked(sip.DIGEST, phone.digest, f"{what} digest")
    number = phone.caller_id and checked(sip.NUMBER, phone.caller_id, f"{what} caller_id")
    both = (
        MEDIA
        | ({"transport": transport} if transport else {})
        | {"aors": username, "allow": "ulaw,alaw,g722,gsm", "rewrite_contact": "yes", "rtp_timeout": "30"}
    )
    both |= {"callerid": f"<{number}>"} if number else {}
    auth = {"type": "auth", "auth_type": "digest", "username": username, "realm": sip.REALM, "password_digest": f"MD5:{stored}"}
    aor = {
        "type": "aor", "max_contacts": "1", "remove_existing": "yes", "qualify_frequency": "30",
        "minimum_expiration": "30", "maximum_expiration": "3600", "default_expiration": "600",
    }  # fmt: skip
    return _text([
        (username, both | {"identify_by": "username", "auth": name}), (name, both | {"identify_by": "ip"}),
        (name, auth), (username, aor),
    ])  # fmt: skip


def _within(number: int, least: int, most: int, what: str) -> str:
    if not least <= number <= most:
        raise ConfigError(f"{what} is {number}, which is not from {least} to {most}; correct it")
    return str(number)


def _text(sections: Iterable[Section]) -> str:
    return "".join(f"\n[{title}]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items()) for title, keys in sections)
