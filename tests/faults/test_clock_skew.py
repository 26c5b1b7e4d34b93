"""The clock of our processes jumps, an hour ahead, an hour back, ten seconds back: order comes from
positions and versions, recorded_at from the database, and nothing is done twice or not at all.
"""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from schemas.instants import format_instant
from services.command.scheduler.__main__ import Scheduler
from services.command.sending.outbox import Outbox, Waiting
from services.kit.clock import SystemClock
from services.kit.seal import Sealer
from tests.contract.bulk_service import Bulk
from tests.contract.command_service import NORTH, SOUTH, Service, running
from tests.contract.intake_calls import call
from tests.kit.event_logs import SIGNING, verdict_on
from tests.read_models.working import assert_equal_to_log, settled, working

HOUR = timedelta(hours=1)
JUMPS = (HOUR, -HOUR, timedelta(seconds=-10), 2 * HOUR, timedelta(0))


@pytest.fixture
async def service(database_url: str) -> AsyncIterator[Service]:
    async with running(database_url, frozenset({"email"})) as service:
        service.clock.at = SystemClock().now()
        yield service


async def rested(scheduler: Scheduler) -> None:
    """Let the scheduler do all there is to do now."""
    for _ in range(100):
        if not await scheduler.step():
            return
    raise AssertionError("it never comes to rest")


async def kinds(service: Service, lead: str) -> list[str]:
    return [type(event).TOPIC for event in await service.events(lead)]


async def test_commands_calls_and_jobs_while_the_clock_jumps(
    service: Service, database_url: str, owner_url: str
) -> None:
    base, began = service.clock.at, SystemClock().now()
    bulk = Bulk(service, database_url)
    lead = await service.lead(await service.campaign(), owner=NORTH)
    first = await service.done(f"/v1/leads/{lead}/add-note", {"text": "x"}, idempotency_key="k")
    async with working(database_url):
        for number, jump in enumerate(JUMPS):
            service.clock.at = base + jump
            owner = (SOUTH, NORTH)[number % 2]
            done = await service.done(f"/v1/leads/{lead}/change-owner", {"owner": owner})
            assert done["events"] == ["lead.owner_changed"]
            told = [call(f"call-{number}", lead), call("call-0", lead)]
            answer = await service.done("/v1/calls", told, by="dialer")
            assert (answer["recorded"], answer["duplicate"]) == (1, 1)
            job = await bulk.done([lead], "SetPriority", priority=number + 1)
            assert (job["state"], job["result"]["applied"]) == ("finished", 1)
            path, body = f"/v1/leads/{lead}/add-note", {"text": "x"}
            assert await service.done(path, body, idempotency_key="k") == first
        await settled(service.commanding.log)
        await assert_equal_to_log(database_url)
    history = await service.commanding.log.read(0, 1_000)
    recorded = [one.recorded_at for one in history if one.stream_id == UUID(lead)]
    assert recorded == sorted(recorded), "one clock, which the log never lets go back"
    assert began <= min(recorded), "it is the database's, whatever ours said"
    assert max(recorded) <= SystemClock().now()
    happened = [one.happened_at for one in history if type(one.event).TOPIC == "lead.owner_changed"]
    assert happened == [base + jump for jump in JUMPS], "what the processes thought at the time"
    assert (await verdict_on(owner_url)).ok


async def test_a_rule_is_applied_once_however_the_clock_jumps(service: Service) -> None:
    scheduler = Scheduler(service.commanding, service.clock)
    base = service.clock.at
    lead = await service.lead(await service.campaign(), owner=NORTH)

    async def lock(until: datetime) -> None:
        path = f"/v1/leads/{lead}/lock"
        await service.done(path, {"until": format_instant(until)}, by="agent")

    await lock(base + timedelta(minutes=30))
    for jump, unlocked in ((-HOUR, 0), (timedelta(0), 0), (HOUR, 1), (-HOUR, 1), (HOUR, 1)):
        service.clock.at = base + jump
        await rested(scheduler)
        assert (await kinds(service, lead)).count("lead.unlocked") == unlocked, jump
    # Locked anew after the jump back, until a time that had passed before: applied in its time.
    service.clock.at = base
    await lock(base + timedelta(minutes=20))
    await rested(scheduler)
    assert (await kinds(service, lead)).count("lead.unlocked") == 1
    service.clock.at = base + timedelta(minutes=20)
    await rested(scheduler)
    assert (await kinds(service, lead)).count("lead.unlocked") == 2


async def test_a_message_waits_no_longer_than_it_is_put_off(service: Service) -> None:
    """Queued by a process whose clock is ahead, put off by one whose clock is then set back."""
    outbox, now = Outbox(service.commanding.log), service.clock.at
    service.clock.at = now + 2 * HOUR
    lead = await service.lead(await service.campaign(), fields={"email": "ana@example.com"})
    body = {"subject": "Hello", "body": "Hello"}
    await service.done(f"/v1/leads/{lead}/send-email", body)
    while await outbox.fill():
        pass

    async def due(at: datetime) -> list[Waiting]:
        return await outbox.due(["email"], at, 10)

    (waiting,) = await due(now)
    await outbox.later(waiting, now + timedelta(minutes=10), "mail-unreachable")
    assert await due(now) == []
    assert len(await due(now + timedelta(minutes=10))) == 1
    assert len(await due(now - HOUR)) == 1, "an hour back: it is not put off for over an hour"
    assert UUID(lead) == waiting.lead_id


async def test_the_log_is_sealed_though_the_clock_was_set_back(
    service: Service, tmp_path: Path
) -> None:
    sealer = Sealer(service.commanding.log.pool, SIGNING, service.clock, tmp_path / "anchor")
    assert await sealer.step() is None
    service.clock.at -= HOUR
    assert await sealer.step() is None
    service.clock.at += timedelta(seconds=30)
    assert await sealer.step() is not None
