"""The scheduler on a real log: every rule fires when the clock says so, once, whoever leads."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from schemas.envelope import Recorded
from schemas.instants import format_instant
from services.command.domain.decider import decide
from services.command.handler import Commanding
from services.command.hashes import dnc_stream
from services.command.scheduler import __main__ as service_module
from services.command.scheduler import firing, following, tables
from services.command.scheduler.__main__ import Scheduler
from services.command.scheduler.tables import Deposed
from services.kit.clock import FixedClock, SystemClock
from tests.contract.command_service import NOON, USER_IDS, Service, running
from tests.kit.event_logs import MASTER, opened

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
async def service(database_url: str) -> AsyncIterator[Service]:
    async with running(database_url) as service:
        yield service


@pytest.fixture
def scheduler(service: Service) -> Scheduler:
    return Scheduler(service.commanding, service.clock)


async def until_idle(scheduler: Scheduler) -> None:
    """Let the scheduler do all there is to do now."""
    for _ in range(200):
        if not await scheduler.step():
            return
    raise AssertionError("it never comes to rest")


async def told(service: Service, stream: str | UUID) -> list[Recorded]:
    """Return what the scheduler wrote into a stream."""
    history = (await service.commanding.log.load([UUID(str(stream))]))[UUID(str(stream))]
    return [one for one in history if one.origin.actor == "service:scheduler"]


async def kinds(service: Service, stream: str | UUID) -> list[str]:
    return [type(one.event).TOPIC for one in await told(service, stream)]


async def rows(service: Service) -> list[Any]:
    statement = "select * from clock.due order by at, rule"
    return list(await service.commanding.log.pool.fetch(statement))


def at(offset: timedelta) -> str:
    return format_instant(NOON + offset)


async def test_every_rule_fires_in_its_time_with_its_cause(
    service: Service, scheduler: Scheduler
) -> None:
    campaign = await service.campaign()
    lead = await service.lead(campaign)
    path = f"/v1/leads/{lead}"
    await service.done(f"{path}/suppress", {"until": at(HOUR)})
    await service.done(f"{path}/lock", {"until": at(2 * HOUR)}, by="agent")
    await service.done(f"{path}/schedule-dial", {"at": at(3 * HOUR)})
    moments = {
        HOUR: "lead.unsuppressed",
        2 * HOUR: "lead.unlocked",
        3 * HOUR: "lead.dial_due",
    }
    expected: list[str] = []
    for offset, kind in moments.items():
        service.clock.at = NOON + offset - timedelta(microseconds=1)
        await until_idle(scheduler)
        assert await kinds(service, lead) == expected
        service.clock.at = NOON + offset
        await until_idle(scheduler)
        expected.append(kind)
        assert await kinds(service, lead) == expected
    assert await rows(service) == []
    causes = [one.origin.cause for one in await told(service, lead)]
    assert causes == ["rule:end-suppression", "rule:end-lock", "rule:dial-due"]
    assert [one.happened_at for one in await told(service, lead)] == [NOON + one for one in moments]


RULES = [
    {"end_cause": "Busy", "next_status": "automatic_redial", "delay_minutes": 30, "number": "next"},
    {"end_cause": "NoResponse", "next_status": "no_answer", "delay_minutes": 60,
     "max_attempts": 1},
]  # fmt: skip
LIMITS = {"per_number": 2, "per_day": 3, "per_lead": 9, "reservation_minutes": 10}


async def test_from_a_recorded_call_to_the_next_dial(
    service: Service, scheduler: Scheduler
) -> None:
    """Busy: the other number, half an hour later, when the scheduler says so; until the limits."""
    # Noon in San Francisco, to come: what is past when it is told does not fall due.
    service.clock.at = SystemClock().now().replace(hour=20) + DAY
    campaign = await service.campaign(rules=RULES, limits=LIMITS)
    lead = await service.lead(campaign, phone="+14155550100")
    path = f"/v1/leads/{lead}"
    await service.done(f"{path}/add-contact", {"phone": "+14155550101"})

    async def call(number: int, end_cause: str = "Busy", at: datetime | None = None) -> str:
        started = format_instant(at or service.clock.at)
        body = {"call_id": f"c{number}", "agent": USER_IDS["agent"]}
        await service.done(f"{path}/start-call", body)
        dialled = vars((await service.events(lead))[-1])["number"]
        body = {"call_id": f"c{number}", "number": dialled, "started_at": started}
        await service.done(f"{path}/record-call", {**body, "end_cause": end_cause})
        return str(dialled)

    async def refusals() -> list[str]:
        answer = await service.post(f"{path}/start-call", {"call_id": "x"}, by="agent")
        return [error["code"] for error in answer.json().get("errors", ())]

    async def wait(time: timedelta) -> list[str]:
        """Let time go by; return what the scheduler said of the lead meanwhile."""
        before = len(await kinds(service, lead))
        service.clock.at += time
        await until_idle(scheduler)
        return (await kinds(service, lead))[before:]

    assert await call(1) == "+14155550100"
    assert await refusals() == ["not-due"]
    assert await wait(timedelta(minutes=29)) == []
    assert await wait(timedelta(minutes=1)) == ["lead.dial_due"]
    assert await call(2) == "+14155550101"
    assert await wait(timedelta(minutes=30)) == ["lead.dial_due"]
    assert await call(3, "NoResponse") == "+14155550100"
    # Its rule brings the lead back once; the first number has been tried as often as it may be.
    assert await wait(timedelta(hours=1)) == ["lead.dial_due"]
    assert "attempts-per-day" in await refusals()
    assert await wait(2 * DAY) == []
    assert await call(4, "NoResponse") == "+14155550101"
    last = (await service.events(lead))[-1]
    assert vars(last)["status_after"] == "max_call_attempts"
    assert "status-not-dialable" in await refusals()
    assert await wait(DAY) == []
    # A call told too late to fall due still says when the retry was: it only makes no event.
    other = await service.lead(campaign, phone="+14155550102")
    body = {"call_id": "late", "started_at": format_instant(SystemClock().now() - DAY)}
    await service.done(f"/v1/leads/{other}/record-call", {**body, "end_cause": "Busy"})
    await until_idle(scheduler)
    assert await kinds(service, other) == []


async def test_what_was_due_while_nobody_ran_is_made_up_for_in_order(
    service: Service, scheduler: Scheduler
) -> None:
    campaign = await service.campaign(active_until=at(30 * DAY))
    lead = await service.lead(campaign)
    path = f"/v1/leads/{lead}"
    started = await service.done(f"{path}/start-call", {"call_id": "c1"}, by="agent")
    assert started["events"] == ["lead.call_started"]
    await service.done(f"{path}/end-session", {"contact_session_id": "s1"}, by="agent")
    other = await service.lead(campaign, phone="+14155550101")
    callback = {"at": at(HOUR), "agent": USER_IDS["agent"]}
    await service.done(f"/v1/leads/{other}/set-callback", callback, by="agent")
    service.clock.at = NOON + 90 * DAY
    await until_idle(scheduler)
    assert await kinds(service, lead) == [
        "lead.call_lapsed", "lead.status_changed", "lead.unlocked",
    ]  # fmt: skip
    assert await kinds(service, other) == [
        "lead.callback_due", "lead.callback_overdue", "lead.status_changed",
    ]  # fmt: skip
    abandoned, expired = (await told(service, lead))[1], (await told(service, other))[-1]
    assert abandoned.happened_at == NOON + 7 * DAY
    assert vars(abandoned.event)["status"] == "abandoned"
    assert expired.happened_at == NOON + 30 * DAY
    assert vars(expired.event)["status"] == "expired"
    before = await service.commanding.log.head()
    await until_idle(scheduler)
    assert await service.commanding.log.head() == before


async def test_a_moved_or_cancelled_time_fires_nothing(
    service: Service, scheduler: Scheduler
) -> None:
    lead = await service.lead(await service.campaign())
    path = f"/v1/leads/{lead}"
    await service.done(f"{path}/schedule-dial", {"at": at(HOUR)})
    await service.done(f"{path}/suppress", {"until": at(HOUR)})
    await until_idle(scheduler)
    await service.done(f"{path}/schedule-dial", {"at": at(5 * HOUR)})
    await service.done(f"{path}/unsuppress")
    service.clock.at = NOON + 4 * HOUR
    await until_idle(scheduler)
    assert await kinds(service, lead) == []
    service.clock.at = NOON + 5 * HOUR
    await until_idle(scheduler)
    assert await kinds(service, lead) == ["lead.dial_due"]


async def test_do_not_call_entries_end_each_by_itself(
    service: Service, scheduler: Scheduler
) -> None:
    campaign = await service.campaign()
    number = {"number": "+14155550100"}
    body = {**number, "scope": "global", "expires_at": at(HOUR)}
    await service.done("/v1/do-not-call/add", body)
    body = {**number, "scope": "campaign", "campaign_id": campaign, "expires_at": at(2 * HOUR)}
    await service.done("/v1/do-not-call/add", body)
    stream = dnc_stream(MASTER, "+14155550100")
    service.clock.at = NOON + HOUR
    await until_idle(scheduler)
    (ended,) = await told(service, stream)
    assert vars(ended.event)["scope"] == "global"
    service.clock.at = NOON + 2 * HOUR
    await until_idle(scheduler)
    assert await kinds(service, stream) == ["dnc.removed"] * 2


async def test_the_end_of_a_campaign_reaches_all_its_leads_and_those_that_come_later(
    service: Service, scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "SPREAD", 3)
    monkeypatch.setattr(firing, "TAKEN", 2)
    campaign = await service.campaign(active_until=at(DAY))
    endless = await service.campaign()
    leads = [await service.lead(campaign, phone=f"+141555501{n:02}") for n in range(8)]
    stays = await service.lead(endless, phone="+14155550190")
    moves = await service.lead(endless, phone="+14155550191")
    closed = leads.pop()
    await service.done(f"/v1/leads/{closed}/change-status", {"status": "success"})
    service.clock.at = NOON + DAY
    await until_idle(scheduler)
    for lead in leads:
        assert await kinds(service, lead) == ["lead.status_changed"]
    for lead in (closed, stays, moves):
        assert await kinds(service, lead) == []
    await service.done(f"/v1/leads/{moves}/move", {"target_campaign_id": campaign})
    await until_idle(scheduler)
    assert await kinds(service, moves) == ["lead.status_changed"]
    # Prolonged, and its leads brought back: they expire again with the new end, and not before.
    service.clock.at = NOON + DAY + HOUR
    later = {"active_until": at(3 * DAY)}
    await service.done(f"/v1/campaigns/{campaign}/change-activity-range", later)
    await service.done(f"/v1/leads/{leads[0]}/restore-status")
    await until_idle(scheduler)
    assert await kinds(service, leads[0]) == ["lead.status_changed"]
    service.clock.at = NOON + 3 * DAY
    await until_idle(scheduler)
    assert await kinds(service, leads[0]) == ["lead.status_changed"] * 2


async def test_who_restores_an_expired_lead_is_not_overruled(
    service: Service, scheduler: Scheduler
) -> None:
    campaign = await service.campaign(active_until=at(DAY))
    lead = await service.lead(campaign)
    service.clock.at = NOON + DAY
    await until_idle(scheduler)
    await service.done(f"/v1/leads/{lead}/restore-status")
    await service.commanding.log.pool.execute("update clock.progress set version = 0")
    await until_idle(Scheduler(service.commanding, service.clock))
    assert await kinds(service, lead) == ["lead.status_changed"]
    assert await rows(service) == []


async def test_the_table_made_anew_is_the_same(service: Service, scheduler: Scheduler) -> None:
    campaign = await service.campaign(active_until=at(DAY))
    lead = await service.lead(campaign)
    for verb, body in (
        ("suppress", {"until": at(HOUR)}),
        ("lock", {"until": at(2 * HOUR)}),
        ("set-callback", {"at": at(3 * HOUR)}),
    ):
        await service.done(f"/v1/leads/{lead}/{verb}", body)
    await until_idle(scheduler)
    kept = await rows(service)
    assert [row["rule"] for row in kept] == [
        "end-suppression", "end-lock", "callback-due", "dial-due", "callback-overdue",
    ]  # fmt: skip
    await service.commanding.log.pool.execute("update clock.progress set version = 0")
    again = Scheduler(service.commanding, service.clock)
    await until_idle(again)
    assert await rows(service) == kept
    await service.lead(campaign, phone="+14155550102")
    await until_idle(again)
    with pytest.raises(Deposed):  # the one before has lost its place
        await scheduler.step()


async def test_nothing_is_applied_before_the_log_is_followed(
    service: Service, scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (following, service_module):
        monkeypatch.setattr(module, "STRETCH", 2)
    lead = await service.lead(await service.campaign())
    await service.done(f"/v1/leads/{lead}/suppress", {"until": at(HOUR)})
    await service.done(f"/v1/leads/{lead}/suppress", {"until": at(2 * HOUR)})
    service.clock.at = NOON + HOUR
    await until_idle(scheduler)
    assert await kinds(service, lead) == []


@asynccontextmanager
async def another(database_url: str, now: datetime) -> AsyncIterator[Scheduler]:
    """A scheduler of another process: with its own log, cache and clock."""
    clock = FixedClock(now)
    async with opened(database_url) as log:
        yield Scheduler(Commanding(log, clock), clock)


async def test_two_that_work_at_once_apply_each_rule_once(
    service: Service, scheduler: Scheduler, database_url: str
) -> None:
    campaign = await service.campaign()
    leads = [await service.lead(campaign, phone=f"+141555501{n:02}") for n in range(20)]
    for lead in leads:
        await service.done(f"/v1/leads/{lead}/suppress", {"until": at(HOUR)})
    await until_idle(scheduler)
    service.clock.at = NOON + HOUR
    async with another(database_url, service.clock.at) as other:
        await other.step()
        for lead in leads[:5]:  # work for both, in the middle
            await service.done(f"/v1/leads/{lead}/suppress", {"until": at(2 * HOUR)})
        service.clock.at = NOON + 2 * HOUR

        async def work(one: Scheduler) -> None:
            for _ in range(10):
                try:
                    await one.step()
                except Deposed:
                    return

        await asyncio.gather(work(scheduler), work(other))
    async with another(database_url, service.clock.at) as last:
        await until_idle(last)
    for lead in leads:
        events = await kinds(service, lead)
        assert events == ["lead.unsuppressed"] * (2 if lead in leads[:5] else 1)


async def test_a_rule_that_fails_is_put_off_and_keeps_no_other_waiting(
    service: Service, scheduler: Scheduler, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign = await service.campaign()
    bad, good = [await service.lead(campaign, phone=f"+141555501{n:02}") for n in range(2)]
    for lead in (bad, good):
        await service.done(f"/v1/leads/{lead}/suppress", {"until": at(HOUR)})
    broken = True

    def fails(state: Any, command: Any, facts: Any) -> Any:
        if broken and state.id == bad:
            raise RuntimeError("a mistake of ours")
        return decide(state, command, facts)

    monkeypatch.setattr(firing, "decide", fails)
    service.clock.at = NOON + HOUR
    await until_idle(scheduler)
    assert await kinds(service, bad) == []
    assert await kinds(service, good) == ["lead.unsuppressed"]
    broken = False
    service.clock.at += firing.TRY_AGAIN
    await until_idle(scheduler)
    assert await kinds(service, bad) == ["lead.unsuppressed"]
