"""A real MariaDB for a session of tests: unprivileged, on a loopback port of its own, in a folder thrown away. Durable it is not."""

import pwd
import secrets
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pymysql

from dialplan.fetch import Program
from sql import store

DATABASE = "carillon"
SMALL = (
    "--innodb-buffer-pool-size=32M", "--innodb-log-file-size=8M", "--key-buffer-size=1M", "--aria-pagecache-buffer-size=1M",
    "--performance-schema=OFF", "--skip-log-bin", "--skip-name-resolve", "--innodb-flush-log-at-trx-commit=0",
    "--innodb-flush-method=nosync", "--innodb-use-native-aio=0",
)  # fmt: skip
SYSTEM_TABLES = ("mysql_system_tables.sql", "mysql_system_tables_data.sql")
UP_WITHIN_S = 30


class Server:
    """A running one with an empty migrated store at `url`; `clear` makes it so again."""

    def __init__(self, command: list[str], port: int, folder: Path, password: str) -> None:
        self._command, self.port, self._folder, self._password = command, port, folder, password
        self.url = self._url(DATABASE)
        self.start()
        self._migrations = len(store.migrate(self.url))

    def start(self) -> None:
        """Also again, after its end; what was committed is there."""
        with (self._folder / "log").open("a") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        try:
            _wait(self._process, self.port, self._folder / "log")
        except AssertionError:
            self._process.kill()
            self._process.wait()
            raise
        self._own = self._connected()

    def stop(self, kill: bool = False) -> None:
        """At once with `kill`."""
        if self._own.open:
            self._own.close()
        with self._process:
            self._process.kill() if kill else self._process.terminate()

    def clear(self) -> None:
        used = "select table_name from information_schema.tables where table_schema = database() and auto_increment > 1"
        for (table,) in self._run(used):
            if table == "schema_migration":
                self._run(f"delete from {table} where id > {self._migrations}")
            else:
                self._run(f"truncate table `{table}`")

    def empty(self, name: str) -> str:
        """The URL of a database without tables: `name` is added to that of the first."""
        database = f"{DATABASE}_{name}"
        self._run(f"drop database if exists {database}")
        self._run(f"create database {database}")
        return self._url(database)

    def root(self, statement: str) -> None:
        """As the server's administrator does it."""
        with pymysql.connect(unix_socket=str(self._folder / "socket"), user="root", autocommit=True) as own, own.cursor() as cursor:
            cursor.execute(statement)

    def _run(self, statement: str) -> tuple:
        with self._own.cursor() as cursor:
            cursor.execute(statement)
            return cursor.fetchall()

    def _url(self, database: str) -> str:
        return f"mysql://carillon:{self._password}@127.0.0.1:{self.port}/{database}"

    def _connected(self) -> pymysql.Connection:
        given = {"host": "127.0.0.1", "port": self.port, "user": "carillon", "password": self._password}
        return pymysql.connect(**given, database=DATABASE, autocommit=True, init_command="set foreign_key_checks = 0")


@contextmanager
def running(program: Program, folder: Path, *more: str) -> Iterator[Server]:
    """A server of that program in `folder`, with `more` options, stopped at the end."""
    data, password, port = folder / "data", secrets.token_hex(16), _free_port()
    data.mkdir()
    command = [*program.command, *_options(program.root, data), *more]
    [share] = {path.parent for path in (program.root / "usr/share").glob(f"*/{SYSTEM_TABLES[0]}")}
    tables = "create database mysql;\nuse mysql;\n" + "".join((share / name).read_text() for name in SYSTEM_TABLES)
    subprocess.run([*command, "--bootstrap"], input=tables, text=True, capture_output=True, check=True)
    first = folder / "first.sql"
    first.write_text(
        f"create database if not exists {DATABASE} character set utf8mb4;\n"
        f"create user if not exists carillon@'127.0.0.1' identified by '{password}';\n"
        f"grant all on `{DATABASE}%`.* to carillon@'127.0.0.1';\n"
    )
    network = [f"--port={port}", "--bind-address=127.0.0.1", f"--socket={folder / 'socket'}", f"--init-file={first}"]
    server = Server([*command, *network], port, folder, password)
    try:
        yield server
    finally:
        server.stop()


def _options(root: Path, data: Path) -> list[str]:
    share = next(path.parent.parent for path in sorted((root / "usr/share").glob("*/english/errmsg.sys")))
    plugins = next(iter(sorted((root / "usr/lib").glob("*/plugin"))), data)
    own = pwd.getpwuid(data.stat().st_uid).pw_name  # as root it wants to be told
    return [
        "--no-defaults", f"--user={own}", f"--basedir={root / 'usr'}", f"--datadir={data}", f"--tmpdir={data}", f"--plugin-dir={plugins}",
        f"--lc-messages-dir={share}", f"--character-sets-dir={share / 'charsets'}", f"--pid-file={data / 'pid'}", *SMALL,
    ]  # fmt: skip


def _wait(process: subprocess.Popen, port: int, log: Path) -> None:
    deadline = time.monotonic() + UP_WITHIN_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            # who connects is answered when the first file was done
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise AssertionError(f"MariaDB did not come up:\n{log.read_text()[-3000:]}")


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]
