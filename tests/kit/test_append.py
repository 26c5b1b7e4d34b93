"""Appending: versions, guards, claims, numbers, repeats — and that each append stands alone."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from uuid import UUID

import asyncpg
import pytest

from schemas.lead import LeadPriorityChanged
from services.kit.append import (
    Append,
    Appended,
    AppendRefused,
    ClaimTaken,
    Commanded,
    CommandRepeated,
    StaleRead,
    VersionConflict,
)
from services.kit.eventlog import EventLog
from services.kit.ids import new_id
from tests.kit.event_logs import append, command, lead, note, opened, priority, stream, verdict_on

KEY = b"k" * 16
NUMBER = b"n" * 16


@pytest.fixture
async def log(database_url: str) -> AsyncIterator[EventLog]:
    async with opened(database_url) as log:
        yield log


async def priorities(log: EventLog, stream_id: UUID) -> list[int]:
    events = [one.event for one in (await log.load([stream_id]))[stream_id]]
    return [event.priority for event in events if isinstance(event, LeadPriorityChanged)]


async def test_a_first_append_says_where_its_events_stand(log: EventLog) -> None:
    lead_id = new_id()
    appended = await log.append(append(lead_id, 0, lead(), note("called twice")))
    assert (appended.first_position, appended.position) == (1, 2)
    assert appended.versions == {lead_id: 2}
    assert await log.head() == 2
    recorded = (await log.load([lead_id]))[lead_id]
    assert [one.event for one in recorded] == [lead(), note("called twice")]
    assert [one.version for one in recorded] == [1, 2]
    assert {one.recorded_at for one in recorded} == {appended.recorded_at}


@pytest.mark.parametrize("expected", [0, 1, 3])
async def test_another_version_than_expected_is_a_conflict(log: EventLog, expected: int) -> None:
    lead_id = new_id()
    await log.append(append(lead_id, 0, priority(1), priority(2)))
    with pytest.raises(VersionConflict) as conflict:
        await log.append(append(lead_id, expected, priority(3)))
    assert (conflict.value.stream_id, conflict.value.actual) == (lead_id, 2)
    assert await priorities(log, lead_id) == [1, 2]


async def test_a_stream_that_should_exist_but_does_not_is_a_conflict(log: EventLog) -> None:
    with pytest.raises(VersionConflict) as conflict:
        await log.append(append(new_id(), 1, priority(3)))
    assert conflict.value.actual == 0


async def test_a_decision_on_something_that_moved_since_is_stale(log: EventLog) -> None:
    campaign, lead_id = new_id(), new_id()
    await log.append(append(campaign, 0, priority(1)))
    await log.append(append(lead_id, 0, priority(1), reads={campaign: 1}))
    await log.append(append(campaign, 1, priority(2)))
    with pytest.raises(StaleRead) as stale:
        await log.append(append(lead_id, 1, priority(2), reads={campaign: 1}))
    assert (stale.value.stream_id, stale.value.actual) == (campaign, 2)
    assert await priorities(log, lead_id) == [1]


async def test_a_decision_on_something_absent_is_stale_once_it_exists(log: EventLog) -> None:
    blocked, first, second = new_id(), new_id(), new_id()
    await log.append(append(first, 0, priority(1), reads={blocked: 0}))
    await log.append(append(blocked, 0, priority(1)))
    with pytest.raises(StaleRead):
        await log.append(append(second, 0, priority(1), reads={blocked: 0}))


async def test_many_streams_are_all_or_nothing(log: EventLog) -> None:
    source, target = new_id(), new_id()
    both = Append([command()], [stream(source, 0, priority(1)), stream(target, 0, priority(2))])
    assert (await log.append(both)).versions == {source: 1, target: 1}
    half = Append([command()], [stream(source, 1, priority(3)), stream(target, 0, priority(4))])
    with pytest.raises(VersionConflict) as conflict:
        await log.append(half)
    assert conflict.value.stream_id == target
    assert await log.versions([source, target]) == {source: 1, target: 1}
    assert await log.head() == 2


async def test_a_repeated_command_hears_what_the_first_was_told(log: EventLog) -> None:
    lead_id, once = new_id(), command(b"same", b"the answer")
    first = await log.append(append(lead_id, 0, priority(1), commands=[once]))
    with pytest.raises(CommandRepeated) as repeated:
        await log.append(append(lead_id, 1, priority(1), commands=[once]))
    (earlier,) = repeated.value.earlier
    assert (earlier.command_id, earlier.request) == (once.command_id, b"same")
    assert (earlier.answer, earlier.position) == (b"the answer", first.position)
    assert await priorities(log, lead_id) == [1]
    assert await log.earlier_answers([once.command_id]) == {once.command_id: earlier}


async def test_a_repeat_shows_that_the_first_request_was_another(log: EventLog) -> None:
    lead_id, once = new_id(), command(b"first request")
    await log.append(append(lead_id, 0, priority(1), commands=[once]))
    other = Commanded(once.command_id, b"second request", b"x")
    with pytest.raises(CommandRepeated) as repeated:
        await log.append(append(lead_id, 1, priority(2), commands=[other]))
    assert repeated.value.earlier[0].request == b"first request"


async def test_a_command_that_changes_nothing_is_remembered_too(log: EventLog) -> None:
    await log.append(append(new_id(), 0, priority(1)))
    nothing = Append([command(answer=b"unchanged")])
    appended = await log.append(nothing)
    assert (appended.first_position, appended.position, appended.versions) == (2, 1, {})
    with pytest.raises(CommandRepeated) as repeated:
        await log.append(nothing)
    assert repeated.value.earlier[0].answer == b"unchanged"


async def test_one_known_command_of_several_fails_the_append_and_names_only_it(
    log: EventLog,
) -> None:
    known, fresh, lead_id = command(), command(), new_id()
    await log.append(Append([known]))
    with pytest.raises(CommandRepeated) as repeated:
        await log.append(append(lead_id, 0, priority(1), commands=[known, fresh]))
    assert [one.command_id for one in repeated.value.earlier] == [known.command_id]
    assert await log.earlier_answers([fresh.command_id]) == {}


async def test_a_claim_is_taken_kept_freed_and_taken_by_another(log: EventLog) -> None:
    first, second = new_id(), new_id()
    await log.append(append(first, 0, priority(1), taken=[(KEY, first)]))
    with pytest.raises(ClaimTaken) as taken:
        await log.append(append(second, 0, priority(1), taken=[(KEY, second)]))
    assert (taken.value.key, taken.value.holder) == (KEY, first)
    assert await log.versions([second]) == {}
    await log.append(append(first, 1, priority(2), taken=[(KEY, first)]))  # its own: no matter
    await log.append(append(first, 2, priority(3), freed=[(KEY, first)]))
    assert await log.holders([KEY]) == {}
    await log.append(append(second, 0, priority(1), taken=[(KEY, second)]))
    assert await log.holders([KEY]) == {KEY: second}


async def test_a_lead_moves_its_claim_in_one_append(log: EventLog) -> None:
    lead_id, other, new_key = new_id(), new_id(), b"m" * 16
    await log.append(append(lead_id, 0, priority(1), taken=[(KEY, lead_id)]))
    moved = append(lead_id, 1, priority(2), freed=[(KEY, lead_id)], taken=[(new_key, lead_id)])
    await log.append(moved)
    assert await log.holders([KEY, new_key]) == {new_key: lead_id}
    await log.append(append(other, 0, priority(1), taken=[(KEY, other)]))


async def test_a_claim_passes_from_one_stream_to_another_in_one_append(log: EventLog) -> None:
    lost, survivor = new_id(), new_id()
    await log.append(append(lost, 0, priority(1), taken=[(KEY, lost)]))
    await log.append(
        Append(
            [command()],
            [stream(lost, 1, priority(2)), stream(survivor, 0, priority(3))],
            freed=[(KEY, lost)],
            taken=[(KEY, survivor)],
        )
    )
    assert await log.holders([KEY]) == {KEY: survivor}


async def test_nobody_frees_a_claim_that_another_holds(log: EventLog) -> None:
    holder, thief = new_id(), new_id()
    await log.append(append(holder, 0, priority(1), taken=[(KEY, holder)]))
    await log.append(append(thief, 0, priority(1), freed=[(KEY, thief)]))
    assert await log.holders([KEY]) == {KEY: holder}


async def test_equal_keys_created_at_once_give_one_lead(log: EventLog) -> None:
    leads = [new_id() for _ in range(50)]
    appends = [append(one, 0, priority(1), taken=[(KEY, one)]) for one in leads]
    outcomes = await log.append_many(appends)
    winners = [one for one in outcomes if isinstance(one, Appended)]
    assert len(winners) == 1
    (holder,) = winners[0].versions
    assert all(o.holder == holder for o in outcomes if isinstance(o, ClaimTaken))
    assert sum(isinstance(one, ClaimTaken) for one in outcomes) == 49
    assert await log.versions(leads) == {holder: 1}


async def test_equal_keys_from_two_processes_give_one_lead(
    log: EventLog, database_url: str
) -> None:
    async with opened(database_url) as other:
        for round_ in range(20):
            key = round_.to_bytes(16)
            a, b = new_id(), new_id()
            outcomes = await asyncio.gather(
                log.append(append(a, 0, priority(1), taken=[(key, a)])),
                other.append(append(b, 0, priority(1), taken=[(key, b)])),
                return_exceptions=True,
            )
            assert {type(one) for one in outcomes} == {Appended, ClaimTaken}


async def test_numbers_lead_to_their_leads_until_they_are_removed(log: EventLog) -> None:
    first, second = sorted((new_id(), new_id()))
    await log.append(append(second, 0, priority(1), numbers_added=[(NUMBER, second)]))
    await log.append(append(first, 0, priority(1), numbers_added=[(NUMBER, first)]))
    await log.append(append(first, 1, priority(1), numbers_added=[(NUMBER, first)]))
    other = b"o" * 16
    assert await log.streams_with_numbers([NUMBER, other]) == {NUMBER: [first, second]}
    await log.append(
        append(
            second,
            1,
            priority(2),
            numbers_removed=[(NUMBER, second)],
            numbers_added=[(other, second)],
        )
    )
    assert await log.streams_with_numbers([NUMBER, other]) == {NUMBER: [first], other: [second]}


def failing(kind: str, known: Commanded, moved: UUID, held: bytes) -> Append:
    """An append that fails in the given way."""
    lead_id = new_id()
    return {
        "conflict": lambda: append(moved, 7, priority(9), priority(9)),
        "stale": lambda: append(lead_id, 0, priority(9), reads={moved: 7}),
        "repeated": lambda: append(lead_id, 0, priority(9), commands=[known]),
        "taken": lambda: append(lead_id, 0, priority(9), taken=[(held, lead_id)]),
        "refused": lambda: append(lead_id, 0, priority(9), taken=[(os.urandom(9000), lead_id)]),
    }[kind]()


FAILURES = {
    "conflict": VersionConflict,
    "stale": StaleRead,
    "repeated": CommandRepeated,
    "taken": ClaimTaken,
    "refused": AppendRefused,
}


@pytest.mark.parametrize("kind", FAILURES)
@pytest.mark.parametrize("place", [0, 3, 6], ids=["first", "middle", "last"])
async def test_one_failing_append_never_fails_or_changes_its_neighbours(
    log: EventLog, owner_url: str, kind: str, place: int
) -> None:
    """In one group, wherever the failing one stands; the others keep their own content."""
    known, moved = command(), new_id()
    await log.append(append(moved, 0, priority(1), commands=[known], taken=[(KEY, moved)]))
    good = [new_id() for _ in range(6)]
    appends = [append(one, 0, priority(i), note(f"note {i}")) for i, one in enumerate(good)]
    appends.insert(place, failing(kind, known, moved, KEY))
    outcomes = await log.append_many(appends)
    assert isinstance(outcomes.pop(place), FAILURES[kind])
    streams = await log.load(good)
    position = 1
    for i, (one, outcome) in enumerate(zip(good, outcomes, strict=True)):
        assert isinstance(outcome, Appended)
        assert outcome.versions == {one: 2}
        assert (outcome.first_position, outcome.position) == (position + 1, position + 2)
        position += 2
        assert [r.position for r in streams[one]] == [position - 1, position]
        assert [r.event for r in streams[one]] == [priority(i), note(f"note {i}")]
    assert await log.head() == position
    verdict = await verdict_on(owner_url)
    assert verdict.ok, verdict.fault


async def test_all_appends_of_a_group_may_fail(log: EventLog) -> None:
    outcomes = await log.append_many([append(new_id(), 5, priority(1)) for _ in range(4)])
    assert [type(one) for one in outcomes] == [VersionConflict] * 4
    assert await log.head() == 0


async def test_an_answer_in_a_group_with_failures_tells_its_own_position(log: EventLog) -> None:
    """Positions kept with the commands skip what failed before them."""
    answers = [command() for _ in range(4)]
    await log.append_many(
        [
            append(new_id(), 0, priority(1), priority(2), commands=[answers[0]]),
            append(new_id(), 3, priority(1), priority(2), commands=[answers[1]]),
            append(new_id(), 0, priority(1), priority(2), commands=[answers[2]]),
            Append([answers[3]]),
        ]
    )
    earlier = await log.earlier_answers([one.command_id for one in answers])
    told = [earlier[one.command_id].position for one in answers if one.command_id in earlier]
    assert told == [2, 4, 4]


async def test_appends_to_one_stream_waiting_together_keep_their_turn(log: EventLog) -> None:
    lead_id = new_id()
    appends = [append(lead_id, version, priority(version)) for version in range(30)]
    outcomes = await log.append_many(appends)
    assert all(isinstance(one, Appended) for one in outcomes)
    assert await priorities(log, lead_id) == list(range(30))


async def test_a_guard_and_a_write_of_the_same_stream_waiting_together_keep_their_turn(
    log: EventLog,
) -> None:
    campaign, before, after = new_id(), new_id(), new_id()
    outcomes = await log.append_many(
        [
            append(before, 0, priority(1), reads={campaign: 0}),
            append(campaign, 0, priority(1)),
            append(after, 0, priority(1), reads={campaign: 0}),
        ]
    )
    assert [type(one) for one in outcomes] == [Appended, Appended, StaleRead]


async def test_more_events_than_a_group_holds_go_in_one_append(log: EventLog) -> None:
    lead_id = new_id()
    appended = await log.append(append(lead_id, 0, *[priority(i) for i in range(2_500)]))
    assert appended.position == 2_500
    assert await priorities(log, lead_id) == list(range(2_500))


def without_events() -> Append:
    return Append([command()], [stream(new_id(), 0)])


def without_command() -> Append:
    return Append([], [stream(new_id(), 0, priority(1))])


@pytest.mark.parametrize("empty", [without_events, without_command])
def test_what_could_wedge_a_stream_cannot_be_said(empty: Callable[[], Append]) -> None:
    with pytest.raises(AssertionError):
        empty()


async def test_what_waits_is_stored_before_the_log_closes(database_url: str) -> None:
    leads: Sequence[UUID] = [new_id() for _ in range(100)]
    async with opened(database_url) as log:
        waiting = asyncio.ensure_future(
            log.append_many([append(one, 0, priority(1)) for one in leads])
        )
        while not log._appender._waiting and not waiting.done():
            await asyncio.sleep(0)
    assert all(isinstance(one, Appended) for one in await waiting)


async def test_an_abandoned_append_leaves_the_appender_working(log: EventLog) -> None:
    given_up = asyncio.ensure_future(log.append(append(new_id(), 0, priority(1))))
    await asyncio.sleep(0)
    given_up.cancel()
    with pytest.raises(asyncio.CancelledError):
        await given_up
    appended = await log.append(append(new_id(), 0, priority(2)))
    assert appended.position in (1, 2)


async def test_the_database_answers_nothing_by_itself(log: EventLog) -> None:
    """A reader holds no lock that an append waits for, and the other way round."""
    async with log.pool.acquire() as reader, reader.transaction(isolation="repeatable_read"):
        await reader.fetchval("select count(*) from log.events")
        await log.append(append(new_id(), 0, priority(1)))
        assert await reader.fetchval("select count(*) from log.events") == 0


async def test_old_answers_may_go_after_seven_days_but_not_before(
    log: EventLog, owner_url: str
) -> None:
    old, young, call = command(), command(), command(answer=b"")
    for one in (old, young, call):
        await log.append(Append([one]))
    owner = await asyncpg.connect(owner_url)
    await owner.execute(
        "update log.commands set recorded_at = recorded_at - interval '8 days'"
        " where command_id <> $1",
        young.command_id,
    )
    await owner.close()
    assert await log.pool.fetchval("select log.forget_commands(clock_timestamp(), 10)") == 1
    known = await log.earlier_answers([one.command_id for one in (old, young, call)])
    assert set(known) == {young.command_id, call.command_id}
