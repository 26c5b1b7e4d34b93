"""When the line or the server breaks: what is told is what is there, and nothing doubles."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from services.kit import appender, failpoints
from services.kit.append import Appended, AppendRefused, CommandRepeated, OutcomeUnknown
from services.kit.eventlog import EventLog
from services.kit.ids import new_id
from services.kit.migrate import migrate
from services.local.postgres import LocalPostgres
from tests.conftest import PostgresServer
from tests.kit.event_logs import append, command, note, opened, priority, verdict_on
from tests.kit.swallowing_proxy import SwallowingProxy


@pytest.fixture
async def log(database_url: str) -> AsyncIterator[EventLog]:
    async with opened(database_url) as log:
        yield log


async def everything_once(log: EventLog, appended: list[Appended]) -> None:
    """What was acknowledged is there, once, and nothing else is."""
    stored = await log.read_raw(0, 100_000)
    assert [one.position for one in stored] == list(range(1, len(stored) + 1))
    assert sorted(one.position for one in appended) == [one.position for one in stored]


async def test_an_answer_lost_after_the_commit_is_no_failure(
    database_url: str, owner_url: str
) -> None:
    async with SwallowingProxy(database_url) as proxy, opened(proxy.url) as log:
        await log.append(append(new_id(), 0, priority(0)))
        done = []
        for i in range(30):
            proxy.answers = 1
            one, other = await log.append_many(
                [append(new_id(), 0, note(f"{i}")), append(new_id(), 7, priority(1))]
            )
            assert isinstance(one, Appended)
            assert not isinstance(other, Appended), "a conflict stays one"
            done.append(one)
        assert proxy.swallowed == 30
        assert [one.position for one in done] == list(range(2, 32))
        assert await log.head() == 31
    verdict = await verdict_on(owner_url)
    assert verdict.ok, verdict.fault


async def test_an_answer_lost_under_load_doubles_nothing(database_url: str) -> None:
    async with SwallowingProxy(database_url) as proxy, opened(proxy.url) as log:
        done: list[Appended] = []

        async def write(number: int) -> None:
            for _ in range(15):
                done.append(await log.append(append(new_id(), 0, priority(number))))
                proxy.answers = int(len(done) % 12 == 0)

        await asyncio.gather(*(write(number) for number in range(16)))
        proxy.answers = 0
        assert proxy.swallowed > 2
        await everything_once(log, done)


async def test_a_repeat_is_still_told_from_ones_own_second_try(database_url: str) -> None:
    """Lost answer or not: a command carried out before by another append is a repeat."""
    async with SwallowingProxy(database_url) as proxy, opened(proxy.url) as log:
        once = command(b"first", b"first answer")
        await log.append(append(new_id(), 0, priority(1), commands=[once]))
        proxy.answers = 1
        changed = command(b"second")
        repeat = type(once)(once.command_id, b"second", b"")
        with pytest.raises(CommandRepeated) as repeated:
            await log.append(append(new_id(), 0, priority(2), commands=[repeat, changed]))
        assert repeated.value.earlier[0].answer == b"first answer"
        proxy.answers = 1
        other_answer = type(once)(once.command_id, b"first", b"another answer")
        with pytest.raises(CommandRepeated):
            await log.append(append(new_id(), 0, priority(2), commands=[other_answer]))
        assert await log.head() == 1


async def test_a_killed_backend_costs_no_append(
    log: EventLog, postgres: PostgresServer, database: str
) -> None:
    admin = await asyncpg.connect(postgres.url("postgres", database))

    over = asyncio.Event()

    async def write(number: int) -> list[Appended]:
        done = []
        while not over.is_set():
            done.append(await log.append(append(new_id(), 0, priority(number))))
        return done

    writing = asyncio.gather(*(write(number) for number in range(8)))
    ended = 0
    async with asyncio.timeout(60):
        while ended < 12:
            ended += await admin.fetchval(
                "select count(pg_terminate_backend(pid)) from pg_stat_activity"
                " where datname = $1 and pid <> pg_backend_pid()",
                database,
            )
            await asyncio.sleep(0.05)
    over.set()
    done = await writing
    await admin.close()
    await everything_once(log, [one for many in done for one in many])


@pytest.mark.parametrize("ending", ["stop", "kill"])
async def test_a_restarted_server_costs_no_append(
    tmp_path: Path, ending: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In order and as a crash; appends wait and go on by themselves."""
    monkeypatch.setattr(appender, "DEADLINE_SECONDS", 60.0)  # a busy machine starts it slowly
    server = LocalPostgres(tmp_path / "pg", durable=False)
    await server.start()
    try:
        await migrate(server.owner_url, login="leads_app")
        async with opened(server.url) as log:
            first = await log.append(append(new_id(), 0, priority(0)))
            stopping = asyncio.Event()

            async def write(number: int) -> list[Appended]:
                done = []
                while not stopping.is_set():
                    done.append(await log.append(append(new_id(), 0, priority(number))))
                return done

            writers = asyncio.gather(*(write(number) for number in range(8)))
            await asyncio.sleep(0.3)
            if ending == "stop":
                await server.stop()
            else:
                server.kill()
            await server.start()
            before = await _head(log)
            async with asyncio.timeout(60):
                while await _head(log) <= before:
                    await asyncio.sleep(0.02)
            stopping.set()
            done = [one for many in await writers for one in many]
            await everything_once(log, [first, *done])
            verdict = await verdict_on(server.owner_url)
            assert verdict.ok, verdict.fault
    finally:
        await server.stop()


async def _head(log: EventLog) -> int:
    while True:
        try:
            return await log.head()
        except (OSError, asyncpg.InterfaceError, asyncpg.PostgresError):
            await asyncio.sleep(0.02)


async def test_a_server_that_stays_away_leaves_the_outcome_unknown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the same command tells it, once the server is back."""
    monkeypatch.setattr(appender, "DEADLINE_SECONDS", 0.5)
    server = LocalPostgres(tmp_path / "pg", durable=False)
    await server.start()
    try:
        await migrate(server.owner_url, login="leads_app")
        async with opened(server.url) as log:
            asked = append(new_id(), 0, priority(1))
            await log.append(append(new_id(), 0, priority(0)))
            await server.stop()
            async with asyncio.timeout(60):
                with pytest.raises(OutcomeUnknown):
                    await log.append(asked)
            await server.start()
            assert (await log.append(asked)).position == 2
    finally:
        await server.stop()


@pytest.mark.parametrize("place", ["append.before", "append.after"])
async def test_a_broken_try_at_either_side_of_the_append_is_tried_again(
    log: EventLog, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setitem(failpoints._plan, place, ("raise", 1))
    once = append(new_id(), 0, priority(1))
    assert (await log.append(once)).position == 1
    assert await log.head() == 1
    with pytest.raises(CommandRepeated):
        await log.append(once)


async def test_what_the_driver_cannot_send_is_refused_alone(log: EventLog) -> None:
    """A lone surrogate is no Unicode, a position beyond 64 bits no number: the edges refuse them,
    and if one comes through, it hurts nobody else.
    """
    surrogate = new_id()
    too_large = append(new_id(), 0, priority(1), reads={new_id(): 2**40})
    bad_key = append(surrogate, 0, priority(1), taken=[("text", surrogate)])
    outcomes = await log.append_many(
        [append(new_id(), 0, priority(1)), too_large, bad_key, append(new_id(), 0, priority(2))]
    )
    assert [type(one) for one in outcomes] == [Appended, AppendRefused, AppendRefused, Appended]
    assert (await log.append(append(new_id(), 0, priority(3)))).position == 3


async def test_the_appender_outlives_whatever_happens_to_it(
    log: EventLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("a bug of ours")

    with monkeypatch.context() as patched:
        patched.setattr(appender, "_columns", broken)
        for _ in range(4):
            with pytest.raises(OutcomeUnknown, match="a bug of ours"):
                await log.append(append(new_id(), 0, priority(1)))
    assert (await log.append(append(new_id(), 0, priority(1)))).position == 1
