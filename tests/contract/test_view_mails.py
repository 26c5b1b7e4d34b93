"""A view by mail at its time: from the command by scheduler and writer to the mail server."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from typing import Any

import pytest

from services.command.exports.post import Post
from services.command.scheduler.__main__ import Scheduler
from services.command.scheduler.tables import ClockTables
from services.command.sending.mail import Mailer
from services.kit.ids import new_id
from services.kit.outside import read_mail
from tests.contract.command_service import USER_IDS
from tests.contract.export_service import LINKS, Exports, exporting, unzipped
from tests.contract.post_office import FROM, MailServer, mail_server
from tests.contract.test_export_mail import link_in
from tests.read_models.working import settled

PARTNER = "ann@partner.example"
READY = {"op": "equals", "field": "fields.age", "value": 41}


class Office:
    """Exports, a scheduler and a post office, all worked by hand."""

    def __init__(self, exports: Exports, mails: MailServer) -> None:
        self.exports = exports
        self.service = exports.service
        self.mails = mails
        settings = read_mail({"LEADS_SMTP_URL": mails.url, "LEADS_MAIL_FROM": FROM})
        assert settings is not None
        self.mailer = Mailer(settings)
        self.post = Post(self.service.commanding, self.service.clock, self.mailer, LINKS.url)

    async def view(self, by: str = "admin") -> str:
        """A view of two leads of three."""
        made = await self.service.done(
            "/v1/views", {"name": "Forty-one", "filter": READY, "columns": ["lead_id"]}, by
        )
        return str(made["id"])

    async def daily(self, view: str, by: str = "admin", **more: Any) -> str:
        """Have it mailed every day at nine where clocks never change; return the mailing's id."""
        body = {
            "view": view, "times": ["09:00"], "zone": "Asia/Kolkata", "recipients": [PARTNER],
            **more,
        }  # fmt: skip
        return str((await self.service.done("/v1/view-mails/schedule", body, by))["id"])

    async def until(self, instant: datetime) -> int:
        """Let the time come, and all work that is due then be done; return how many mails came."""
        self.service.clock.at = instant
        before = len(self.mails.raw)
        # A scheduler of its own each time: what one remembers must not matter.
        scheduler = Scheduler(self.service.commanding, self.service.clock)
        while await scheduler.step():
            pass
        await settled(self.service.commanding.log)
        await self.exports.write()
        await self.post.step()
        return len(self.mails.raw) - before

    async def shown(self, mailing: str, by: str = "admin") -> Any:
        """What the query service shows of a mailing."""
        response = await self.exports.read(f"/v1/view-mails/{mailing}", by)
        assert response.status_code == 200, response.text
        return response.json()["mailing"]


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[Office]:
    async with AsyncExitStack() as stack:
        exports = await stack.enter_async_context(exporting(database_url))
        office = Office(exports, await stack.enter_async_context(mail_server()))
        campaign = await exports.service.campaign()
        for age in (41, 41, 40):
            phone = exports.service.phone()
            await exports.service.lead(campaign, phone=phone, fields={"age": age})
        yield office
        await office.mailer.close()


async def test_a_view_is_mailed_at_its_time_with_what_it_shows_then(office: Office) -> None:
    mailing = await office.daily(await office.view())
    shown = await office.shown(mailing)
    due = datetime.fromisoformat(shown["next_at"])
    assert await office.until(due - timedelta(seconds=1)) == 0
    assert await office.until(due) == 1
    assert await office.until(due + timedelta(hours=2)) == 0
    (mail,) = office.mails.mail
    text = mail.get_content()
    assert mail["Subject"] == "Forty-one: 2 leads"
    local = f"{due:%Y-%m-%d} 09:00 Asia/Kolkata"
    export = (await office.exports.read("/v1/exports")).json()["exports"][0]
    for part in (f"It was due at {local}.", "fields.age = 41", f"position {export['shown']}"):
        assert part in text, text
    answer = await office.exports.take(link_in(mail), "")
    assert len(unzipped(answer.content)) == 2
    after = await office.shown(mailing)
    assert after["last_export"] == export["id"]
    assert (after["last_at"], after["last_missed"], export["view"]) == (
        shown["next_at"], 0, shown["view"],
    )  # fmt: skip
    assert datetime.fromisoformat(after["next_at"]) - due == timedelta(days=1)


async def test_after_an_outage_the_latest_is_sent_once_and_without_leads_nothing(
    office: Office,
) -> None:
    view = await office.view()
    mailing = await office.daily(view)
    skipping = await office.daily(view, skip_empty=True)
    first = datetime.fromisoformat((await office.shown(mailing))["next_at"])
    assert await office.until(first + timedelta(days=3, hours=1)) == 2
    assert "3 earlier ones were missed" in office.mails.mail[0].get_content()
    assert (await office.shown(mailing))["last_missed"] == 3
    nobody = {"filter": {"op": "equals", "field": "fields.age", "value": 1}}
    await office.service.done(f"/v1/views/{view}/change", nobody)
    assert await office.until(first + timedelta(days=4)) == 1, "an empty one comes all the same"
    assert office.mails.mail[-1]["Subject"] == "Forty-one: 0 leads"
    assert (await office.shown(skipping))["last_missed"] == 0, "it was due, and had no leads"


async def test_it_stops_with_its_view_and_says_so(office: Office) -> None:
    view = await office.view()
    shared = {"to": [f"user:{USER_IDS['agent']}"]}
    await office.service.done(f"/v1/views/{view}/share", shared)
    of_agent = await office.daily(view, "agent")
    mailing = await office.daily(view)
    await office.service.done(f"/v1/views/{view}/unshare", shared)
    due = datetime.fromisoformat((await office.shown(mailing))["next_at"])
    assert await office.until(due) == 1
    stopped = await office.shown(of_agent, "agent")
    assert (stopped["state"], stopped["reason"], stopped["next_at"]) == (
        "stopped", "view-out-of-reach", None,
    )  # fmt: skip
    await office.service.done(f"/v1/views/{view}/delete")
    assert await office.until(due + timedelta(days=1)) == 0
    assert (await office.shown(mailing))["reason"] == "view-gone"
    assert await office.until(due + timedelta(days=2)) == 0


async def test_it_is_tried_paused_resumed_changed_and_stopped(office: Office) -> None:
    mailing = await office.daily("all")
    path = f"/v1/view-mails/{mailing}"
    await office.service.done(f"{path}/send-now")
    assert await office.until(office.service.clock.now()) == 1
    assert "It was sent by hand." in office.mails.mail[0].get_content()
    due = datetime.fromisoformat((await office.shown(mailing))["next_at"])
    await office.service.done(f"{path}/pause")
    assert await office.until(due + timedelta(hours=1)) == 0
    await office.service.done(f"{path}/change", {"times": ["09:00", "12:00"]})
    await office.service.done(f"{path}/resume")
    shown = await office.shown(mailing)
    assert datetime.fromisoformat(shown["next_at"]) == due + timedelta(hours=3)
    assert await office.until(due + timedelta(hours=3)) == 1
    await office.service.done(f"{path}/stop")
    assert await office.until(due + timedelta(days=2)) == 0
    assert (await office.shown(mailing))["state"] == "stopped"


async def test_who_sees_which_mailings(office: Office) -> None:
    mailing = await office.daily("mine", "agent")
    for by, status in (("agent", 200), ("agent_south", 404), ("admin", 200), ("auditor", 200)):
        assert (await office.exports.read(f"/v1/view-mails/{mailing}", by)).status_code == status
    read = office.exports.read
    assert [one["id"] for one in (await read("/v1/view-mails", "agent")).json()["mailings"]] == [
        mailing
    ]
    assert (await read("/v1/view-mails")).json()["mailings"] == []
    assert len((await read("/v1/view-mails", whose="all")).json()["mailings"]) == 1
    assert (await read("/v1/view-mails", "agent", whose="all")).status_code == 403
    post = office.service.post
    for strange in (mailing, new_id()):
        assert (await post(f"/v1/view-mails/{strange}/stop", {}, "agent_south")).status_code == 404
    wrong: tuple[dict[str, Any], ...] = (
        {"times": []}, {"times": ["9:00"]}, {"weekdays": [0]}, {"recipients": []}
    )  # fmt: skip
    for body in wrong:
        answer = await post("/v1/view-mails/schedule", {
            "view": "all", "times": ["09:00"], "recipients": [PARTNER], **body})  # fmt: skip
        assert answer.status_code == 422, body


async def test_a_scheduler_that_dies_before_it_strikes_out_sends_nothing_twice(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    mailing = await office.daily("all")
    due = datetime.fromisoformat((await office.shown(mailing))["next_at"])

    async def dies(*_: Any) -> None:
        raise ConnectionError

    with monkeypatch.context() as patched:
        patched.setattr(ClockTables, "done", dies)
        with pytest.raises(ConnectionError):
            await office.until(due)
    assert await office.until(due + timedelta(minutes=1)) == 1
    assert len((await office.exports.read("/v1/exports")).json()["exports"]) == 1
