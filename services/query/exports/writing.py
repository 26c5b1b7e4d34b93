"""Writes one export: the question is asked with the sight its asker has now, of one moment.

All leads are read in one snapshot of the database, whose log position the file names. Nothing is
held but a thousand leads and a piece of the archive. Who killed a writer finds the export begun
anew by the next; who cancels the export sees it stop with the next thousand.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from time import monotonic
from typing import Any
from uuid import UUID

import asyncpg

from schemas.filter_text import print_filter
from schemas.instants import format_instant
from services.kit import errors
from services.kit.auth import Principal
from services.kit.failpoints import at
from services.kit.http import failure
from services.kit.keys import MasterKey
from services.kit.postgres import RETRYABLE
from services.kit.telemetry import logger
from services.query.api_key import KeyTable
from services.query.export import LEADS_AT_ONCE, WITHOUT_COLUMNS, most_contacts, statement_of
from services.query.exported_rows import Layout, lines_of
from services.query.exports import files
from services.query.exports.files import File, Job, NotWanted
from services.query.exports.zipped import Archive
from services.query.lead import leads_condition
from services.query.questions import Question
from services.query.reading import STILL_SECONDS_MAX, Asked, Reading
from services.query.searching import look_up
from services.query.sql import Arguments
from services.query.view_parts import Parts, parts_of

PIECE_BYTES = 256 * 1024
SIZE_MAX = 2 * 1024**3
SECONDS_MAX = 1_800
"""A snapshot holds up the cleaning of the whole database: no export may take longer."""

LOOK_SECONDS = 0.5
_PASSING: tuple[type[Exception], ...] = (errors.Unavailable, *RETRYABLE)
TURNS_MAX = 20
PROMPT = timedelta(seconds=5)
"""Times of the log are of the database's clock as well; a little more does no harm."""


class Unfit(Exception):
    """The export cannot be written; `code` and text say why, and hold nothing personal."""

    def __init__(self, code: str, text: str) -> None:
        """Keep the code beside the sentence."""
        super().__init__(text)
        self.code = code


class Writer:
    """Writes exports, one after the other."""

    def __init__(self, reading: Reading, master: MasterKey, stop: asyncio.Event) -> None:
        """Read with `reading`, whose pool may write files; stop in the middle when told to."""
        self._reading = reading
        self._pool = reading.pool
        self._master = master
        self._stop = stop
        self._users = KeyTable(reading.pool)

    async def write_waiting(self) -> int:
        """Write the exports that wait; return how many were begun."""
        count = 0
        while not self._stop.is_set():
            # The lock lives as long as this connection does, so it serves for nothing else.
            async with self._pool.acquire() as holder:
                file = await files.begin(holder, self._master)
                if file is None:
                    return count
                count += 1
                try:
                    await self._write(file)
                finally:
                    await files.end(holder, file.job.id)
        return count

    async def _write(self, file: File) -> None:
        job = file.job
        try:
            principal = await self._asker(job)
            if await files.kept(self._pool, job) >= files.KEPT_MAX:
                text = f"At most {files.KEPT_MAX} exports are kept for a person; cancel some."
                raise Unfit("too-many-exports", text)
            if file.turn > TURNS_MAX:
                raise Unfit("given-up", f"It was begun {TURNS_MAX} times and never ended.")
            while not await self._written(file, principal):
                await files.go_on(self._pool, file, 0, 0, 0)
        except NotWanted:
            await files.throw_away(self._pool, file)
        except Unfit as fault:
            await files.failed(self._pool, file, fault.code, str(fault))
        except _PASSING as fault:
            logger().warning("export-interrupted", export=str(job.id), **failure(fault))
            await asyncio.sleep(LOOK_SECONDS)  # then it is begun anew, a number of times
        except errors.Problem as problem:
            await files.failed(self._pool, file, problem.code, problem.title)
        except (asyncpg.PostgresError, OSError, ValueError) as fault:
            logger().error("export-failed", export=str(job.id), **failure(fault))
            await files.failed(self._pool, file, "internal", type(fault).__name__)

    async def _written(self, file: File, principal: Principal) -> bool:
        """Write it, once the read models show that it was asked for; False when they do not yet."""
        try:
            async with self._reading.asked_by(principal, file.job.position, still=True) as asked:
                await self._write_all(file, asked)
        except errors.NotYet:
            if self._stop.is_set():
                raise ConnectionError("the service stops") from None
            return False
        return True

    async def _asker(self, job: Job) -> Principal:
        found = await self._users.user(user_id=job.by)
        if found is None:
            raise Unfit("asker-inactive", "Whoever asked for the export is not active any more.")
        return found

    async def _write_all(self, file: File, asked: Asked) -> None:
        job = file.job
        question = _question(job, asked)
        found = await look_up(asked, question.tree)
        selected = await _count(asked, question, found)
        most = 0
        if job.format == "csv" and "contacts" in question.columns:
            most = await most_contacts(asked, question, found)
        layout = Layout.of(question.columns, most, asked)
        statement, arguments = statement_of(asked, question, found)
        cursor = await asked.connection.cursor(statement, *arguments.values)
        archive = Archive(f"leads-{asked.position}.{job.format}", asked.now)
        if job.format == "csv":
            archive.add(layout.header())
        began = looked = monotonic()
        count, leads = 0, list[UUID]()
        await files.go_on(self._pool, file, selected, 0, 0)
        while rows := await cursor.fetch(LEADS_AT_ONCE, timeout=STILL_SECONDS_MAX):
            at("export.piece")
            archive.add(await lines_of(asked, layout, rows, job.format))
            leads += [row["of_lead"] for row in rows]
            count += len(rows)
            if archive.held >= PIECE_BYTES:
                await files.put(self._pool, file, archive.take(), leads)
                leads = []
            if monotonic() - looked >= LOOK_SECONDS:
                looked = monotonic()
                await self._look(file, selected, count, archive.size, looked - began)
        archive.close(_about(job, question, asked, count))
        await files.put(self._pool, file, archive.take(), leads)
        at("export.before_written")
        await files.go_on(self._pool, file, count, count, archive.size)
        await files.written(
            self._pool, file, shown=asked.position, since=await _since(asked), leads=count,
            size=archive.size, digest=archive.digest,
        )  # fmt: skip
        logger().info("export-written", export=str(job.id), leads=count, position=asked.position)

    async def _look(self, file: File, selected: int, count: int, size: int, took: float) -> None:
        await files.go_on(self._pool, file, selected, count, size)
        if self._stop.is_set():
            raise ConnectionError("the service stops; the next writer begins anew")
        if size > SIZE_MAX:
            raise Unfit("too-large", f"The file has more than {SIZE_MAX >> 30} GB; ask for less.")
        if took > SECONDS_MAX:
            raise Unfit("too-long", f"It took longer than {SECONDS_MAX} s; ask for less.")


def _question(job: Job, asked: Asked) -> Question:
    """Return what is asked. A filter of which a part cannot be used would let out more leads than
    were meant, so there is no file then; of a view, unknown columns are left out as in a list.
    """
    parts = parts_of({"filter": job.filter, "columns": job.columns, "sort": job.sort}, asked)
    _refuse_unusable(parts, strict=job.view is None)
    columns = parts.columns or WITHOUT_COLUMNS
    if job.contacts and "contacts" not in columns:
        columns = (*columns, "contacts")
    return Question(parts.tree, parts.order, columns)


def _refuse_unusable(parts: Parts, *, strict: bool) -> None:
    faults = [one for one in parts.faults if strict or one.pointer.startswith("/filter")]
    if faults:
        told = "; ".join(f"{one.pointer}: {one.text}" for one in faults[:10])
        raise Unfit("not-usable", told[:1_000])


async def _count(asked: Asked, question: Question, found: Any) -> int:
    arguments = Arguments()
    where = leads_condition(question.tree, asked, arguments, found=found)
    statement = f"select count(*) from read.lead l where {where}"  # noqa: S608 - our own text
    counted: int = await asked.connection.fetchval(
        statement, *arguments.values, timeout=STILL_SECONDS_MAX
    )
    return counted


async def _since(asked: Asked) -> datetime:
    """Return when the last event was recorded that the file shows: who is erased by a later one
    may stand in it.
    """
    recorded: datetime | None = await asked.connection.fetchval(
        "select recorded_at from log.events where position = $1", asked.position
    )
    assert recorded is not None, "there is an organisation, hence a log"
    return recorded - PROMPT


def _about(job: Job, question: Question, asked: Asked, count: int) -> str:
    shown: Sequence[str] = (
        f"name:      {job.name}",
        f"leads:     {count}",
        f"position:  {asked.position}",
        f"time:      {format_instant(asked.now)}",
        f"asked by:  user:{job.by}",
        f"export:    {job.id}",
        f"filter:    {filter_words(question.tree)}",
        "In a cell that a spreadsheet would take for a formula there is an apostrophe before it.",
    )
    return "\r\n".join((*shown, ""))


def filter_words(tree: Any) -> str:
    """Return a filter as one can type it; "every lead in sight" for none."""
    return "every lead in sight" if tree is None else print_filter(tree)
