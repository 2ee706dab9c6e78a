"""One AGI conversation with Asterisk: pyst2's verbs, hardened; the only file that knows pyst2.

pyst2 may not be built outside the main thread, quotes nothing, prints everything, and calls many ends by many names. Here the
streams are passed in, every word is checked or quoted, and a call that is over is one exception: `Hungup`.
"""

import io
import re
from dataclasses import dataclass
from typing import TextIO

from asterisk.agi import AGI, re_kv

SOUND = re.compile(r"[A-Za-z0-9_/-]{1,200}", re.ASCII)
MOST_LINES = 200  # of an environment or of a usage text
LONGEST_LINE = 65536
SAMPLES_PER_MS = 8
KEYS = "0123456789*#"
ANSWER = re.compile(r"([0-9]{3})([ -]?)(.*)", re.ASCII)
DEAD_CHANNEL = "511"


class Hungup(Exception):
    """The call is over, or Asterisk is: nothing more can be done on this channel."""


class PromptMissing(Exception):
    """Asterisk cannot play this sound, though the channel lives."""


class Misunderstood(Exception):
    """Asterisk did not accept the command; its own words."""


@dataclass(frozen=True)
class Played:
    """What was heard of a sound: milliseconds from its beginning, whether it was all of it, and the key that cut it short."""

    milliseconds: int
    complete: bool
    key: str = ""


class Session(AGI):
    """Reads the call's environment from `stdin` at once. `arguments` are those of the dialplan's AGI()."""

    def __init__(self, stdin: TextIO, stdout: TextIO) -> None:  # pyst2's own installs a signal handler
        self.stdin, self.stdout, self.stderr = stdin, stdout, io.StringIO()
        self._got_sighup = False
        self.env: dict[str, str] = {}
        self._get_agi_env()
        self._position = 0

    @property
    def arguments(self) -> list[str]:
        names = [f"agi_arg_{n}" for n in range(1, 1 + sum(key.startswith("agi_arg_") for key in self.env))]
        return [self.env.get(name, "") for name in names]

    def play(self, sound: str, keys: str = "", from_ms: int = 0) -> Played:
        """Play a sound to its end, the call's, or one of `keys`. ValueError for a name that may not travel, PromptMissing."""
        if not SOUND.fullmatch(sound):
            raise ValueError(f"sound {sound!r} may not travel to Asterisk")
        self._position = from_ms * SAMPLES_PER_MS
        try:
            key = self.stream_file(sound, keys, self._position)
        except Hungup:
            return Played(self._position // SAMPLES_PER_MS, False)
        return Played(self._position // SAMPLES_PER_MS, not key, key)

    def listen(self, milliseconds: int) -> str:
        """The key that is pressed within that time; empty if none is."""
        return self.wait_for_digit(max(1, milliseconds))

    def execute(self, command: str, *args: object) -> dict[str, tuple[str, str]]:
        """Send a command, each word of it on one line, and return its result. Hungup, PromptMissing, Misunderstood."""
        line = " ".join([command, *map(str, args)])
        if re.search(r"[\r\n\0]", line):
            raise ValueError(f"{line!r} may not travel to Asterisk: it holds a line break")
        try:
            result = self._ask(line)
            if "endpos" in result:
                self._position = int(result["endpos"][0])
            if result["result"][0] == "-1":
                self._explain(line)
        except OSError as error:
            raise Hungup(f"Asterisk is gone: {error}") from error
        return result

    def _explain(self, line: str) -> None:
        """-1 is a hangup as well as a sound that is missing: the channel's own status tells them apart."""
        if self._got_sighup or self._ask("CHANNEL STATUS")["result"][0] != "6":
            raise Hungup("the call was hung up")
        raise PromptMissing(f"{line}: Asterisk cannot do that; is the file there?")

    def _ask(self, line: str) -> dict[str, tuple[str, str]]:
        self.stdout.write(line + "\n")
        self.stdout.flush()
        return self.get_result()

    def get_result(self, stdin: TextIO | None = None) -> dict[str, tuple[str, str]]:
        code, text = self._answer()
        if code == "200":
            found = {key: (value, data) for key, value, data in re_kv.findall(text)}
            if "result" not in found:
                raise Misunderstood(text)
            if found["result"][1] == "hangup":
                raise Hungup("the call was hung up")
            return found
        if code == DEAD_CHANNEL:
            raise Hungup("the call was hung up")
        raise Misunderstood(f"{code} {text}")

    def _answer(self) -> tuple[str, str]:
        """The next final answer; HANGUP is noted, a provisional 1xx and the lines of a usage text are passed over."""
        for _ in range(MOST_LINES):
            line = self._line()
            found = ANSWER.fullmatch(line)
            if line == "HANGUP":
                self._got_sighup = True
            elif found and found[2] != "-" and not found[1].startswith("1"):
                return found[1], found[3]
        raise Misunderstood("Asterisk does not come to an end")

    def _line(self) -> str:
        try:
            line = self.stdin.readline(LONGEST_LINE)
        except ValueError as error:  # the stream was closed under us
            raise Hungup(str(error)) from error
        if not line.endswith("\n"):
            if len(line) == LONGEST_LINE:
                raise Misunderstood(f"a line is too long: {line[:40]}…")
            raise Hungup("Asterisk closed the connection")
        return line.strip()

    def _get_agi_env(self) -> None:
        for _ in range(MOST_LINES):
            line = self._line()
            if not line:
                return
            key, _, value = line.partition(":")
            self.env[key.strip()] = value.strip()
        raise Misunderstood("Asterisk's environment does not come to an end")

    def _quote(self, string: object) -> str:
        """One argument, so that Asterisk reads it as one; line breaks are refused by `execute`."""
        text = str(string).replace("\\", "\\\\").replace('"', '\\"')
        return f'"{text}"'
