"""The PJSIP sections of a trunk: nothing hostile reaches the file, and nothing that Asterisk would refuse."""

from dataclasses import replace

import pytest

from dialplan import sip
from dialplan.runtime import ConfigError
from sql.trunks import Line

LINE = Line(7, 1, "carrier", "sip.example.net", 5060, "me", "s3cret", True, "ulaw,alaw", 60)
BREAKS = [
    "\n[evil]\ntype=endpoint",
    "x\r\n[evil]",
    "a b",
    "a;b",
    "\0",
    "ä",
    "１",
    "",
    " ",
    "\u2028",
    "a\\\nb",
    "${SHELL(id)}",
    "a,b",
    "<x>",
]


def sections(text: str) -> list[tuple[str, dict[str, str]]]:
    """A PJSIP file as Asterisk reads it: sections may share a name."""
    found: list[tuple[str, dict[str, str]]] = []
    for line in text.splitlines():
        line = line.split(";")[0].strip()
        if line.startswith("["):
            found.append((line.strip("[]"), {}))
        elif line:
            key, _, value = line.partition("=")
            found[-1][1][key.strip()] = value.strip()
    return found


def of(line: Line, kind: str) -> dict[str, str]:
    [(name, keys)] = [(name, keys) for name, keys in sections(sip.trunk_conf(line)) if keys["type"] == kind]
    assert name == (f"trunk-{line.id}-registration" if kind == "registration" else f"trunk-{line.id}")
    return keys


def kinds(line: Line) -> list[str]:
    return [keys["type"] for _, keys in sections(sip.trunk_conf(line))]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("host", text) for text in (*BREAKS, "-a", "a-", ".a", "a.", "a..b", "a/b", "a@b", "x" * 300)),
        *(("host", text) for text in ("a:b", ":::", "1::2::3", "[::1]", "::1%eth0")),
        *(("username", text) for text in filter(None, BREAKS)),
        *(("username", text) for text in ("a/b", "a:b", "a@", "@b", "a@b@c", "a@b/c", "a@b..c", "x" * 81, "[a]", "a=b")),
        *(("password", text) for text in ("\n[evil]", "x\ry", "a b", "a;b", "\0", "ä", "", " ", "x" * 201, "\t", "a\x7fb")),
        *(("password", None),),
        *(("codecs", text) for text in (*BREAKS, "all", "!all", "ULAW", "ulaw,", ",ulaw", "ulaw;x", "opus", "foo", "ulaw alaw")),
        *(("port", number) for number in (0, -1, 65536, 10**9)),
        *(("qualify", number) for number in (-1, 3601, 10**11)),
    ],
)  # fmt: skip
def test_a_hostile_value_never_reaches_the_file(field, value):
    with pytest.raises(ConfigError, match=rf"^trunk 'carrier' \(id 7\): {field} is ") as raised:
        sip.trunk_conf(replace(LINE, **{field: value}))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", [*BREAKS, "x]\n[evil]"])
def test_a_trunk_s_name_does_not_travel(name):
    assert sip.trunk_conf(replace(LINE, name=name)) == sip.trunk_conf(LINE)


@pytest.mark.parametrize("password", ["#x", ">a", "a\\b", "q\"uo'te", "a=b", "[x]", "!", "~", "a#b,c|d$%&", "x" * 200])
def test_a_password_of_any_printable_character_but_a_semicolon_travels(password):
    assert of(replace(LINE, password=password), "auth")["password"] == password


@pytest.mark.parametrize(
    ("host", "port", "uri"),
    [
        ("sip.example.net", 5060, "sip:sip.example.net:5060"),
        ("192.0.2.7", 5080, "sip:192.0.2.7:5080"),
        ("::1", 5060, "sip:[::1]:5060"),
        ("2001:DB8::7", 1, "sip:[2001:DB8::7]:1"),
        ("h", 65535, "sip:h:65535"),
    ],
)
def test_where_a_trunk_leads(host, port, uri):
    line = replace(LINE, host=host, port=port)
    assert of(line, "aor") == {"type": "aor", "contact": uri, "qualify_frequency": "60"}
    assert of(line, "registration")["server_uri"] == uri
    assert of(line, "registration")["client_uri"] == uri.replace("sip:", "sip:me@")


@pytest.mark.parametrize(
    ("username", "register", "written"),
    [
        (None, False, ["endpoint", "aor"]),
        ("", True, ["endpoint", "aor"]),
        (None, True, ["endpoint", "aor"]),
        ("me", False, ["endpoint", "aor", "auth"]),
        ("me", True, ["endpoint", "aor", "auth", "registration"]),
    ],
)
def test_a_trunk_s_sections(username, register, written):
    line = replace(LINE, username=username, register=register)
    assert kinds(line) == written
    endpoint = of(line, "endpoint")
    assert endpoint["context"] == "carillon-refused"
    assert (endpoint.get("outbound_auth"), endpoint.get("from_user")) == (("trunk-7", "me") if "auth" in written else (None, None))
    if "auth" in written:
        assert of(line, "auth") == {"type": "auth", "auth_type": "digest", "username": "me", "password": "s3cret"}


def test_a_username_with_a_domain_is_an_address_of_record():
    """Asterisk refuses an endpoint whose from_user holds an @, and a client_uri with two of them."""
    line = replace(LINE, username="me@example.net")
    assert of(line, "auth")["username"] == "me@example.net"
    endpoint, registration = of(line, "endpoint"), of(line, "registration")
    assert (endpoint["from_user"], endpoint["from_domain"]) == ("me", "example.net")
    assert (registration["client_uri"], registration["contact_user"]) == ("sip:me@example.net", "me")
    assert registration["server_uri"] == "sip:sip.example.net:5060"


@pytest.mark.parametrize(("host", "domain"), [("sip.example.net", "sip.example.net"), ("192.0.2.7", "192.0.2.7"), ("::1", "[::1]")])
def test_an_account_without_a_domain_is_of_the_host(host, domain):
    assert of(replace(LINE, host=host), "endpoint")["from_domain"] == domain
    assert "from_domain" not in of(replace(LINE, username=None), "endpoint")


@pytest.mark.parametrize(("username", "where", "pai", "from_user"), [
    ("me", "pai", "yes", "me"), ("me", "from", "no", None), (None, "pai", "yes", None), (None, "from", "no", None),
])  # fmt: skip
def test_where_the_caller_id_stands(username, where, pai, from_user):
    """Without from_user Asterisk writes the caller id into From."""
    endpoint = of(replace(LINE, username=username, caller_id_in=where), "endpoint")
    assert (endpoint["send_pai"], endpoint.get("from_user")) == (pai, from_user)


def test_a_refused_registration_is_tried_again():
    """Asterisk gives up for good after a refusal unless each of these says otherwise."""
    registration = of(LINE, "registration")
    assert 0 < int(registration["retry_interval"]) <= 30
    assert 0 < int(registration["forbidden_retry_interval"]) == int(registration["fatal_retry_interval"]) <= 120
    assert int(registration["max_random_initial_delay"]) == 1
