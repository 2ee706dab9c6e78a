"""The command line, as an administrator types it: the program itself, on a store, with its output and its exit codes."""

import json
import shutil
import subprocess
import sys

import pytest
from click.testing import CliRunner

from api import cli, fields
from api.operations import OPERATIONS
from dialplan.evaluation import tone
from sql import settings, store, users


@pytest.fixture
def home(tmp_path, empty_store):
    settings.write_first(tmp_path, calling__country="DE")
    shutil.copy(empty_store, tmp_path / "carillon.sqlite")
    store.bind(settings.read(tmp_path).store_url)
    with store.connection():
        store.unit(users.create, {"username": "admin", "password_hash": "-", "role": "admin"}, None, store.now())
    return tmp_path


def carillon(home, *words: str, code: int = 0) -> str:
    """What the command says: on standard output where it is done, else on standard error."""
    done = CliRunner().invoke(cli.commands(), words, env={"CARILLON_HOME": str(home)}, prog_name="carillon")
    assert done.exit_code == code, done.output
    return done.stdout if code == 0 else done.stderr


def test_the_program_itself(home):
    def program(*words: str) -> tuple[int, str, str]:
        command = [sys.executable, "-m", "dialplan.carillon", "--home", str(home), *words]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        return done.returncode, done.stdout, done.stderr

    assert program("campaign", "list", "--json") == (0, "[]\n", "")
    assert program("campaign", "start", "9") == (1, "", "carillon: campaign 9 is not found\n")


def test_a_whole_job(home):
    (home / "hello.wav").write_bytes(tone(0.2))
    (home / "people.csv").write_text("+4930123400\n030\n+4930123401\n")
    assert json.loads(carillon(home, "user", "create", "--username", "bob", "--password", "quite a good one", "--json")) == {
        "user_id": 2, "username": "bob",
    }  # fmt: skip
    as_bob = ("--as", "bob")
    assert carillon(home, *as_bob, "recording", "create", str(home / "hello.wav"), "--title", "hello") == "1\n"
    assert carillon(home, *as_bob, "contact", "group-create", "--name", "friends") == "1\n"
    assert carillon(home, *as_bob, "contact", "import", "1", str(home / "people.csv")) == "2\n"
    assert carillon(home, *as_bob, "campaign", "create", "--contact-group-id", "1", "--message", "1", "--name", "first") == "1\n"
    status = dict(line.split(maxsplit=1) for line in carillon(home, *as_bob, "campaign", "start", "1").splitlines())
    assert (status["status"], status["contact_total"]) == ("running", "2")
    assert status["holding"] == "the engine is not running (it never was); start it, its log says why it ended"
    [title, row] = carillon(home, "campaign", "list").splitlines()
    assert title.split()[:1] == ["campaign_id"] and "first" in row


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("campaign", "start", "9"), 1, "carillon: campaign 9 is not found"),
        (("campaign", "create", "--message", "1"), 1, "campaign.contact_group_id is missing"),
        (("user", "create", "--username", "x", "--password", "quite a good one", "--role", "king"), 1, "user.role"),
        (("--as", "nobody", "campaign", "list"), 3, "there is no active account 'nobody'"),
        (("campaign", "begin", "9"), 2, "No such command 'begin'"),
        (("campaign", "start"), 2, "Missing argument 'CAMPAIGN_ID'"),
        (("contact", "import", "1", "/nowhere.csv"), 2, "No such file or directory"),
        (("camp",), 2, "No such command 'camp'"),
    ],
)
def test_exit_codes(home, words, code, sentence):
    assert sentence in carillon(home, *words, code=code)


def test_a_folder_that_is_no_installation(tmp_path):
    assert "carillon.ini" in carillon(tmp_path, "user", "list", code=3)


def test_an_account_may_do_what_its_role_may(home):
    carillon(home, "user", "create", "--username", "bob", "--password", "quite a good one")
    assert "bob has the role user, which may not use Trunk_List" in carillon(home, "--as", "bob", "trunk", "list", code=1)
    assert carillon(home, "--as", "bob", "campaign", "list") == "nothing\n"


def test_watch_tells_each_change_until_the_end(home):
    (home / "hello.wav").write_bytes(tone(0.2))
    carillon(home, "recording", "create", str(home / "hello.wav"), "--title", "hello")
    carillon(home, "contact", "group-create", "--name", "friends")
    carillon(home, "campaign", "create", "--contact-group-id", "1", "--message", "1")
    carillon(home, "campaign", "result", "1", "--status", "archived")
    assert carillon(home, "campaign", "watch", "1") == "archived: 0 of 0 done, 0 calls active\n"
    [line] = carillon(home, "campaign", "watch", "1", "--json").splitlines()
    assert json.loads(line)["totals"]["total"] == 0
    assert "campaign 7 is not found" in carillon(home, "campaign", "watch", "7", code=1)


def test_every_argument_has_one_option():
    for operation in OPERATIONS:
        told = fields.arguments(operation)
        names = list(cli.option_names(told).values())
        assert len(names) == len(set(names)), operation.name
        assert not {"as_json", "json", "help"} & set(names), operation.name


def test_every_operation_is_a_command_of_its_own():
    said = {cli.words(operation) for operation in OPERATIONS if not operation.session}
    assert len(said) == len([operation for operation in OPERATIONS if not operation.session])
    for noun, verb in said:
        assert verb in cli.commands().commands[noun].commands
