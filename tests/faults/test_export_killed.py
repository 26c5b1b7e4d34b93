"""kill -9 of who writes and of who settles exports: each ends once, whole, and goes in time."""

import asyncio
import signal
from collections import Counter
from contextlib import AbstractAsyncContextManager
from uuid import UUID

from tests.contract.export_service import LINKS, Exports, exporting
from tests.contract.post_office import FROM, MailServer, mail_server
from tests.faults.child import child, on_log

LEADS = 9


def process(
    module: str, url: str, mails: MailServer, failpoint: str = ""
) -> AbstractAsyncContextManager[asyncio.subprocess.Process]:
    """One of those who make and settle exports, in a process of its own."""
    environ = {
        **on_log(url),
        "LEADS_SMTP_URL": mails.url,
        "LEADS_MAIL_FROM": FROM,
        "LEADS_PUBLIC_URL": LINKS.url,
    }
    return child(module, environ, failpoint, ready=False)


async def killed(module: str, url: str, mails: MailServer, failpoint: str) -> None:
    """Run it until it kills itself there."""
    async with process(module, url, mails, failpoint) as running:
        assert await asyncio.wait_for(running.wait(), 60) == -signal.SIGKILL


async def told(exports: Exports, export: str) -> Counter[str]:
    """How many events of each kind the export has."""
    recorded = await exports.service.commanding.log.load([UUID(export)])
    return Counter(one.event.TOPIC for one in recorded[UUID(export)])


WRITER, CLERK = "tests.faults.export_child", "services.command.sending"


async def test_killed_anywhere_it_ends_once_and_whole_and_its_file_goes(database_url: str) -> None:
    async with exporting(database_url) as exports, mail_server() as mails:
        campaign = await exports.service.campaign()
        leads = [
            await exports.service.lead(campaign, phone=f"+1415555{200 + number:04d}")
            for number in range(LEADS)
        ]
        to = ["ann@partner.example"]
        export = await exports.asked(columns=["lead_id", "phone"], recipients=to)
        await killed(WRITER, database_url, mails, "export.piece:kill:3")
        pool = exports.service.commanding.log.pool
        assert await pool.fetchval("select count(*) from job.export_pieces") > 0
        await killed(WRITER, database_url, mails, "export.before_written:kill:1")
        async with process(WRITER, database_url, mails) as running:
            assert await asyncio.wait_for(running.wait(), 60) == 0
        await killed(CLERK, database_url, mails, "exports.before_told:kill:1")
        assert await told(exports, export) == {"export.requested": 1, "export.finished": 1}
        texts = await exports.file(export)
        lines = next(one for name, one in texts.items() if name.endswith(".csv")).split()
        assert len(set(lines)) == len(lines) == LEADS + 1

        await killed(CLERK, database_url, mails, "exports.before_mail:kill:1")
        assert mails.raw == []
        await killed(CLERK, database_url, mails, "exports.after_mail:kill:1")
        assert len(mails.raw) == 1
        removing = "exports.before_remove:kill:1"
        async with process(CLERK, database_url, mails, removing) as running, asyncio.timeout(60):
            while not (await told(exports, export))["export.mailed"]:
                await asyncio.sleep(0.05)
            assert len(set(mails.raw)) == 1, "whoever gets it twice sees one mail"
            await exports.service.done(f"/v1/leads/{leads[-1]}/delete", {"reason": "asked for it"})
            assert await running.wait() == -signal.SIGKILL
        async with process(CLERK, database_url, mails), asyncio.timeout(60):
            while await pool.fetchval("select count(*) from job.exports"):
                await asyncio.sleep(0.05)
        assert await told(exports, export) == {
            "export.requested": 1, "export.finished": 1, "export.downloaded": 1,
            "export.mailed": 1, "export.removed": 1,
        }  # fmt: skip
