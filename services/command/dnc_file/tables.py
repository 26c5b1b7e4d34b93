"""The rows of file loads: settings and progress, the encrypted file, what became of each line."""

import os
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import asyncpg
import orjson

from services.command.leased import LeaseLost
from services.kit.keys import DataKey, MasterKey

Step = Literal["plan", "done"]
LEASE = timedelta(seconds=15)
LOOK_AGAIN = timedelta(milliseconds=200)
FAULTS_MAX = 5
KEPT = timedelta(days=7)
UPLOAD_MAX = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class DncFile:
    """A file load as its row tells it."""

    id: UUID
    made_by: UUID
    made_at: datetime
    settings: dict[str, Any]
    state: str
    size: int
    sha256: bytes
    wrapped: bytes | None
    plan: dict[str, int] | None
    done: dict[str, int]
    reached: int
    epoch: int
    faults: int
    fault: str
    updated_at: datetime

    @property
    def digest(self) -> str:
        """What names this plan of this file; "" while there is none."""
        if self.plan is None:
            return ""
        counts = "-".join(str(self.plan[name]) for name in ("accepted", "there", "refused"))
        return f"{counts}.{self.sha256.hex()[:32]}"


@dataclass(frozen=True, slots=True)
class Run:
    """What became of a run of lines that begins with line `first`."""

    first: int
    outcomes: str
    reasons: Sequence[Sequence[Any]]


_COLUMNS = (
    "id, made_by, made_at, settings, state, size, sha256, wrapped, plan, done, reached, epoch,"
    " faults, fault, updated_at"
)


class FileTables:
    """Access to job.dnc_files and what belongs to them."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", master: MasterKey) -> None:
        """Use `pool`, under the role of the command service; parts are encrypted under `master`."""
        self.pool = pool
        self._master = master

    async def begin(self, file: UUID, made_by: UUID, settings: dict[str, Any]) -> DataKey | None:
        """Make the row of an upload, and return the key of its parts; None when it is there."""
        secret = os.urandom(32)
        wrapped = self._master.wrap(file, secret)
        text = orjson.dumps(settings).decode()
        done = await self.pool.execute(
            "insert into job.dnc_files (id, made_by, settings, wrapped) values ($1, $2, $3, $4)"
            " on conflict do nothing", file, made_by, text, wrapped,
        )  # fmt: skip
        return DataKey(file, secret) if done == "INSERT 0 1" else None

    async def add_part(self, file: UUID, key: DataKey, part: int, body: bytes) -> None:
        """Store a part of the file."""
        await self.pool.execute(
            "insert into job.dnc_file_parts values ($1, $2, $3)",
            file, part, key.encrypt(part, body),
        )  # fmt: skip

    async def uploaded(self, file: UUID, size: int, sha256: bytes) -> None:
        """Say that the whole file is there: it can be planned."""
        await self.pool.execute(
            "update job.dnc_files set size = $2, sha256 = $3, state = 'planning',"
            " look_at = clock_timestamp() where id = $1 and state = 'uploading'",
            file, size, sha256,
        )  # fmt: skip

    async def discard(self, file: UUID) -> None:
        """Forget an upload that did not come to its end."""
        await self.pool.execute(_DISCARD, [file])

    async def find(self, file: UUID) -> DncFile | None:
        """Return a file."""
        statement = " ".join(("select", _COLUMNS, "from job.dnc_files where id = $1"))
        row = await self.pool.fetchrow(statement, file)
        return None if row is None else _file(row)

    async def many(self, made_by: UUID | None, limit: int) -> list[DncFile]:
        """Return the latest files, of one user if asked for."""
        which = "from job.dnc_files where ($1::uuid is null or made_by = $1)"
        statement = " ".join(("select", _COLUMNS, which, "order by made_at desc, id desc limit $2"))
        return [_file(row) for row in await self.pool.fetch(statement, made_by, limit)]

    async def ask(self, file: UUID, before: Sequence[str], state: str) -> bool:
        """Move a file from one of these states to another; False when it is in none of them."""
        done: str = await self.pool.execute(_ASK, file, list(before), state)
        return done == "UPDATE 1"

    async def claim(self) -> DncFile | None:
        """Take the file that has waited longest of those nobody works on."""
        row = await self.pool.fetchrow(_CLAIM + _COLUMNS, LEASE)
        return None if row is None else _file(row)

    async def parts(self, file: DncFile) -> AsyncIterator[bytes]:
        """Yield the file's bytes, part by part."""
        assert file.wrapped is not None, "parts without a key"
        key = DataKey(file.id, self._master.unwrap(file.id, file.wrapped))
        part = 0
        read = "select body from job.dnc_file_parts where file_id = $1 and part = $2"
        while (body := await self.pool.fetchval(read, file.id, part)) is not None:
            yield key.decrypt(part, body)
            part += 1

    async def begin_plan(self, file: DncFile) -> None:
        """Plan from the start: what an earlier try listed goes."""
        await self.pool.execute(
            "delete from job.dnc_file_rows where file_id = $1 and step = 'plan'", file.id
        )

    async def store(self, file: DncFile, step: Step, run: Run, counts: dict[str, int]) -> None:
        """Store a run of lines, and in the step `done` how far it came; raise LeaseLost."""
        async with self.pool.acquire() as connection, connection.transaction():
            if step == "plan":
                await connection.execute("set local synchronous_commit = off")
            await self._hold(connection, file)
            reasons = orjson.dumps(run.reasons).decode()
            await connection.execute(
                "insert into job.dnc_file_rows values ($1, $2, $3, $4, $5)",
                file.id, step, run.first, run.outcomes, reasons,
            )  # fmt: skip
            if step == "done":
                reached = run.first + len(run.outcomes) - 1
                await connection.execute(
                    "update job.dnc_files set reached = $2, done = $3,"
                    " updated_at = clock_timestamp() where id = $1",
                    file.id, reached, orjson.dumps(counts).decode(),
                )  # fmt: skip

    async def planned(self, file: DncFile, counts: dict[str, int]) -> None:
        """Say that the plan is made; raise LeaseLost."""
        async with self.pool.acquire() as connection, connection.transaction():
            await self._hold(connection, file)
            await connection.execute(
                "update job.dnc_files set plan = $2, state = 'planned', look_at = null,"
                " lease_until = '-infinity', faults = 0, fault = '',"
                " updated_at = clock_timestamp() where id = $1 and state = 'planning'",
                file.id, orjson.dumps(counts).decode(),
            )  # fmt: skip

    async def finish(self, file: DncFile, state: str) -> None:
        """End the work; file and key go, the report stays. Raises LeaseLost."""
        async with self.pool.acquire() as connection, connection.transaction():
            await self._hold(connection, file)
            await connection.execute(_FINISH, file.id, state)
            await connection.execute("delete from job.dnc_file_parts where file_id = $1", file.id)

    async def release(self, file: DncFile) -> None:
        """Leave the file to the next runner."""
        await self.pool.execute(
            "update job.dnc_files set lease_until = '-infinity' where id = $1 and epoch = $2",
            file.id, file.epoch,
        )  # fmt: skip

    async def fail(self, file: DncFile, kind: str) -> None:
        """Give the file back after a fault, to be tried later; after five in a row it stalls."""
        pause = LOOK_AGAIN * 2**file.faults
        await self.pool.execute(_FAIL, file.id, file.epoch, kind, pause, FAULTS_MAX)

    async def runs(self, file: UUID, step: Step, after: int, limit: int) -> list[Run]:
        """Return the runs that hold lines after this one."""
        rows = await self.pool.fetch(_RUNS, file, step, after, limit)
        return [Run(row[0], row[1], orjson.loads(row[2])) for row in rows]

    async def clear_expired(self) -> None:
        """Take away uploads that broke off, and files that nobody wanted for seven days."""
        await self.pool.execute(_DISCARD_OLD, UPLOAD_MAX)
        await self.pool.execute(_CANCEL_OLD, KEPT)

    async def _hold(self, connection: Any, file: DncFile) -> None:
        held = await connection.fetchval(_HOLD, file.id, file.epoch, LEASE)
        if held is None:
            raise LeaseLost(str(file.id))


def _file(row: Any) -> DncFile:
    values = dict(row)
    for name in ("settings", "plan", "done"):
        values[name] = None if values[name] is None else orjson.loads(values[name])
    return DncFile(**values)


_DISCARD = """
    with gone as (
      delete from job.dnc_files where id = any($1) and state = 'uploading' returning id
    ) delete from job.dnc_file_parts p using gone where p.file_id = gone.id
"""
_DISCARD_OLD = """
    with gone as (
      delete from job.dnc_files
      where state = 'uploading' and made_at < clock_timestamp() - $1::interval returning id
    ) delete from job.dnc_file_parts p using gone where p.file_id = gone.id
"""
_CANCEL_OLD = """
    with gone as (
      update job.dnc_files set state = 'cancelled', wrapped = null, look_at = null
      where state in ('planned', 'stalled') and updated_at < clock_timestamp() - $1::interval
      returning id
    ) delete from job.dnc_file_parts p using gone where p.file_id = gone.id
"""
_ASK = """
    update job.dnc_files set state = $3, look_at = clock_timestamp(), faults = 0, fault = '',
      updated_at = clock_timestamp()
    where id = $1 and state = any($2)
"""
_CLAIM = """
    update job.dnc_files set epoch = epoch + 1, lease_until = clock_timestamp() + $1::interval
    where id = (
      select id from job.dnc_files
      where look_at <= clock_timestamp() and lease_until < clock_timestamp()
      order by look_at limit 1 for update skip locked
    ) returning
"""
_HOLD = """
    update job.dnc_files set lease_until = clock_timestamp() + $3::interval
    where id = $1 and epoch = $2 returning id
"""
_FINISH = """
    update job.dnc_files set state = $2, wrapped = null, look_at = null, faults = 0, fault = '',
      lease_until = '-infinity', updated_at = clock_timestamp()
    where id = $1
"""
_FAIL = """
    update job.dnc_files set lease_until = '-infinity', faults = faults + 1, fault = $3,
      state = case when faults + 1 < $5 then state else 'stalled' end,
      look_at = case when faults + 1 < $5 then clock_timestamp() + $4::interval end
    where id = $1 and epoch = $2
"""
_RUNS = """
    select first, outcomes, reasons from job.dnc_file_rows
    where file_id = $1 and step = $2 and first + length(outcomes) - 1 > $3
    order by first limit $4
"""
