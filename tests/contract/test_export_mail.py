"""Links to exports by a real mail server: who gets one, what it opens, and when it is dead."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from email.message import EmailMessage
from urllib.parse import urlsplit
from uuid import UUID

import pytest

from services.command.exports.links import link_token, read_token
from services.command.exports.post import Post
from services.command.sending.mail import Mailer
from services.kit.ids import new_id
from services.kit.outside import read_mail
from tests.contract.command_service import USER_IDS
from tests.contract.export_service import LINKS, Exports, exporting, unzipped
from tests.contract.post_office import FROM, MailServer, mail_server
from tests.kit.event_logs import MASTER

PARTNER = "ann@partner.example"


class Office:
    """Exports, and a post office beside them."""

    def __init__(self, exports: Exports, mails: MailServer) -> None:
        self.exports = exports
        self.mails = mails
        settings = read_mail({"LEADS_SMTP_URL": mails.url, "LEADS_MAIL_FROM": FROM})
        assert settings is not None
        service = exports.service
        self.mailer = Mailer(settings)
        self.post = Post(service.commanding, service.clock, self.mailer, LINKS.url)

    async def links(self) -> list[str]:
        """The path each mail leads to, in the order in which they came."""
        return [link_in(one) for one in self.mails.mail]

    async def open(self, link: str) -> int:
        """Follow a link without any key; return the status."""
        return (await self.exports.take(link, "")).status_code


def link_in(mail: EmailMessage) -> str:
    """The path of the one link of a mail."""
    (line,) = (one for one in mail.get_content().splitlines() if one.startswith(LINKS.url))
    return str(urlsplit(line).path)


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Office]:
    async with AsyncExitStack() as stack:
        exports = await stack.enter_async_context(exporting(database_url))
        office = Office(exports, await stack.enter_async_context(mail_server()))
        user = {"user": USER_IDS["agent"], "email": "ana@example.com"}
        await exports.service.done("/v1/organisation/change-user", user)
        campaign = await exports.service.campaign()
        await exports.service.lead(campaign, fields={"age": 41})
        yield office
        await office.mailer.close()


async def test_each_address_is_mailed_a_link_of_its_own_that_opens_the_file(office: Office) -> None:
    exports, to = office.exports, ["ana@example.com", PARTNER]
    age = {"op": "equals", "field": "fields.age", "value": 41}
    export = await exports.done(recipients=to, name="Forty-one", filter=age)
    assert await office.post.step() == 2
    assert await office.post.step() == 0
    assert office.mails.recipients == to
    first, second = office.mails.mail
    text = first.get_content()
    shown = await exports.shown(export)
    assert first["Subject"] == "Forty-one: 1 leads"
    for part in ("fields.age = 41", f"position {shown['shown']} of the log", "Leads:    1"):
        assert part in text
    assert [one["mail"] for one in shown["recipients"]] == ["sent", "sent"]
    links = [link_in(one) for one in (first, second)]
    assert links[0] != links[1]
    answer = await exports.take(links[1], "")
    assert answer.status_code == 200
    assert len(unzipped(answer.content)) == 2
    recorded = (await exports.service.commanding.log.load([UUID(export)]))[UUID(export)]
    last = recorded[-1]
    assert last.event.TOPIC == "export.downloaded"
    assert (getattr(last.event, "recipient", 0), last.origin.actor) == (2, "service:export-link")


async def test_a_link_dies_after_a_day_with_the_export_and_with_its_asker(office: Office) -> None:
    exports = office.exports
    cancelled, of_agent, old = [
        await exports.done(by, recipients=[PARTNER]) for by in ("admin", "agent", "admin")
    ]
    assert await office.post.step() == 3
    by_export = {
        str(found[0]): one
        for one in await office.links()
        if (found := read_token(MASTER, one.rpartition("/")[2])) is not None
    }
    for export in (cancelled, of_agent, old):
        assert await office.open(by_export[export]) == 200
    await exports.service.done(f"/v1/exports/{cancelled}/cancel")
    left = {"user": USER_IDS["agent"]}
    await exports.service.done("/v1/organisation/deactivate-user", left)
    exports.service.clock.at += timedelta(hours=24) - timedelta(seconds=60)
    statuses = [await office.open(by_export[one]) for one in (cancelled, of_agent, old)]
    assert statuses == [404, 404, 200]
    exports.service.clock.at += timedelta(seconds=60)
    assert await office.open(by_export[old]) == 404
    assert await office.post.step() == 0


async def test_what_is_no_link_of_ours_opens_nothing(office: Office) -> None:
    export = UUID(await office.exports.done(recipients=[PARTNER]))
    good = link_token(MASTER, export, 1)
    assert read_token(MASTER, good) == (export, 1)
    other = link_token(MASTER, export, 2)
    strange = [
        other,  # sealed by us, but nobody was mailed it
        link_token(MASTER, new_id(), 1),
        good[:-1] + ("A" if good[-1] != "A" else "B"),
        good[:-4],
        good[:22] + other[22:],
        "x",
        "%00",
        "ü" * 44,
    ]
    for token in strange:
        assert await office.open(f"/v1/export-links/{token}") == 404, token
    assert await office.open(f"/v1/export-links/{good}") == 200


async def test_mail_that_is_refused_or_waits_is_told_and_holds_up_no_other(office: Office) -> None:
    exports = office.exports
    export = await exports.done(recipients=[PARTNER, "ana@example.com"])
    office.mails.rcpt = "451 later"
    assert await office.post.step() == 0
    assert [one["mail"] for one in (await exports.shown(export))["recipients"]] == ["waits"] * 2
    office.mails.rcpt = "250 OK"
    assert await office.post.step() == 0, "not before its time"
    exports.service.clock.at += timedelta(seconds=5)
    office.mails.data = "554 no"
    assert await office.post.step() == 0
    told = [one["mail"] for one in (await exports.shown(export))["recipients"]]
    assert told == ["mail-refused"] * 2
    exports.service.clock.at += timedelta(hours=1)
    assert await office.post.step() == 0, "it is given up"


async def test_a_link_is_mailed_to_nobody_who_may_not_have_it(office: Office) -> None:
    post = office.exports.service.post
    for to in ("x@elsewhere.example", "ana@sub.partner.example"):
        answer = await post("/v1/exports", {"recipients": [to, PARTNER]})
        assert answer.status_code == 422
        (error,) = answer.json()["errors"]
        assert (error["code"], error["pointer"]) == ("recipient-not-allowed", "/recipients")
