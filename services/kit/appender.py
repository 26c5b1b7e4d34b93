"""Group commit: what waits together is stored together, by one call of `log.append`.

Two tasks keep the line busy: while one group commits, the next one gathers. A lost reply is never
reported as a failure: the same group is sent again, and the command ids say whether it had been
stored.
"""

import asyncio
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg

from services.kit import append as outcome
from services.kit.append import Append, Appended, AppendError
from services.kit.failpoints import FailpointHit, at
from services.kit.keys import DataKey
from services.kit.postgres import RETRYABLE

GROUP_EVENTS = 1_000
SCANNED = 4_000
FEW_EVENTS = 100
DEADLINE_SECONDS = 10.0
RETRY_SECONDS = 0.05

EventRow = tuple[Any, ...]


@dataclass(slots=True)
class Prepared:
    """An append whose events are already bytes, with the marks by which two appends stand in
    each other's way.
    """

    append: Append
    rows: list[EventRow]
    writes: tuple[UUID, ...]
    marks: Sequence[object]
    new_keys: list[tuple[UUID, bytes, DataKey]]
    done: "asyncio.Future[Appended]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


@dataclass(slots=True)
class Group:
    """Appends that are stored together, and what they, or those that had to step aside for them,
    touch.
    """

    appends: list[Prepared] = field(default_factory=list)
    events: int = 0
    written: set[object] = field(default_factory=set)
    read: set[UUID] = field(default_factory=set)

    def clashes(self, one: Prepared) -> bool:
        """Say whether `one` touches something of this group that either of them writes."""
        return (
            not self.written.isdisjoint(one.marks)
            or not self.written.isdisjoint(one.append.reads)
            or not self.read.isdisjoint(one.writes)
        )

    def touch(self, one: Prepared) -> None:
        """Let nothing that comes later overtake `one` on the same thing."""
        self.written.update(one.marks)
        self.read.update(one.append.reads)


class Appender:
    """The queue before the log, and the two tasks that empty it."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        """Append through connections of `pool`, two at most."""
        self._pool = pool
        self._waiting: deque[Prepared] = deque()
        self._wakened = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._waiting_events = 0
        self._under_way: list[Group] = []
        self._closing = False

    def start(self) -> None:
        """Start the two tasks."""
        self._tasks = [asyncio.create_task(self._run(), name=f"appender-{i}") for i in range(2)]

    async def close(self) -> None:
        """Store everything that waits, then stop."""
        self._closing = True
        self._wakened.set()
        await asyncio.gather(*self._tasks)

    def submit(self, prepared: Prepared) -> "asyncio.Future[Appended]":
        """Queue an append; the future has its Appended or AppendError."""
        assert not self._closing, "the appender is closed"
        self._waiting.append(prepared)
        self._waiting_events += len(prepared.rows)
        self._wakened.set()
        return prepared.done

    async def _run(self) -> None:
        line = _Line(self._pool)
        try:
            while True:
                group = Group() if self._better_later() else self._take_group()
                if group.appends:
                    self._under_way.append(group)
                    try:
                        await _store(line, group.appends)
                    finally:
                        self._under_way.remove(group)
                        self._wakened.set()
                elif self._closing and not self._waiting:
                    return
                else:
                    self._wakened.clear()
                    await self._wakened.wait()
        finally:
            await line.drop()

    def _better_later(self) -> bool:
        """Say whether few events wait while a group has the lock: by its end more may have come."""
        return bool(self._under_way) and self._waiting_events < FEW_EVENTS

    def _take_group(self) -> Group:
        """Take what waits, in order, leaving for later whatever touches the same thing as one
        that is under way, taken already, or left for later.
        """
        group = Group()
        passed: list[Prepared] = []
        waiting = self._waiting
        while waiting and group.events < GROUP_EVENTS and len(passed) < SCANNED:
            one = waiting.popleft()
            events = group.events + len(one.rows)
            clash = group.clashes(one) or any(other.clashes(one) for other in self._under_way)
            if not clash and group.appends and events > GROUP_EVENTS:
                waiting.appendleft(one)
                break
            group.touch(one)
            if clash:
                passed.append(one)
            else:
                group.appends.append(one)
                group.events = events
        waiting.extendleft(reversed(passed))
        self._waiting_events -= group.events
        return group


class _Line:
    """A connection kept between groups: giving it back to the pool each time would cost a round
    trip.
    """

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]") -> None:
        self._pool = pool
        self._connection: asyncpg.pool.PoolConnectionProxy[asyncpg.Record] | None = None

    async def fetchrow(self, columns: Sequence[Any]) -> Any:
        if self._connection is None:
            self._connection = await self._pool.acquire()
        return await self._connection.fetchrow(_APPEND, *columns, timeout=DEADLINE_SECONDS)

    async def drop(self) -> None:
        """Give the connection up; after an error the next group gets another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            await self._pool.release(connection)


async def _store(line: _Line, group: list[Prepared], *, again: bool = False) -> None:
    """Store a group and give every append its outcome.

    `again` says that the group may have been stored before, by a try that got no answer.
    """
    try:
        row, again = await _send(line, group, again=again)
    except REFUSALS as error:
        await _find_culprit(line, group, error)
    except BaseException as error:
        unknown = outcome.OutcomeUnknown(f"{type(error).__name__}: {error}")
        for one in group:
            _fail(one, error if isinstance(error, AppendError) else unknown)
        await line.drop()
        # Whatever went wrong, this task must live for everybody's appends; only its end ends it.
        if not isinstance(error, Exception):
            raise
    else:
        _settle(group, row, again=again)


async def _find_culprit(line: _Line, group: list[Prepared], error: Exception) -> None:
    """The group was refused as a whole: store each alone, so that only the guilty fails."""
    if len(group) == 1:
        _fail(group[0], outcome.AppendRefused(str(error)))
        return
    for one in group:
        await _store(line, [one])


async def _send(line: _Line, group: Sequence[Prepared], *, again: bool) -> tuple[Any, bool]:
    """Return what `log.append` answered, and whether an earlier try may have stored the group."""
    columns = _columns(group)
    deadline = time.monotonic() + DEADLINE_SECONDS
    while True:
        try:
            at("append.before")
            row = await line.fetchrow(columns)
            at("append.after")
        except REFUSALS:
            raise
        except asyncpg.DiskFullError as error:
            if again:
                raise outcome.OutcomeUnknown("no answer, then a full disk") from error
            raise outcome.OutOfSpace("the database's disk is full") from error
        except (*RETRYABLE, asyncpg.QueryCanceledError, FailpointHit) as error:
            await line.drop()
            if time.monotonic() > deadline:
                raise outcome.OutcomeUnknown(f"no answer: {type(error).__name__}") from error
            await asyncio.sleep(RETRY_SECONDS)
            again = True
        else:
            return row, again


REFUSALS: tuple[type[Exception], ...] = (
    asyncpg.DataError,
    asyncpg.IntegrityConstraintViolationError,
    asyncpg.ProgramLimitExceededError,
    # The driver could not even send it: a number too large, text that is not Unicode.
    TypeError,
    ValueError,
)
"""What a content gets that no try will ever store."""

_APPEND = (
    "select * from log.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15,"
    " $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33)"
)


def _columns(group: Sequence[Prepared]) -> list[Any]:
    """Turn the group into the 33 arrays `log.append` takes; the first column of each table is
    the append's place, that of the events the place of their stream.
    """
    commands: list[EventRow] = []
    streams: list[EventRow] = []
    events: list[EventRow] = []
    rare: tuple[list[EventRow], ...] = ([], [], [], [])
    for i, one in enumerate(group):
        append, before = one.append, len(streams)
        if before:
            events += [(before + place, *row) for place, *row in one.rows]
        else:
            events += one.rows
        for s in append.streams:
            version = s.expected_version
            streams.append((i, s.stream_id, version, version + len(s.events), s.category))
        last = len(events)
        commands += [(i, c.command_id, c.request, c.answer, last) for c in append.commands]
        _add_rare(rare, i, one)
    reads, claims, numbers, keys = rare
    return [
        *_turned(commands, 5),
        *_turned(streams, 5),
        *_turned(reads, 3),
        *_turned(claims, 4),
        *_turned(numbers, 4),
        *_turned(keys, 3),
        *_turned(events, 9),
    ]


def _add_rare(rare: tuple[list[EventRow], ...], i: int, one: Prepared) -> None:
    """Add what most appends have nothing of."""
    append = one.append
    reads, claims, numbers, keys = rare
    if append.reads:
        reads.extend((i, stream_id, version) for stream_id, version in append.reads.items())
    if append.freed or append.taken:
        claims.extend((i, key, stream, False) for key, stream in append.freed)
        claims.extend((i, key, stream, True) for key, stream in append.taken)
    if append.numbers_removed or append.numbers_added:
        numbers.extend((i, number, stream, False) for number, stream in append.numbers_removed)
        numbers.extend((i, number, stream, True) for number, stream in append.numbers_added)
    if one.new_keys or append.destroyed_keys:
        keys.extend((i, stream_id, wrapped) for stream_id, wrapped, _ in one.new_keys)
        keys.extend((i, stream_id, None) for stream_id in append.destroyed_keys)


def _turned(rows: list[EventRow], width: int) -> Sequence[Sequence[Any]]:
    return list(zip(*rows, strict=True)) if rows else [()] * width


def _settle(group: list[Prepared], row: Any, *, again: bool) -> None:
    """Give every append of the group its own outcome."""
    failures: dict[int, list[tuple[Any, ...]]] = {}
    if row["failed_append"]:
        for i, *why in zip(
            row["failed_append"],
            row["failed_why"],
            row["failed_id"],
            row["failed_number"],
            row["failed_bytes"],
            row["failed_request"],
            strict=True,
        ):
            failures.setdefault(i, []).append(tuple(why))
    position = row["first_position"] - 1
    for i, one in enumerate(group):
        if i not in failures:
            _succeed(one, position + len(one.rows), row["recorded_at"])
            position += len(one.rows)
            continue
        error = _error(failures[i])
        if again and isinstance(error, outcome.CommandRepeated) and _is_own(one, error):
            _succeed(one, error.earlier[-1].position, row["recorded_at"])
        else:
            _fail(one, error)


def _error(reasons: list[tuple[Any, ...]]) -> AppendError:
    """Return the outcome of a failed append: a repeat before anything else, for the rest
    follows from it.
    """
    repeated = [
        outcome.EarlierAnswer(command_id, request, answer, position)
        for why, command_id, position, answer, request in reasons
        if why == "repeated"
    ]
    if repeated:
        return outcome.CommandRepeated(repeated)
    by_cause = {why: (stream, number, key) for why, stream, number, key, _ in reasons}
    for why, failure in (("conflict", outcome.VersionConflict), ("stale", outcome.StaleRead)):
        if why in by_cause:
            stream, number, _ = by_cause[why]
            return failure(stream, number)
    holder, _, key = by_cause["taken"]
    return outcome.ClaimTaken(key, holder)


def _is_own(one: Prepared, error: outcome.CommandRepeated) -> bool:
    ours = {(known.command_id, known.request, known.answer) for known in one.append.commands}
    return ours == {(known.command_id, known.request, known.answer) for known in error.earlier}


def _succeed(one: Prepared, last: int, recorded_at: Any) -> None:
    if one.done.done():
        return
    versions = {s.stream_id: s.expected_version + len(s.events) for s in one.append.streams}
    one.done.set_result(Appended(last - len(one.rows) + 1, last, recorded_at, versions))


def _fail(one: Prepared, error: AppendError) -> None:
    if not one.done.done():
        one.done.set_exception(error)
