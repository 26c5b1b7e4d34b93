"""Mails links to files of exports, one mail an address, once each.

At least once, as with messages to leads: after a crash between sending and saying so the same mail
goes out again, to the byte. What cannot be sent now is tried again while the file is there.
"""

import asyncio
from datetime import timedelta
from uuid import UUID

import asyncpg

from schemas.filter_numbers import numbers_in
from schemas.filter_text import print_filter
from schemas.filters import parse_filter
from schemas.instants import format_instant
from schemas.organisation import ORGANISATION_ID
from schemas.rights import may_unmask_phones
from services.command.domain.decider import Command
from services.command.domain.export.settling import NoteExportMailed, NoteExportMailFailed
from services.command.domain.export.state import Export
from services.command.domain.organisation.state import Organisation
from services.command.exports.clerk import tell
from services.command.exports.files import File, Files
from services.command.exports.links import PATH, link_token
from services.command.handler import Commanding
from services.command.sending.letter import Channel, Letter, NotSent, Refusal
from services.kit.background import pause
from services.kit.clock import Clock
from services.kit.errors import Problem
from services.kit.failpoints import at
from services.kit.http import failure
from services.kit.postgres import RETRYABLE
from services.kit.telemetry import logger

POLL_SECONDS = 0.25
BACK_OFF_SECONDS = (5.0, 900.0)
_FAULTS = (Problem, asyncpg.PostgresError, *RETRYABLE)


class Post:
    """Mails the links of the exports of one database."""

    def __init__(self, commanding: Commanding, clock: Clock, channel: Channel, url: str) -> None:
        """Send by `channel` links that begin with `url`."""
        self._commanding = commanding
        self._clock = clock
        self._channel = channel
        self._url = url
        self._files = Files(commanding.log.pool, commanding.log.keys.master)

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set."""
        try:
            while not stop.is_set():
                try:
                    sent = await self.step()
                except _FAULTS as error:
                    logger().warning("post-fault", **failure(error))
                    sent = 0
                if not sent:
                    await self._channel.close()
                await pause(stop, POLL_SECONDS)
        finally:
            await self._channel.close()

    async def step(self) -> int:
        """Send what is due; return how many mails were taken."""
        count = 0
        now = self._clock.now()
        for file in await self._files.all():
            if not file.told or (file.mail_at or now) > now:
                continue
            states = await self._commanding.states.refresh(
                {file.id: "export", ORGANISATION_ID: "organisation"}
            )
            export: Export = states[file.id]
            count += await self._send(file, export, states[ORGANISATION_ID])
        return count

    async def _send(self, file: File, export: Export, organisation: Organisation) -> int:
        """Mail to each address that waits; one that cannot be reached now holds up no other."""
        count, later = 0, ""
        for recipient in export.unsent():
            letter = self._letter(export, recipient, organisation)
            try:
                at("exports.before_mail")
                await self._channel.deliver(letter)
            except Refusal as refusal:
                told: Command = NoteExportMailFailed(recipient=recipient, code=refusal.code)
            except NotSent as fault:
                later = fault.code
                continue
            else:
                at("exports.after_mail")
                told = NoteExportMailed(recipient=recipient)
                count += 1
            await tell(self._commanding, file.id, told)
        if later:
            shortest, longest = BACK_OFF_SECONDS
            seconds = min(longest, shortest * 2.0 ** min(file.tries, 20))
            logger().warning("export-mail-waits", export=export.id, why=later)
            await self._files.later(file.id, self._clock.now() + timedelta(seconds=seconds))
        return count

    def _letter(self, export: Export, recipient: int, organisation: Organisation) -> Letter:
        assert export.finished_at is not None
        assert export.expires_at is not None, "a finished export has an end"
        asker = organisation.users[export.by]
        token = link_token(self._commanding.log.keys.master, UUID(export.id), recipient)
        lines = (
            f"{asker.name or 'A user'} sends you leads: {export.name}",
            "",
            f"Leads:    {export.leads:,}",
            f"Filter:   {_words(export, may_unmask_phones(asker.role, asker.rights))}",
            f"As of:    position {export.shown} of the log, {format_instant(export.finished_at)}",
            "",
            f"The file, a ZIP archive, until {format_instant(export.expires_at)}:",
            f"{self._url}{PATH}/{token}",
            "",
            *((export.note, "") if export.note else ()),
            "The link is yours. Whoever has it has the leads, so keep it to yourself.",
        )
        name = f"export.{export.id}.{recipient}"
        subject = f"{export.name}: {export.leads:,} leads"
        address = export.recipients[recipient - 1]
        text = "\n".join(lines) + "\n"
        return Letter(name, name, "email", address, subject, text, export.finished_at)


def _words(export: Export, shows_phones: bool) -> str:
    """Return the filter as one can type it; without numbers, for whose asker must not see them."""
    if export.filter is None:
        return "none, every lead that the sender sees"
    if not shows_phones and numbers_in(export.filter):
        return "by a number"
    return print_filter(parse_filter(export.filter))
