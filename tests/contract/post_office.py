"""A mail server and a message gateway of a test's own: real ones, that do as they are told."""

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any

import orjson
from aiosmtpd.smtp import SMTP

from services.kit.webhook import is_signed

SECRET = b"a secret of at least 32 characters"
TAKEN = "250 OK taken as 4711"
FROM = "Sales <sales@leads.example>"


@dataclass
class MailServer:
    """What it took, and how it answers: `rcpt` and `data` are replies, "" hangs up."""

    port: int = 0
    rcpt: str = "250 OK"
    data: str = TAKEN
    raw: list[bytes] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)

    @property
    def mail(self) -> list[EmailMessage]:
        """The messages, read."""
        policy = email.policy.default
        return [email.message_from_bytes(one, policy=policy) for one in self.raw]

    @property
    def url(self) -> str:
        """What LEADS_SMTP_URL says."""
        return f"smtp://127.0.0.1:{self.port}?tls=none"

    async def handle_RCPT(  # noqa: N802 - the library's name
        self, server: Any, session: Any, envelope: Any, address: str, options: Any
    ) -> str:
        """Answer RCPT TO."""
        if self.rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(  # noqa: N802 - the library's name
        self, server: Any, session: Any, envelope: Any
    ) -> str:
        """Take the mail, or say why not."""
        if self.data.startswith("250"):
            self.raw.append(envelope.original_content)
            self.recipients += envelope.rcpt_tos
        elif not self.data:
            server.transport.abort()
        return self.data or "451 gone"


@asynccontextmanager
async def mail_server() -> AsyncIterator[MailServer]:
    """A mail server on a port of its own."""
    mails = MailServer()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: SMTP(mails, hostname="mail.example", loop=loop, enable_SMTPUTF8=True),
        "127.0.0.1",
        0,
    )
    mails.port = server.sockets[0].getsockname()[1]
    try:
        yield mails
    finally:
        server.close()


@dataclass
class GatewayServer:
    """What it took, and how it answers next: a status, `hang` for silence, `drop` hangs up."""

    port: int = 0
    status: int | str = 202
    headers: str = ""
    now: Callable[[], int] = int
    requests: list[tuple[dict[str, str], dict[str, Any]]] = field(default_factory=list)
    forged: int = 0

    @property
    def url(self) -> str:
        """What LEADS_MESSAGE_GATEWAY_URL says."""
        return f"http://127.0.0.1:{self.port}/messages"

    @property
    def taken(self) -> dict[str, dict[str, Any]]:
        """Messages by idempotency key: as a gateway counts them."""
        return {headers["idempotency-key"]: body for headers, body in self.requests}

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request and hang up."""
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            headers = {
                name.lower(): value
                for name, _, value in (line.partition(": ") for line in head[1:] if line)
            }
            body = await reader.readexactly(int(headers["content-length"]))
            if not is_signed(SECRET, headers["leads-signature"], body, self.now()):
                self.forged += 1
            status = self.status
            if status == "hang":
                await reader.read()
                return
            if status != "drop":
                if str(status).startswith("2"):
                    self.requests.append((headers, orjson.loads(body)))
                said = b'{"id": "sms-1"}'
                more = f"content-length: {len(said)}\r\nconnection: close\r\n{self.headers}"
                writer.write(f"HTTP/1.1 {status} X\r\n{more}\r\n".encode() + said)
                await writer.drain()
        finally:
            writer.close()


@asynccontextmanager
async def gateway_server() -> AsyncIterator[GatewayServer]:
    """A gateway on a port of its own."""
    gateway = GatewayServer()
    server = await asyncio.start_server(gateway.answer, "127.0.0.1", 0)
    gateway.port = server.sockets[0].getsockname()[1]
    try:
        yield gateway
    finally:
        server.close()
