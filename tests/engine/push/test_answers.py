"""One try of one push against a real server: what is sent, what is kept of the answer, and what is not done."""

import socket

import pytest

from engine.deliver import MOST_KEPT, MOST_READ
from tests.engine.push.trying import (
    BODY,
    HEADERS,
    NAME,
    post,
)
from tests.fakes.receivers import in_turn, receiving, says


def test_the_bytes_and_the_signature_arrive_as_they_are(courier):
    with receiving(says(200, b"thanks")) as receiver:
        reply = post(courier, receiver.url(NAME, "/calls?x=1"))
    assert (reply.status, reply.answer, reply.error, reply.retry_after) == (200, "thanks", None, None)
    [posted] = receiver.posted
    assert posted.line == "POST /calls?x=1 HTTP/1.1"
    assert posted.body == BODY
    assert posted.headers.items() >= HEADERS.items()
    assert posted.headers["host"] == f"{NAME}:{receiver.port}"
    assert posted.headers["content-type"] == "application/json"
    assert posted.headers["accept-encoding"] == "identity"  # the customer is shown the answer as text


@pytest.mark.parametrize(
    "answer",
    [says(200), says(204, b""), says(200, b"2\r\nok\r\n0\r\n\r\n", Transfer_Encoding="chunked"), says(500, b"x" * MOST_READ)],
    ids=["of known length", "empty", "chunked", "as long as is read"],
)
def test_a_connection_is_used_again(courier, answer):
    with receiving(answer) as receiver:
        for _ in range(3):
            assert post(courier, receiver.url()).status
        assert (len(receiver.posted), receiver.connections) == (3, 1)


def test_a_connection_that_the_receiver_closed_is_opened_again(courier):
    with receiving(says(200, Connection="close")) as receiver:
        assert [post(courier, receiver.url()).status for _ in range(3)] == [200] * 3
        assert receiver.connections == 3


@pytest.mark.parametrize("status", [200, 201, 400, 404, 410, 429, 500, 503])
def test_every_status_is_told_with_its_answer(courier, status):
    with receiving(says(status, b"because")) as receiver:
        reply = post(courier, receiver.url())
    assert (reply.status, reply.answer, reply.error) == (status, "because", None)


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        (b"", ""),
        ("Grüße".encode(), "Grüße"),
        (b"\xff\xfe", "\ufffd\ufffd"),
        (b"a\0b", "a\ufffdb"),  # no store keeps a NUL in a text
        (b"x" * (MOST_KEPT + 1), "x" * MOST_KEPT),
    ],
)
def test_the_first_kilobyte_is_kept_as_text(courier, body, kept):
    with receiving(says(200, body)) as receiver:
        assert post(courier, receiver.url()).answer == kept


@pytest.fixture
def read(monkeypatch) -> list[int]:
    """How many bytes each read from a connection of ours brought; the receivers read otherwise."""
    counts: list[int] = []
    original = socket.SocketIO.readinto

    def readinto(self, buffer):
        count = original(self, buffer)
        counts.append(count or 0)
        return count

    monkeypatch.setattr(socket.SocketIO, "readinto", readinto)
    return counts


@pytest.mark.parametrize(
    "more", [{}, {"Location": "/other"}, {"Connection": "close"}], ids=["kept open", "with a place to go to", "closed"]
)
@pytest.mark.parametrize("status", [200, 302, 500])
def test_no_more_than_64_kilobytes_of_a_long_answer_are_read(courier, read, status, more):
    with receiving(in_turn(says(status, b"x" * (1 << 20), **more), says(200))) as receiver:
        reply = post(courier, receiver.url())
        assert (reply.status, reply.answer) == (status, "x" * MOST_KEPT)
        assert MOST_READ <= sum(read) < MOST_READ + 10_000  # headers and a buffer come on top
        assert post(courier, receiver.url()).answer == "ok"
        assert receiver.connections == 2


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(courier, status):
    with receiving() as other, receiving(says(status, b"there", Location=other.url())) as receiver:
        reply = post(courier, receiver.url())
        assert (reply.status, reply.answer, reply.error) == (status, "there", None)
        assert other.connections == 0
        assert len(receiver.posted) == 1


@pytest.mark.parametrize("place", ["http://[", "\xff\xfe", "", "http://a b/", "//"])
def test_a_redirect_to_nowhere_is_a_redirect(courier, place):
    with receiving(says(302, Location=place)) as receiver:
        assert post(courier, receiver.url()).status == 302


def test_cookies_are_not_taken(courier):
    with receiving(says(200, Set_Cookie="tenant=anna; Path=/")) as receiver:
        for _ in range(2):
            post(courier, receiver.url(NAME))
        assert [posted.headers.get("cookie") for posted in receiver.posted] == [None, None]


def test_proxies_and_passwords_of_the_environment_are_ignored(courier, monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text(f"machine {NAME} login anna password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NETRC", str(tmp_path / ".netrc"))
    with receiving() as receiver, receiving(says(502)) as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url())
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.delenv(name, raising=False)
        assert post(courier, receiver.url(NAME)).status == 200
        assert proxy.connections == 0
        assert "authorization" not in receiver.posted[0].headers
