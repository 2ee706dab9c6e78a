"""The connection goes to the address that was checked, and its certificate is for the name."""

import ssl
import time

import pytest
import trustme

from engine.deliver import Courier
from engine.target import networks
from tests.engine.push.trying import HEAD, NAME, post
from tests.fakes.receivers import drips, hangs, receiving


def test_the_connection_goes_to_the_checked_address_whatever_the_name_says_later(names, monkeypatch):
    courier = Courier(networks(["127.0.0.1"]), 4)
    names.tell("rebinding.example.com", ["127.0.0.1"], ["127.0.0.2"])
    with receiving() as good, receiving(host="127.0.0.2", port=good.port) as forbidden:
        url = good.url("rebinding.example.com")
        assert post(courier, url).status == 200
        assert names.asked == ["rebinding.example.com"]  # once: nobody asks again before connecting
        reply = post(courier, url)
        assert reply.status is None
        assert "leads to 127.0.0.2, which is not public" in reply.error
        assert (len(good.posted), forbidden.connections) == (1, 0)
        assert good.posted[0].headers["host"] == f"rebinding.example.com:{good.port}"


def test_a_name_with_one_forbidden_address_gets_no_connection_at_all(names):
    courier = Courier(networks(["127.0.0.1"]), 4)
    names.tell("mixed.example.com", ["127.0.0.1", "127.0.0.2"])
    with receiving() as receiver:
        assert "127.0.0.2" in post(courier, receiver.url("mixed.example.com")).error
        assert receiver.connections == 0


def test_two_names_at_one_address_keep_their_names(courier, names):
    names.tell("other.example.com", ["127.0.0.1"])
    with receiving() as receiver:
        for name in (NAME, "other.example.com"):
            post(courier, receiver.url(name))
        assert [posted.headers["host"].split(":")[0] for posted in receiver.posted] == [NAME, "other.example.com"]


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def trusted(authority, monkeypatch, tmp_path) -> None:
    """Our trust in public authorities, replaced by trust in one of the tests' own."""
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    monkeypatch.setattr("requests.adapters.DEFAULT_CA_BUNDLE_PATH", str(tmp_path / "authority.pem"))


def certificate(authority, *identities: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*identities).configure_cert(context)
    return context


@pytest.mark.parametrize("name", [NAME, NAME.upper(), NAME + "."])
def test_a_secure_connection_asks_for_the_name_and_accepts_its_certificate(courier, trusted, authority, name):
    with receiving(tls=certificate(authority, NAME)) as receiver:
        replies = [post(courier, receiver.url(name)) for _ in range(2)]
        assert [(reply.status, reply.error) for reply in replies] == [(200, None)] * 2
        assert receiver.asked_names == [NAME]
        assert receiver.posted[0].headers["host"] == f"{NAME}:{receiver.port}"
        assert receiver.connections == 1


@pytest.mark.parametrize("identities", [("other.example.com",), ("127.0.0.1",), ("example.com",), ("*.push.example.com",)])
def test_a_certificate_for_another_name_is_refused_even_if_it_is_for_the_address(courier, trusted, authority, identities):
    with receiving(tls=certificate(authority, *identities)) as receiver:
        reply = post(courier, receiver.url(NAME))
        assert reply.status is None
        assert "doesn't match" in reply.error or "mismatch" in reply.error
        assert receiver.posted == []


def test_a_certificate_of_an_unknown_authority_is_refused(courier, trusted):
    with receiving(tls=certificate(trustme.CA(), NAME)) as receiver:
        reply = post(courier, receiver.url(NAME))
        assert reply.status is None
        assert "certificate verify failed" in reply.error
        assert receiver.posted == []


def test_names_at_one_address_do_not_share_a_secure_connection(courier, trusted, authority, names):
    """Or the second name would ride on the first one's certificate."""
    names.tell("other.example.com", ["127.0.0.1"])
    with receiving(tls=certificate(authority, NAME)) as receiver:
        assert post(courier, receiver.url(NAME)).status == 200
        assert post(courier, receiver.url("other.example.com")).status is None
        assert receiver.asked_names == [NAME, "other.example.com"]
        assert len(receiver.posted) == 1


def test_an_address_may_have_a_certificate_of_its_own(courier, trusted, authority):
    with receiving(tls=certificate(authority, "127.0.0.1")) as receiver:
        assert post(courier, receiver.url()).status == 200


@pytest.mark.parametrize("behave", [hangs, drips(HEAD + b"Content-Length: 1000\r\n\r\n"), drips(HEAD + b"Connection: close\r\n\r\n")])
def test_a_secure_try_ends_in_time_too(courier, trusted, authority, short, behave):
    with receiving(behave, tls=certificate(authority, NAME)) as receiver:
        began = time.monotonic()
        reply = post(courier, receiver.url(NAME))
        assert time.monotonic() - began < short + 0.7
    assert "no complete answer within" in reply.error


def test_a_plain_receiver_is_not_spoken_to_in_secret(courier):
    def raw(talk):
        talk.sock.recv(4096)
        talk.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    with receiving(raw=raw) as receiver:
        reply = post(courier, f"https://127.0.0.1:{receiver.port}/")
    assert reply.status is None
    assert "SSL" in reply.error
