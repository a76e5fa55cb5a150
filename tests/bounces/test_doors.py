"""Reports over HTTP: proven, kept before they are acknowledged, the same once."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pipelines.errors import Misconfigured
from tests.bounces import samples
from tests.web.site import Site, fields
from tests.world import document
from workers.bounces import MAIL_PROVIDERS, mailgun, message, sendgrid, ses
from workers.http.signing import SignatureRefused, new_secret, signed_headers
from workers.sandbox.gateways.amazon_pay_sns import HOST, TOPIC, Sns
from workers.sandbox.http_server import Request
from workers.settings import read

TO = "takahashi@example.jp"
UNKNOWN = ("01_postfix_user_unknown", "nobody@example.jp")
SECRET = new_secret()
KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC = base64.b64encode(KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
SIGNING_KEY = "key-of-mailgun"


@pytest.fixture
def sns() -> Iterator[tuple[Sns, str]]:
    """A topic of SNS that answers at an address of its own."""
    topic = Sns()

    class Answers(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            reply = topic.answer(Request("GET", parts.path, {}, b"", parts.query))
            self.send_response(reply.status if reply else 404)
            self.end_headers()
            self.wfile.write(reply.body if reply else b"")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the library
            pass

    server = HTTPServer(("127.0.0.1", 0), Answers)
    Thread(target=server.serve_forever, daemon=True).start()
    yield topic, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


@pytest.fixture
def doors(site: Site, sns: tuple[Sns, str]) -> Site:
    """A site whose order S-1 was told its customer, and that hears every provider."""
    site.world.take(document("S-1"))
    site.world.settle()
    given = {
        "message": message.Settings(shukka_bounces_secret=SECRET),
        "sendgrid": sendgrid.Settings(sendgrid_webhook_key=PUBLIC),
        "mailgun": mailgun.Settings(mailgun_webhook_key=SIGNING_KEY),
        "ses": ses.Settings(ses_topics=f"{TOPIC} {sns[1]}"),
    }
    site.app.state.shukka = replace(site.app.state.shukka, mail_doors=given)
    return site


def message_id(site: Site) -> str:
    return str(message_from_bytes(site.world.postbox.taken[0])["Message-ID"])


def post(site: Site, provider: str, body: bytes, headers: Mapping[str, str] | None = None) -> httpx.Response:
    path = f"/v1/webhooks/mail/{provider}"
    return site.run(lambda: site.request("POST", path, key=None, content=body, headers=headers or {}))


def first_state(site: Site) -> str:
    return str(site.world.show()["mails"][0]["state"])


def a_message(site: Site, secret: str = SECRET, event_id: str = "evt-1") -> tuple[bytes, dict[str, str]]:
    body = samples.about(UNKNOWN[0], message_id(site), TO, UNKNOWN[1])
    return body, signed_headers([secret], event_id, int(datetime.now(UTC).timestamp()), body)


def of_sendgrid(*events: Any) -> tuple[bytes, dict[str, str]]:
    return signed_by_sendgrid(json.dumps(events).encode())


def signed_by_sendgrid(body: bytes) -> tuple[bytes, dict[str, str]]:
    timestamp = "1700000000"
    signature = KEY.sign(timestamp.encode() + body, ec.ECDSA(SHA256()))
    return body, {
        "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
        "X-Twilio-Email-Event-Webhook-Timestamp": timestamp,
    }


def of_mailgun(
    event: dict[str, Any], token: str = "t-1", age: timedelta = timedelta(0), key: str = SIGNING_KEY
) -> bytes:
    timestamp = str(int((datetime.now(UTC) - age).timestamp()))
    signature = hmac.new(key.encode(), (timestamp + token).encode(), hashlib.sha256).hexdigest()
    return json.dumps(
        {"signature": {"timestamp": timestamp, "token": token, "signature": signature}, "event-data": event}
    ).encode()


def of_ses(sns: Sns, told: Any, message_id: str = "n-1") -> bytes:
    notice = {
        "Type": "Notification",
        "MessageId": message_id,
        "TopicArn": TOPIC,
        "Timestamp": "2026-11-20T00:00:00.000Z",
        "Message": told if isinstance(told, str) else json.dumps(told),
    }
    return sns.signed(json.dumps(notice).encode())[1]


def test_a_whole_message_is_taken_once(doors: Site) -> None:
    body, headers = a_message(doors)
    first, again = post(doors, "message", body, headers), post(doors, "message", body, headers)
    assert (first.status_code, first.json()) == (202, {"reports": 1, "new": 1})
    assert (again.status_code, again.json()) == (200, {"reports": 1, "new": 0})
    assert first_state(doors) == "bounced"


def test_an_operator_posts_what_a_relay_pipes_and_the_same_message_is_known(site: Site) -> None:
    """The body alone, 1 MiB at most: no setting and no signature, but an operator's key, and one of every shop, since a report says only
    when it is read of which shop it is."""
    site.world.take(document("S-1"))
    site.world.settle()
    body = samples.about(UNKNOWN[0], message_id(site), TO, UNKNOWN[1])

    def piped(key: str | None, content: bytes = body) -> httpx.Response:
        return site.run(lambda: site.request("POST", "/v1/mail-reports", key=key, content=content))

    of_a_shop = site.world.enrol("operator", "of salon", shops=["salon"]).key
    assert [piped(key).status_code for key in (None, site.storefront, of_a_shop)] == [401, 404, 404]
    assert piped(site.operator, b"x" * 1_048_577).status_code == 413
    assert first_state(site) == "sent"
    first, again = piped(site.operator), piped(site.operator)
    assert (first.status_code, first.json()) == (202, {"reports": 1, "new": 1})
    assert (again.status_code, again.json()) == (200, {"reports": 1, "new": 0})
    assert first_state(site) == "bounced"


def test_the_old_secret_counts_while_it_stands_beside_the_new_one(doors: Site) -> None:
    both = message.Settings(shukka_bounces_secret=f"{new_secret()}, {SECRET}")
    doors.app.state.shukka = replace(doors.app.state.shukka, mail_doors={"message": both})
    assert post(doors, "message", *a_message(doors)).status_code == 202


@pytest.mark.parametrize("provider", [*MAIL_PROVIDERS, "nobody"])
def test_who_proves_nothing_is_refused(doors: Site, provider: str) -> None:
    for body in (b"", b"{}", b"[]", b'{"signature": {"token": 1}}', a_message(doors)[0]):
        assert post(doors, provider, body).status_code in (400, 401)
    assert first_state(doors) == "sent"
    assert doors.world.value("SELECT count(*) FROM inbox_event WHERE source LIKE 'mail:%'") == 0


@pytest.mark.parametrize("provider", list(MAIL_PROVIDERS))
def test_a_door_without_a_key_is_closed(site: Site, provider: str) -> None:
    """Never open: whoever posts has 401 until a setting says who is believed."""
    assert post(site, provider, b"{}").status_code == 401


def test_another_secret_an_old_message_and_a_changed_one_are_refused(doors: Site) -> None:
    body, headers = a_message(doors)
    assert post(doors, "message", *a_message(doors, new_secret())).status_code == 401
    assert post(doors, "message", body + b" ", headers).status_code == 401
    old = signed_headers([SECRET], "evt-9", int(datetime.now(UTC).timestamp()) - 400, body)
    assert post(doors, "message", body, old).status_code == 401
    assert first_state(doors) == "sent"


def test_sendgrids_events_come_together_and_each_counts_once(doors: Site) -> None:
    bounce = {
        "event": "bounce",
        "type": "bounce",
        "email": TO,
        "smtp-id": message_id(doors),
        "sg_event_id": "e-1",
        "status": "5.1.1",
        "reason": "550 5.1.1 The email account that you tried to reach does not exist",
    }
    opened = {"event": "open", "email": TO, "sg_event_id": "e-2"}
    first = post(doors, "sendgrid", *of_sendgrid(bounce, opened))
    again = post(doors, "sendgrid", *of_sendgrid(bounce, {**bounce, "sg_event_id": "e-3", "event": "deferred"}))
    assert (first.status_code, first.json()) == (202, {"reports": 1, "new": 1})
    assert (again.status_code, again.json()) == (202, {"reports": 2, "new": 1})
    assert first_state(doors) == "bounced"


def test_sendgrids_published_vector_is_valid() -> None:  # mail-bounces.md 4
    key = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEEDr2LjtURuePQzplybdC+u4CwrqDqBaWjcMMsTbhdbcwHBcepxo7yAQGhHPTnlvFYPAZFceEu/1FwCM/QmGUhA=="
    headers = {
        "x-twilio-email-event-webhook-signature": (
            "MEUCIQCtIHJeH93Y+qpYeWrySphQgpNGNr/U+UyUlBkU6n7RAwIgJTz2C+8a8xonZGi6BpSzoQsbVRamr2nlxFDWYNH2j/0="
        ),
        "x-twilio-email-event-webhook-timestamp": "1588788367",
    }
    body = b'{"category":"example_payload","event":"test_event","message_id":"message_id"}'
    sendgrid.verify(key, headers, body)
    for other in (body + b"\n", body + b"\r\n"):
        with pytest.raises(SignatureRefused):
            sendgrid.verify(key, headers, other)


@pytest.mark.parametrize(
    ("event", "kind", "reason", "action"),
    [
        ({"event": "bounce", "type": "blocked", "reason": "we do not like you"}, "bounce", "blocked", "fix_sender"),
        ({"event": "bounce", "type": "bounce", "reason": "?"}, "bounce", "no_such_user", "suppress"),
        ({"event": "dropped", "reason": "Bounced Address"}, "bounce", "no_such_user", "suppress"),
        ({"event": "dropped", "reason": "Spam Reporting Address"}, "complaint", "abuse", "suppress"),
        ({"event": "deferred", "response": "421 try again later"}, "delay", "throttled", "none"),
        ({"event": "spamreport"}, "complaint", "abuse", "suppress"),
    ],
)
def test_what_sendgrid_says(event: dict[str, Any], kind: str, reason: str, action: str) -> None:
    body, headers = of_sendgrid({**event, "email": TO, "sg_event_id": "e"})
    settings = sendgrid.Settings(sendgrid_webhook_key=PUBLIC)
    (heard,) = sendgrid.read({name.lower(): held for name, held in headers.items()}, body, settings, datetime.now(UTC))
    (one,) = heard.report.findings
    assert (one.kind, one.reason, one.action) == (kind, reason, action)


MAILGUN = {"event": "failed", "severity": "permanent", "reason": "bounce", "recipient": TO}


def test_mailguns_event_is_taken_once_by_its_token(doors: Site) -> None:
    """The payload is not signed: what comes under a known token is nothing, whatever it says."""
    told = {
        **MAILGUN,
        "delivery-status": {"code": 550, "message": "5.1.1 User unknown"},
        "message": {"headers": {"message-id": message_id(doors).strip("<>")}},
    }
    assert post(doors, "mailgun", of_mailgun({"event": "delivered"}, "t-0")).status_code == 202
    assert post(doors, "mailgun", of_mailgun(told, "t-0")).status_code == 200
    assert first_state(doors) == "sent"
    assert post(doors, "mailgun", of_mailgun(told)).status_code == 202
    assert first_state(doors) == "bounced"


@pytest.mark.parametrize(
    ("age", "key", "status"),
    [
        (timedelta(hours=8), SIGNING_KEY, 202),
        (timedelta(hours=10), SIGNING_KEY, 401),
        (timedelta(minutes=-10), SIGNING_KEY, 401),
        (timedelta(0), "another", 401),
    ],
)
def test_mailguns_timestamp_counts_for_nine_hours(doors: Site, age: timedelta, key: str, status: int) -> None:
    assert post(doors, "mailgun", of_mailgun(MAILGUN, age=age, key=key)).status_code == status


def test_mailguns_passing_failure_is_no_bounce() -> None:  # mail-bounces.md 4
    body = of_mailgun({**MAILGUN, "severity": "temporary", "delivery-status": {"code": 550, "message": "User unknown"}})
    settings = mailgun.Settings(mailgun_webhook_key=SIGNING_KEY)
    (heard,) = mailgun.read({}, body, settings, datetime.now(UTC))
    assert [one.kind for one in heard.report.findings] == ["delay"]


SES: dict[str, Any] = {
    "notificationType": "Bounce",
    "mail": {"messageId": "ses-1", "headers": []},
    "bounce": {
        "bounceType": "Permanent",
        "bounceSubType": "General",
        "bouncedRecipients": [
            {"emailAddress": TO, "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 user unknown"}
        ],
    },
}


def test_ses_subscribes_by_itself_and_is_taken_once(doors: Site, sns: tuple[Sns, str]) -> None:
    topic, _ = sns
    _, offer = topic.signed(json.dumps({**topic.offer("tok"), "Timestamp": "2026-11-20T00:00:00Z"}).encode())
    assert post(doors, "ses", offer).status_code == 202
    assert topic.is_confirmed
    headers = [{"name": "Message-ID", "value": message_id(doors)}, {"name": "X-Shukka-Order", "value": "salon/S-1"}]
    told = {**SES, "mail": {"messageId": "ses-1", "headers": headers}}
    assert post(doors, "ses", of_ses(topic, told)).status_code == 202
    assert post(doors, "ses", of_ses(topic, told)).status_code == 200
    assert first_state(doors) == "bounced"


def test_that_the_subscription_has_ended_is_proven_and_taken(doors: Site, sns: tuple[Sns, str]) -> None:
    ended = {**sns[0].offer("tok"), "Type": "UnsubscribeConfirmation", "Timestamp": "2026-11-20T00:00:00Z"}
    answer = post(doors, "ses", sns[0].signed(json.dumps(ended).encode())[1])
    assert (answer.status_code, answer.json()) == (202, {"reports": 0, "new": 0})
    assert not sns[0].is_confirmed, "who ended it meant it"


@pytest.mark.parametrize("odd", [{"TopicArn": [TOPIC]}, {"TopicArn": {}}, {"SignatureVersion": ["2"]}])
def test_an_envelope_of_odd_shapes_is_refused_as_any_that_proves_nothing(
    doors: Site, sns: tuple[Sns, str], odd: dict[str, Any]
) -> None:
    assert post(doors, "ses", json.dumps({**json.loads(of_ses(sns[0], SES)), **odd}).encode()).status_code == 401


def test_who_is_not_sns_is_refused(doors: Site, sns: tuple[Sns, str]) -> None:
    body = of_ses(sns[0], SES)
    assert post(doors, "ses", body.replace(b"user unknown", b"User unknown")).status_code == 401
    assert HOST.encode() in body


@pytest.mark.parametrize(
    ("changes", "kind", "reason", "action"),
    [
        ({"bounceSubType": "NoEmail"}, "bounce", "no_such_user", "suppress"),
        ({"bounceType": "Transient", "bounceSubType": "General"}, "bounce", "no_such_user", "retry_later"),
        ({"bounceType": "Transient", "bounceSubType": "MailboxFull", "bouncedRecipients": [{"emailAddress": TO}]}, "bounce", "mailbox_full", "retry_later"),
        ({"bounceType": "Permanent", "bounceSubType": "Suppressed", "bouncedRecipients": [{"emailAddress": TO}]}, "bounce", "no_such_user", "suppress"),
        ({"bounceType": "Undetermined", "bouncedRecipients": [{"emailAddress": TO}]}, "bounce", "undefined", "hold_and_ask"),
    ],
)  # fmt: skip
def test_what_ses_says(changes: dict[str, Any], kind: str, reason: str, action: str) -> None:
    (one,) = ses.findings({**SES, "bounce": {**SES["bounce"], **changes}})
    assert (one.kind, one.reason, one.action) == (kind, reason, action)


def test_what_ses_says_of_complaints_and_delays() -> None:
    complaint = {"complaintFeedbackType": "abuse", "complainedRecipients": [{"emailAddress": TO}]}
    (one,) = ses.findings({"eventType": "Complaint", "complaint": complaint})
    assert (one.kind, one.action) == ("complaint", "suppress")
    (one,) = ses.findings(
        {"eventType": "DeliveryDelay", "deliveryDelay": {"delayedRecipients": [{"emailAddress": TO}]}}
    )
    assert (one.kind, one.action) == ("delay", "none")
    assert ses.findings({"eventType": "Delivery"}) == []


@pytest.mark.parametrize(
    "told",
    [None, 1, [], {}, {"bounce": []}, {"notificationType": "Bounce", "bounce": {"bouncedRecipients": [1, None, {}]}}],
)
def test_what_ses_never_says_is_passed_over(told: Any) -> None:
    assert [one.address for one in ses.findings(told)] in ([], [""])


def failure_of(provider: str, doors: Site, topic: Sns, theirs: str) -> tuple[bytes, dict[str, str]]:
    """A failure of S-1's first mail as ``provider`` tells it, with a field of its own."""
    mail = message_id(doors)
    if provider == "sendgrid":
        bounce = {"event": "bounce", "email": TO, "smtp-id": mail, "sg_event_id": "e-1", "status": "5.1.1"}
        return signed_by_sendgrid((json.dumps([bounce])[:-2] + f', "theirs": {theirs}' + "}]").encode())
    if provider == "mailgun":
        event = {**MAILGUN, "message": {"headers": {"message-id": mail.strip("<>")}}}
        return (of_mailgun(event).decode()[:-1] + f', "theirs": {theirs}' + "}").encode(), {}
    headers = [{"name": "Message-ID", "value": mail}]
    told = json.dumps({**SES, "mail": {"messageId": "ses-1", "headers": headers}})
    return of_ses(topic, told[:-1] + f', "theirs": {theirs}' + "}"), {}


@pytest.mark.parametrize("odd", ["18446744073709551615", "1e400", '"\\u0000"', '"\\ud800"', "[" * 40 + "]" * 40])
@pytest.mark.parametrize("provider", ["sendgrid", "mailgun", "ses"])
def test_what_nobody_reads_keeps_no_failure_out(doors: Site, sns: tuple[Sns, str], provider: str, odd: str) -> None:
    body, headers = failure_of(provider, doors, sns[0], odd)
    assert [post(doors, provider, body, headers).status_code for _ in range(2)] == [202, 200]
    assert first_state(doors) == "bounced"


@pytest.mark.parametrize("provider", ["sendgrid", "mailgun", "ses"])
def test_a_failure_that_cannot_be_read_is_somebodys_to_look_at(
    doors: Site, sns: tuple[Sns, str], provider: str
) -> None:
    body, headers = failure_of(provider, doors, sns[0], '1, "theirs": 2')
    assert [post(doors, provider, body, headers).status_code for _ in range(2)] == [202, 200]
    assert first_state(doors) == "sent"
    kept = doors.world.rows("SELECT state, reason FROM inbox_event WHERE source LIKE 'mail:%'")
    assert [(row.state, "twice" in row.reason) for row in kept] == [("quarantined", True)]


def test_a_failure_without_recipient_or_id_is_not_lost(doors: Site, sns: tuple[Sns, str]) -> None:
    assert post(doors, "ses", of_ses(sns[0], {"notificationType": "Bounce", "bounce": {}})).json()["new"] == 1
    bounce = {"event": "bounce", "email": TO, "smtp-id": message_id(doors), "status": "5.1.1"}
    events = [post(doors, "sendgrid", *of_sendgrid(bounce, 7)).json() for _ in range(2)]
    assert events == [{"reports": 2, "new": 2}, {"reports": 2, "new": 0}]
    assert first_state(doors) == "bounced"


@pytest.mark.parametrize(
    ("provider", "variable", "value"),
    [("message", "SHUKKA_BOUNCES_SECRET", "swordfish"), ("sendgrid", "SENDGRID_WEBHOOK_KEY", "bm8=")],
)
def test_a_wrong_setting_keeps_the_process_from_starting(provider: str, variable: str, value: str) -> None:
    with pytest.raises(Misconfigured, match=variable) as refused:
        read(MAIL_PROVIDERS[provider].settings, {variable: value})
    assert value not in str(refused.value)


def test_an_operator_sees_and_releases_suppressions(doors: Site) -> None:
    post(doors, "message", *a_message(doors))
    (stands,) = doors.get("/v1/suppressions?shop=salon", key=doors.operator).json()["suppressions"]
    assert (stands["shop"], stands["address"], stands["reason"]) == ("salon", TO, "no_such_user")
    path = f"/v1/suppressions/{stands['id']}"
    for key in (doors.storefront, doors.keys["warehouse"]):
        assert doors.run(lambda key=key: doors.request("DELETE", path, key=key)).status_code == 404  # type: ignore[misc]
    other = doors.world.enrol("operator", "clinic-only", shops=["clinic"]).key
    assert doors.get("/v1/suppressions", key=other).json() == {"suppressions": []}
    for wrong in ("shop=salon", "shop=nowhere", "address=x"):
        assert fields(doors.get(f"/v1/suppressions?{wrong}", key=other)) == [wrong.partition("=")[0]]
    assert doors.run(lambda: doors.request("DELETE", path, key=other)).status_code == 404
    gone = doors.run(lambda: doors.request("DELETE", path, key=doors.operator))
    assert (gone.status_code, gone.json()) == (200, {"id": stands["id"], "shop": "salon"})
    assert doors.run(lambda: doors.request("DELETE", path, key=doors.operator)).status_code == 404
    assert doors.get("/v1/suppressions", key=doors.operator).json() == {"suppressions": []}


def test_what_waits_for_somebody_is_counted(doors: Site) -> None:
    post(doors, "message", *a_message(doors))
    text = doors.get("/metrics", key=None).text
    assert 'shukka_webhooks_total{kind="mail",status="202"}' in text
    assert 'shukka_needs_attention{what="sender_refused"} 0.0' in text
    assert 'shukka_needs_attention{what="bounced"} 1.0' in text
