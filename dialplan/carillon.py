"""The command `carillon`: `carillon <part> --home DIR` runs one part of an installation, `carillon up` all of them.

Each part is a process of its own; this module only names them.
"""

import argparse
import os
import sys
from pathlib import Path

PARTS = {  # command: (module, what it does)
    "up": ("dialplan.up", "bring up a whole installation, and keep it up"),
    "init": ("dialplan.init", "ask what an installation has to know, and write carillon.ini"),
    "engine": ("engine", "dial, watch, settle, recover"),
    "push": ("engine.push", "deliver the outcomes"),
    "agi": ("agi.server", "run the calls' scripts"),
    "api": ("api", "offer the HTTP methods"),
    "provision": ("dialplan.provision", "let Asterisk follow the store's trunks and extensions"),
    "asterisk": (
        "dialplan.runtime",
        "run the installation's own Asterisk; `asterisk install` and `uninstall`: beside one that runs already",
    ),
    "units": ("dialplan.units", "write systemd's units and the rotation of the logs"),
    "carrier": ("dialplan.runtime", "run the simulated carrier"),
    "evaluation": ("dialplan.evaluation", "write the settings of an installation to try: a simulated carrier, pushes to this machine"),
    "store": ("dialplan.storage", "`store copy --to URL`: move the store to another database, such as MySQL"),
    "doctor": ("dialplan.doctor", "look at everything that can be wrong, and say how to mend it"),
    "migrate": ("sql.migrate", "bring the store to this version"),
    "demo": ("dialplan.demo", "dial 200 contacts against a simulated carrier and compare all accounts of it"),
}


EPILOG = """Every other word is the first of an HTTP method's, by command line: `carillon campaign start 5` is Campaign_Start.
`carillon campaign --help` lists what can be done with campaigns, `carillon methods` all there is.
"""


def main() -> None:
    listing = "\n".join(f"  {name:10} {what}" for name, (_, what) in PARTS.items())
    parser = argparse.ArgumentParser(
        prog="carillon", usage="carillon COMMAND [--home DIR] …", add_help=False, allow_abbrev=False,
        epilog=f"commands:\n{listing}\n\n{EPILOG}", formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--home", type=Path, help="the installation's folder (default: $CARILLON_HOME)")
    given, rest = parser.parse_known_args()
    command = next((word for word in rest if not word.startswith("-")), None)
    if command is None:
        parser.print_help()
        sys.exit(0 if {"-h", "--help"} & set(rest) else 2)
    if given.home:
        os.environ["CARILLON_HOME"] = str(given.home.absolute())
    elif "CARILLON_HOME" not in os.environ and command in PARTS and command != "demo":
        parser.error("--home DIR is missing: the folder of the installation")
    os.umask(os.umask(0o077) | 0o027)  # the store, the secrets and the messages are nobody else's
    os.execv(sys.executable, [sys.executable, "-m", *_module(command, rest)])


def _module(command: str, rest: list[str]) -> list[str]:
    """The module that does it, and its arguments."""
    if command not in PARTS:
        return ["api.cli", *(rest if command != "methods" else ["--help"])]
    module, _ = PARTS[command]
    after = list(rest)
    after.remove(command)
    if command == "asterisk" and {"install", "uninstall"} & set(after):
        module = "dialplan.attach"
    return [module, *(["carrier"] if command == "carrier" else []), *after]


if __name__ == "__main__":
    main()
