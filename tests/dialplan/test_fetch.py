"""Fetching a program with the machine's own package client: a small truthful apt on the path, sample machines, one sentence a failure."""

import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from dialplan import fetch
from dialplan.fetch import FetchError
from tests.fakes.machine import DEB822, DEBIAN_12, ONE_LINE, UBUNTU_24, Machine

UBUNTU_SOURCES = DEB822.replace("http://deb.debian.org/debian-security", "http://security.ubuntu.com/ubuntu").replace(
    "http://deb.debian.org/debian", "http://archive.ubuntu.com/ubuntu"
)
PLAIN = "deb http://deb.debian.org/debian/ bookworm main\n"
DOCKER = "deb [arch=amd64] https://download.docker.com/linux/{} noble stable\n"
PPA = "Types: deb\nURIs: https://ppa.launchpadcontent.net/ansible/ansible/ubuntu/\nSuites: jammy\nComponents: main\n"


@pytest.fixture
def machine(tmp_path, monkeypatch) -> Machine:
    return Machine(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("release", "sources", "line"),
    [
        (DEBIAN_12, {"debian.sources": DEB822}, "/debian.gpg] http://deb.debian.org/debian forky main"),
        (DEBIAN_12, {"sources.list": PLAIN}, "/debian.gpg] http://deb.debian.org/debian forky main"),
        (UBUNTU_24, {"ubuntu.sources": UBUNTU_SOURCES}, "/ubuntu.gpg] http://archive.ubuntu.com/ubuntu resolute main universe"),
    ],
)  # fmt: skip
def test_asterisk_is_fetched_from_the_first_suite_that_has_a_new_enough_one(machine, release, sources, line, capsys):
    machine.system(release, **sources)
    found = machine.asterisk()
    assert found.version == "22.10.1~dfsg"
    assert found.root == machine.cache / "asterisk"
    assert subprocess.run([*found.command, "-V"], capture_output=True, text=True, check=True).stdout == "Asterisk 22.10.1~dfsg\n"
    assert f"\nsource deb [signed-by={machine.folder}{line}\n" in machine.log
    assert (found.root / ".complete").read_text().strip() in line.split()
    assert not (found.root / "usr/share/doc").exists()
    assert sorted(path.name for path in machine.cache.iterdir()) == [".lock", "asterisk"]
    assert f"with this machine's apt into {found.root} (once)" in capsys.readouterr().err
    [install] = machine.done("install")
    assert "--yes --no-install-recommends --download-only install asterisk asterisk-core-sounds-en-gsm" in install
    for words in (*machine.done("update"), *machine.done("install"), *machine.done("policy")):
        assert f"Dir::State::status={machine.cache}" in words, "the machine's own packages are not looked at"


def test_a_second_call_fetches_nothing(machine):
    first = machine.asterisk()
    before = machine.log
    assert machine.asterisk() == first
    assert machine.log == before


def test_two_who_come_at_once_fetch_once(machine):
    threads = [threading.Thread(target=fetch.fetched, args=("asterisk", machine.cache)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(machine.done("install")) == 1


def test_a_fetch_that_was_broken_off_is_begun_again(machine):
    (machine.folder / "full").touch()
    with pytest.raises(FetchError):
        machine.asterisk()
    assert [path.name for path in machine.cache.iterdir()] == [".lock"]
    (machine.cache / "asterisk" / "usr").mkdir(parents=True)  # as an older version left it
    (machine.folder / "full").unlink()
    assert machine.asterisk().version == "22.10.1~dfsg"


def test_what_one_suite_could_not_complete_is_not_mixed_with_the_next(machine):
    machine.archive("deb.debian.org/debian", f"{machine.folder}/debian.gpg", bookworm={"asterisk": "1:22.9.0", "broken": ""})
    packages = sorted(path.name for path in (machine.asterisk().root / "packages").iterdir())
    assert packages == ["asterisk-core-sounds-en-gsm_forky_amd64.deb", "asterisk_forky_amd64.deb"]


@pytest.mark.parametrize(
    ("release", "lists", "sources", "mirrors"),
    [
        (DEBIAN_12, [], {"debian.sources": DEB822}, ["http://deb.debian.org/debian"]),
        (DEBIAN_12, [], {"sources.list": ONE_LINE}, ["http://ftp.example.de/pub/debian"]),
        (DEBIAN_12, [], {"debian.sources": DEB822.replace("URIs: ", "uris:   ")}, ["http://deb.debian.org/debian"]),
        (DEBIAN_12, [], {"debian.sources": DEB822.replace("URIs: ", "URIs:\n http://a.example/debian/ ")},
         ["http://a.example/debian", "http://deb.debian.org/debian"]),
        (DEBIAN_12, [], {"a.sources": "Enabled: no\n" + DEB822.replace("deb.debian.org", "off.example"), "b.list": ONE_LINE},
         ["http://ftp.example.de/pub/debian"]),
        (DEBIAN_12, [], {"a.sources": "Types: deb-src\nURIs: http://src.example/debian\n", "b.list": ONE_LINE}, ["http://ftp.example.de/pub/debian"]),
        (DEBIAN_12, [], {"a.sources.disabled": DEB822, "b.list": ONE_LINE}, ["http://ftp.example.de/pub/debian"]),
        (DEBIAN_12, [], {"ansible.sources": PPA, "debian.sources": DEB822}, ["http://deb.debian.org/debian"]),
        (DEBIAN_12, [], {"local.list": "deb file:/srv/debian bookworm main\n"}, ["file:/srv/debian"]),
        (DEBIAN_12, ["Debian http://lists.example/debian/"], {"debian.sources": DEB822},
         ["http://lists.example/debian", "http://deb.debian.org/debian"]),
        (DEBIAN_12, ["Docker CE https://download.docker.com/linux/debian/", "Debian http://lists.example/debian/"], {},
         ["http://lists.example/debian", "https://download.docker.com/linux/debian"]),
        (UBUNTU_24, [], {"ubuntu.sources": UBUNTU_SOURCES}, ["http://archive.ubuntu.com/ubuntu", "http://security.ubuntu.com/ubuntu"]),
        (UBUNTU_24, [], {"ports.list": "deb http://ports.ubuntu.com/ubuntu-ports noble main\n"}, ["http://ports.ubuntu.com/ubuntu-ports"]),
    ],
)  # fmt: skip
def test_the_mirrors_are_the_machine_s_own(machine, release, lists, sources, mirrors):
    (machine.folder / "lists").write_text("".join(f"{line}\n" for line in lists))
    machine.system(release, **sources)
    assert fetch._mirrors(release.split("\nID=")[1].split("\n")[0]) == mirrors


def test_a_mirror_list_of_a_cloud_image_is_followed(machine):
    listed = machine.folder / "debian.list"
    listed.write_text("# nearest first\nhttps://cdn.example/debian\nhttp://deb.debian.org/debian priority:2\n")
    machine.system(DEBIAN_12, **{"debian.sources": DEB822.replace("http://deb.debian.org/debian\n", f"mirror+file://{listed}\n")})
    assert fetch._mirrors("debian") == ["https://cdn.example/debian", "http://deb.debian.org/debian"]
    assert machine.asterisk().version == "22.10.1~dfsg"


@pytest.mark.parametrize("name", ["docker.list", "aaa.list"])
def test_somebody_else_s_archive_on_the_machine_does_not_stop_it(machine, name):
    machine.system(UBUNTU_24, **{name: DOCKER.format("ubuntu"), "ubuntu.sources": UBUNTU_SOURCES})
    machine.archive("download.docker.com/linux/ubuntu", "docker's own", noble={"docker-ce": "5:27"})
    assert machine.asterisk().version == "22.10.1~dfsg"


@pytest.mark.parametrize(
    ("version", "used"),
    [
        ("Asterisk 22.7.0", True), ("Asterisk 22.10.1~dfsg+~cs6.17", True), ("Asterisk 23.0.0-rc1", True),
        ("Asterisk 22.6.1", False), ("Asterisk 20.15.0", False), ("Asterisk 9.9.9", False), ("Asterisk GIT-master", False), ("", False),
    ],
)  # fmt: skip
@pytest.mark.parametrize("folder", ["bin", "sbin"])
def test_an_asterisk_on_the_machine_is_used_only_if_it_is_new_enough(machine, folder, version, used):
    place = machine.program("asterisk", f"#!/bin/sh\necho '{version}'\n", folder=folder)
    found = machine.asterisk()
    assert (found.command == (str(place),)) is used
    assert (found.root == Path("/")) is used
    assert bool(machine.done("install")) is not used


def test_one_that_was_fetched_is_used_without_writing_anything(machine):
    """A service may not write where the program lies."""
    first = machine.asterisk()
    (machine.cache / ".lock").unlink()
    assert machine.asterisk() == first
    assert not (machine.cache / ".lock").exists()


@pytest.mark.parametrize("text", ["#!/nowhere/sh\n", "not a program", "#!/bin/sh\nexit 1\n"])
def test_an_asterisk_that_does_not_run_is_not_used(machine, text):
    machine.program("asterisk", text, "sbin")
    assert machine.asterisk().root == machine.cache / "asterisk"


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda m: (m.bin / "apt-get").unlink(), "^no Asterisk 22.7 or newer is here, nor apt-get to fetch one: install"),
        (lambda m: (m.bin / "apt-cache").unlink(), "nor apt-cache to fetch one"),
        (lambda m: (m.bin / "dpkg").unlink(), "nor dpkg to fetch one"),
        (lambda m: m.system("ID=fedora\nVERSION_ID=41\n"), "this is fedora, not Debian or Ubuntu: install Asterisk 22.7 or newer"),
        (lambda m: m.system("NAME=x\n"), "this is an unknown system, not Debian or Ubuntu"),
        (lambda m: (m.folder / "os-release").unlink(), "this is an unknown system, not Debian or Ubuntu"),
        (lambda m: m.system(DEBIAN_12), "apt names no Debian or Ubuntu archive; complete .*/sources.list"),
        (lambda m: (m.folder / "debian.gpg").unlink(), "the archive's keys are missing; install debian-archive-keyring"),
        (lambda m: shutil.rmtree(m.folder / "archives"), "forky: E: The repository .* check this machine's network and its package mirror"),
        (lambda m: (m.debian / "forky/asterisk").unlink(), "forky: no asterisk that is new enough; .*network"),
        (lambda m: (m.debian / "forky/broken").touch(), "forky: E: Failed to fetch .*502"),
        (lambda m: (m.folder / "full").touch(), "cannot be unpacked .*No space left.* is there 500 MB free"),
        (lambda m: m.cache.touch(), "cannot be used .* make it writable, with 500 MB free"),
        (lambda m: (m.bin / "apt-get").write_text("#!/nowhere\n"), "this machine's apt names|E: apt-get cannot be run: No such file"),
    ],
)  # fmt: skip
def test_each_failure_is_one_sentence_with_the_remedy(machine, spoil, said):
    spoil(machine)
    with pytest.raises(FetchError, match=said) as raised:
        machine.asterisk()
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 1000


def test_a_client_that_does_not_end_is_named(machine, monkeypatch):
    monkeypatch.setattr(fetch, "TIMEOUT_S", 0.3)
    (machine.bin / "apt-get").unlink()
    machine.program("apt-get", "#!/bin/sh\nexec /bin/sleep 5\n")
    with pytest.raises(FetchError, match=r"apt-get did not end within 0.3 s; check this machine's network"):
        machine.asterisk()


def test_a_host_without_a_codename_starts_with_the_later_suites(machine):
    machine.system("ID=debian\n", **{"debian.sources": DEB822})
    assert machine.asterisk().version == "22.10.1~dfsg"
    assert len(machine.done("update")) == 1


@pytest.mark.parametrize(("find", "name"), [(fetch.sipp, "sipp"), (fetch.mariadb, "MariaDB")])
def test_what_is_missing_is_called_by_its_name(machine, find, name):
    (machine.bin / "apt-get").unlink()
    with pytest.raises(FetchError, match=rf"^no {name} is here, nor apt-get to fetch one"):
        find(machine.cache)


def test_the_command_line_prints_the_command_or_one_sentence(tmp_path):
    place = tmp_path / "sipp"
    place.write_text("#!/bin/sh\n")
    place.chmod(0o755)
    command = [sys.executable, "-m", "dialplan.fetch", "sipp", "--cache", str(tmp_path / "cache")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ | {"PATH": str(tmp_path)})
    assert done.stdout == f"{place}\n"
    place.unlink()
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ | {"PATH": str(tmp_path)})
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch("carillon: no sipp is here, nor apt-get to fetch one: .*\n", done.stderr)
