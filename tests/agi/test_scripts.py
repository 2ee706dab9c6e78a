"""The same scripts as processes that Asterisk starts itself: on pipes, with its signals and its broken ends."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sql import models, settings, store
from tests import world as worlds
from tests.fakes.agi_peer import ANSWERED, PLAYED, environment

AGI = Path(__file__).parent.parent.parent / "agi"
SIGHUP_BIT = 1 << (signal.SIGHUP - 1)


class Script:
    """One script on pipes, started as Asterisk does: by its file, found our Python by PATH."""

    def __init__(self, name: str, home: Path, **more: str) -> None:
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        self.process = subprocess.Popen(
            [AGI / name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=os.environ | {"CARILLON_HOME": str(home), "PATH": path} | more,
        )  # fmt: skip

    def say(self, text: str | bytes) -> None:
        self.process.stdin.write(text if isinstance(text, bytes) else text.encode())
        self.process.stdin.flush()

    def hear(self) -> str:
        return self.process.stdout.readline().decode().rstrip("\n")

    def end(self) -> tuple[int, str]:
        """Exit code, and what it said on standard error."""
        with self.process:  # closes what is left of the pipes
            said = self.process.stderr.read().decode()
        return self.process.wait(5), said

    def ignores_sighup(self) -> bool:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return bool(int(status.split("SigIgn:")[1].split()[0], 16) & SIGHUP_BIT)


@pytest.fixture
def home(tmp_path):
    """An installation's folder, its store open."""
    settings.write_first(tmp_path)
    store.migrate(settings.read(tmp_path).store_url)
    with store.connection():
        yield tmp_path


@pytest.fixture
def call_id(home) -> int:
    return worlds.make().sent(1)[0]


@pytest.fixture
def run(home):
    with contextlib.ExitStack() as ends:

        def start(name: str, **more: str) -> Script:
            script = Script(name, home, **more)
            ends.enter_context(script.process)
            ends.callback(script.process.kill)
            return script

        yield start


def facts(call_id: int) -> tuple:
    row = models.Call.get_by_id(call_id)
    return row.answered_at is not None, row.heard_ms, row.heard_complete, row.script_ended_at is not None


def converse(script: Script, call_id: int) -> None:
    script.say(environment(str(call_id)))
    assert script.hear() == "ANSWER"
    script.say(ANSWERED)
    assert script.hear() == 'STREAM FILE carillon/1 "" 0'


def test_a_message_is_played_and_its_facts_are_written_before_the_process_ends(run, call_id):
    script = run("voice.py")
    converse(script, call_id)
    script.say(PLAYED)
    assert script.end() == (0, "")
    assert facts(call_id) == (True, 2000, True, True)


def test_asterisk_is_let_go_before_the_facts_are_durable(run, call_id, home):
    script = run("voice.py")
    converse(script, call_id)
    other = store.database(settings.read(home).store_url)
    other.connect()
    try:
        with other.atomic("IMMEDIATE"):  # nobody else may write
            script.say(PLAYED)
            assert script.hear() == "", "the pipe is closed"
            assert facts(call_id)[1:] == (None, None, False)
    finally:
        other.close()
    assert script.end() == (0, "")
    assert facts(call_id) == (True, 2000, True, True)


def test_press_1_as_a_process(run, call_id):
    models.Call.update(extension_id=3, extension_key="1").execute()
    script = run("interactive.py")
    script.say(environment(str(call_id)))
    assert script.hear() == "ANSWER"
    script.say(ANSWERED)
    assert script.hear() == 'STREAM FILE carillon/1 "0123456789*#" 0'
    script.say("200 result=49 endpos=8000\n")
    assert script.hear().startswith("SET CALLERID +49")
    script.say("200 result=1\n")
    assert script.hear() == 'SET VARIABLE "CONNECT_TO" "3"'
    script.say("200 result=1\n")
    assert script.end() == (0, "")
    assert facts(call_id) == (True, 1000, False, True)
    assert models.Call.get_by_id(call_id).pressed == "1"


def test_the_hangup_handler_as_a_process(run, call_id):
    script = run("hangup.py")
    script.say(environment(str(call_id), "17", "486", "0.000000"))
    assert script.end() == (0, "")
    row = models.Call.get_by_id(call_id)
    assert (row.handler_cause, row.handler_sip, row.handler_answered_at) == (17, 486, None)


@pytest.mark.parametrize("name", ["voice.py", "interactive.py", "hangup.py"])
def test_sighup_while_it_starts_does_not_end_it(run, call_id, name):
    script = run(name)
    while not script.ignores_sighup():
        time.sleep(0.0005)
    loaded = Path(f"/proc/{script.process.pid}/maps").read_text()
    for _ in range(40):
        script.process.send_signal(signal.SIGHUP)
        time.sleep(0.002)
    script.say(environment(str(call_id), "16"))
    if name != "hangup.py":
        assert script.hear() == "ANSWER"
        script.say("511 Command Not Permitted on a dead channel or intercept routine\n")
    assert script.end()[0] == 0
    assert models.Call.get_by_id(call_id).script_ended_at or models.Call.get_by_id(call_id).handler_at
    assert "cysqlite" not in loaded, "the signal is to be ignored before anything heavy is imported"


def test_sighup_during_the_message_cuts_it_where_asterisk_says(run, call_id):
    script = run("voice.py")
    converse(script, call_id)
    script.process.send_signal(signal.SIGHUP)
    script.say("200 result=-1 endpos=4000\n")
    assert script.hear() == "CHANNEL STATUS"
    script.say("511 Command Not Permitted on a dead channel or intercept routine\n")
    assert script.end() == (0, "")
    assert facts(call_id) == (True, 500, False, True)


@pytest.mark.parametrize("said", ["", "agi_network: no\n"])
def test_an_asterisk_that_is_gone_before_the_script_begins(run, said):
    script = run("voice.py")
    script.say(said)
    script.process.stdin.close()
    code, told = script.end()
    assert code == 0
    assert "Traceback" not in told


def test_a_broken_pipe_at_the_first_word_ends_it_quietly(run, call_id):
    script = run("voice.py")
    script.process.stdout.close()
    script.say(environment(str(call_id)))
    code, told = script.end()
    assert code == 0
    assert "Traceback" not in told
    assert "Exception ignored" not in told
    assert facts(call_id) == (False, None, None, True)


def test_a_broken_pipe_during_the_message_ends_it_quietly(run, call_id):
    script = run("voice.py")
    converse(script, call_id)
    script.process.stdin.close()
    script.process.stdout.close()
    code, told = script.end()
    assert code == 0
    assert "Traceback" not in told
    assert facts(call_id) == (True, 0, False, True)


def test_a_caller_s_name_in_another_encoding_ends_no_call(run, call_id):
    script = run("voice.py", PYTHONIOENCODING="utf-8:strict")  # as in any locale but C
    script.say(b"agi_calleridname: J\xfcrgen\n")
    converse(script, call_id)
    script.say(PLAYED)
    assert script.end() == (0, "")
    assert facts(call_id) == (True, 2000, True, True)


def test_what_asterisk_does_not_accept_is_said_with_the_call(run, call_id):
    script = run("voice.py")
    script.say(environment(str(call_id)))
    assert script.hear() == "ANSWER"
    script.say("510 Invalid or unknown command\n")
    code, told = script.end()
    assert code == 0
    assert "Traceback" not in told
    assert f"call={call_id} the script ended early, Asterisk did not accept its command: 510 Invalid" in told


@pytest.mark.parametrize("arguments", [(), ("0",), ("9" * 19,), ("1;",)])
def test_a_channel_without_a_call_s_id_hears_nothing(run, call_id, arguments):
    script = run("voice.py")
    script.say(environment(*arguments))
    assert script.hear() == ""
    code, told = script.end()
    assert code == 0
    assert "a channel without call id" in told


def test_without_an_installation_it_says_so_in_one_sentence(run, tmp_path_factory):
    script = run("voice.py", CARILLON_HOME=str(tmp_path_factory.mktemp("none")))
    code, told = script.end()
    assert code == 1
    assert told.count("\n") == 1
    assert told.startswith("agi: no ")
    assert "carillon.ini" in told
