"""Who may know whom, which library is known where, and what each file may be: the rules of the house, kept by reading the source."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = ("sql", "engine", "agi", "api", "dialplan")
MAY_IMPORT = {  # folder: (ours that it may import, modules of others' folders)
    "sql": ("sql",),
    "engine": ("engine", "sql"),
    "agi": ("agi", "sql"),
    "api": ("api", "sql", "engine.rules"),
    "dialplan": ("dialplan", "sql"),
}
KNOWN_IN = {  # library: the only places that may import it
    "panoramisk": ("engine/ami.py",),
    "asterisk": ("agi/session.py",),
    "requests": ("engine/deliver.py",),
    "urllib3": ("engine/deliver.py",),
    "flask": ("api/",),
    "werkzeug": ("api/",),
    "waitress": ("api/",),
    "pydantic": ("api/",),
    "click": ("api/cli.py",),
    "rich": ("api/board.py",),
    "peewee": ("sql/",),
    "playhouse": ("sql/",),
    "phonenumbers": ("sql/numbers.py", "sql/number_plans.py"),
}
PURE_MAY_IMPORT = ("engine.rules", "sql.states")
FILES = sorted(path for folder in OURS for path in (ROOT / folder).rglob("*.py"))
TREES = {path: ast.parse(path.read_text()) for path in FILES}


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> Iterator[str]:
    """Every module imported anywhere in the file, `from a import b` as `a.b` where that is a module of ours."""
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name(path)} imports relatively"
            for alias in node.names:
                inner = ROOT.joinpath(*str(node.module).split("."), alias.name)
                module = f"{node.module}.{alias.name}"
                yield module if inner.with_suffix(".py").exists() or inner.is_dir() else str(node.module)


def under(module: str, parents: tuple[str, ...]) -> bool:
    return any(module == parent or module.startswith(parent + ".") for parent in parents)


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_folder_imports_only_what_it_may(path):
    folder = path.relative_to(ROOT).parts[0]
    ours = [module for module in imports(path) if module.split(".")[0] in OURS]
    assert [module for module in ours if not under(module, MAY_IMPORT[folder])] == []


@pytest.mark.parametrize("path", FILES, ids=name)
def test_a_library_is_known_only_where_it_belongs(path):
    wrong = [
        module
        for module in imports(path)
        if (places := KNOWN_IN.get(module.split(".")[0])) and not any(name(path).startswith(place) for place in places)
    ]
    assert wrong == []


@pytest.mark.parametrize("path", [path for path in FILES if name(path).startswith("engine/rules/")], ids=name)
def test_rules_are_pure(path):
    for module in imports(path):
        assert under(module, PURE_MAY_IMPORT) or module.split(".")[0] in sys.stdlib_module_names, module
        assert module.split(".")[0] not in {"time", "random", "os", "socket", "threading", "asyncio", "subprocess", "logging"}, module
    called = {ast.unparse(node.func) for node in ast.walk(TREES[path]) if isinstance(node, ast.Call)}
    assert not called & {"open", "print", "datetime.now", "datetime.utcnow", "date.today"}


def test_the_words_of_the_domain_are_pure():
    assert all(module.split(".")[0] in sys.stdlib_module_names for module in imports(ROOT / "sql/states.py"))


@pytest.mark.parametrize("path", FILES, ids=name)
def test_no_module_shadows_another(path):
    """A script that Asterisk runs has its own folder first in the path: `queue.py` there would be everybody's queue."""
    assert path.stem != "asterisk"
    if path.parent.name == "agi":
        assert path.stem not in sys.stdlib_module_names


@pytest.mark.parametrize("path", FILES, ids=name)
def test_every_file_says_what_it_is_and_stays_small(path):
    if path.name == "__init__.py" and not path.read_text().strip():
        assert path.parent.name == "migrations"
        return
    if path.parent.name != "migrations":
        assert ast.get_docstring(TREES[path]), "begins with a paragraph: what it knows, and what it does not"
        assert len(path.read_text().splitlines()) <= 300


@pytest.mark.parametrize("path", FILES, ids=name)
def test_nothing_is_swallowed(path):
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.ExceptHandler):
            assert node.type is not None, f"line {node.lineno}: a bare except"
            assert not all(isinstance(line, ast.Pass) for line in node.body), f"line {node.lineno}: an error is swallowed"


@pytest.mark.parametrize("folder", OURS)
def test_a_folder_says_what_it_may_not_do(folder):
    assert ast.get_docstring(TREES[ROOT / folder / "__init__.py"])


@pytest.mark.parametrize("script", ["agi/voice.py", "agi/interactive.py", "agi/hangup.py"])
def test_scripts_are_executable_and_ignore_sighup_before_they_import(script):
    path = ROOT / script
    assert path.stat().st_mode & 0o111 == 0o111
    assert path.read_text().startswith("#!/usr/bin/env python3\n")
    statements = TREES[path].body[1:]
    assert ast.unparse(statements[0]).startswith("if __name__ == '__main__':\n    import signal")


def test_tests_are_not_packaged():
    assert "tests" not in (ROOT / "setup.cfg").read_text().split("packages =")[1].split("install_requires")[0]
