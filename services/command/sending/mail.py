"""E-mail by SMTP, over one connection that stays open while there is mail.

A letter makes the same bytes in every try: id and date come from the event that queued it. So who
gets it twice, because we died between sending and writing that down, sees one message.
"""

from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as POLICY
from email.utils import format_datetime
from typing import ClassVar

import aiosmtplib
from aiosmtplib import errors

from services.command.sending.letter import Later, Letter, Refusal, Unreachable
from services.kit.outside import MailSettings

ANSWER_SECONDS = 20.0
CLOSE_SECONDS = 1.0
SERVICE_ENDS = 421
NO_ADDRESS = "No mail can be sent to this address."


class Mailer:
    """The channel `email`."""

    names: ClassVar[tuple[str, ...]] = ("email",)
    width: ClassVar[int] = 1

    def __init__(self, settings: MailSettings) -> None:
        """Send by the server the settings name; connects with the first letter."""
        self._settings = settings
        self._open: aiosmtplib.SMTP | None = None

    async def deliver(self, letter: Letter) -> str | None:
        """Send one letter; return what the server said when it took it."""
        message = compose(letter, self._settings)
        try:
            smtp = await self._connected()
            _, said = await smtp.send_message(message, recipients=[_recipient(letter.address)])
        except errors.SMTPException as error:
            raise await self._fault(error) from None
        except ValueError:
            raise Refusal("address-impossible", NO_ADDRESS) from None
        except OSError as error:
            await self.close()
            raise Unreachable("mail-unreachable", type(error).__name__) from None
        return said

    async def close(self) -> None:
        """Leave the server; without an answer just hang up."""
        smtp, self._open = self._open, None
        if smtp is None:
            return
        try:
            await smtp.quit(timeout=CLOSE_SECONDS)
        except (errors.SMTPException, OSError):
            smtp.close()

    async def _connected(self) -> aiosmtplib.SMTP:
        if self._open is not None and self._open.is_connected:
            return self._open
        settings = self._settings
        smtp = aiosmtplib.SMTP(
            hostname=settings.host,
            port=settings.port,
            username=settings.username or None,
            password=settings.password or None,
            local_hostname=settings.domain,
            timeout=ANSWER_SECONDS,
            use_tls=settings.tls == "direct",
            start_tls=settings.tls == "starttls",
        )
        await smtp.connect()
        self._open = smtp
        return smtp

    async def _fault(self, error: errors.SMTPException) -> Refusal | Later | Unreachable:
        """Say what a failure means, and leave the connection as the next letter needs it."""
        if isinstance(error, errors.SMTPRecipientsRefused):
            error = error.recipients[0]
        code = getattr(error, "code", 0)
        text = str(getattr(error, "message", ""))
        if isinstance(error, errors.SMTPNotSupported):
            return Refusal("address-not-supported", "The mail server takes ASCII addresses only.")
        about_letter = isinstance(error, errors.SMTPRecipientRefused | errors.SMTPDataError)
        if about_letter and code != SERVICE_ENDS:
            if code >= 500:
                return Refusal("mail-refused", f"{code} {text}")
            return Later("mail-deferred", f"{code} {text}")
        await self.close()
        if isinstance(error, errors.SMTPAuthenticationError):
            return Unreachable("mail-login-refused", f"{code} {text}")
        if isinstance(error, errors.SMTPSenderRefused):
            return Unreachable("mail-sender-refused", f"{code} {text}")
        return Unreachable("mail-unreachable", f"{type(error).__name__} {text}")


def compose(letter: Letter, settings: MailSettings) -> EmailMessage:
    """Return the letter as mail. Nothing in it can begin a header of its own: those are one line
    each, or there is no mail.
    """
    mailbox, _, domain = letter.address.rpartition("@")
    message = EmailMessage(policy=POLICY)
    try:
        message["From"] = settings.sender
        message["To"] = Address(username=mailbox, domain=_ascii(domain))
        message["Subject"] = letter.subject or ""
        message["Date"] = format_datetime(letter.queued_at)
        message["Message-ID"] = f"<{letter.try_id}@{settings.domain}>"
        message.set_content(letter.body, charset="utf-8")
    except (ValueError, IndexError):
        raise Refusal("address-impossible", NO_ADDRESS) from None
    return message


def _recipient(address: str) -> str:
    mailbox, _, domain = address.rpartition("@")
    return f"{mailbox}@{_ascii(domain)}"


def _ascii(domain: str) -> str:
    return domain if domain.isascii() else domain.encode("idna").decode("ascii")
