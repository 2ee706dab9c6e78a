"""The PJSIP sections of an extension: it can register and be called, it can call nobody, and nothing hostile reaches the file."""

import re
from dataclasses import replace

import pytest

from dialplan import runtime, sip
from dialplan.runtime import ConfigError
from sql.extensions import Phone
from tests.dialplan.test_trunk_conf import BREAKS, sections

DIGEST = "0123456789abcdef0123456789abcdef"
PHONE = Phone(5, 1, "desk7", DIGEST, "+4930123")
CONTEXTS = (runtime.HERE / "conf" / "carillon_extensions.conf").read_text()


def of(phone: Phone, kind: str) -> dict[str, dict[str, str]]:
    return {name: keys for name, keys in sections(sip.extension_conf(phone)) if keys["type"] == kind}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        *(("username", text) for text in (*BREAKS, "trunk-1", "Ext-5", "anonymous", "a", "a@b", "[a]", "a&b", "a/b", "-a", "x" * 41)),
        *(("digest", text) for text in (*BREAKS, DIGEST.upper(), DIGEST[1:], DIGEST + "0")),
        *(("caller_id", text) for text in (*filter(None, BREAKS), "++49", "49-30", '"x" <1>')),
    ],
)
def test_a_hostile_value_never_reaches_the_file(field, value):
    with pytest.raises(ConfigError, match=rf"\(id 5\): {field} is ") as raised:
        sip.extension_conf(replace(PHONE, **{field: value}))
    assert "\n" not in str(raised.value)


def test_it_registers_by_its_name_and_password_and_is_called_by_a_name_of_ours():
    endpoints = of(PHONE, "endpoint")
    assert endpoints["desk7"]["auth"] == "ext-5"
    assert (endpoints["desk7"]["identify_by"], endpoints["ext-5"]["identify_by"]) == ("username", "ip")
    assert {keys["aors"] for keys in endpoints.values()} == {"desk7"}
    assert of(PHONE, "auth") == {
        "ext-5": {"type": "auth", "auth_type": "digest", "username": "desk7", "realm": "carillon", "password_digest": f"MD5:{DIGEST}"}
    }
    assert of(PHONE, "aor")["desk7"]["max_contacts"] == "1"
    assert endpoints["desk7"]["callerid"] == "<+4930123>"
    assert "callerid" not in of(replace(PHONE, caller_id=None), "endpoint")["desk7"]


@pytest.mark.parametrize("name", ["desk7", "ext-5"])
def test_it_can_call_nobody(name):
    keys = of(PHONE, "endpoint")[name]
    assert (keys["context"], keys["allow_transfer"], keys["allow_subscribe"]) == ("carillon-refused", "no", "no")
    [refused] = re.findall(r"^\[carillon-refused\]\n((?:(?!\[).*\n?)*)", CONTEXTS, re.M)
    assert not [line for line in refused.splitlines() if line.strip() and not line.startswith(";")]


def test_the_dialplan_rings_it_follows_no_forwarding_and_hands_out_no_features():
    [dialled] = re.findall(r"Dial\((.*)\)$", CONTEXTS, re.M)
    destination, seconds, options = dialled.split(",")
    assert (destination, seconds) == ("PJSIP/ext-${CONNECT_TO}", "25")
    assert options == "riIU(carillon-taken)"


def test_what_the_dialplan_calls_has_its_module_loaded():
    """Asterisk says of an application without module only that the call ended."""
    of_module = {"AGI": "res_agi", "Dial": "app_dial", "Playback": "app_playback", "Return": "app_stack"}
    of_module |= {"MASTER_CHANNEL": "func_channel", "STRFTIME": "func_strings", "LEN": "func_strings", "IF": "func_logic"}
    of_module |= {"TIMEOUT": "func_timeout", "HANGUPCAUSE": "func_hangupcause", "CDR": "func_cdr", "CHANNEL": "func_channel"}
    lines = [line for line in CONTEXTS.splitlines() if re.match("(exten| same) =>", line)]
    used = {re.search(r"(?:,1|=> n)(?:\(\w+\))?,(\w+)\(", line)[1] for line in lines}
    used |= {name for line in lines for name in re.findall(r"(?:\$\{|Set\()([A-Z_]+)\(", line)}
    modules = (runtime.HERE / "conf" / "modules.conf").read_text()
    assert used - {"NoOp", "Set", "GotoIf", "Hangup"} == set(of_module)
    assert [name for name, module in of_module.items() if f"load = {module}.so\n" not in modules] == []
