"""What is looked at before an installation starts, and while it comes up: ports by their names, room for them, what is missing."""

import contextlib
import fcntl
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from dialplan import up
from dialplan.demo import free_base
from dialplan.up import CannotStart
from sql import settings, store


@pytest.fixture
def home(tmp_path) -> Path:
    (tmp_path / "run").mkdir()
    return tmp_path


def config(home: Path, base: int = 0, **changes: str) -> settings.Settings:
    settings.write_first(home, base or free_base(), **changes)
    return settings.read(home)


@pytest.mark.parametrize("profile", ["production", "evaluation"])
@pytest.mark.parametrize("ami", ["", "192.0.2.1"])
def test_every_part_has_one_stage_in_which_it_ends(home, profile, ami):
    made = up.parts(config(home, 7000, carillon__profile=profile, ami__host=ami))
    expected = {"engine", "push", "agi", "api", "provision"} | ({"asterisk"} if not ami else set())
    assert set(made) == expected | ({"carrier"} if profile == "evaluation" else set())
    ending = [name for stage in up.STAGES for name in stage]
    assert len(ending) == len(set(ending))
    assert set(made) <= set(ending)
    assert ending.index("asterisk") < ending.index("agi"), "the hangup handler still needs the AGI server"


@pytest.mark.parametrize(
    ("name", "kind", "profile"),
    [
        ("api", socket.SOCK_STREAM, "production"), ("agi", socket.SOCK_STREAM, "production"), ("ami", socket.SOCK_STREAM, "production"),
        ("sip", socket.SOCK_DGRAM, "production"), ("carrier_sip", socket.SOCK_DGRAM, "evaluation"),
        ("carrier_ami", socket.SOCK_STREAM, "evaluation"),
    ],
)  # fmt: skip
def test_a_port_in_use_is_named(home, name, kind, profile):
    found = config(home, carillon__profile=profile)
    with socket.socket(socket.AF_INET, kind) as taken:
        taken.bind(("127.0.0.1", found.port(name)))
        if kind == socket.SOCK_STREAM:
            taken.listen()
        with pytest.raises(
            CannotStart, match=rf"^127.0.0.1 port {found.port(name)} \({name}\) cannot be used: Address already in use; end what"
        ):
            up._check_ports(found)
    up._check_ports(found)


@pytest.mark.parametrize(("profile", "ami"), [("production", "192.0.2.1"), ("production", "")])
def test_a_port_that_this_installation_does_not_use_may_be_taken(home, profile, ami):
    found = config(home, carillon__profile=profile, ami__host=ami, ami__port="5038")
    with contextlib.ExitStack() as taken:
        for name, kind in (("carrier_sip", socket.SOCK_DGRAM), *((("sip", socket.SOCK_DGRAM), ("ami", socket.SOCK_STREAM)) if ami else ())):
            taken.enter_context(socket.socket(socket.AF_INET, kind)).bind(("127.0.0.1", found.port(name)))
        up._check_ports(found)


@pytest.mark.parametrize("base", [62537, 65535, 70000])
def test_a_port_base_that_leaves_no_room_is_said(home, base):
    with pytest.raises(CannotStart, match=rf"port base {base} .* at most 62536"):
        up._check_ports(config(home, base))


@pytest.mark.parametrize("text", ["192.0.2.1", "no.such.host.invalid"])
def test_an_address_that_is_not_this_machine_s_is_named(home, text):
    with pytest.raises(CannotStart, match=rf"^{text} port [0-9]+ \(api\) cannot be used"):
        up._check_ports(config(home, api__bind=text))


@pytest.mark.parametrize(
    ("bind", "url"), [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("::1", "[::1]"), ("h", "h")]
)
def test_the_address_that_is_printed_is_one_that_can_be_asked(home, bind, url):
    assert up.Installation(config(home, 7000, api__bind=bind))._url == f"http://{url}:7000"


def test_a_store_that_does_not_answer_while_it_comes_up_is_waited_for(home):
    found = config(home, store__url=f"sqlite:///{home}/not/there.sqlite")
    store.bind(found.store_url)
    (home / "admin.json").touch()
    installation = up.Installation(found)
    assert installation._missing() == "the API does not answer, see log/api.log"
    with socket.create_server(("127.0.0.1", found.port("api"))):
        assert installation._missing().startswith("the store does not answer (")
        (home / "not").mkdir()
        store.migrate(found.store_url)
        assert installation._missing() == "the engine has no link to Asterisk (it has not started), see log/engine.log"


def test_a_second_supervisor_of_the_same_folder_is_refused_in_one_sentence(home):
    with (home / "run" / "up.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = subprocess.run(
            [sys.executable, "-m", "dialplan.up"],
            capture_output=True,
            text=True,
            check=False,
            env=os.environ | {"CARILLON_HOME": str(home)},
        )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"carillon: another `carillon up` already runs in {home}; stop it first\n"
