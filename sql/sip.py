"""What may be written as SIP host, account, password or codec list, and the digest by which a telephone proves itself. Pure.

The API refuses by these patterns what is wrong, and whoever writes Asterisk's files refuses by the same ones what still came so far.
"""

import re
from hashlib import md5
from ipaddress import IPv6Address

REALM = "carillon"  # part of every stored digest: never change it

_LABEL = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_HOST = rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*"  # a name, or an IPv4 address
HOST = re.compile(_HOST, re.ASCII)
ACCOUNT = re.compile(rf"[A-Za-z0-9_.+~-]{{1,80}}(@{_HOST})?", re.ASCII)
SECRET = re.compile(r"[!-:<-~]{1,200}", re.ASCII)  # printable, no space, no semicolon (a comment in Asterisk's files)
CODECS = re.compile(r"(ulaw|alaw|g722|gsm)(,(ulaw|alaw|g722|gsm))*", re.ASCII)  # those that modules.conf loads
NUMBER = re.compile(r"\+?[0-9]{2,20}", re.ASCII)
# An extension's user name is a section of its own in Asterisk's file, beside ours; `anonymous` means something to Asterisk.
EXTENSION = re.compile(r"(?!(trunk|ext)-|anonymous\Z)[A-Za-z0-9][A-Za-z0-9_.-]{1,39}", re.ASCII | re.IGNORECASE)
DIGEST = re.compile(r"[0-9a-f]{32}", re.ASCII)


def is_host(text: str) -> bool:
    """Whether `text` is a host's name, an IPv4 or an IPv6 address."""
    try:
        return IPv6Address(text).scope_id is None
    except ValueError:
        return HOST.fullmatch(text) is not None


def digest(username: str, password: str) -> str:
    """What stands for the password of a telephone. SIP's digest knows MD5 alone on most telephones."""
    return md5(f"{username}:{REALM}:{password}".encode(), usedforsecurity=False).hexdigest()
