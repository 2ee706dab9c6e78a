"""The carrier's table and the dialplan that Asterisk runs: read by Asterisk's rules for patterns, they say the same of every number."""

import re
from pathlib import Path

import pytest

from dialplan import carrier, runtime
from dialplan.carrier import BEHAVIOURS, Behaviour, behaviour

CONF = Path(carrier.__file__).parent / "carrier" / "extensions.conf"
ENDINGS = [f"{n:02d}" for n in range(100)]
SETS = {"X": "0123456789", "Z": "123456789", "N": "23456789"}
RINGS_FOR_EVER = 300
NO_ANSWER = 487  # what a carrier says after the caller's CANCEL

Step = tuple[str, str]


def contexts() -> dict[str, dict[str, list[Step]]]:
    """context -> extension -> [(application, arguments)], in the order of their priorities."""
    found: dict[str, dict[str, list[Step]]] = {}
    for line in CONF.read_text().splitlines():
        line = line.split(";")[0].strip()
        if head := re.fullmatch(r"\[([a-z-]+)\]", line):
            steps_of = found.setdefault(head[1], {})
        elif line:
            step = re.fullmatch(r"(?:exten => ([^,]+),1|same => n),(\w+)\((.*)\)", line)
            assert step, f"{line!r} is no line that this test understands"
            if step[1]:
                assert step[1] not in steps_of, f"{step[1]} is there twice"
                extension = step[1]
                steps_of[extension] = []
            steps_of[extension].append((step[2], step[3]))
    return found


def digits(pattern: str) -> list[str]:
    """For each place of a pattern the digits it stands for."""
    if not pattern.startswith("_"):
        return list(pattern)
    places = []
    for part in re.findall(r"\[[^]]+\]|.", pattern[1:]):
        inside = part.strip("[]")
        spread = re.sub(r"(\d)-(\d)", lambda ends: "".join(map(str, range(int(ends[1]), int(ends[2]) + 1))), inside)
        places.append(spread if part.startswith("[") else SETS.get(part, part))
    return places


def matches(pattern: str, number: str) -> bool:
    places = digits(pattern)
    return len(places) == len(number) and all(digit in place for digit, place in zip(number, places, strict=True))


def steps(ending: str) -> list[Step]:
    [found] = [steps for pattern, steps in contexts()["by-digits"].items() if matches(pattern, ending)]
    return found


def final_code(done: list[Step]) -> int:
    """The final SIP code on the wire, as far as the dialplan decides it."""
    for application, argument in done:
        if application == "Answer":
            return 200
        if application == "PJSIPHangup":
            return int(argument)
        if application == "Wait" and argument == str(RINGS_FOR_EVER):
            return NO_ANSWER
    raise AssertionError(f"{done} comes to no end")


def test_the_table_covers_every_ending_once():
    covered = [f"{n:02d}" for row in BEHAVIOURS for n in range(row.first, row.last + 1)]
    assert covered == ENDINGS


@pytest.mark.parametrize("ending", ENDINGS)
def test_every_ending_is_one_extension_that_does_what_the_table_says(ending):
    row, done = behaviour(f"+4930123{ending}"), steps(ending)
    assert row.first <= int(ending) <= row.last
    assert done[0] == ("Gosub", "account,s,1"), "the carrier's account of the call comes first"
    assert final_code(done) == row.sip_code
    assert (done[-1] == ("Hangup", "")) is (row.sip_code in (200, NO_ANSWER))


@pytest.mark.parametrize("row", BEHAVIOURS, ids=lambda row: f"{row.first:02d}-{row.last:02d}")
def test_a_row_s_endings_all_run_the_same_steps(row):
    assert len({tuple(steps(f"{n:02d}")) for n in range(row.first, row.last + 1)}) == 1


def applications(row: Behaviour) -> list[Step]:
    return steps(f"{row.first:02d}")


def before_answer(row: Behaviour) -> list[str]:
    names = [name for name, _ in applications(row)]
    return names[: names.index("Answer")] if "Answer" in names else names


@pytest.mark.parametrize("row", BEHAVIOURS, ids=lambda row: f"{row.first:02d}-{row.last:02d}")
def test_the_words_of_a_row_are_what_happens(row):
    done = applications(row)
    waits = [argument for name, argument in done if name == "Wait"]
    pressed = "".join(argument for name, argument in done if name == "SendDTMF")
    assert (
        re.sub(r", | and |[^0-9#]", "", row.what.split("presses")[1].split("after")[0]) == pressed if "presses" in row.what else not pressed
    )
    assert ("Playback", "beep") in done if "machine" in row.what else "Playback" not in dict(done)
    assert ("Progress" in before_answer(row)) is ("183" in row.what)
    if row.what.startswith("rings"):
        assert "Ringing" in before_answer(row)
    if "five seconds of nothing" in row.what:
        assert done[1] == ("Wait", "5")
        assert done[2][0] == "Ringing"
    if "hangs up after a second" in row.what:
        assert waits[-1] == "1"
        assert done[-2:] == [("Wait", "1"), ("Hangup", "")]


def test_every_extension_is_reached_by_some_number():
    assert [pattern for pattern in contexts()["by-digits"] if not any(matches(pattern, ending) for ending in ENDINGS)] == []


@pytest.mark.parametrize("number", ["+4930123400", "4930123400", "12", "+12"])
def test_a_number_comes_in_with_or_without_plus(number):
    found = [
        steps
        for pattern, steps in contexts()["incoming"].items()
        if number.startswith("+") == pattern.startswith("_+") and re.fullmatch(r"_\+?X\.", pattern)
    ]
    assert found == [[("Set", "DIALLED=${FILTER(0-9,${EXTEN})}"), ("Goto", "by-digits,${EXTEN:-2},1")]]


def test_what_the_dialplan_calls_has_its_module_loaded():
    """Asterisk says of an application without module only that the call failed."""
    modules = (runtime.HERE / "conf" / "modules.conf").read_text() + "".join(f"load = {name}\n" for name in runtime.MODULES_OF_CARRIER)
    built_in = {"Answer", "Goto", "Hangup", "Progress", "Ringing", "Set", "Wait"}
    of = {"Gosub": "app_stack", "Return": "app_stack", "Playback": "app_playback", "PJSIPHangup": "chan_pjsip", "SendDTMF": "app_senddtmf"}
    used = {name for extensions in contexts().values() for done in extensions.values() for name, _ in done}
    assert used <= built_in | set(of)
    assert [name for name in used - built_in if f"load = {of[name]}.so\n" not in modules] == []
