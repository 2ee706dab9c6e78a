"""The signature, as the official Standard Webhooks library and the specification's own example see it."""

import base64
import time

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from engine import sign
from sql import pushes

BODY = '{"type":"call.completed","data":{"campaign":"Grüße"}}'.encode()
ID = "msg_0123456789abcdef"
SECRET = pushes.new_secret()


def now() -> int:
    return int(time.time())


def test_the_specifications_example_comes_out_to_the_letter():
    secret, body = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", b'{"test": 2432232314}'
    assert sign.headers("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body, [secret]) == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@pytest.mark.parametrize("body", [BODY, b"{}", b'{"a":"' + b"x" * 100_000 + b'"}'])
def test_the_official_library_accepts_it(body):
    Webhook(SECRET).verify(body, sign.headers(ID, now(), body, [SECRET]))


def test_header_names_may_change_their_case_on_the_way():
    headers = {name.title(): value for name, value in sign.headers(ID, now(), BODY, [SECRET]).items()}
    assert Webhook(SECRET).verify(BODY, headers)["type"] == "call.completed"


@pytest.mark.parametrize(
    ("body", "change", "secret", "why"),
    [
        (BODY.replace(b"completed", b"initiated"), {}, SECRET, "No matching signature"),
        (BODY + b" ", {}, SECRET, "No matching signature"),
        (BODY, {"webhook-id": "msg_other"}, SECRET, "No matching signature"),
        (BODY, {"webhook-timestamp": lambda: str(now() - 10)}, SECRET, "No matching signature"),
        (BODY, {}, pushes.new_secret(), "No matching signature"),
        (BODY, {"webhook-signature": ""}, SECRET, "Missing required headers"),
    ],
    ids=["body changed", "body longer", "other id", "other time", "foreign secret", "no signature"],
)
def test_the_official_library_refuses_what_is_not_ours(body, change, secret, why):
    headers = sign.headers(ID, now(), BODY, [SECRET]) | {name: value() if callable(value) else value for name, value in change.items()}
    with pytest.raises(WebhookVerificationError, match=why):
        Webhook(secret).verify(body, headers)


@pytest.mark.parametrize(("age", "why"), [(310, "too old"), (-310, "too new")])
def test_a_recorded_push_cannot_be_played_again_later(age, why):
    with pytest.raises(WebhookVerificationError, match=why):
        Webhook(SECRET).verify(BODY, sign.headers(ID, now() - age, BODY, [SECRET]))


def test_while_a_secret_is_rotated_both_are_accepted_and_no_third():
    new = pushes.new_secret()
    headers = sign.headers(ID, now(), BODY, [new, SECRET])
    assert len(headers["webhook-signature"].split(" ")) == 2
    Webhook(new).verify(BODY, headers)
    Webhook(SECRET).verify(BODY, headers)
    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        Webhook(pushes.new_secret()).verify(BODY, headers)


def test_after_the_rotation_the_old_secret_is_worth_nothing():
    with pytest.raises(WebhookVerificationError, match="No matching signature"):
        Webhook(SECRET).verify(BODY, sign.headers(ID, now(), BODY, [pushes.new_secret()]))


def test_secrets_are_as_the_specification_wants_them():
    made = {pushes.new_secret() for _ in range(50)}
    assert len(made) == 50
    for secret in made:
        assert secret.startswith("whsec_")
        assert 24 <= len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) <= 64
