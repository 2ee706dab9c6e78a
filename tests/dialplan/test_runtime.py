"""What is written for an Asterisk of our own: nothing hostile, nothing unfilled, and a control socket whose name is short enough."""

import configparser
import os
import re
import socket
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from dialplan import runtime
from dialplan.fetch import Program
from dialplan.runtime import ConfigError
from sql import settings


@pytest.mark.parametrize(
    ("text", "filled"),
    [("a @A@ b", "a 1 b"), ("@A@@B_C@", "1@A@"), ("@A", "@A"), ("a@b.c @x@", "a@b.c @x@"), ("@@", "@@"), ("", "")],
)
def test_names_are_filled_once(text, filled):
    assert runtime.fill(text, {"A": "1", "B_C": "@A@"}) == filled


@pytest.mark.parametrize("text", ["@A@ @NO@", "@NO@", "x@NO@y"])
def test_a_name_without_value_is_said(text):
    with pytest.raises(ConfigError, match="@NO@ has no value"):
        runtime.fill(text, {"A": "1"})


@pytest.fixture
def program(tmp_path) -> Program:
    """An unpacked Asterisk, as far as its folders matter; it says what it is called with."""
    root = tmp_path / "root"
    for folder in ("usr/lib/x86_64-linux-gnu/asterisk/modules", "usr/share/asterisk/sounds/en_US_f_Allison", "usr/sbin"):
        (root / folder).mkdir(parents=True)
    command = root / "usr/sbin/asterisk"
    command.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n[ "$5" != dead ]\n')
    command.chmod(0o755)
    return Program((str(command),), root, "22.10.1")


def settled(home: Path, **changes: str) -> settings.Settings:
    settings.write_first(home, 7000, **changes)
    return settings.read(home)


MAKERS = [runtime.engine_instance, runtime.carrier_instance]


@pytest.mark.parametrize("make", MAKERS)
def test_every_name_in_the_files_is_filled_and_nobody_else_may_read_them(make, program, tmp_path):
    instance = make(settled(tmp_path / "home", sip__external_address="192.0.2.1", sip__local_net="10.0.0.0/8, 192.168.0.0/16"), program)
    files = sorted((instance.folder / "etc").iterdir())
    assert {"asterisk.conf", "pjsip.conf", "extensions.conf", "manager.conf", "modules.conf", "rtp.conf", "acl.conf"} <= {
        path.name for path in files
    }
    for path in files:
        assert re.findall(r"@[A-Z_]+@", path.read_text()) == [], path.name
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path.name
    text = (instance.folder / "etc" / "asterisk.conf").read_text()
    for place in re.findall(r"^ast\w+dir => (.+)$", text, re.M):
        assert Path(place).is_dir(), place


@pytest.mark.parametrize("path", sorted(runtime.HERE.glob("c*/*.conf")), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_what_a_file_includes_is_written_too(path, program, tmp_path):
    made = [make(settled(tmp_path / "home"), program).folder / "etc" for make in MAKERS]
    for name in re.findall(r'^#include "(.+)"', path.read_text(), re.M):
        assert any((etc / name).exists() and (etc / path.name).exists() for etc in made)


def test_the_ports_and_the_secret_are_those_of_the_settings(program, tmp_path):
    config = settled(tmp_path / "home", sip__bind="0.0.0.0", sip__external_address="sip.example.net", sip__local_net="10.0.0.0/8")
    etc = runtime.engine_instance(config, program).folder / "etc"
    pjsip = (etc / "pjsip.conf").read_text()
    assert "\nbind = 0.0.0.0:7003\n" in pjsip
    assert "\nexternal_media_address = sip.example.net\nexternal_signaling_address = sip.example.net\nlocal_net = 10.0.0.0/8\n" in pjsip
    assert "\nport = 7001\n" in (etc / "manager.conf").read_text()
    assert f"\n[carillon]\nsecret = {config.ami[3]}\n" in (etc / "carillon_manager.conf").read_text()
    assert "agi://127.0.0.1:7002/" in (etc / "carillon_extensions.conf").read_text()
    carrier = runtime.carrier_instance(config, program).folder / "etc"
    assert "\nbind = 127.0.0.1:7010\n" in (carrier / "pjsip.conf").read_text()
    assert not (carrier / "carillon_manager.conf").exists(), "the engine's rights are not the carrier's"
    assert (carrier / "modules.conf").read_text().endswith("load = app_senddtmf.so\n")


@pytest.mark.parametrize(
    ("bind", "nets", "written"),
    [("192.168.1.5", "10.0.0.0/8", ["10.0.0.0/8", "192.168.1.5"]), ("192.168.1.5", "", []), ("0.0.0.0", "10.0.0.0/8", ["10.0.0.0/8"])],
)
def test_the_own_address_is_within_the_local_nets(program, tmp_path, bind, nets, written):
    """Else Asterisk would not tell trunks the external address for audio; without any net it always does."""
    config = settled(tmp_path / "home", sip__bind=bind, sip__external_address="192.0.2.1", sip__local_net=nets)
    text = (runtime.engine_instance(config, program).folder / "etc" / "pjsip.conf").read_text()
    assert re.findall(r"^local_net = (.*)$", text, re.M) == written


def test_a_second_start_keeps_the_trunks_and_writes_the_rest_anew(program, tmp_path):
    config = settled(tmp_path / "home")
    etc = runtime.engine_instance(config, program).folder / "etc"
    assert (etc / "carillon_accounts.conf").read_text() == runtime.ACCOUNTS_HEAD
    (etc / "carillon_accounts.conf").write_text("[trunk-1]\n")
    (etc / "pjsip.conf").write_text("changed by hand")
    runtime.engine_instance(config, program)
    assert (etc / "carillon_accounts.conf").read_text() == "[trunk-1]\n"
    assert "transport-udp" in (etc / "pjsip.conf").read_text()
    assert not [path for path in etc.iterdir() if path.name.startswith(".")]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("sip__bind", "0.0.0.0\n[evil]"), ("sip__bind", "host;x"), ("sip__external_address", "a b"), ("sip__local_net", "10.0.0.0/8;x"),
        ("ami__user", "a]\n[b"), ("ami__user", ""), ("ami__secret", "a;b"), ("ami__secret", ""), ("carillon__node", "a\n[evil]"),
        ("carillon__node", "a;b"),
    ],
)  # fmt: skip
def test_a_setting_that_may_not_travel_is_named(key, value, program, tmp_path):
    home = tmp_path / "home"
    settled(home)
    name = tuple(key.split("__"))
    config = settings.Settings(home, settings.read(home).values | {name: value})
    with pytest.raises(ConfigError, match=re.escape("[{}] {} is ".format(*name))):
        runtime.engine_instance(config, program)


@pytest.mark.parametrize("name", ["a;b", "a\nb", "a\x7fb"])
def test_a_folder_whose_name_asterisk_cannot_read_is_refused(name, program, tmp_path):
    with pytest.raises(ConfigError, match=r"folder is .* correct it"):
        runtime.engine_instance(settled(tmp_path / name), program)


@pytest.mark.parametrize("name", ["home", "my calls", "ü", "a,b (1)+~", "a=>b [x]"])
def test_a_folder_of_an_ordinary_name_is_written_as_it_is(name, program, short):
    instance = runtime.engine_instance(settled(short / name), program)
    conf = configparser.ConfigParser(delimiters=("=>", "="), interpolation=None)
    conf.read(instance.folder / "etc" / "asterisk.conf", encoding="utf-8")
    assert conf["directories"]["astetcdir"] == str(instance.folder / "etc")
    assert conf["directories"]["astrundir"] == str(instance.folder / "run")


@pytest.fixture
def short():
    """A temporary folder of few characters."""
    with tempfile.TemporaryDirectory(prefix="c-") as name:
        yield Path(name)


def run_folder(instance: runtime.Instance) -> Path:
    [place] = re.findall(r"^astrundir => (.+)$", (instance.folder / "etc" / "asterisk.conf").read_text(), re.M)
    return Path(place)


@pytest.mark.parametrize("name", ["x" * 120, "ü" * 40])
def test_a_control_socket_fits_whatever_the_folder_is_called(name, program, short):
    config = settled(short / name)
    for make in MAKERS:
        instance = make(config, program)
        place = run_folder(instance)
        with socket.socket(socket.AF_UNIX) as control:
            control.bind(str(place / "asterisk.ctl"))
        assert stat.S_IMODE(place.stat().st_mode) == 0o700
        assert (instance.folder / "run" / "asterisk.ctl").exists(), "it is found from the folder too"
        assert run_folder(make(config, program)) == place, "a second start uses the same"
        (place / "asterisk.ctl").unlink()
        place.rmdir()  # as a restart of the machine clears /tmp
        assert run_folder(make(config, program)).is_dir()
        run_folder(instance).rmdir()


def test_a_folder_that_was_moved_still_has_its_control_socket(program, short):
    home, long = short / "home", short / ("l" * 100)
    runtime.engine_instance(settled(home), program)
    (home / "asterisk" / "run" / "asterisk.ctl").touch()
    home.rename(long)
    place = run_folder(runtime.engine_instance(settings.read(long), program))
    assert place.is_dir()
    assert len(os.fsencode(place)) < runtime.SOCKET_LIMIT
    long.rename(home)
    place.rmdir()
    assert run_folder(runtime.engine_instance(settings.read(home), program)) == home / "asterisk" / "run"
    assert (home / "asterisk" / "run").is_dir()


def test_the_control_command(program, tmp_path):
    instance = runtime.engine_instance(settled(tmp_path / "home"), program)
    conf = str(instance.folder / "etc" / "asterisk.conf")
    assert instance.command == [*program.command, "-f", "-C", conf]
    assert instance.control("core show uptime").split("\n")[:4] == ["-C", conf, "-rx", "core show uptime"]


def test_an_asterisk_that_is_not_there_is_an_oserror(tmp_path):
    with pytest.raises(OSError, match="does not answer on its control socket: no"):
        runtime.Instance(Program(("/bin/sh", "-c", "echo no; exit 1"), tmp_path, ""), tmp_path).control("x")
    with pytest.raises(OSError, match="nowhere"):
        runtime.Instance(Program((f"{tmp_path}/nowhere",), tmp_path, ""), tmp_path).control("x")


def test_a_file_is_written_in_one_step_and_a_failure_leaves_nothing(tmp_path):
    path = tmp_path / "a.conf"
    runtime.write(path, "old\n")
    inode = path.stat().st_ino
    runtime.write(path, "new\n")
    assert (path.read_text(), stat.S_IMODE(path.stat().st_mode)) == ("new\n", 0o600)
    assert path.stat().st_ino != inode
    with pytest.raises(UnicodeEncodeError):
        runtime.write(path, "\ud800")
    assert [found.name for found in tmp_path.iterdir()] == ["a.conf"]
    assert path.read_text() == "new\n"


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "asterisk: no .*carillon.ini"),
        ({"CARILLON_AMI_SECRET": "a;b"}, r"asterisk: \[ami\] secret is 'a;b', which cannot be written .*; correct it"),
    ],
)  # fmt: skip
def test_as_a_process_it_says_in_one_sentence_why_it_cannot_start(more, said, tmp_path):
    if more:
        settings.write_first(tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", f"from dialplan import fetch, runtime; from pathlib import Path\n"
         f"fetch.asterisk = lambda: fetch.Program(('/bin/true',), Path({str(tmp_path)!r}), '')\nruntime.main()"],
        capture_output=True, text=True, check=False, env=os.environ | {"CARILLON_HOME": str(tmp_path)} | more,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (1, "", 1)
    assert re.match(said, done.stderr)
