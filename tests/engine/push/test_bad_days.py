"""One try of one push, whatever the receiver does: an error in words, in time, and nothing left behind."""

import socket
import time
from contextlib import ExitStack

import pytest

from engine import deliver
from engine.deliver import MOST_KEPT, MOST_READ
from tests.engine.push.trying import (
    HEAD,
    NAME,
    descriptors,
    post,
)
from tests.fakes.receivers import breaks_off, drips, hangs, in_turn, receiving, resets, says


@pytest.mark.parametrize(
    "behave",
    [
        resets,
        breaks_off(b""),
        breaks_off(HEAD + b"Content-Length: 100\r\n\r\nabc"),
        breaks_off(HEAD + b"Transfer-Encoding: chunked\r\n\r\nff\r\nabc"),
        breaks_off(HEAD + b"Transfer-Encoding: chunked\r\n\r\nno number\r\n"),
        drips(b"\0\0 no HTTP\r\n"),
        says(200, **{f"X{n}": "y" for n in range(200)}),
        says(200, X="y" * 70_000),
    ],
    ids=["reset", "closed", "half a body", "half a chunk", "no chunk", "no HTTP", "200 headers", "endless header"],
)
def test_a_broken_answer_is_an_error_and_never_an_exception(courier, short, behave):
    with receiving(behave) as receiver:
        reply = post(courier, receiver.url())
    assert reply.status is None
    assert reply.error
    assert " at 0x" not in reply.error


def test_a_receiver_that_does_not_listen_is_told(courier):
    with receiving() as receiver:
        url = receiver.url()
    reply = post(courier, url)
    assert (reply.status, reply.error) == (None, "ConnectionRefusedError: Connection refused")


def test_a_name_without_address_is_told(courier):
    reply = post(courier, "http://gone.example.com/")
    assert reply.status is None
    assert "gaierror" in reply.error


@pytest.mark.parametrize("url", ["http://a..example.com/", "http://10.0.0.1/", "nothing", "http://[::1", "http://example.com:99999/"])
def test_a_place_that_may_not_be_pushed_to_is_told(courier, url):
    assert post(courier, url).error


@pytest.mark.parametrize(
    "behave",
    [
        hangs,
        drips(b""),
        drips(b"HTTP/1.1 "),
        drips(HEAD + b"X: "),
        drips(HEAD + b"Content-Length: 1000\r\n\r\n"),
        drips(HEAD + b"Content-Length: 1000\r\nConnection: close\r\n\r\n"),
        drips(HEAD + b"\r\n"),
        drips(HEAD + b"Transfer-Encoding: chunked\r\n\r\nff\r\n"),
        drips(b"HTTP/1.0 200 OK\r\n\r\n"),
        drips(b"HTTP/1.1 100 Continue\r\n\r\n" * 3),
        drips(b"HTTP/1.1 302 Found\r\nLocation: /there\r\nContent-Length: 1000\r\n\r\n"),
    ],
    ids=[
        "silent", "status", "later in the status", "header", "body", "body of a connection to be closed", "body without length", "chunk",
        "body of HTTP/1.0", "continue", "body of a redirect",
    ],
)  # fmt: skip
def test_a_try_ends_in_time_whatever_drips_in(courier, short, behave):
    with receiving(behave) as receiver:
        began = time.monotonic()
        reply = post(courier, receiver.url())
        assert short - 0.05 < time.monotonic() - began < short + 0.7
    assert reply.status is None
    assert "no complete answer within" in reply.error
    assert short * 1000 - 50 < reply.milliseconds < short * 1000 + 700


def test_a_try_on_a_connection_that_is_used_again_ends_in_time_too(courier, short):
    with receiving(in_turn(says(200), drips(HEAD + b"Content-Length: 1000\r\n\r\n"))) as receiver:
        assert post(courier, receiver.url()).status == 200
        began = time.monotonic()
        assert "no complete answer within" in post(courier, receiver.url()).error
        assert time.monotonic() - began < short + 0.7
        assert receiver.connections == 1


def test_the_time_that_looking_up_the_name_takes_counts(courier, short, names, monkeypatch):
    def slow(host, *args, **options):
        time.sleep(short + 0.15 if host == NAME else 0)
        return names.lookup(host, *args, **options)

    with receiving(drips(HEAD)) as receiver:
        monkeypatch.setattr("engine.target.socket.getaddrinfo", slow)
        began = time.monotonic()
        assert "no complete answer within" in post(courier, receiver.url(NAME)).error
        assert time.monotonic() - began < short + 0.7


def test_what_comes_after_the_64_kilobytes_is_not_waited_for(courier):
    with receiving(drips(HEAD + b"Content-Length: 1000000\r\n\r\n" + b"x" * MOST_READ, pause=60)) as receiver:
        reply = post(courier, receiver.url())
    assert (reply.status, reply.answer) == (200, "x" * MOST_KEPT)
    assert reply.milliseconds < 5000


def test_a_secure_connection_that_drips_while_it_is_made_ends_in_time(courier, short):
    def raw(talk):
        talk.sock.recv(4096)
        talk.send(b"\x16\x03\x03\x3f\xff")  # a record of 16 KiB begins
        talk.drip(0.05)

    with receiving(raw=raw) as receiver:
        began = time.monotonic()
        reply = post(courier, f"https://127.0.0.1:{receiver.port}/")
        assert time.monotonic() - began < short + 0.7
    assert "no complete answer within" in reply.error


def test_a_receiver_that_takes_no_connection_is_given_up_soon(courier, monkeypatch):
    monkeypatch.setattr(deliver, "CONNECT_S", 0.3)
    with ExitStack() as open_sockets:
        listener = open_sockets.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):  # its queue is full: what comes after is left without an answer
            waiting = open_sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        began = time.monotonic()
        reply = post(courier, f"http://127.0.0.1:{listener.getsockname()[1]}/")
        assert 0.25 < time.monotonic() - began < 1.5
    assert reply.status is None
    assert "imed out" in reply.error


def test_the_watchdog_of_one_try_harms_no_later_one(courier, monkeypatch):
    """Both use one connection; the time of the first ends while the second waits for its answer."""
    monkeypatch.setattr(deliver, "WHOLE_S", 0.5)
    with receiving(in_turn(says(200), says(200, after=0.4))) as receiver:
        assert post(courier, receiver.url()).status == 200
        time.sleep(0.25)
        reply = post(courier, receiver.url())
        assert (reply.status, reply.error) == (200, None)
        assert receiver.connections == 1


def test_a_slow_answer_that_comes_in_time_counts(courier):
    with receiving(says(200, after=0.3)) as receiver:
        reply = post(courier, receiver.url())
    assert reply.status == 200
    assert 300 <= reply.milliseconds < 2000


def test_no_descriptor_is_left_open(courier, short):
    with receiving(in_turn(says(200, Connection="close"), says(200, b"x" * (1 << 20)), resets, breaks_off(HEAD), hangs)) as receiver:
        before = descriptors()
        for _ in range(5):
            post(courier, receiver.url())
    assert descriptors() == before - 1, "the listener's"
