"""The rows of imports: progress, the encrypted file, what became of each row."""

import os
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

import asyncpg
import orjson

from services.command.leased import LeaseLost
from services.kit.keys import DataKey, MasterKey

Step = Literal["plan", "done", "undo"]
LEASE = timedelta(seconds=15)
LOOK_AGAIN = timedelta(milliseconds=200)
ASKED_LATELY = timedelta(seconds=10)
"""Longer than a command may take: who asked wakes the worker first and appends then."""

FAULTS_MAX = 5
KEPT = timedelta(days=7)
"""How long a file waits to be imported, and refused rows for being downloaded."""

UPLOAD_MAX = timedelta(hours=1)
_HEADER = 0xFFFF_FFFF
_CELLS = 0x8000_0000
"""What refused rows are bound to when they are encrypted: parts of the file count from 0."""


@dataclass(frozen=True, slots=True)
class ImportRow:
    """What the log does not tell of an import."""

    id: UUID
    made_by: UUID
    made_at: datetime
    there: bool
    encoding: str
    wrapped: bytes | None
    header: bytes | None
    previewing: int
    previewed: int
    steps: dict[str, Any]
    epoch: int
    faults: int
    fault: str
    stalled: bool
    file_until: datetime | None
    updated_at: datetime
    looked: int

    def reached(self, step: Step) -> int:
        """Return the last row that a step has settled."""
        return int(self.steps.get(step, {}).get("reached", 0))

    def counts(self, step: Step) -> dict[str, int]:
        """Return what a step came to so far, by outcome."""
        return dict(self.steps.get(step, {}).get("rows", {}))


@dataclass(frozen=True, slots=True)
class Run:
    """What became of a run of rows that begins with row `first`.

    reasons: [row, [[code, text, field]]] of refused rows. leads: of updated, unchanged and skipped
    rows, in order. cells: refused rows as they came, [row, [cell]], and the lead of those that were
    about one.
    """

    first: int
    outcomes: str
    reasons: Sequence[Any] = ()
    leads: Sequence[UUID] = ()
    cells: Sequence[Any] = ()

    @property
    def last(self) -> int:
        """The last row of the run."""
        return self.first + len(self.outcomes) - 1


_COLUMNS = (
    "id, made_by, made_at, there, encoding, wrapped, header, previewing, previewed, steps, epoch,"
    " faults, fault, stalled, file_until, updated_at, looked"
)


class ImportTables:
    """Access to job.imports and what belongs to it."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", master: MasterKey) -> None:
        """Use `pool`, under the role of the command service; files are encrypted under `master`."""
        self.pool = pool
        self._master = master

    async def begin(self, one: UUID, made_by: UUID) -> DataKey | None:
        """Make the row of an upload, and return the key of its parts; None when it is there."""
        secret = os.urandom(32)
        done = await self.pool.execute(
            "insert into job.imports (id, made_by, wrapped, looked)"
            " select $1, $2, $3, coalesce(max(position), 0) from log.events"
            " on conflict do nothing", one, made_by, self._master.wrap(one, secret),
        )  # fmt: skip
        return DataKey(one, secret) if done == "INSERT 0 1" else None

    async def add_part(self, one: UUID, key: DataKey, part: int, body: bytes) -> None:
        """Store a part of the file."""
        await self.pool.execute(
            "insert into job.import_parts values ($1, $2, $3)", one, part, key.encrypt(part, body)
        )

    async def uploaded(self, one: UUID, encoding: str) -> None:
        """Say that the whole file is there."""
        await self.pool.execute(
            "update job.imports set there = true, encoding = $2 where id = $1", one, encoding
        )

    async def discard(self, one: UUID) -> None:
        """Forget an upload that did not come to its end."""
        await self.pool.execute(_DISCARD, [one])

    async def find(self, one: UUID) -> ImportRow | None:
        """Return the row of an import."""
        statement = " ".join(("select", _COLUMNS, "from job.imports where id = $1"))
        row = await self.pool.fetchrow(statement, one)
        return None if row is None else _row(row)

    async def many(self, made_by: UUID | None, limit: int) -> list[ImportRow]:
        """Return the latest imports, of one user if asked for."""
        which = "from job.imports where there and ($1::uuid is null or made_by = $1)"
        statement = " ".join(("select", _COLUMNS, which, "order by made_at desc, id desc limit $2"))
        return [_row(row) for row in await self.pool.fetch(statement, made_by, limit)]

    async def earlier(self, same: bytes, one: UUID) -> list[UUID]:
        """Return the other imports of the same file with the same settings, the latest first."""
        rows = await self.pool.fetch(
            "select id from job.imports where same = $1 and id <> $2 and there"
            " order by made_at desc, id desc", same, one,
        )  # fmt: skip
        return [row["id"] for row in rows]

    async def same_of(self, one: UUID) -> bytes | None:
        """Return of which file and settings an import is, once it is mapped."""
        same: bytes | None = await self.pool.fetchval(
            "select same from job.imports where id = $1", one
        )
        return same

    async def name_same(self, one: UUID, same: bytes) -> None:
        """Note of which file and settings an import is."""
        await self.pool.execute("update job.imports set same = $2 where id = $1", one, same)

    async def wake(self, one: UUID, *, preview_of: int | None = None) -> None:
        """Have a worker look at the import, now and for the next seconds, to preview that version
        of it if asked for.
        """
        await self.pool.execute(_WAKE, one, preview_of)

    async def claim(self) -> ImportRow | None:
        """Take the import that has waited longest of those nobody works on."""
        row = await self.pool.fetchrow(_CLAIM + _COLUMNS, LEASE)
        return None if row is None else _row(row)

    async def release(self, one: ImportRow, *, again: bool = False) -> None:
        """Give the import back: to be looked at at once, or again while somebody asked lately."""
        await self.pool.execute(_RELEASE, one.id, one.epoch, again, LOOK_AGAIN, ASKED_LATELY)

    async def fail(self, one: ImportRow, kind: str) -> None:
        """Give the import back after a fault, to be tried later; after five in a row it stalls."""
        pause = LOOK_AGAIN * 2**one.faults
        await self.pool.execute(_FAIL, one.id, one.epoch, kind, pause, FAULTS_MAX)

    def key_of(self, one: ImportRow) -> DataKey:
        """Return the key of the file; there must be one."""
        assert one.wrapped is not None, "a file without a key"
        return DataKey(one.id, self._master.unwrap(one.id, one.wrapped))

    async def parts(self, one: ImportRow) -> AsyncIterator[bytes]:
        """Yield the file's bytes, part by part."""
        key = self.key_of(one)
        part = 0
        read = "select body from job.import_parts where import_id = $1 and part = $2"
        while (body := await self.pool.fetchval(read, one.id, part)) is not None:
            yield key.decrypt(part, body)
            part += 1

    async def keep_header(self, one: ImportRow, cells: Sequence[str]) -> None:
        """Keep the names of the columns beside the refused rows."""
        stored = self.key_of(one).encrypt(_HEADER, orjson.dumps(_storable(cells)))
        await self.pool.execute("update job.imports set header = $2 where id = $1", one.id, stored)

    def header_of(self, one: ImportRow) -> list[str]:
        """Return the names of the columns; none when they were not kept."""
        if one.header is None:
            return []
        found: list[str] = orjson.loads(self.key_of(one).decrypt(_HEADER, one.header))
        return found

    async def begin_plan(self, one: ImportRow) -> None:
        """Preview from the start: what an earlier try listed goes."""
        await self.pool.execute(
            "delete from job.import_rows where import_id = $1 and step = 'plan'", one.id
        )

    async def store(self, one: ImportRow, step: Step, run: Run, counts: Mapping[str, int]) -> None:
        """Store a run of rows, and how far the step came with it; raise LeaseLost."""
        cells = None
        if run.cells:
            kept = [[row, _storable(cells), *lead] for row, cells, *lead in run.cells]
            cells = self.key_of(one).encrypt(_CELLS + run.first, orjson.dumps(kept))
        state = orjson.dumps({"reached": run.last, "rows": dict(counts)}).decode()
        async with self.pool.acquire() as connection, connection.transaction():
            if step == "plan":
                await connection.execute("set local synchronous_commit = off")
            if await connection.fetchval(_STORE, one.id, one.epoch, LEASE, step, state) is None:
                raise LeaseLost(str(one.id))
            await connection.execute(
                "insert into job.import_rows values ($1, $2, $3, $4, $5, $6, $7)",
                one.id, step, run.first, run.outcomes, orjson.dumps(run.reasons).decode(),
                list(run.leads), cells,
            )  # fmt: skip

    async def previewed(self, one: ImportRow, version: int) -> None:
        """Say that the preview of that version is whole; raise LeaseLost."""
        done = await self.pool.fetchval(
            "update job.imports set previewed = $3, updated_at = clock_timestamp()"
            " where id = $1 and epoch = $2 returning id", one.id, one.epoch, version,
        )  # fmt: skip
        if done is None:
            raise LeaseLost(str(one.id))

    async def let_file_go(self, one: ImportRow) -> None:
        """Drop the file; its key stays for seven days where refused rows were kept."""
        async with self.pool.acquire() as connection, connection.transaction():
            if await connection.fetchval(_LET_GO, one.id, one.epoch, KEPT) is None:
                raise LeaseLost(str(one.id))
            await connection.execute("delete from job.import_parts where import_id = $1", one.id)

    async def runs(self, one: UUID, step: Step, after: int, limit: int) -> list[Run]:
        """Return the runs that hold rows after this one, without their cells."""
        rows = await self.pool.fetch(_RUNS, one, step, after, limit)
        return [Run(row[0], row[1], orjson.loads(row[2]), row[3]) for row in rows]

    async def refused_cells(
        self, one: ImportRow, step: Step, after: int
    ) -> tuple[Sequence[Any], dict[int, Any], int] | None:
        """Return the refused rows of the next run that has any after this row, as they came, with
        the reasons by row and the run's last row; None when there is no more.
        """
        row = await self.pool.fetchrow(_REFUSED, one.id, step, after)
        if row is None:
            return None
        first, outcomes, reasons, cells = row
        kept: Sequence[Any] = orjson.loads(self.key_of(one).decrypt(_CELLS + first, cells))
        return kept, dict(orjson.loads(reasons)), first + len(outcomes) - 1

    async def kept(self) -> list[ImportRow]:
        """Return the imports of which a file or refused rows are kept."""
        which = "from job.imports where there and wrapped is not null order by id"
        return [_row(row) for row in await self.pool.fetch(" ".join(("select", _COLUMNS, which)))]

    async def looked(self, ones: Collection[UUID], position: int) -> None:
        """Note that erasures up to this position have been carried out in these imports."""
        await self.pool.execute(
            "update job.imports set looked = $2 where id = any($1) and looked < $2",
            list(ones), position,
        )  # fmt: skip

    async def forget_file(self, one: UUID) -> None:
        """Destroy the file, what was kept of it, and the key of both."""
        async with self.pool.acquire() as connection, connection.transaction():
            await connection.execute(
                "update job.imports set wrapped = null, header = null where id = $1", one
            )
            await connection.execute("delete from job.import_parts where import_id = $1", one)
            await connection.execute(
                "update job.import_rows set cells = null"
                " where import_id = $1 and cells is not null", one
            )  # fmt: skip

    async def forget_header(self, one: UUID) -> None:
        """Drop the names of the columns."""
        await self.pool.execute("update job.imports set header = null where id = $1", one)

    async def cells(self, one: ImportRow) -> AsyncIterator[tuple[Step, int, bytes, Sequence[Any]]]:
        """Yield the kept refused rows: step and first row of their run, stored, opened."""
        key, step, first = self.key_of(one), "", 0
        while row := await self.pool.fetchrow(_NEXT_CELLS, one.id, step, first):
            step, first, stored = row
            yield step, first, stored, orjson.loads(key.decrypt(_CELLS + first, stored))

    async def erase_rows(
        self,
        one: ImportRow,
        step: Step,
        first: int,
        before: bytes,
        kept: Sequence[Any],
        gone: Sequence[int],
    ) -> bool:
        """Keep only these refused rows of a run, and say `erased` of the ones that go; False when
        others were kept meanwhile.
        """  # fmt: skip
        key = self.key_of(one)
        cells = key.encrypt(_CELLS + first, orjson.dumps(kept)) if kept else None
        given = (one.id, step, first, before, cells, list(gone))
        return await self.pool.fetchval(_ERASE, *given) is not None

    async def clear_expired(self) -> list[UUID]:
        """Take away uploads that broke off and what was kept of files; return the imports nobody
        carried on for seven days.
        """
        await self.pool.execute(_DISCARD_OLD, UPLOAD_MAX)
        await self.pool.execute(_FORGET_FILES)
        rows = await self.pool.fetch(
            "select id from job.imports where there and wrapped is not null and file_until is null"
            " and look_at is null and updated_at < clock_timestamp() - $1::interval", KEPT,
        )  # fmt: skip
        return [row["id"] for row in rows]


def _row(row: Any) -> ImportRow:
    values = dict(row)
    values["steps"] = orjson.loads(values["steps"])
    return ImportRow(**values)


def _storable(cells: Sequence[str]) -> list[str]:
    """Return cells as JSON can hold them: bytes that were no text become a sign for that."""
    return [cell if cell.isascii() else cell.encode("utf-8", "replace").decode() for cell in cells]


_DISCARD = """
    with gone as (
      delete from job.imports where id = any($1) and not there returning id
    ) delete from job.import_parts p using gone where p.import_id = gone.id
"""
_DISCARD_OLD = """
    with gone as (
      delete from job.imports
      where not there and made_at < clock_timestamp() - $1::interval returning id
    ) delete from job.import_parts p using gone where p.import_id = gone.id
"""
_FORGET_FILES = """
    with gone as (
      update job.imports set wrapped = null, header = null, file_until = null
      where file_until < clock_timestamp() returning id
    ) update job.import_rows r set cells = null from gone
      where r.import_id = gone.id and r.cells is not null
"""
_WAKE = """
    update job.imports set look_at = clock_timestamp(), faults = 0, fault = '', stalled = false,
      previewing = coalesce($2, previewing), updated_at = clock_timestamp()
    where id = $1
"""
_CLAIM = """
    update job.imports set epoch = epoch + 1, lease_until = clock_timestamp() + $1::interval
    where id = (
      select id from job.imports
      where look_at <= clock_timestamp() and lease_until < clock_timestamp()
      order by look_at limit 1 for update skip locked
    ) returning
"""
_RELEASE = """
    update job.imports set lease_until = '-infinity', faults = 0, fault = '',
      look_at = case when $3 then clock_timestamp()
        when updated_at > clock_timestamp() - $5::interval then clock_timestamp() + $4::interval end
    where id = $1 and epoch = $2
"""
_FAIL = """
    update job.imports set lease_until = '-infinity', faults = faults + 1, fault = $3,
      stalled = faults + 1 >= $5,
      look_at = case when faults + 1 < $5 then clock_timestamp() + $4::interval end
    where id = $1 and epoch = $2
"""
_STORE = """
    update job.imports set lease_until = clock_timestamp() + $3::interval,
      steps = steps || jsonb_build_object($4::text, $5::jsonb), updated_at = clock_timestamp()
    where id = $1 and epoch = $2 returning id
"""
_LET_GO = """
    update job.imports set
      wrapped = case when exists (select from job.import_rows
        where import_id = $1 and step = 'done' and cells is not null) then wrapped end,
      file_until = clock_timestamp() + $3::interval
    where id = $1 and epoch = $2 returning id
"""
_NEXT_CELLS = """
    select step, first, cells from job.import_rows
    where import_id = $1 and cells is not null and (step, first) > ($2, $3)
    order by step, first limit 1
"""
_ERASE = """
    update job.import_rows set cells = $5,
      outcomes = (
        select string_agg(case when first + place - 1 = any($6::int[]) then 'e' else letter end, ''
          order by place)
        from regexp_split_to_table(outcomes, '') with ordinality as o(letter, place)),
      reasons = (
        select coalesce(jsonb_agg(each order by place), '[]')
        from jsonb_array_elements(reasons) with ordinality as r(each, place)
        where not (each ->> 0)::int = any($6::int[]))
    where import_id = $1 and step = $2 and first = $3 and cells = $4 returning first
"""
_RUNS = """
    select first, outcomes, reasons, leads from job.import_rows
    where import_id = $1 and step = $2 and first + length(outcomes) - 1 > $3
    order by first limit $4
"""
_REFUSED = """
    select first, outcomes, reasons, cells from job.import_rows
    where import_id = $1 and step = $2 and first > $3 and cells is not null order by first limit 1
"""
