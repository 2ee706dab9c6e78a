"""A SIP telephone, small and truthful: registers with digest authentication, rings, answers, declines, is silent, hangs up, is gone.

Speaks UDP on loopback and knows nothing of Carillon; what it says happened is what crossed the wire.
"""

import re
import secrets
import socket
import threading
from collections.abc import Iterator
from hashlib import md5

ANSWER_S = 5.0
FINALS = {"busy": "486 Busy Here", "declines": "603 Decline", "forwards": "302 Moved Temporarily"}
Headers = dict[str, str]


class Telephone:
    """`manner`: answers, busy, declines, forwards (to `further`), or silent (rings for ever). `talks`: seconds after which it hangs up
    itself; None: never.
    """

    def __init__(
        self, port: int, username: str, password: str, manner: str = "answers", talks: float | None = None, further: str = ""
    ) -> None:
        self.username, self.manner = username, manner
        self.rang: list[str] = []  # the caller's number of each call that came in
        self.talking: dict[str, Headers] = {}  # by Call-ID: the INVITE of each conversation
        self.ended: list[str] = []  # who ended each of them, or the ringing: "they" or "we"
        self._server, self._password, self._talks = ("127.0.0.1", port), password, talks
        self._further = further
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._here = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self._tag, self._sequence = secrets.token_hex(4), 0
        self._said: dict[tuple[str, str], str] = {}  # answers that a repeated request gets again
        self._ringing: dict[str, Headers] = {}
        self._answers: dict[str, str] = {}  # final answers to our requests, by branch
        self._news = threading.Condition()
        self._closed = False
        threading.Thread(target=self._receive, daemon=True).start()

    def __enter__(self) -> "Telephone":
        return self

    def __exit__(self, *_: object) -> None:
        self.vanish()

    def vanish(self) -> None:
        """Be gone at once, without a word."""
        self._closed = True
        self._socket.close()

    def register(self, expires: int = 120) -> int:
        """The final status of a registration; the password is sent when it is asked for."""
        to = f"<sip:{self.username}@127.0.0.1>"
        more = f"Contact: <sip:{self.username}@{self._here}>\r\nExpires: {expires}\r\n"
        return self._request("REGISTER", "sip:127.0.0.1", to, secrets.token_hex(8), more)

    def call(self, number: str) -> int:
        """The final status of a call that this telephone tries to make."""
        return self._request("INVITE", f"sip:{number}@127.0.0.1", f"<sip:{number}@127.0.0.1>", secrets.token_hex(8), "", self._sdp())

    def hang_up(self) -> None:
        """End every conversation."""
        for call_id in list(self.talking):
            self._bye(call_id)

    def _request(self, method: str, uri: str, to: str, call_id: str, more: str, body: str = "") -> int:
        authorization = ""
        for _ in range(2):
            answer = self._sent(method, uri, to, call_id, more + authorization, body)
            status = int(answer.split(" ", 2)[1])
            challenge = re.search(r"^WWW-Authenticate: *Digest (.+)$", answer, re.M | re.I)
            if status != 401 or not challenge or authorization:
                return status
            authorization = f"Authorization: Digest {self._proof(method, uri, challenge[1])}\r\n"
        return status

    def _proof(self, method: str, uri: str, challenge: str) -> str:
        asked = dict(re.findall(r'(\w+)="?([^",]+)"?', challenge))
        first = _md5(f"{self.username}:{asked['realm']}:{self._password}")
        cnonce = secrets.token_hex(8)
        answer = _md5(f"{first}:{asked['nonce']}:00000001:{cnonce}:auth:{_md5(f'{method}:{uri}')}")
        opaque = f', opaque="{asked["opaque"]}"' if "opaque" in asked else ""
        return (
            f'username="{self.username}", realm="{asked["realm"]}", nonce="{asked["nonce"]}", uri="{uri}", response="{answer}", '
            f'algorithm=MD5, qop=auth, nc=00000001, cnonce="{cnonce}"{opaque}'
        )

    def _sent(self, method: str, uri: str, to: str, call_id: str, more: str, body: str) -> str:
        """The final answer to one request of ours."""
        self._sequence += 1
        branch = f"z9hG4bK{secrets.token_hex(8)}"
        head = (
            f"Via: SIP/2.0/UDP {self._here};branch={branch};rport\r\nMax-Forwards: 70\r\n"
            f"From: <sip:{self.username}@127.0.0.1>;tag={self._tag}\r\nCall-ID: {call_id}\r\n"
        )
        kind = "Content-Type: application/sdp\r\n" if body else ""
        contact = "" if "Contact:" in more else f"Contact: <sip:{self.username}@{self._here}>\r\n"
        self._send(
            f"{method} {uri} SIP/2.0\r\n{head}To: {to}\r\nCSeq: {self._sequence} {method}\r\n{contact}{more}{kind}"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        )
        with self._news:
            assert self._news.wait_for(lambda: branch in self._answers, ANSWER_S), f"{method} was not answered"
            answer = self._answers[branch]
        if method == "INVITE":
            answered_to = _headers(answer)["to"]
            self._send(f"ACK {uri} SIP/2.0\r\n{head}To: {answered_to}\r\nCSeq: {self._sequence} ACK\r\nContent-Length: 0\r\n\r\n")
        return answer

    def _receive(self) -> None:
        while not self._closed:
            try:
                text = self._socket.recv(65536).decode()
            except OSError:
                return  # vanished
            if text.startswith("SIP/2.0 1"):
                continue
            headers = _headers(text)
            if text.startswith("SIP/2.0"):
                with self._news:
                    branch = re.search(r"branch=([^;\s]+)", headers["via"])
                    assert branch
                    self._answers[branch[1]] = text
                    self._news.notify_all()
            else:
                self._requested(text.split(" ", 1)[0], headers)

    def _requested(self, method: str, headers: Headers) -> None:
        key = headers["via"], headers["cseq"]
        if key in self._said:
            self._send(self._said[key])
        elif method in ("OPTIONS", "NOTIFY", "UPDATE"):
            self._say("200 OK", headers)
        elif method == "INVITE":
            self._invited(headers)
        elif method == "CANCEL":
            self._say("200 OK", headers)
            if ringing := self._ringing.pop(headers["call-id"], None):
                self._say("487 Request Terminated", ringing)
                self.ended.append("they")
        elif method == "BYE":
            self._say("200 OK", headers)
            if self.talking.pop(headers["call-id"], None):
                self.ended.append("they")

    def _invited(self, headers: Headers) -> None:
        caller = re.search(r"sip:([^@>]+)@", headers["from"])
        self.rang.append(caller[1] if caller else "")
        if self.manner in FINALS:
            self._say(FINALS[self.manner], headers)
            return
        self._ringing[headers["call-id"]] = headers
        self._say("180 Ringing", headers)
        if self.manner == "answers":
            threading.Timer(0.3, self._answer, (headers,)).start()

    def _answer(self, headers: Headers) -> None:
        call_id = headers["call-id"]
        if self._ringing.pop(call_id, None) is None or self._closed:
            return
        self.talking[call_id] = headers
        self._say("200 OK", headers, self._sdp())
        if self._talks is not None:
            threading.Timer(self._talks, self._bye, (call_id,)).start()

    def _bye(self, call_id: str) -> None:
        headers = self.talking.pop(call_id, None)
        if headers is None or self._closed:
            return
        self.ended.append("we")
        target = re.search(r"<([^>]+)>", headers["contact"])
        assert target
        head = f"Via: SIP/2.0/UDP {self._here};branch=z9hG4bK{secrets.token_hex(8)};rport\r\nMax-Forwards: 70\r\n"
        dialog = f"From: {headers['to']};tag={self._tag}\r\nTo: {headers['from']}\r\nCall-ID: {call_id}\r\nCSeq: 1 BYE\r\n"
        self._send(f"BYE {target[1]} SIP/2.0\r\n{head}{dialog}Content-Length: 0\r\n\r\n")

    def _say(self, status: str, headers: Headers, body: str = "") -> None:
        """Answer a request; a final answer is kept for when it is asked again."""
        to = headers["to"] if "tag=" in headers["to"] else f"{headers['to']};tag={self._tag}"
        kind = "Content-Type: application/sdp\r\n" if body else ""
        contact = self._further if status.startswith("3") else f"sip:{self.username}@{self._here}"
        text = (
            f"SIP/2.0 {status}\r\nVia: {headers['via']}\r\nFrom: {headers['from']}\r\nTo: {to}\r\nCall-ID: {headers['call-id']}\r\n"
            f"CSeq: {headers['cseq']}\r\nContact: <{contact}>\r\n{kind}Content-Length: {len(body)}\r\n\r\n{body}"
        )
        self._said[headers["via"], headers["cseq"]] = text
        self._send(text)

    def _sdp(self) -> str:
        return (
            "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0 101\r\n"
            "a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"
        )

    def _send(self, text: str) -> None:
        if not self._closed:
            self._socket.sendto(text.encode(), self._server)


def _headers(text: str) -> Headers:
    """The first of each header, by its name in small letters."""
    found: Headers = {}
    for name, value in _lines(text):
        found.setdefault(name, value)
    return found


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for line in text.split("\r\n\r\n", 1)[0].split("\r\n")[1:]:
        name, _, value = line.partition(":")
        yield name.strip().lower(), value.strip()


def _md5(text: str) -> str:
    return md5(text.encode(), usedforsecurity=False).hexdigest()
