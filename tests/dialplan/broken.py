"""Installations broken in one way each: what was done to them, which check has to complain, and what it has to say."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sql import halts, models, models_contacts, models_push, store, trunks
from tests.dialplan.patients import opened, write

HOUR_MS = 3_600_000


@dataclass(frozen=True)
class Broken:
    """Which check complains, how, and what it says: of the thing, and of the remedy."""

    name: str
    breaks: Callable[[Path], object]
    check: str
    state: str
    what: str
    remedy: str


def executed(*statements: str) -> Callable[[Path], None]:
    def run(home: Path) -> None:
        with sqlite3.connect(home / "carillon.sqlite") as db:
            for statement in statements:
                db.execute(statement)
        db.close()

    return run


def recording(sizes: dict[str, int]) -> Callable[[Path], None]:
    """One of a second, with files of these sizes."""

    def run(home: Path) -> None:
        with opened(home):
            row = models.Recording.create(user=1, title="hello", milliseconds=1000, created_at=1)
        for codec, size in sizes.items():
            (home / "recordings" / f"{row.id}.{codec}").write_bytes(bytes(size))

    return run


def trunk(**fields: object) -> Callable[[Path], None]:
    def run(home: Path) -> None:
        with opened(home):
            trunks.create(**({"name": "carrier", "host": "203.0.113.7"} | fields))

    return run


def endpoint(**fields: object) -> Callable[[Path], None]:
    def run(home: Path) -> None:
        with opened(home):
            wanted = {"user": 1, "url": "https://crm.example/", "secret": "-", "created_at": 1} | fields
            models_push.PushEndpoint.create(**wanted)

    return run


def dead_push(home: Path) -> None:
    with opened(home):
        models_push.Push.create(webhook_id="a", endpoint_id=1, event="ping", body="{}", state="dead", next_at=1, created_at=1)


def late_push(home: Path) -> None:
    endpoint()(home)
    then = store.now() - HOUR_MS
    with opened(home):
        models_push.Push.create(webhook_id="a", endpoint_id=1, event="ping", body="{}", next_at=then, created_at=then)


def waiting_campaign(home: Path) -> None:
    with opened(home):
        group = models_contacts.ContactGroup.create(user=1, name="g", created_at=1)
        made = models.Campaign.create(user=1, contact_group=group, name="spring", status="running", created_at=1)
        for n in range(3):
            models.CampaignContact.create(
                campaign_id=made.id, contact_id=n, phone=f"+88{n}12345", next_at=1, gate="destination" if n else "window"
            )


def halted(home: Path) -> None:
    with opened(home):
        store.unit(halts.throw, 1, "audit", store.now())


def other_engine(home: Path) -> None:
    with opened(home):
        models.Node.create(name="main", process="another", link_since=1, beat_at=store.now())


def future(home: Path) -> None:
    with opened(home):
        models.Node.create(name="main", link_since=1, beat_at=store.now() + HOUR_MS)


def resting_trunk(home: Path) -> None:
    write(home, "sip", bind="0.0.0.0")
    write(home, "sip", external_address="9.9.9.9", local_net="10.0.0.0/8")
    trunk(down_until=store.now() + HOUR_MS, down_why="the trunk does not answer")(home)


def behind_nat(home: Path) -> None:
    write(home, "sip", external_address="9.9.9.9")


def big_log(home: Path) -> None:
    with (home / "log" / "engine.log").open("wb") as file:
        file.truncate(2 << 30)


def setting(section: str, **values: str) -> Callable[[Path], None]:
    return lambda home: write(home, section, **values)


def several(*steps: Callable[[Path], object]) -> Callable[[Path], None]:
    def run(home: Path) -> None:
        for step in steps:
            step(home)

    return run


def appended(text: str) -> Callable[[Path], None]:
    def run(home: Path) -> None:
        with (home / "carillon.ini").open("a") as file:
            file.write(text)

    return run


PROXY = setting("api", bind="0.0.0.0", trusted_proxy="127.0.0.1")
TABLE = [
    Broken("no settings", lambda home: (home / "carillon.ini").unlink(), "settings", "fault", "there is no", "carillon init"),
    Broken("unknown key", appended("\n[extra]\ncolour = red\n"), "settings", "fault", "unknown key [extra] colour", "remove it"),
    Broken("no syntax", appended("\nwhat is this\n"), "settings", "fault", "cannot be read", "correct that line"),
    Broken("not UTF-8", lambda home: (home / "carillon.ini").write_bytes(b"\xff"), "settings", "fault", "is not UTF-8", "save it"),
    Broken("hours", setting("calling", hours="9-17"), "values", "fault", "[calling] hours is '9-17'", "08:00-21:00"),
    Broken("night hours", setting("calling", hours="21:00-08:00"), "values", "fault", "'21:00-08:00'", "08:00-21:00"),
    Broken("port base", setting("carillon", port_base="64000"), "values", "fault", "port_base is '64000'", "from 1 to 62536"),
    Broken("country", setting("calling", country="Germany"), "values", "fault", "country is 'Germany'", "two letters"),
    Broken("networks", setting("push", allow="10.0.0.0/99"), "values", "fault", "allow is '10.0.0.0/99'", "10.1.2.0/24"),
    Broken("kind of store", setting("store", url="oracle://x"), "values", "fault", "url is 'oracle://x'", "mysql://"),
    Broken("admin.json for all", lambda home: (home / "admin.json").chmod(0o644), "secrets", "fault", "admin.json (644)", "chmod 600"),
    Broken("store for all", lambda home: (home / "carillon.sqlite").chmod(0o640), "secrets", "fault", "sqlite (640)", "chmod 600"),
    Broken("log shut", lambda home: (home / "log").chmod(0o500), "logs", "fault", "/log cannot be written", "u+rwx"),
    Broken("much log", big_log, "logs", "warning", "logs take 2048 MB", "logrotate"),
    Broken("no store", lambda home: (home / "carillon.sqlite").unlink(), "store", "fault", "is not there", "backup"),
    Broken("no database", lambda home: (home / "carillon.sqlite").write_bytes(b"x" * 9999), "store", "fault", "does not open", "backup"),
    Broken("journal", executed("pragma journal_mode = delete"), "store-place", "warning", "no WAL", "start Carillon once"),
    Broken(
        "newer store", executed("insert into schema_migration (name, applied) values ('9999_future', '2030-01-01')"),
        "store-version", "fault", "newer than this Carillon", "install the newer",
    ),
    Broken("older store", executed("update schema_migration set name = '0000_x'"), "store-version", "fault", "store is", "Carillon"),
    Broken("strange store", executed("drop table schema_migration"), "store-version", "fault", "not Carillon's", "of its own"),
    Broken("times to come", future, "store-clock", "fault", "3600 s after now", "set the clock"),
    Broken("nobody in charge", executed("update user set active = 0"), "administrator", "fault", "no active administrator", "UPDATE user"),
    Broken("one name twice", other_engine, "node", "fault", "bears the name 'main'", "[carillon] node"),
    Broken("address elsewhere", setting("sip", bind="198.51.100.9"), "ports", "fault", "198.51.100.9", "bind"),
    Broken("secret", setting("ami", secret="amp111"), "ami-secret", "fault", "can be guessed", "token_hex"),
    Broken("SIP on loopback", trunk(), "sip-bound", "fault", "bound to 127.0.0.1, where trunk carrier", "[sip] bind"),
    Broken("NAT", behind_nat, "nat", "warning", "without local_net", "[sip] local_net"),
    Broken("NAT's networks alone", setting("sip", local_net="10.0.0.0/8"), "nat", "warning", "does nothing", "external_address"),
    Broken("trunk rests", resting_trunk, "trunks", "warning", "carrier rests: the trunk does not answer", "by itself"),
    Broken("recording lost", recording({"ulaw": 8000}), "recordings", "fault", "1.alaw of 'hello' is missing", "upload"),
    Broken("recording cut", recording({"ulaw": 8000, "alaw": 99}), "recordings", "fault", "is 12 ms long, not 1000", "backup"),
    Broken("nowhere to call", setting("calling", country=""), "calling", "fault", "no destination is allowed", "[calling] country"),
    Broken("anywhere to call", setting("calling", destinations="*"), "calling", "warning", "expensive", "destinations"),
    Broken("by night", setting("calling", hours="00:00-24:00"), "calling", "warning", "night", "08:00-21:00"),
    Broken("kill switch", halted, "halt", "warning", "admin stopped all dialling (audit)", "System_Start"),
    Broken("campaign waits", waiting_campaign, "campaigns", "warning", "(spring): 2 wait at destination", "campaign status 1"),
    Broken("endpoint off", endpoint(active=False, off_why="410 Gone"), "push", "warning", "endpoint 1: 410 Gone", "Push_Replay"),
    Broken("dead letters", dead_push, "push", "warning", "1 pushes were given up", "Push_Delivery_List"),
    Broken("late pushes", late_push, "push", "warning", "due for 60 minutes", "log/push.log"),
    Broken("endpoint inside", endpoint(url="http://10.1.2.3/x"), "push-targets", "fault", "10.1.2.3", "[push] allow"),
    Broken("all allowed", setting("push", allow="0.0.0.0/0"), "push-targets", "warning", "0.0.0.0/0", "only the networks"),
    Broken("API open", setting("api", bind="0.0.0.0"), "api-exposed", "fault", "without TLS", "trusted_proxy"),
    Broken("passwords in URLs", setting("api", query_credentials="yes"), "query-credentials", "warning", "URLs", "= no"),
    Broken(
        "evaluation open", several(PROXY, setting("carillon", profile="evaluation")),
        "profile", "fault", "open to the network", "production",
    ),
]  # fmt: skip
