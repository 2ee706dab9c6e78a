"""Disposition_Create: words for agents."""

import pytest

from sql import models, store
from tests.api.conftest import PASSWORD

WORD = {"name": "call back", "description": "wants a call", "remote_disp_id": "77", "remote_module": "Leads"}


@pytest.mark.parametrize(
    "style",
    [
        {"json": {"disposition": WORD | {"remote_disp_id": 77}}},
        {"data": {"disposition": '{"name": "call back", "description": "wants a call", "remote_disp_id": "77", "remote_module": "Leads"}'}},
        {"data": {f"disposition[{name}]": value for name, value in WORD.items()}, "content_type": "multipart/form-data"},
    ],
    ids=["JSON", "urlencoded", "multipart brackets"],
)
def test_a_word_is_made(face, style):
    kind = "json" if "json" in style else "data"
    sent = style | {kind: style[kind] | {"username": "admin", "password": PASSWORD}}
    assert face.send("POST", "/rest/Disposition_Create", **sent) == (200, [True, 1])
    with store.connection():
        row = models.AgentDisposition.get_by_id(1)
    assert {name: getattr(row, name) for name in WORD} | {"user": row.user_id} == WORD | {"user": 1}


@pytest.mark.parametrize(
    ("disposition", "sentence"),
    [
        ({}, "disposition.name is missing"),
        ({"name": "  "}, "disposition.name"),
        ({"name": "x" * 81}, "disposition.name: "),
        ({"name": "x", "remote_disp_id": "x" * 256}, "disposition.remote_disp_id: "),
    ],
)
def test_what_is_refused_makes_nothing(face, disposition, sentence):
    assert face.refused("Disposition_Create", disposition=disposition).startswith(sentence)
    with store.connection():
        assert models.AgentDisposition.select().count() == 0
