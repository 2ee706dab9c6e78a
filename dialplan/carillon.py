"""The command `carillon`: `carillon <part> --home DIR` runs one part of an installation, `carillon up` all of them.

Each part is a process of its own; this module only names them.
"""

import argparse
import os
import sys
from pathlib import Path

PARTS = {  # command: (module, what it does)
    "up": ("dialplan.up", "bring up a whole installation, and keep it up"),
    "engine": ("engine", "dial, watch, settle, recover"),
    "push": ("engine.push", "deliver the outcomes"),
    "agi": ("agi.server", "run the calls' scripts"),
    "api": ("api", "offer the HTTP methods"),
    "provision": ("dialplan.provision", "let Asterisk follow the store's trunks and extensions"),
    "asterisk": ("dialplan.runtime", "run the installation's own Asterisk"),
    "carrier": ("dialplan.runtime", "run the simulated carrier"),
    "evaluation": ("dialplan.evaluation", "write the settings of an installation to try: a simulated carrier, pushes to this machine"),
    "migrate": ("sql.migrate", "bring the store to this version"),
    "demo": ("dialplan.demo", "dial 200 contacts against a simulated carrier and compare all accounts of it"),
}


def main() -> None:
    listing = "\n".join(f"  {name:10} {what}" for name, (_, what) in PARTS.items())
    parser = argparse.ArgumentParser(prog="carillon", epilog=f"commands:\n{listing}", formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("command", choices=PARTS, metavar="command")
    parser.add_argument("--home", type=Path, help="the installation's folder (default: $CARILLON_HOME)")
    given, rest = parser.parse_known_args()
    if given.home:
        os.environ["CARILLON_HOME"] = str(given.home.absolute())
    elif "CARILLON_HOME" not in os.environ and given.command != "demo":
        parser.error("--home DIR is missing: the folder of the installation")
    module, _ = PARTS[given.command]
    arguments = ["carrier"] if given.command == "carrier" else []
    os.execv(sys.executable, [sys.executable, "-m", module, *arguments, *rest])


if __name__ == "__main__":
    main()
