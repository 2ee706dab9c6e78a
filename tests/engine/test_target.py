"""Where a push may go: every form in which a forbidden address can be written, and the forms that are good."""

import ipaddress
import socket

import pytest

from engine.target import NotAllowed, Target, check, networks
from tests.fakes.names import Names

PUBLIC, PUBLIC6 = "93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"
NAMES = {
    "crm.example.com": [PUBLIC],
    "both.example.com": [PUBLIC, PUBLIC6],
    "xn--mnchen-3ya.example": [PUBLIC],
    "abc123.de": [PUBLIC],
    "cafe24.be": [PUBLIC],
    "0x.fed.example": [PUBLIC],
    "my_host.example.com": [PUBLIC],
    "localhost": ["::1", "127.0.0.1"],
    "app.localhost": ["127.0.0.1"],
    "inside.example.com": ["10.1.2.3"],
    "127.0.0.1.nip.example": ["127.0.0.1"],
    "mixed.example.com": [PUBLIC, "10.0.0.1"],
    "mixed6.example.com": [PUBLIC, "::1"],
    "last.example.com": [PUBLIC, PUBLIC6, "93.184.216.35", "169.254.169.254"],
    "mapped.example.com": ["::ffff:192.168.1.1"],
}
OPEN, ODD, WHAT, USER, UNREADABLE, ASCII = "is not public", "odd form", "only http and https", "user name", "cannot be read", "ASCII"


@pytest.fixture(autouse=True)
def names(monkeypatch) -> Names:
    names = Names()
    for name, addresses in NAMES.items():
        names.tell(name, addresses)
    monkeypatch.setattr(socket, "getaddrinfo", names.lookup)
    return names


@pytest.mark.parametrize(
    ("url", "why"),
    [
        # loopback
        ("http://127.0.0.1/", OPEN),
        ("https://127.0.0.1/", OPEN),
        ("http://127.0.0.1:8080/calls", OPEN),
        ("http://127.255.255.254/", OPEN),
        ("http://[::1]/", OPEN),
        ("http://[0:0:0:0:0:0:0:1]:80/", OPEN),
        ("http://[0000:0000:0000:0000:0000:0000:0000:0001]/", OPEN),
        ("http://localhost/", OPEN),
        ("http://LocalHost:8080/", OPEN),
        ("http://localhost./", OPEN),
        ("http://app.localhost/", OPEN),
        ("http://127.0.0.1.nip.example/", OPEN),
        # unspecified, private, shared, link-local, multicast, broadcast, reserved
        ("http://0.0.0.0/", OPEN),
        ("http://0.1.2.3/", OPEN),
        ("http://[::]/", OPEN),
        ("http://10.0.0.1/", OPEN),
        ("http://172.16.0.1/", OPEN),
        ("http://172.31.255.255/", OPEN),
        ("http://192.168.1.1:443/", OPEN),
        ("http://100.64.0.1/", OPEN),
        ("http://[fc00::1]/", OPEN),
        ("http://[fd12:3456::1]/", OPEN),
        ("http://[fec0::1]/", OPEN),
        ("http://169.254.169.254/latest/meta-data/", OPEN),
        ("http://[fe80::1]/", OPEN),
        ("http://[fe80::1%lo]/", OPEN),
        ("http://[FE80::A9FE:A9FE]/", OPEN),
        ("http://224.0.0.1/", OPEN),
        ("http://239.255.255.250:1900/", OPEN),
        ("http://[ff02::1]/", OPEN),
        ("http://[ff0e::1]/", OPEN),
        ("http://255.255.255.255/", OPEN),
        ("http://240.0.0.1/", OPEN),
        ("http://192.0.2.1/", OPEN),
        ("http://198.18.0.1/", OPEN),
        ("http://[2001:db8::1]/", OPEN),
        # one address inside another
        ("http://[::ffff:127.0.0.1]/", OPEN),
        ("http://[::ffff:7f00:1]/", OPEN),
        ("http://[0:0:0:0:0:FFFF:10.0.0.1]/", OPEN),
        ("http://[::127.0.0.1]/", OPEN),
        ("http://[::ffff:0:127.0.0.1]/", OPEN),
        ("http://[64:ff9b::127.0.0.1]/", OPEN),
        ("http://[64:ff9b::a9fe:a9fe]/", OPEN),
        ("http://[64:ff9b:1::7f00:1]/", OPEN),
        ("http://[2002:7f00:1::]/", OPEN),
        ("http://[2002:c0a8:101::1]/", OPEN),
        ("http://[2001:0:7f00:1::1]/", OPEN),
        # numbers written oddly
        ("http://2130706433/", ODD),
        ("http://2130706433./", ODD),
        ("http://017700000001/", ODD),
        ("http://0x7f000001/", ODD),
        ("http://0X7F000001/", ODD),
        ("http://0x7f.0.0.1/", ODD),
        ("http://0x7f.1/", ODD),
        ("http://0177.0.0.1/", ODD),
        ("http://127.0.0.01/", ODD),
        ("http://127.1/", ODD),
        ("http://127.0.1/", ODD),
        ("http://127.0.0.0x1/", ODD),
        ("http://127.0.0.1./", ODD),
        ("http://0/", ODD),
        ("http://134744072/", ODD),  # 8.8.8.8 is public; this way of writing it is refused all the same
        ("http://8.8.2056/", ODD),
        ("http://1.2.3.4.5/", ODD),
        ("http://300.1.1.1/", ODD),
        ("http://crm.example.0x10/", ODD),
        # other scripts' digits and dots
        ("http://１２７.０.０.１/", ASCII),
        ("http://①②⑦.⓪.⓪.①/", ASCII),
        ("http://127。0。0。1/", ASCII),
        ("http://８.８.８.８/", ASCII),
        ("http://ｌｏｃａｌｈｏｓｔ/", ASCII),
        ("http://münchen.example/", ASCII),
        ("http://crm.example.com:８０/", ASCII),
        # user name and password
        ("http://anna@crm.example.com/", USER),
        ("http://anna:secret@crm.example.com/", USER),
        ("http://@crm.example.com/", USER),
        ("http://:@crm.example.com/", USER),
        ("http://crm.example.com@127.0.0.1/", USER),
        ("http://crm.example.com\\@127.0.0.1/", USER),
        ("http://crm.example.com%00@127.0.0.1/", USER),
        # schemes, and what is no URL
        ("ftp://crm.example.com/", WHAT),
        ("file:///etc/passwd", WHAT),
        ("gopher://127.0.0.1:6379/_x", WHAT),
        ("unix:///run/docker.sock", WHAT),
        ("http+unix://%2Frun%2Fdocker.sock/", WHAT),
        ("javascript:alert(1)", WHAT),
        ("ws://crm.example.com/", WHAT),
        ("//crm.example.com/", WHAT),
        ("crm.example.com/calls", WHAT),
        ("http:crm.example.com", WHAT),
        ("http:///crm.example.com", WHAT),
        ("http://", WHAT),
        ("http://:80/", WHAT),
        ("", WHAT),
        # ports
        ("http://crm.example.com:0/", "port 0"),
        ("http://crm.example.com:65536/", UNREADABLE),
        ("http://crm.example.com:-1/", UNREADABLE),
        ("http://crm.example.com:http/", UNREADABLE),
        ("http://crm.example.com:80:80/", UNREADABLE),
        # brackets, controls, lengths
        ("http://[::1/", UNREADABLE),
        ("http://[crm.example.com]/", UNREADABLE),
        ("http://[::ffff:127.0.0.1/", UNREADABLE),
        ("http://crm.example.com\r\nHost: inside/", ASCII),
        ("http://crm.exam\tple.com/", ASCII),
        (" http://crm.example.com/", ASCII),
        ("http://crm.example.com/a b", ASCII),
        ("http://a..example.com/", UNREADABLE),
        (f"http://{'a' * 64}.example.com/", UNREADABLE),
        # names that lead there
        ("http://inside.example.com/", OPEN),
        ("http://mapped.example.com/", OPEN),
        ("http://mixed.example.com/", "leads to 10.0.0.1"),
        ("http://mixed6.example.com/", "leads to ::1"),
        ("http://last.example.com/", "leads to 169.254.169.254"),
    ],
)
def test_a_forbidden_place_is_refused_however_it_is_written(url, why):
    with pytest.raises(NotAllowed, match=why):
        check(url, ())


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://crm.example.com/", Target("http", "crm.example.com", 80, PUBLIC)),
        ("https://crm.example.com/", Target("https", "crm.example.com", 443, PUBLIC)),
        ("HTTPS://CRM.Example.COM/calls?x=1#y", Target("https", "crm.example.com", 443, PUBLIC)),
        ("https://crm.example.com:/", Target("https", "crm.example.com", 443, PUBLIC)),
        ("http://crm.example.com:1/", Target("http", "crm.example.com", 1, PUBLIC)),
        ("http://crm.example.com:65535/", Target("http", "crm.example.com", 65535, PUBLIC)),
        ("https://crm.example.com./", Target("https", "crm.example.com", 443, PUBLIC)),
        ("https://both.example.com/", Target("https", "both.example.com", 443, PUBLIC)),
        ("https://xn--mnchen-3ya.example/", Target("https", "xn--mnchen-3ya.example", 443, PUBLIC)),
        ("https://my_host.example.com/", Target("https", "my_host.example.com", 443, PUBLIC)),
        # names of hexadecimal letters and digits are names
        ("https://abc123.de/", Target("https", "abc123.de", 443, PUBLIC)),
        ("https://cafe24.be/", Target("https", "cafe24.be", 443, PUBLIC)),
        ("https://0x.fed.example/", Target("https", "0x.fed.example", 443, PUBLIC)),
        ("http://8.8.8.8/", Target("http", "8.8.8.8", 80, "8.8.8.8")),
        ("http://172.32.0.1/", Target("http", "172.32.0.1", 80, "172.32.0.1")),
        (f"http://[{PUBLIC6}]:8080/", Target("http", PUBLIC6, 8080, PUBLIC6)),
        ("http://[::ffff:8.8.8.8]/", Target("http", "::ffff:8.8.8.8", 80, "::ffff:8.8.8.8")),
        ("http://[64:ff9b::8.8.8.8]/", Target("http", "64:ff9b::8.8.8.8", 80, "64:ff9b::808:808")),
    ],
)
def test_a_public_place_is_good(url, target):
    assert check(url, ()) == target


@pytest.mark.parametrize("url", ["http://unknown.example.com/", "http://%31%32%37.0.0.%31/", "http://[v1.x]/"])
def test_a_name_without_address_is_told_apart(url):
    with pytest.raises(OSError):
        check(url, ())


INSIDE = ["10.1.2.0/24", "127.0.0.1", "fd00::/8"]


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("http://10.1.2.3/", True),
        ("http://10.1.3.1/", False),
        ("http://127.0.0.1/", True),
        ("http://127.0.0.2/", False),
        ("http://[fd12::1]/", True),
        ("http://[fc00::1]/", False),
        ("http://[::1]/", False),
        ("http://[::ffff:10.1.2.3]/", True),
        ("http://[::ffff:10.1.3.1]/", False),
        ("http://[64:ff9b::10.1.2.3]/", True),
        ("http://inside.example.com/", True),
        ("http://app.localhost/", True),
        ("http://localhost/", False),  # ::1 too
        ("http://mixed.example.com/", False),
        ("http://8.8.8.8/", True),
        ("http://0x7f000001/", False),  # allowed or not: no odd forms
        ("http://127.1/", False),
        ("http://anna@10.1.2.3/", False),
    ],
)
def test_what_the_administrator_allows_is_good_and_nothing_beside(url, good):
    if good:
        assert check(url, networks(INSIDE)).address
    else:
        with pytest.raises(NotAllowed):
            check(url, networks(INSIDE))


def test_the_first_address_is_the_one_to_connect_to_and_the_name_is_asked_once(names):
    assert check("https://both.example.com/", ()).address == PUBLIC
    assert names.asked == ["both.example.com"]


def test_a_name_is_judged_anew_each_time(names):
    names.tell("rebinding.example.com", [PUBLIC], ["127.0.0.1"])
    assert check("http://rebinding.example.com/", ()).address == PUBLIC
    with pytest.raises(NotAllowed):
        check("http://rebinding.example.com/", ())


@pytest.mark.parametrize("text", ["10.0.0.0/33", "intranet", "10.0.0", ""])
def test_an_unreadable_network_is_named(text):
    with pytest.raises(ValueError, match=repr(text)):
        networks([text])


# The registries of special addresses (IANA, RFC 6890), whatever this Python's ipaddress makes of them.
SPECIAL = [
    "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
    "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
    "::/128", "::1/128", "::/96", "::ffff:0:0:0/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
    "4000::/3", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
]  # fmt: skip
INSIDE_OF = {
    "alone": lambda number: ipaddress.IPv4Address(number),
    "mapped": lambda number: ipaddress.IPv6Address((0xFFFF << 32) + number),
    "compatible": lambda number: ipaddress.IPv6Address(max(number, 2)),
    "NAT64": lambda number: ipaddress.IPv6Address((0x64_FF9B << 96) + number),
    "6to4": lambda number: ipaddress.IPv6Address((0x2002 << 112) + (number << 80) + 1),
}


@pytest.mark.parametrize("text", SPECIAL)
def test_no_address_of_a_special_network_is_public_in_whatever_it_is_wrapped(text, names):
    network = ipaddress.ip_network(text)
    wraps = INSIDE_OF.values() if network.version == 4 else [ipaddress.IPv6Address]
    for number in {int(network[0]), int(network[network.num_addresses // 2]), int(network[-1])}:
        for wrap in wraps:
            names.tell("there.example.com", [PUBLIC, str(wrap(number))])
            with pytest.raises(NotAllowed, match=OPEN):
                check("http://there.example.com/", ())
