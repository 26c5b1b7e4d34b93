"""kill -9 of the sender before and after sending: everything goes out, twice only as the same."""

import asyncio
import signal
from collections import Counter
from contextlib import AbstractAsyncContextManager
from uuid import UUID

import pytest

from services.kit.clock import SystemClock
from tests.contract.command_service import Service, running
from tests.contract.post_office import (
    FROM,
    SECRET,
    GatewayServer,
    MailServer,
    gateway_server,
    mail_server,
)
from tests.faults.child import child, on_log

MESSAGES = 4


def sender(
    url: str, mails: MailServer, gateway: GatewayServer, failpoint: str = ""
) -> AbstractAsyncContextManager[asyncio.subprocess.Process]:
    """A sender in a process of its own."""
    environ = {
        **on_log(url),
        "LEADS_SMTP_URL": mails.url,
        "LEADS_MAIL_FROM": FROM,
        "LEADS_MESSAGE_GATEWAY_URL": gateway.url,
        "LEADS_MESSAGE_GATEWAY_SECRET": SECRET.decode(),
    }
    return child("services.command.sending", environ, failpoint)


async def told(service: Service, lead: str) -> Counter[str]:
    """How many events of each kind the lead has about messages."""
    recorded = await service.commanding.log.load([UUID(lead)])
    topics = (one.event.TOPIC for one in recorded[UUID(lead)])
    return Counter(topic for topic in topics if "message" in topic)


async def until_sent(service: Service, lead: str) -> None:
    """Wait until every message is told of as sent."""
    async with asyncio.timeout(60):
        while (await told(service, lead))["lead.message_sent"] < 2 * MESSAGES:
            await asyncio.sleep(0.05)


@pytest.mark.parametrize(
    ("failpoint", "twice"), [("sender.before_send:kill:3", 0), ("sender.after_send:kill:3", 1)]
)
async def test_a_killed_sender_loses_nothing_and_repeats_only_the_same(
    database_url: str, failpoint: str, twice: int
) -> None:
    async with (
        running(database_url, frozenset({"email", "sms"})) as service,
        mail_server() as mails,
        gateway_server() as gateway,
    ):
        service.clock.at = SystemClock().now()
        gateway.now = lambda: int(SystemClock().now().timestamp())
        lead = await service.lead(await service.campaign(), fields={"email": "ana@example.com"})
        for number in range(MESSAGES):
            mail = {"subject": f"Mail {number}", "body": "Hello"}
            await service.done(f"/v1/leads/{lead}/send-email", mail)
            await service.done(f"/v1/leads/{lead}/send-sms", {"body": f"Text {number}"})
        async with sender(database_url, mails, gateway, failpoint) as process:
            assert await asyncio.wait_for(process.wait(), 60) == -signal.SIGKILL
        async with sender(database_url, mails, gateway) as process:
            await until_sent(service, lead)
        assert process.returncode == 0
        assert await told(service, lead) == {
            "lead.message_queued": 2 * MESSAGES, "lead.message_sent": 2 * MESSAGES
        }  # fmt: skip
        # The mail server may see one twice: byte for byte the same. The gateway knows by its key.
        assert len(set(mails.raw)) == MESSAGES
        assert len(gateway.taken) == MESSAGES
        assert gateway.forged == 0
        sent = len(mails.raw) + len(gateway.requests)
        # What was on its way may have gone out unheard as well: every text, and one mail.
        assert 2 * MESSAGES + twice <= sent <= 2 * MESSAGES + MESSAGES + 1
