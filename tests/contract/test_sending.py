"""From a command to the other side and back: a real mail server, a real gateway, every fault."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import pytest

from schemas.envelope import Recorded
from services.command.sending import gateway as gateway_module
from services.command.sending.gateway import Gateway
from services.command.sending.letter import Channel, Letter, Unreachable
from services.command.sending.mail import Mailer
from services.command.sending.sender import GIVE_UP, Sender
from services.kit.outside import GatewaySettings, read_mail
from services.kit.webhook import sign
from tests.contract.command_service import Service, running
from tests.contract.post_office import (
    FROM,
    SECRET,
    GatewayServer,
    MailServer,
    gateway_server,
    mail_server,
)

ALL = frozenset({"email", "sms", "whatsapp"})
MAIL = "ana@example.com"
PHONE = "+14155550100"
HELLO = {"subject": "Grüße", "body": "Hello,\nline two\n.\nend"}


class Office:
    """A command service, a sender worked by hand, and the other side."""

    def __init__(self, service: Service, mails: MailServer, gateway: GatewayServer) -> None:
        self.service = service
        self.mails = mails
        self.gateway = gateway
        settings = read_mail({"LEADS_SMTP_URL": mails.url, "LEADS_MAIL_FROM": FROM})
        assert settings is not None
        gateway.now = lambda: int(service.clock.now().timestamp())
        self.channels: tuple[Channel, ...] = (
            Mailer(settings),
            Gateway(GatewaySettings(gateway.url, SECRET), service.clock),
        )
        self.sender = Sender(service.commanding, service.clock, self.channels, lambda: 0.5)

    async def lead(self, **more: Any) -> str:
        """A lead with an address for everything."""
        campaign = await self.service.campaign()
        fields = {"email": MAIL, "whatsapp": "+14155550109"}
        return await self.service.lead(campaign, **{"fields": fields, **more})

    async def send(self, lead: str, how: str = "email", **body: Any) -> str:
        """Give the command; return the message's id."""
        text = HELLO if how == "email" else {"body": "Hello"}
        answer = await self.service.done(f"/v1/leads/{lead}/send-{how}", {**text, **body})
        return f"{lead}.{answer['version']}"

    async def work(self, later: float = 0.0) -> list[str]:
        """Send all that is due after so many seconds; return what could not be reached."""
        self.service.clock.at += timedelta(seconds=later)
        while await self.sender.outbox.fill():
            pass
        faults = []
        for channel in self.channels:
            try:
                while await self.sender.send_due(channel):
                    pass
            except Unreachable as error:
                faults.append(error.code)
        return faults

    async def told(self, lead: str) -> list[Recorded]:
        """What the log says of the lead's messages."""
        stream = UUID(lead)
        recorded = (await self.service.commanding.log.load([stream]))[stream]
        return [one for one in recorded if one.event.TOPIC.startswith("lead.message_")]

    async def attempts(self) -> int:
        """How often the one message that waits was tried."""
        pool = self.service.commanding.log.pool
        return int(await pool.fetchval("select attempts from job.outbox"))

    async def last(self, lead: str) -> Any:
        """The latest of those."""
        return (await self.told(lead))[-1].event


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Office]:
    async with AsyncExitStack() as stack:
        service = await stack.enter_async_context(
            running(database_url, ALL, GatewaySettings("", SECRET))
        )
        mails = await stack.enter_async_context(mail_server())
        gateway = await stack.enter_async_context(gateway_server())
        office = Office(service, mails, gateway)
        yield office
        for channel in office.channels:
            await channel.close()


async def test_mail_goes_out_and_the_log_says_so(office: Office) -> None:
    lead = await office.lead()
    name = await office.send(lead)
    assert await office.work() == []
    (mail,) = office.mails.mail
    assert office.mails.recipients == [MAIL]
    assert mail["Message-ID"] == f"<{name}@leads.example>"
    assert (mail["To"], mail["From"], mail["Subject"]) == (MAIL, FROM, "Grüße")
    assert mail["Date"] == "Mon, 02 Mar 2026 12:00:00 +0000"
    assert mail.get_content().replace("\r\n", "\n") == HELLO["body"] + "\n"
    queued, sent = await office.told(lead)
    assert sent.event.TOPIC == "lead.message_sent"
    assert (sent.origin.actor, sent.origin.cause) == ("service:sender", f"event:{queued.event_id}")
    assert sent.event.reference.endswith("taken as 4711")  # type: ignore[attr-defined]  # sent
    assert await office.work() == []
    assert len(office.mails.raw) == 1


async def test_sms_and_whatsapp_go_to_the_gateway_signed(office: Office) -> None:
    lead = await office.lead()
    sms, whatsapp = await office.send(lead, "sms"), await office.send(lead, "whatsapp")
    assert await office.work() == []
    assert office.gateway.forged == 0
    bodies = {body["id"]: body for _, body in office.gateway.requests}
    at = {"queued_at": "2026-03-02T12:00:00Z", "body": "Hello"}
    assert bodies == {
        sms: {"id": sms, "channel": "sms", "to": PHONE, **at},
        whatsapp: {"id": whatsapp, "channel": "whatsapp", "to": "+14155550109", **at},
    }
    assert set(office.gateway.taken) == {sms, whatsapp}
    assert (await office.last(lead)).reference == "sms-1"


@pytest.mark.parametrize(
    ("reply", "how", "code"),
    [
        ("550 no such user", "email", "mail-refused"),
        ("552 too big", "email-data", "mail-refused"),
        (400, "sms", "gateway-refused"),
        (403, "sms", "gateway-refused"),
        (302, "sms", "gateway-refused"),
    ],
)
async def test_a_final_no_is_final(office: Office, reply: Any, how: str, code: str) -> None:
    lead = await office.lead()
    name = await office.send(lead, how.removesuffix("-data"))
    if how == "email":
        office.mails.rcpt = reply
    elif how == "email-data":
        office.mails.data = reply
    else:
        office.gateway.status = reply
    assert await office.work() == []
    failed = await office.last(lead)
    assert (failed.code, failed.attempts) == (code, 1)
    assert failed.detail.startswith(str(reply)[:3])
    assert await office.work(3600) == []
    assert len(await office.told(lead)) == 2
    # A person may have it sent again: under another key, for the first one was used up.
    office.mails.rcpt, office.mails.data, office.gateway.status = "250 OK", "250 OK", 202
    await office.service.done(f"/v1/leads/{lead}/retry-message", {"message_id": name})
    assert await office.work() == []
    assert (await office.last(lead)).TOPIC == "lead.message_sent"
    keys = [*office.gateway.taken, *(one["Message-ID"] for one in office.mails.mail)]
    assert len(keys) == 1
    assert name not in keys[0]


@pytest.mark.parametrize("how", ["email", "sms"])
async def test_what_is_deferred_waits_longer_each_time(office: Office, how: str) -> None:
    lead = await office.lead()
    await office.send(lead, how)
    office.mails.rcpt, office.gateway.status = "451 try later", 503
    await office.work()
    for tries, wait in enumerate((5, 10, 20), start=1):
        await office.work(wait - 1)
        assert await office.attempts() == tries
        assert await office.work(1) == []
        assert await office.attempts() == tries + 1
    office.mails.rcpt, office.gateway.status = "250 OK", 202
    await office.work(39)
    assert len(await office.told(lead)) == 1
    await office.work(1)
    sent = await office.last(lead)
    assert (sent.TOPIC, sent.attempts) == ("lead.message_sent", 5)


async def test_the_gateway_says_how_long_to_wait(office: Office) -> None:
    lead = await office.lead()
    await office.send(lead, "sms")
    office.gateway.status, office.gateway.headers = 429, "retry-after: 60\r\n"
    await office.work()
    office.gateway.status = 202
    await office.work(59)
    assert len(await office.told(lead)) == 1
    await office.work(1)
    assert (await office.last(lead)).TOPIC == "lead.message_sent"


async def test_nobody_there_pauses_the_channel_and_loses_nothing(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead = await office.lead()
    mail, sms = await office.send(lead), await office.send(lead, "sms")
    monkeypatch.setattr(office.channels[1], "_settings", GatewaySettings("http://[::1]:9", SECRET))
    office.mails.data = ""
    assert await office.work() == ["mail-unreachable", "gateway-unreachable"]
    monkeypatch.undo()
    office.mails.data, office.gateway.status = "250 OK", "drop"
    assert await office.work(6) == ["gateway-unreachable"]
    office.gateway.status = 202
    assert await office.work(12) == []
    assert list(office.gateway.taken) == [sms]
    assert [one["Message-ID"] for one in office.mails.mail] == [f"<{mail}@leads.example>"]


async def test_silence_is_not_waited_for_for_ever(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead = await office.lead()
    await office.send(lead, "sms")
    monkeypatch.setattr(gateway_module, "TIMEOUT", 0.05)
    office.gateway.status = "hang"
    assert await office.work() == ["gateway-unreachable"]


async def test_a_fault_of_ours_with_one_letter_is_not_the_others(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    lead = await office.lead()
    await office.send(lead, "sms", body="poison")
    await office.send(lead, "sms")
    deliver = Gateway.deliver

    async def stumble(self: Gateway, letter: Letter) -> str | None:
        assert letter.body != "poison"
        return await deliver(self, letter)

    monkeypatch.setattr(Gateway, "deliver", stumble)
    assert await office.work() == []
    assert len(office.gateway.taken) == 1
    monkeypatch.undo()
    await office.work(5)
    assert len(office.gateway.taken) == 2


async def test_after_a_day_it_is_given_up(office: Office) -> None:
    lead = await office.lead()
    await office.send(lead, "sms")
    office.gateway.status = 503
    await office.work()
    await office.work(GIVE_UP.total_seconds() + 1)
    failed = await office.last(lead)
    assert (failed.code, failed.attempts, failed.detail) == ("given-up", 1, "gateway-deferred")


async def test_what_was_cancelled_erased_or_forbidden_does_not_go_out(office: Office) -> None:
    lead = await office.lead()
    name = await office.send(lead, "sms")
    cancelled = {"message_id": name}
    while await office.sender.outbox.fill():
        pass
    await office.service.done(f"/v1/leads/{lead}/cancel-message", cancelled)
    await office.send(lead, "sms")
    entry = {"number": PHONE, "scope": "global", "reason": "asked"}
    await office.service.done("/v1/do-not-call/add", entry)
    await office.send(lead)
    await office.work()
    assert office.gateway.requests == []
    told = [one.event for one in await office.told(lead)]
    assert [one.code for one in told if hasattr(one, "code")] == ["do-not-call-global"]
    assert len(office.mails.raw) == 1
    await office.send(lead)
    await office.service.done(f"/v1/leads/{lead}/delete", {})
    await office.work()
    assert len(office.mails.raw) == 1
    assert await office.sender.outbox.waiting() == (0, None)


async def test_a_letter_is_the_same_to_the_byte_in_every_try(office: Office) -> None:
    lead = await office.lead()
    await office.send(lead, body="same")
    waiting = await _waiting(office)
    letter = await office.sender._letter(waiting)
    assert letter is not None
    for _ in range(2):
        office.service.clock.at += timedelta(minutes=1)
        await office.channels[0].deliver(letter)
    assert office.mails.raw[0] == office.mails.raw[1]


async def _waiting(office: Office) -> Any:
    while await office.sender.outbox.fill():
        pass
    (waiting,) = await office.sender.outbox.due(("email",), office.service.clock.now(), 5)
    return waiting


async def test_odd_addresses_become_mail_or_a_refusal_and_never_a_header(office: Office) -> None:
    lead = await office.lead()
    for address in ("jörg@büro.example", "o'neil+x@example.com", "bcc:eve@example.com"):
        body = {"set": {"email": address}}
        answer = await office.service.post(f"/v1/leads/{lead}/update-fields", body)
        if answer.status_code == 200:
            await office.send(lead)
    await office.work()
    assert office.mails.recipients == ["jörg@xn--bro-hoa.example", "o'neil+x@example.com"]
    for mail in office.mails.mail:
        assert set(mail.keys()) == {
            "From", "To", "Subject", "Date", "Message-ID", "MIME-Version",
            "Content-Type", "Content-Transfer-Encoding",
        }  # fmt: skip


async def test_what_is_not_set_up_is_refused_with_what_to_set(database_url: str) -> None:
    async with running(database_url) as service:
        lead = await service.lead(await service.campaign(), fields={"email": MAIL})
        refused = await service.post(f"/v1/leads/{lead}/send-email", HELLO)
        assert refused.status_code == 409
        assert "LEADS_SMTP_URL" in refused.text
        refused = await service.post(f"/v1/leads/{lead}/send-sms", {"body": "Hi"})
        assert "LEADS_MESSAGE_GATEWAY_URL" in refused.text


async def report(office: Office, body: Any, secret: bytes = SECRET, age: int = 0) -> Any:
    """Tell something as the gateway does."""
    raw = orjson.dumps(body)
    at = int(office.service.clock.now().timestamp()) - age
    headers = {"content-type": "application/json", "leads-signature": sign(secret, at, raw)}
    return await office.service.client.post("/v1/message-reports", content=raw, headers=headers)


async def test_the_gateway_reports_what_became_of_a_message(office: Office) -> None:
    lead = await office.lead()
    name = await office.send(lead, "sms")
    await office.work()
    told = {"kind": "delivered", "id": name, "at": "2026-03-02T12:00:05Z"}
    answers = [await report(office, told) for _ in range(2)]
    assert [one.json()["changed"] for one in answers] == [True, False]
    delivered = (await office.told(lead))[-1]
    assert delivered.origin.actor == "service:gateway"
    assert delivered.event.TOPIC == "lead.message_delivered"
    late = {**told, "kind": "failed", "reason": "no such number"}
    assert (await report(office, late)).json()["changed"] is False
    for strange in ("x", f"{UUID(int=9)}.2", lead + ".99", "-" * 36 + ".1"):
        assert (await report(office, {**told, "id": strange})).status_code in (404, 422)


async def test_a_received_message_finds_its_lead(office: Office) -> None:
    first = await office.lead()
    told = {
        "kind": "received", "id": "in-1", "at": "2026-03-02T12:00:05Z", "channel": "sms",
        "from": PHONE, "body": "Call me",
    }  # fmt: skip
    answer = await report(office, told)
    assert (answer.json()["id"], answer.json()["changed"]) == (first, True)
    assert (await report(office, told)).json()["changed"] is False
    other = await office.service.lead(await office.service.campaign(name="Autumn"))
    await office.send(first, "sms")
    assert (await report(office, {**told, "id": "in-2"})).json()["id"] == first
    office.service.clock.at += timedelta(minutes=1)
    await office.send(other, "sms")
    assert (await report(office, {**told, "id": "in-3"})).json()["id"] == other
    whatsapp = {**told, "id": "in-4", "from": "+14155550109", "channel": "whatsapp"}
    assert (await report(office, whatsapp)).json()["id"] == first
    assert (await report(office, {**told, "from": "+14155550188"})).status_code == 404
    assert (await report(office, {**told, "from": "0415"})).status_code == 422


async def test_reports_are_believed_only_when_signed_just_now(office: Office) -> None:
    lead = await office.lead()
    name = await office.send(lead, "sms")
    told = {"kind": "delivered", "id": name, "at": "2026-03-02T12:00:05Z"}
    assert (await report(office, told, secret=b"another")).status_code == 401
    assert (await report(office, told, age=301)).status_code == 401
    assert (await report(office, told, age=-301)).status_code == 401
    bare = await office.service.client.post("/v1/message-reports", json=told)
    assert bare.status_code == 401
    assert (await report(office, {**told, "kind": "eaten"})).status_code == 422
    assert (await report(office, {**told, "more": 1})).status_code == 422
    assert (await report(office, [])).status_code == 422
    assert len(await office.told(lead)) == 1


async def test_without_a_gateway_no_report_is_taken(database_url: str) -> None:
    async with running(database_url) as service:
        answer = await service.client.post("/v1/message-reports", json={})
        assert answer.status_code == 401
        assert "LEADS_MESSAGE_GATEWAY_URL" in answer.text
