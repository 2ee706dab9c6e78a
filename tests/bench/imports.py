"""`python -m tests.bench.imports`: a file of contacts through Contact_Import, against a bare executemany of the same rows, in one run.

Both sides put the same rows into a store with the same tables, on the same disk. While the API imports, somebody else writes into its
store every few milliseconds, as the engine would. Leaves its figures in var/bench/imports.json.
"""

import argparse
import csv
import http.client
import json
import os
import re
import secrets
import shutil
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import islice
from pathlib import Path

import cysqlite

from dialplan.client import Client
from dialplan.demo import free_base
from sql import contacts, settings, store
from sql.models_contacts import Contact
from tests.bench.machine import cpu_ms

HOME = Path("var/bench/imports")
ROWS = 1_000_000
BATCH = 500
UP_WITHIN_S = 30
PROBE_S, ALONE_S = 0.02, 5.0
PERMUTED = 61_803_399  # has no factor in common with 10 ** 8: every number once, in no order
COLUMNS = ("phone", "first_name", "last_name", "email", "custom1")


def write_file(path: Path, rows: int) -> None:
    """Contacts as a CRM exports them; every fifth number in national notation."""
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(("Phone", "First Name", "Last Name", "E-Mail", "Custom1"))
        for n in range(rows):
            digits = n * PERMUTED % 10**8
            phone = f"0151{digits:08}" if n % 5 == 0 else f"+49151{digits:08}"
            out.writerow((phone, f"First{n % 997}", f"Läst{n % 9973}", f"person{n}@example.com", f"c-{n}"))


def peak_mb(pid: int | str) -> float:
    """The most memory that the process ever held."""
    return int(re.search(r"^VmHWM:\s+(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.MULTILINE)[1]) / 1024


def bare(path: Path, url: Path, batch: int) -> dict[str, float]:
    """In this process: the file's rows into `contact` as they stand, `batch` of them in a transaction (0: all)."""
    db = cysqlite.connect(str(url))
    for pragma in ("journal_mode = wal", "synchronous = full", "cache_size = -16000"):
        db.execute(f"pragma {pragma}")
    text = f"insert into contact (contact_group_id, created_at, gone, {', '.join(COLUMNS)}) values (1, 1, 0, ?, ?, ?, ?, ?)"
    before, began, used = peak_mb("self"), time.perf_counter(), time.process_time()
    with path.open(newline="", encoding="utf-8") as file:
        reader = csv.reader(file)
        next(reader)
        db.execute("begin immediate")
        while rows := list(islice(reader, BATCH)):
            db.executemany(text, rows)
            if batch:
                db.execute("commit")
                db.execute("begin immediate")
        db.execute("commit")
    seconds, cpu = time.perf_counter() - began, time.process_time() - used
    return {"seconds": seconds, "cpu_s": cpu, "peak_mb": peak_mb("self"), "more_mb": peak_mb("self") - before}


def floor(home: Path, path: Path, batch: int) -> dict[str, float]:
    """The bare side, in a process of its own."""
    home.mkdir()
    url = f"sqlite:///{home.absolute()}/bare.sqlite"
    store.migrate(url)
    command = [sys.executable, "-m", "tests.bench.imports", "--bare", str(path), str(home / "bare.sqlite"), str(batch)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
    return json.loads(done.stdout)


@contextmanager
def api(home: Path) -> Iterator[tuple[int, Client, int, dict[str, str]]]:
    """A fresh installation's API process: its port, a client, its pid, and the credentials."""
    settings.write_first(home, free_base(), calling__country="DE")
    config = settings.read(home)
    store.migrate(config.store_url)
    with (home / "api.log").open("w") as log:
        process = subprocess.Popen([sys.executable, "-m", "api"], env=os.environ | {"CARILLON_HOME": str(home)}, stdout=log, stderr=log)
    try:
        port, deadline = config.port("api"), time.monotonic() + UP_WITHIN_S
        while not (home / "admin.json").exists() or not _answers(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the API did not come up:\n{(home / 'api.log').read_text()[-2000:]}")
            time.sleep(0.05)
        login = json.loads((home / "admin.json").read_text())
        yield port, Client(f"http://127.0.0.1:{port}", **login), process.pid, login
    finally:
        process.terminate()
        process.wait(10)


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), 2).close()
    except OSError:
        return False
    return True


def product(home: Path, path: Path, campaigns: int) -> dict[str, object]:
    """The import through the API, with somebody else writing meanwhile."""
    home.mkdir()
    with api(home) as (port, client, pid, login):
        group = client.call("Contact_Group_Create", contact_group={"name": "bench"})
        for _ in range(campaigns):
            message = client.call("Recording_Create", files={"media": _sound()}, title="bench")
            client.call("Campaign_Create", campaign={"contact_group_id": group, "message": message})
        store.bind(settings.read(home).store_url)
        alone = Probe().end(after=ALONE_S)
        probe = Probe()
        before, began, used = peak_mb(pid), time.perf_counter(), cpu_ms(pid)
        count = upload(port, path, {**login, "contact_group_id": str(group), "type": "file"})
        seconds = time.perf_counter() - began
        waits = probe.end()
        cpu, peak = (cpu_ms(pid) - used) / 1000, peak_mb(pid)
        with store.connection():
            there = Contact.select().where(Contact.contact_group == group).count()
    figures = {"seconds": seconds, "cpu_s": cpu, "peak_mb": peak, "more_mb": peak - before}
    return figures | {"answered": count, "there": there, "others": waits, "others_alone": alone}


class Probe:
    """Somebody who writes one row into the store, again and again; at the end, how long that took."""

    def __init__(self) -> None:
        self._over, self._waits = threading.Event(), []
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def end(self, after: float = 0.0) -> dict[str, float]:
        time.sleep(after)
        self._over.set()
        self._thread.join()
        waits = sorted(self._waits)
        return {"writes": len(waits), "p50_ms": statistics.median(waits), "p99_ms": waits[len(waits) * 99 // 100], "max_ms": waits[-1]}

    def _run(self) -> None:
        with store.connection():
            while True:
                began = time.perf_counter()
                store.unit(contacts.create_group, 1, "written meanwhile", None, store.now())
                self._waits.append((time.perf_counter() - began) * 1000)
                if self._over.wait(PROBE_S):
                    return


def upload(port: int, path: Path, fields: dict[str, str]) -> int:
    """The file as a browser sends it; what the method answered."""
    mark = secrets.token_hex(16)
    head = "".join(f'--{mark}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{text}\r\n' for name, text in fields.items())
    head += f'--{mark}\r\nContent-Disposition: form-data; name="source_file"; filename="rows.csv"\r\nContent-Type: text/csv\r\n\r\n'
    tail = f"\r\n--{mark}--\r\n"
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=3600)) as connection, path.open("rb") as file:
        connection.putrequest("POST", "/rest/Contact_Import")
        connection.putheader("Content-Type", f"multipart/form-data; boundary={mark}")
        connection.putheader("Content-Length", str(len(head) + path.stat().st_size + len(tail)))
        connection.endheaders(head.encode())
        while block := file.read(1 << 20):
            connection.send(block)
        connection.send(tail.encode())
        with connection.getresponse() as response:
            done, payload = json.load(response)
    if not done:
        raise RuntimeError(f"Contact_Import: {payload}")
    return payload


def _sound() -> bytes:
    from dialplan.evaluation import tone

    return tone(0.1)


def run(home: Path, rows: int, campaigns: int) -> dict[str, object]:
    """All of it, one after the other, in `home`."""
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(parents=True)
    path = home / "rows.csv"
    write_file(path, rows)
    result: dict[str, object] = {"at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()), "rows": rows, "campaigns": campaigns}
    result["load_before"] = round(os.getloadavg()[0], 2)
    result["bare, one transaction"] = floor(home / "one", path, 0)
    result[f"bare, {BATCH} rows each"] = floor(home / "batches", path, BATCH)
    ours = product(home / "product", path, campaigns)
    result["Contact_Import"] = ours
    wrong = [name for name in ("answered", "there") if ours[name] != rows]
    result["wrong"] = [f"Contact_Import: {ours[name]} contacts {name}, not {rows}" for name in wrong]
    return result


def table(result: dict[str, object]) -> str:
    sides = {name: side for name, side in result.items() if isinstance(side, dict)}
    lines = [f"{result['rows']:,} rows, {result['campaigns']} campaigns, load {result['load_before']} before"]
    lines.append(f"{'':26}{'seconds':>10}{'CPU s':>10}{'peak MB':>10}{'of it new':>11}")
    lines += [
        f"{name:26}{side['seconds']:10.1f}{side['cpu_s']:10.1f}{side['peak_mb']:10.1f}{side['more_mb']:11.1f}"
        for name, side in sides.items()
    ]
    for when, name in (("before it", "others_alone"), ("meanwhile", "others")):
        ms = sides["Contact_Import"][name]
        lines.append(f"others' writes {when}: p50 {ms['p50_ms']:.1f} ms, p99 {ms['p99_ms']:.1f} ms, max {ms['max_ms']:.0f} ms")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.imports", description="An import against a bare executemany.")
    parser.add_argument("--rows", type=int, default=ROWS, metavar="N", help=f"rows of the file (default {ROWS})")
    parser.add_argument("--campaigns", type=int, default=0, metavar="N", help="campaigns of the group, which all of them join (default 0)")
    parser.add_argument("--bare", nargs=3, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.bare:
        file, url, batch = given.bare
        print(json.dumps(bare(Path(file), Path(url), int(batch))))
        return
    if not 1 <= given.rows <= 10**7:
        parser.error("--rows is between 1 and 10 million")
    result = run(HOME.absolute(), given.rows, given.campaigns)
    HOME.with_suffix(".json").write_text(json.dumps(result, indent=2) + "\n")
    print(table(result))
    if result["wrong"]:
        sys.exit("bench: " + "\nbench: ".join(result["wrong"]))


if __name__ == "__main__":
    main()
