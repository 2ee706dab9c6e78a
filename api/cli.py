"""The command line: every operation as `carillon <noun> <verb>`, such as `carillon campaign start 5`, on the store of the
installation in $CARILLON_HOME. A thin face like that of HTTP: options come from the declarations, what is done is the operation's.

Who may read the store's file is its administrator: commands run as the first administrator, or as the account named by `--as`.
Exit codes: 0 done, 1 refused, 2 not understood, 3 the installation cannot be used.
"""

import inspect
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any, NoReturn

import click
from werkzeug.datastructures import FileStorage

from api import board, fields
from api.operation import Caller, Operation, Refused, ignored, understood
from api.operations import BY_NAME, OPERATIONS
from sql import imports, settings, store, users

REFUSED, UNUSABLE = 1, 3
SECRETS = {"password"}


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.option("--as", "username", metavar="USERNAME", help="the account that acts (default: the first administrator)")
@click.pass_context
def carillon(context: click.Context, username: str | None) -> None:
    """Every method by command line. Put --home DIR, or set CARILLON_HOME: the folder of the installation."""
    context.obj = username


def words(operation: Operation) -> tuple[str, str]:
    """(noun, verb): `Campaign_Contact_Create` is `campaign contact-create`."""
    noun, _, verb = operation.name.lower().partition("_")
    return noun, verb.replace("_", "-")


def command(operation: Operation) -> click.Command:
    """The operation as a command. Its required ids and files are arguments in their place, all else options."""
    told = fields.arguments(operation)
    names = option_names(told)
    plain = sorted((argument for argument in told if not argument.is_object), key=lambda argument: argument.is_file)
    parameters: list[click.Parameter] = [_parameter(argument, names[argument.path]) for argument in plain]
    parameters.append(click.Option(["--json", "as_json"], is_flag=True, help="answer in JSON, for scripts"))

    def run(as_json: bool, **given: Any) -> None:
        arguments = collected(told, names, given)
        with board.importing(arguments, progress) if operation.files else nullcontext():
            shown = perform(operation, arguments)
        click.echo(json.dumps(shown, ensure_ascii=False) if as_json else board.text(shown))

    told_of = inspect.cleandoc(operation.run.__doc__ or "")
    short = " ".join(told_of.split("\n\n")[0].split()).split(". ")[0]
    return click.Command(words(operation)[1], params=parameters, callback=run, help=told_of, short_help=short)


def option_names(told: list[fields.Argument]) -> dict[tuple[str, ...], str]:
    """A word for each argument: its last name, or all of them where that alone is not unique."""
    plain = [argument for argument in told if not argument.is_object]
    last = [argument.path[-1] for argument in plain]
    return {argument.path: argument.path[-1] if last.count(argument.path[-1]) == 1 else "_".join(argument.path) for argument in plain}


def _parameter(argument: fields.Argument, name: str) -> click.Parameter:
    in_place = len(argument.path) == 1 and argument.required and (name.endswith("_id") or argument.is_file)
    if in_place:
        return click.Argument([name], metavar=name.upper(), type=click.File("rb") if argument.is_file else str)
    word = f"--{name.replace('_', '-')}"
    note = "required; " if argument.required else ""
    if argument.is_flag:
        return click.Option([f"{word}/--no-{word[2:]}", name], default=None, help=note or None)
    default = argument.schema.get("default")
    more = "`-` asks for it" if argument.path[-1] in SECRETS else "" if default is None else f"default: {default}"
    kind = click.File("rb") if argument.is_file else str
    return click.Option([word, name], type=kind, help=(note + more).strip("; ") or None)


def collected(told: list[fields.Argument], names: dict[tuple[str, ...], str], given: dict[str, Any]) -> dict[str, Any]:
    """The options as the operation's arguments, objects built again."""
    made: dict[str, Any] = {}
    for argument in told:
        value = None if argument.is_object else given.get(names[argument.path].lower())
        if value is None and not (argument.is_object and argument.required):
            continue
        inner = made
        for part in argument.path[:-1]:
            inner = inner.setdefault(part, {})
        inner[argument.path[-1]] = {} if argument.is_object else _value(argument, value)
    return made


def _value(argument: fields.Argument, value: Any) -> Any:
    if argument.is_file:
        return FileStorage(value, filename=value.name)
    if value == "-" and argument.path[-1] in SECRETS:
        return click.prompt(argument.path[-1], hide_input=True, confirmation_prompt=True, err=True)
    return value


def perform(operation: Operation, arguments: dict[str, Any]) -> Any:
    """What the operation answers; ends the program with a sentence where it is refused."""
    with caller() as who:
        try:
            given = understood(operation, arguments)
            if extra := ignored(given):
                raise Refused(f"{', '.join(extra)} is not understood here")
            if who.role not in operation.roles:
                raise Refused(f"{who.username} has the role {who.role}, which may not use {operation.name}")
            return operation.run(who, given)
        except Refused as error:
            fail(str(error), REFUSED)


@contextmanager
def caller() -> Iterator[Caller]:
    """The account that acts, with the store open."""
    try:
        config = settings.read()
        store.bind(config.store_url)
        store.check()
    except (settings.SettingsError, store.StoreError, store.Unavailable) as error:
        fail(str(error), UNUSABLE)
    with store.connection():
        username = click.get_current_context().find_root().obj
        account = users.named(username) if username else users.administrator()
        if account is None:
            fail(f"there is no active account {username!r}" if username else "there is no administrator yet; start the API once", UNUSABLE)
        yield Caller(account.id, account.username, account.role, account.country, account.path, config)


def fail(sentence: str, code: int) -> NoReturn:
    click.echo(f"carillon: {sentence}", err=True)
    sys.exit(code)


def progress(token: str) -> imports.Report | None:
    """How far the import of that name is; for a thread of its own."""
    with store.connection():
        return imports.find("", token)


def watch(campaign_id: str, as_json: bool) -> None:
    """A live board of a campaign, until it is completed or archived, or you press Ctrl-C."""
    look = partial(perform, BY_NAME["Campaign_Summary"], {"campaign_id": campaign_id, "limit": 1})
    board.watch(lambda: look() | perform(BY_NAME["Campaign_Status"], {"campaign_id": campaign_id}), as_json)


def commands() -> click.Group:
    """The whole command line."""
    for operation in OPERATIONS:
        if operation.session:
            continue  # a session is a browser's
        noun, _ = words(operation)
        group = carillon.commands.get(noun)
        if not isinstance(group, click.Group):
            group = click.Group(noun, help=f"{noun}s; `carillon {noun} --help` lists what can be done with them")
            carillon.add_command(group)
        group.add_command(command(operation))
    as_json = click.Option(["--json", "as_json"], is_flag=True, help="a line of JSON whenever something changes")
    board_of = click.Argument(["campaign_id"], metavar="CAMPAIGN_ID")
    campaign = carillon.commands["campaign"]
    assert isinstance(campaign, click.Group)
    campaign.add_command(
        click.Command("watch", params=[board_of, as_json], callback=watch, help=watch.__doc__, short_help="a live board of a campaign")
    )
    return carillon


if __name__ == "__main__":
    commands()(prog_name="carillon")
