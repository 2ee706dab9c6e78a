"""The document of the checks: `python -m dialplan.checks > docs/doctor.md`."""

import inspect

from dialplan.checks.table import CHECKS

HEAD = """# carillon doctor

`carillon doctor --home DIR` looks at everything that can be wrong with an installation, one line each: what, why it matters, and how to
mend it. It works beside a running installation, on a stopped one and on a fresh folder; with an Asterisk of Carillon's own or one of
yours; on SQLite and MySQL. It changes nothing, and ends within 15 seconds, whatever hangs. Run it as the user whose the installation
is.

| exit code | meaning |
|---|---|
| 0 | all right |
| 1 | at least one fault: something must be mended |
| 2 | only warnings. An installation that is stopped is one |

`--json` answers an array of objects with `check`, `state` (`ok`, `warning`, `fault`, `skipped`), `what`, `why` and `remedy`, in the
order below. What stands first explains what stands below it: that is then `skipped`, with the reason.

Beside an Asterisk of yours it asks by the control socket (`asterisk -rx`) where its user may use that, else by the manager interface as
far as the engine's few rights go; what neither tells is skipped. The login is tried while no engine is logged in: every action that the
engine needs has to be allowed, and Command, GetConfig, UpdateConfig, ModuleLoad, DBPut and AGI have to be refused (and with them
Reload, which needs the same right). Each is sent without what it would need to do anything.

| check | asks whether | why it matters |
|---|---|---|
"""


def text() -> str:
    """All of the document."""
    return HEAD + "".join(f"| `{check.name}` | {(inspect.getdoc(check.look) or '').rstrip('.')} | {check.why} |\n" for check in CHECKS)


if __name__ == "__main__":
    print(text(), end="")
