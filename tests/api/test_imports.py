"""Imports by the real face: what becomes of a file's rows, how that is told, and that nothing is left half-done."""

import io
import json
import threading
import time
from contextlib import ExitStack
from types import SimpleNamespace

import pytest

from api import imports as work
from sql import contacts, imports, settings, store
from sql.models import CampaignContact
from sql.models_accounts import User
from sql.models_contacts import Contact, ContactGroup, Import, ImportReject
from tests.api.conftest import PASSWORD

FAULTS = [  # (what stands on a line, why it is rejected)
    ("+493012340{n:04},Ann,Smith", None),
    ("030 12341{n:04},Bob,", None),
    ('"+493012342{n:04}","Smith, ""the"" elder",x', None),
    ("12,Short,", "lacks its area code"),
    (",Nobody,", "phone is missing"),
    ("not a number,x,", "only digits"),
    ("\uff0b\uff14\uff19301234,x,", "only digits"),
    ("+493012343{n:04},{long},", "first_name is longer than 80"),
    ("+493012344{n:04},a\0b,", "NUL"),
    ('+493012345{n:04},"never closed,', "never closed"),
    ("+49301234{n:04}&SIP/x,x,", "only digits"),
    ("+493012346{n:04}," + "y" * 21_000, "longer than 20000"),
]


@pytest.fixture
def sent(face):
    """Sends a file; the answer's (done, payload)."""

    def send(method: str, data: bytes | str, **arguments):
        content = data.encode() if isinstance(data, str) else data
        form = {"username": "admin", "password": PASSWORD, "type": "file", **{key: str(value) for key, value in arguments.items()}}
        status, body = face.send("POST", f"/rest/{method}", data=form | {"source_file": (io.BytesIO(content), "people.csv")})
        assert status == 200, body
        return tuple(body)

    return send


@pytest.fixture
def group(face) -> int:
    return face.done("Contact_Group_Create", contact_group={"name": "friends"})


def left(face) -> list[str]:
    """What still lies in the folder of imports."""
    return [path.name for path in (face.home / "imports").glob("*")]


def rows(count: int) -> str:
    return "phone,first_name\n" + "".join(f"+4930123{n:05},Ann{n}\n" for n in range(count))


def test_a_file_becomes_contacts_and_is_told_of(face, sent, group):
    text = "First Name;Mobile;Note\nAnn;030 1234001;hi\nBob;+4930 1234002;\nAnn again;0049 30 1234001;\n;;\nEve;12;\n"
    assert sent("Contact_Import", text, contact_group_id=group, import_id="my own") == (True, 2)
    told = face.done("Import_Get", import_id="my own")
    assert {key: told[key] for key in ("read", "imported", "created", "updated", "duplicates", "rejected", "state")} == {
        "read": 4, "imported": 2, "created": 2, "updated": 0, "duplicates": 1, "rejected": 1, "state": "done",
    }  # fmt: skip
    assert told["rejects"] == [{"line": 6, "reason": "'12' lacks its area code"}]
    assert told["started_at"] <= told["ended_at"]
    listed = face.done("Contact_List", search={"contact_group_id": group})
    assert [(one["phone"], one["first_name"], one["description"], one["timezones"]) for one in listed] == [
        ("+49301234001", "Ann", "hi", ["Europe/Berlin"]), ("+49301234002", "Bob", None, ["Europe/Berlin"]),
    ]  # fmt: skip
    assert face.done("Import_Get", import_id=told["import_id"]) == face.done("Import_Get") == told
    assert left(face) == []


def test_every_fault_costs_its_row_and_is_told_with_its_line(face, sent, group):
    faults = [FAULTS[n % len(FAULTS)] for n in range(240)]
    lines = [text.format(n=n, long="x" * 81) for n, (text, _) in enumerate(faults)]
    good = sum(why is None for _, why in faults)
    assert sent("Contact_Import", "\r\n".join(lines), contact_group_id=group) == (True, good)
    told = face.done("Import_Get")
    assert (told["read"], told["imported"], told["rejected"]) == (240, good, 240 - good)
    expected = [(line, why) for line, (_, why) in enumerate(faults, 1) if why]
    for reject, (line, why) in zip(told["rejects"], expected, strict=True):
        assert reject["line"] == line
        assert why in reject["reason"], reject


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_encodings_and_separators(face, sent, group, encoding, separator):
    text = "\n".join(separator.join(row) for row in (["phone", "first_name"], ["+4930123456", "Jürgen"], ["+4930123457", "René"]))
    assert sent("Contact_Import", text.encode(encoding), contact_group_id=group) == (True, 2)
    assert [one["first_name"] for one in face.done("Contact_List")] == ["Jürgen", "René"]


@pytest.mark.parametrize(("country", "phone"), [(None, "+49301234567"), ("AT", "+43301234567")])
def test_national_numbers_are_of_the_owners_country_or_the_installations(face, sent, group, country, phone):
    with store.connection():
        User.update(country=country).execute()
    assert sent("Contact_Import", "0301234567\n", contact_group_id=group) == (True, 1)
    assert face.done("Contact_List")[0]["phone"] == phone


def test_the_contacts_join_the_groups_campaigns_or_one_campaign_alone(face, sent, group):
    with store.connection():
        from sql.models import Campaign, Recording

        recording = Recording.create(user=1, title="r", milliseconds=1, created_at=1)
        one, other, old = (
            Campaign.create(user=1, contact_group=group, recording=recording, name=name, created_at=1, status=status).id
            for name, status in (("one", "running"), ("other", "stopped"), ("old", "archived"))
        )
    assert sent("Contact_Import", rows(3), contact_group_id=group) == (True, 3)
    assert sent("Campaign_Contact_Import", "+4930123456\n+493012300001\n", campaign_id=one) == (True, 1)
    with store.connection():
        joined = {
            campaign: [row.phone for row in CampaignContact.select().where(CampaignContact.campaign_id == campaign)]
            for campaign in (one, other, old)
        }
    friends = [f"+49301230000{n}" for n in range(3)]
    assert joined == {one: [*friends, "+4930123456"], other: friends, old: []}
    assert face.done("Import_Get")["duplicates"] == 1
    done, sentence = sent("Campaign_Contact_Import", rows(1), campaign_id=old)
    assert (done, sentence) == (False, f"campaign {old} is archived; nobody can join it")


@pytest.mark.parametrize(
    ("data", "says"),
    [(b"", "is empty"), (b"\n\n", "is empty"), (b"PK\x03\x04abc", "spreadsheet"), ("first_name,last_name\nAnn,Smith\n", "phone column")],
)
def test_what_is_no_file_of_contacts_is_refused_and_not_begun(face, sent, group, data, says):
    done, sentence = sent("Contact_Import", data, contact_group_id=group)
    assert not done
    assert says in sentence
    assert sentence.startswith("source_file ")
    assert face.refused("Import_Get") == "nothing was imported yet"
    assert left(face) == []


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning", "ignore::ResourceWarning")  # werkzeug leaves its file open
def test_a_truncated_upload_leaves_nothing(face, group):
    whole = io.BytesIO()
    mark = b"xxMARKxx"
    for name, value in ((b"username", b"admin"), (b"password", PASSWORD.encode()), (b"contact_group_id", b"1")):
        whole.write(b"--" + mark + b'\r\nContent-Disposition: form-data; name="' + name + b'"\r\n\r\n' + value + b"\r\n")
    whole.write(b"--" + mark + b'\r\nContent-Disposition: form-data; name="source_file"; filename="a"\r\n\r\n' + rows(5000).encode())
    response = face.client.post(
        "/rest/Contact_Import", data=whole.getvalue(), content_type=f"multipart/form-data; boundary={mark.decode()}"
    )
    assert json.loads(response.data) != [True, 5000]
    assert face.done("Contact_List") == []
    assert face.refused("Import_Get") == "nothing was imported yet"
    assert left(face) == []


def test_what_breaks_off_is_taken_up_and_finished_once(face, sent, group, monkeypatch):
    whole = imports.batch

    def breaking(import_id, place, *args):
        if place >= 500:
            raise MemoryError("as if the process had been killed here")
        return whole(import_id, place, *args)

    monkeypatch.setattr(imports, "batch", breaking)
    form = {
        "username": "admin",
        "password": PASSWORD,
        "contact_group_id": str(group),
        "source_file": (io.BytesIO(rows(2000).encode()), "a"),
    }
    status, _ = face.send("POST", "/rest/Contact_Import", data=form)
    assert status == 500
    told = face.done("Import_Get")
    assert (told["state"], left(face)) == ("running", [str(told["import_id"])])
    assert 500 <= told["read"] < 2000
    monkeypatch.undo()
    with store.connection():
        work.resume(settings.read(face.home))
        work.resume(settings.read(face.home))
        assert Contact.select().count() == 2000
    told = face.done("Import_Get")
    assert (told["state"], told["read"], told["created"], told["duplicates"], left(face)) == ("done", 2000, 2000, 0, [])


def test_a_file_whose_import_is_over_or_never_was_is_removed(face, sent, group, monkeypatch):
    sent("Contact_Import", rows(1), contact_group_id=group)
    for name in ("1", "77", "0123456789abcdef.part"):
        (face.home / "imports" / name).write_text("phone\n+4930999999\n")
    with store.connection():
        work.resume(settings.read(face.home))
        assert Contact.select().count() == 1
    assert left(face) == ["0123456789abcdef.part"]
    monkeypatch.setattr(work, "_look_again", lambda config: None)
    work.resume_in_background(settings.read(face.home))
    assert left(face) == []


def test_more_than_the_api_has_room_for_are_refused(face, sent, group):
    with ExitStack() as others:
        for _ in range(work.MOST_AT_ONCE):
            others.enter_context(work.turn())
        done, sentence = sent("Contact_Import", rows(1), contact_group_id=group)
    assert (done, sentence.split(";")[0]) == (False, f"{work.MOST_AT_ONCE} files are being imported at this moment")
    assert sent("Contact_Import", rows(1), contact_group_id=group) == (True, 1)


def test_the_same_import_id_while_it_runs_is_refused(face, sent, group):
    with store.connection():
        first = imports.begin(1, group, None, 1, "mine", store.now())
    done, sentence = sent("Contact_Import", rows(1), contact_group_id=group, import_id="mine")
    assert (done, sentence) == (False, f"import {first} of that import_id is running; look with Import_Get how far it is")
    assert left(face) == []


def test_a_group_deleted_meanwhile_ends_the_import(face, sent, group, monkeypatch):
    whole = imports.batch

    def deleting(import_id, place, *args):
        if place >= 500:
            ContactGroup.update(deleted_at=1).execute()
        return whole(import_id, place, *args)

    monkeypatch.setattr(imports, "batch", deleting)
    done, sentence = sent("Contact_Import", rows(2000), contact_group_id=group)
    assert not done
    assert "was broken off after" in sentence
    assert f"contact group {group} was deleted meanwhile" in sentence
    assert face.done("Import_Get")["state"] == "failed"
    assert left(face) == []


def test_two_files_of_the_same_people_at_once_make_each_a_contact_once(face, group):
    config = settings.read(face.home)

    def take(token: str) -> None:
        with store.connection():
            upload = work.spooled(config, io.BytesIO(rows(1500).encode()))
            work.take_in(config, upload, lambda: imports.begin(1, group, None, 1, token, store.now()))

    threads = [threading.Thread(target=take, args=(token,)) for token in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with store.connection():
        assert Contact.select().count() == 1500
        assert sorted(row.new_rows + row.updated + row.duplicates for row in Import.select()) == [1500, 1500]
        assert sum(row.new_rows for row in Import.select()) == 1500


@pytest.mark.parametrize("calls", [False, True])
def test_others_are_let_in_between_batches_and_longer_beside_live_calls(face, group, monkeypatch, calls):
    now, slept = [0.0], []
    monkeypatch.setattr(imports, "calls_open", lambda: calls)
    monkeypatch.setattr(work, "time", SimpleNamespace(sleep=slept.append, monotonic=time.monotonic))
    monkeypatch.setattr(work.time, "monotonic", lambda: now.append(now[-1] + 0.02) or now[-1])  # every batch takes 20 ms
    config = settings.read(face.home)
    with store.connection():
        work.take_in(config, work.spooled(config, io.BytesIO(rows(3000).encode())), lambda: imports.begin(1, group, None, 1, None, 1))
    assert len(slept) >= 3000 / work.LARGEST
    assert slept == [pytest.approx(0.02 * work.PACE[calls][1])] * len(slept)


def test_a_slow_store_gets_smaller_batches_and_a_quick_one_larger(face, group, monkeypatch):
    sizes: list[int] = []
    took = iter([10.0, 10.0, 0.0001, 0.0001, 0.0001])
    clock = [0.0]

    def recorded(import_id, place, count, *rest):
        sizes.append(count)
        clock[0] += next(took, 0.0001)

    monkeypatch.setattr(imports, "batch", recorded)
    monkeypatch.setattr(work, "time", SimpleNamespace(sleep=lambda seconds: None, monotonic=time.monotonic))
    monkeypatch.setattr(work.time, "monotonic", lambda: clock[0])
    config = settings.read(face.home)
    with store.connection():
        work.take_in(config, work.spooled(config, io.BytesIO(rows(2500).encode())), lambda: imports.begin(1, group, None, 1, None, 1))
    assert sizes[:5] == [work.FIRST, work.SMALLEST, work.SMALLEST, work.LARGEST, work.LARGEST]


def test_a_second_import_of_the_same_file_updates(face, sent, group):
    assert sent("Contact_Import", rows(10), contact_group_id=group) == (True, 10)
    with store.connection():
        store.unit(contacts.delete, [1], 5)
    assert sent("Contact_Import", rows(10).replace("Ann", "Eve"), contact_group_id=group) == (True, 10)
    told = face.done("Import_Get")
    assert (told["created"], told["updated"]) == (1, 9)
    assert {one["first_name"][:3] for one in face.done("Contact_List")} == {"Eve"}
    with store.connection():
        assert ImportReject.select().count() == 0
