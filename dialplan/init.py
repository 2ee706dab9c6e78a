"""`carillon init`: asks what an installation has to know and writes carillon.ini. Every question can be answered by an option.

A key that is set already stays, unless another value is typed, or given with --replace. Starts nothing.
"""

import argparse
import getpass
import ipaddress
import os
import re
import secrets
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dialplan import beside, etc
from sql import numbers, settings, sip, store

HOURS = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]-(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)")
Key = tuple[str, str]


class Refused(Exception):
    """The answer cannot be taken, or the file not written; one sentence with the remedy."""


@dataclass(frozen=True)
class Question:
    """`option` answers it beforehand; `check` gives the value as it is written, or raises Refused."""

    option: str
    key: Key
    text: str
    check: Callable[[str], str]
    only_beside: bool = False
    secret: bool = False


def country(word: str) -> str:
    try:
        numbers.country_prefix(word) if word else None
    except numbers.NumberError as error:
        raise Refused(str(error)) from None
    return word.upper()


def hours(word: str) -> str:
    if not HOURS.fullmatch(word) or word[:5] >= word[6:]:
        raise Refused(f"hours {word!r} are not of the form 08:00-21:00; 00:00-24:00 lifts the limit")
    return word


def address(word: str) -> str:
    try:
        return str(ipaddress.ip_address(word))
    except ValueError:
        raise Refused(f"{word!r} is no address; write 127.0.0.1, 0.0.0.0 for all, or one of this machine's") from None


def store_url(word: str) -> str:
    try:
        if word:
            store.database(word)
    except (store.StoreError, ValueError) as error:
        raise Refused(f"{word!r}: {error}") from None
    return word


def number(most: int) -> Callable[[str], str]:
    def check(word: str) -> str:
        if not (word.isascii() and word.isdigit() and 0 < int(word) <= most):
            raise Refused(f"{word!r} is not a whole number from 1 to {most}")
        return str(int(word))

    return check


def host(word: str) -> str:
    if word in ("127.0.0.1", "localhost"):
        return word
    raise Refused(f"{word!r}: Carillon runs on the machine of its Asterisk and reaches it over the loopback; write 127.0.0.1")


def word(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,40}", text, re.ASCII):
        raise Refused(f"{text!r} is no name; write letters, digits, dots and dashes")
    return text


def secret(text: str) -> str:
    if not sip.SECRET.fullmatch(text):
        raise Refused("that secret has characters that Asterisk's files cannot hold; write letters and digits")
    return text


def configuration(text: str) -> str:
    folder = Path(text)
    try:
        there = folder.is_absolute()
        (folder / "asterisk.conf").open("rb").close()
    except FileNotFoundError:
        there = False
    except OSError as error:
        raise Refused(f"{text}/asterisk.conf cannot be read ({error.strerror}); make this user a member of its group") from None
    if not there:
        raise Refused(f"{text}: no asterisk.conf is there; write the folder of that Asterisk's configuration, such as /etc/asterisk")
    return str(folder)


QUESTIONS = (
    Question("country", ("calling", "country"), "Home country, two letters such as DE", country),
    Question("hours", ("calling", "hours"), "Hours in which people may be called, in their own zone", hours),
    Question("bind", ("api", "bind"), "Address on which the HTTP methods are offered", address),
    Question("port-base", ("carillon", "port_base"), "First of its ports (API N, AGI N+2)", number(55_000)),
    Question("store", ("store", "url"), "Store: empty for a file in the folder, or mysql://user:password@host/database", store_url),
    Question("ami-host", ("ami", "host"), "Asterisk's manager: address", host, only_beside=True),
    Question("ami-port", ("ami", "port"), "Asterisk's manager: port", number(65_535), only_beside=True),
    Question("ami-user", ("ami", "user"), "Asterisk's manager: the user that Carillon is to be", word, only_beside=True),
    Question("ami-secret", ("ami", "secret"), "Asterisk's manager: the secret of that user", secret, only_beside=True, secret=True),
    Question("etc", ("asterisk", "etc"), "Asterisk's folder of configuration files", configuration, only_beside=True),
)
BESIDE = {("ami", "host"): "127.0.0.1", ("ami", "port"): "5038"}  # what is offered there if nothing is set


class Interview:
    """Asks each question that no option answers, offering what is set already."""

    def __init__(self, given: dict[str, str | None], now: dict[Key, str], fresh: bool, replace: bool) -> None:
        self._given, self._now, self._fresh, self._replace = given, now, fresh, replace
        self._people = sys.stdin.isatty()

    def beside(self) -> bool:
        """Whether Carillon works beside another Asterisk."""
        was = "beside" if self._now["ami", "host"] else "own"
        answer = self._given["asterisk"]
        while answer is None and self._people:
            typed = input(f"Asterisk: own (Carillon runs one), or beside (one that runs already) [{was}]: ").strip() or was
            answer = typed if typed in ("own", "beside") else print("Write own or beside.")
        answer = answer or was
        if not self._fresh and answer != was and self._given["asterisk"] and not self._replace:
            raise Refused(f"carillon.ini says that Asterisk is {was}; give --replace to change it")
        return answer == "beside"

    def ask(self, question: Question) -> str:
        now = self._now[question.key]
        offered = now or BESIDE.get(question.key, "") if question.only_beside else now
        given = self._given[question.option.replace("-", "_")]
        if given is not None:
            return self._chosen(question, now, question.check(given))
        if not self._people:
            if not offered and question.option == "country" and self._fresh:
                raise Refused("the home country is missing; give --country, such as --country DE")
            return question.check(offered)
        return self._typed(question, offered)

    def _chosen(self, question: Question, now: str, given: str) -> str:
        set_already = not self._fresh and now and now != settings.KEYS[question.key][0]
        if set_already and given != now and not self._replace:
            shown = "is set" if question.secret else f"= {now}"
            raise Refused(f"carillon.ini has [{question.key[0]}] {question.key[1]} {shown} already; give --replace to change it")
        return given

    def _typed(self, question: Question, offered: str) -> str:
        shown = "made up" if question.secret else offered
        while True:
            prompt = f"{question.text} [{shown}]: "
            typed = (getpass.getpass(prompt) if question.secret else input(prompt)).strip() or offered
            try:
                return question.check(typed)
            except Refused as error:
                print(error)


def answers(given: dict[str, str | None], home: Path, replace: bool) -> dict[Key, str]:
    """What is to be written."""
    fresh = not (home / "carillon.ini").exists()
    now = {key: default for key, (default, _) in settings.KEYS.items()} if fresh else settings.written(home)
    now["ami", "secret"] = now["ami", "secret"] or secrets.token_hex(24)
    interview = Interview(given, now, fresh, replace)
    told = {question.key: interview.ask(question) for question in QUESTIONS if not question.only_beside}
    if not interview.beside():
        return told | {("ami", "host"): "", ("ami", "port"): "", ("ami", "secret"): now["ami", "secret"]}
    told |= {question.key: interview.ask(question) for question in QUESTIONS if question.only_beside}
    log = etc.folder(Path(told["asterisk", "etc"]), "astlogdir", beside.LOG)
    return told | {("asterisk", "log"): str(log)}


def next_steps(home: Path, alone: bool) -> str:
    if alone:
        return f"Next: carillon up --home {home}"
    return f"""Next, each with --home {home}:
  carillon migrate                      make the store
  carillon asterisk install --dry-run   see what Asterisk's configuration gets; without --dry-run, and as root, add it
  carillon units                        write systemd's units, or start one by one: carillon engine, push, agi, api, provision"""


def main() -> None:
    parser = argparse.ArgumentParser(prog="carillon init", description="Write carillon.ini; what no option answers is asked.")
    parser.add_argument("--asterisk", choices=["own", "beside"], help="run an Asterisk of our own, or work beside one")
    for question in QUESTIONS:
        parser.add_argument(f"--{question.option}", metavar="VALUE", help=question.text)
    parser.add_argument("--replace", action="store_true", help="change keys that are set already")
    given = vars(parser.parse_args())
    home = Path(os.environ["CARILLON_HOME"])
    try:
        told = answers(given, home, given.pop("replace"))
        path = settings.write_first(home)
        settings.change(home, told)
    except (Refused, settings.SettingsError, etc.Misread) as error:
        sys.exit(f"carillon: {error}")
    except (EOFError, KeyboardInterrupt):
        sys.exit("\ncarillon: nothing was written")
    except OSError as error:
        sys.exit(f"carillon: {home / 'carillon.ini'} cannot be written ({error.strerror}); make the folder writable for this user")
    print(f"{path} is written, readable by its owner only.\n{next_steps(home, not told['ami', 'host'])}")


if __name__ == "__main__":
    main()
