"""Carrying imports out: the real decisions for every row, a thousand rows an append.

A preview decides and appends nothing; it is made from the start whenever it was interrupted. An
import goes on where it stood: each run of rows is one append with an id of its own, and its
outcomes are kept beside that, so a crash between append and report changes neither. Every append
rests on the version of the import's own stream, so that nothing is done after it was cancelled.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple, Protocol
from uuid import UUID

import orjson

from services.command.domain.decider import Command
from services.command.domain.facts import Actor
from services.command.domain.imports.commands import CancelImport, FinishImport, FinishUndo
from services.command.domain.imports.state import Import
from services.command.facts_loader import Order
from services.command.handler import Commanding
from services.command.imports import undoing
from services.command.imports.deciding import (
    OUTCOMES,
    Decided,
    ImportJudge,
    Pending,
    lead_of,
)
from services.command.imports.reading import Row, Rows
from services.command.imports.settings import ImportSettings
from services.command.imports.tables import ImportRow, ImportTables, Run, Step
from services.command.imports.undoing import UndoJudge, leads_of
from services.command.leased import Leased
from services.command.planning import Plan
from services.command.seen import Seen
from services.kit import append as log_outcome
from services.kit.append import Commanded
from services.kit.auth import Principal
from services.kit.clock import Clock
from services.kit.eventlog import EventLog
from services.kit.failpoints import at
from services.kit.ids import named_id
from services.kit.telemetry import logger

ROWS = 1_000
RUNS = 50
ROW_BYTES_MIN = 12
"""A row holds a number at least: so many rows may a file have, of which a preview keeps book."""

SLICE_BYTES = 65_536
POLL_SECONDS = 0.2
ROUNDS_MAX = 20
WORKER = Actor("service:imports", "admin")
NOBODY = Principal("", "")
_REQUEST = b"import"


class ImportMoved(Exception):
    """The import's stream has moved: it was cancelled."""


class Settled(NamedTuple):
    """What became of a run; `anew`: not what was decided at first, so what rests on it is void."""

    run: Run
    pending: Pending
    anew: bool


class Judged(Protocol):
    """What was decided on a run: its outcomes, and what is to be stored with them."""

    made: Plan | None

    def run(self) -> Run:
        """Return the outcomes as they are kept."""


class ImportWorker:
    """Works on imports, one after the other: `work` is to be run."""

    def __init__(self, commanding: Commanding, clock: Clock) -> None:
        """Decide and append with `commanding`."""
        self._commanding = commanding
        self._log = commanding.log
        self._clock = clock
        self.tables = ImportTables(commanding.log.pool, commanding.log.keys.master)
        self.work = Leased(
            "import",
            claim=self.tables.claim,
            do=self._work,
            leave=partial(self.tables.release, again=True),
            fail=self.tables.fail,
            clear=self.clear,
            poll_seconds=POLL_SECONDS,
        )

    async def clear(self) -> None:
        """Take away what is past its time; imports that nobody started are cancelled."""
        for one in await self.tables.clear_expired():
            if (await self._import(one)).stage in ("open", "running"):
                await self._tell(one, CancelImport())
            await self.tables.wake(one)

    async def _work(self, row: ImportRow, stop: asyncio.Event) -> None:
        one = await self._import(row.id)
        try:
            if one.stage == "running":
                await self._execute(row, one, stop)
            elif one.stage == "undoing":
                await self._undo(row, one, stop)
            elif one.stage == "open" and row.previewing > row.previewed:
                await self._preview(row, one, stop)
        except ImportMoved:
            logger().info("import-cancelled", one=str(row.id))
        if (await self._import(row.id)).stage == "cancelling":
            await self._wind_up(row)
        over = (await self._import(row.id)).stage in ("finished", "undoing", "undone")
        if over and row.file_until is None:
            await self.tables.let_file_go(row)
        await self.tables.release(row, again=stop.is_set())

    async def _import(self, stream: UUID) -> Import:
        states = await self._commanding.states.refresh({stream: "import"})
        found: Import = states[stream]
        return found

    async def _tell(self, stream: UUID, command: Command) -> None:
        await self._commanding.handle(Order(command, NOBODY, stream, WORKER))

    async def _preview(self, row: ImportRow, one: Import, stop: asyncio.Event) -> None:
        """Preview; a second time where rows of later runs have to do with the same leads, which
        are known only then and kept in memory from one run to the next.
        """
        rows = one.size // ROW_BYTES_MIN + 1
        judge = ImportJudge(self._commanding, self._clock, one)
        pending = Pending(previewed=Seen(rows))
        whole = await self._preview_with(row, judge, pending, stop)
        if whole and pending.repeated and judge.settings.duplicates != "skip":
            repeated, pending = pending.repeated, Pending()  # One book at a time: it is large.
            pending = Pending(previewed=Seen(rows), repeated=repeated)
            whole = await self._preview_with(row, judge, pending, stop)
        if whole:
            await self.tables.previewed(row, row.previewing)

    async def _preview_with(
        self, row: ImportRow, judge: ImportJudge, pending: Pending, stop: asyncio.Event
    ) -> bool:
        """Decide on all rows and list the outcomes; False when it was broken off."""
        await self.tables.begin_plan(row)
        again = await self._done_before(row)
        counts: Counter[str] = Counter()
        async for header, rows in self._batches(row, judge.settings):
            first = rows[0].number
            earlier = await self._earlier(again, first, len(rows))
            decided = await judge.decide(first, rows, header, pending, earlier)
            if stop.is_set() or (await self._import(row.id)).version != row.previewing:
                return False
            _count(counts, decided.run(), OUTCOMES)
            await self.tables.store(row, "plan", decided.run(), counts)
        return True

    async def _execute(self, row: ImportRow, one: Import, stop: asyncio.Event) -> None:
        """Three runs are under way at a time: one is read, one decided, one stored."""
        judge = ImportJudge(self._commanding, self._clock, one)
        counts = Counter(row.counts("done"))
        reached, pending = row.reached("done"), Pending()
        again = await self._done_before(row)
        settling: asyncio.Task[Settled] | None = None
        try:
            async for header, batch in self._batches(row, judge.settings):
                rows = [each for each in batch if each.number > reached]
                if not rows:
                    continue
                if not reached and settling is None and header:
                    await self._keep_header(row, rows, header)
                run = _Rows(rows, header, await self._earlier(again, rows[0].number, len(rows)))
                decided = await run.decide(judge, pending)
                if settling is not None:
                    settled = await self._noted(row, "done", await settling, counts)
                    reached = settled.run.last
                    if settled.anew:
                        decided = await run.decide(judge, settled.pending)
                settling, pending = None, decided.pending()
                if stop.is_set():
                    return
                settling = asyncio.create_task(self._settle(judge, run, decided))
            if settling is not None:
                await self._noted(row, "done", await settling, counts)
        finally:
            if settling is not None and not settling.done():
                settling.cancel()
        await self._finish(row, counts)

    async def _keep_header(self, row: ImportRow, rows: Sequence[Row], header: int) -> None:
        for each in rows:
            if each.number == header:
                await self.tables.keep_header(row, each.cells)

    async def _noted(
        self, row: ImportRow, step: Step, settled: Settled, counts: "Counter[str]"
    ) -> Settled:
        """Note what became of a run that is appended."""
        at("imports.after_append")
        _count(counts, settled.run, undoing.OUTCOMES if step == "undo" else OUTCOMES)
        await self.tables.store(row, step, settled.run, counts)
        return settled

    async def _settle(self, judge: ImportJudge, run: "_Rows", decided: Decided) -> Settled:
        """Append what a run comes to, once, deciding again while others are at the same leads."""
        command_id = named_id(judge.stream, f"rows {decided.first}")
        for round_ in range(ROUNDS_MAX):
            kept = await appended(self._log, command_id, decided)
            if kept is not None:
                return Settled(kept, decided.pending(), anew=round_ > 0 or kept != decided.run())
            decided = await run.decide(judge, Pending())
        raise RuntimeError("the same leads are being changed by others all the time")

    async def _finish(self, row: ImportRow, counts: Mapping[str, int]) -> None:
        known = {name: counts.get(name, 0) for name in OUTCOMES.values()}
        await self._tell(row.id, FinishImport(**known))

    async def _wind_up(self, row: ImportRow) -> None:
        """End a cancelled import: what was appended and not noted is noted, the file goes."""
        found = await self.tables.find(row.id)
        assert found is not None
        counts = Counter(found.counts("done"))
        first = found.reached("done") + 1
        command_id = named_id(row.id, f"rows {first}")
        earlier = await self._log.earlier_answers([command_id])
        if command_id in earlier:
            run = _kept(Run(first, ""), earlier[command_id].answer)
            await self._noted(row, "done", Settled(run, Pending(), anew=True), counts)
        await self._finish(row, counts)

    async def _undo(self, row: ImportRow, one: Import, stop: asyncio.Event) -> None:
        judge = UndoJudge(self._commanding, self._clock, one)
        counts = Counter(row.counts("undo"))
        reached, after = row.reached("undo"), 0
        gone_over: set[UUID] = set()
        while runs := await self.tables.runs(row.id, "done", after, RUNS):
            for run in runs:
                leads = _each_once(leads_of(run, row.id), gone_over)
                after = run.last
                if run.first <= reached:
                    continue
                if stop.is_set():
                    return
                settled = await self._undone(judge, row.id, run.first, leads)
                await self._noted(row, "undo", settled, counts)
        known = {name: counts.get(name, 0) for name in undoing.OUTCOMES.values()}
        await self._tell(row.id, FinishUndo(**known))

    async def _undone(
        self, judge: UndoJudge, one: UUID, first: int, leads: Sequence[UUID | None]
    ) -> Settled:
        command_id = named_id(one, f"undo {first}")
        for _ in range(ROUNDS_MAX):
            decided = await judge.decide(first, leads)
            kept = await appended(self._log, command_id, decided)
            if kept is not None:
                return Settled(kept, Pending(), anew=False)
        raise RuntimeError("the same leads are being changed by others all the time")

    async def _batches(
        self, row: ImportRow, settings: ImportSettings
    ) -> AsyncIterator[tuple[int, list[Row]]]:
        """Yield the file's rows in runs that begin at the same rows every time, each with the row
        that names the columns, 0 without one.
        """
        rows = Rows(settings.encoding, settings.delimiter)
        batch: list[Row] = []
        header = None if settings.header else 0

        def cut(*, whole: bool) -> list[Row]:
            nonlocal header
            if len(batch) < (ROWS if whole else 1):
                return []
            run = batch[:ROWS]
            del batch[:ROWS]
            if header is None:
                header = next((one.number for one in run if not one.is_blank), None)
            return run

        async for part in self.tables.parts(row):
            for start in range(0, len(part), SLICE_BYTES):
                batch += rows.feed(part[start : start + SLICE_BYTES])
                while run := cut(whole=True):
                    yield header or 0, run
        batch += rows.end()
        while run := cut(whole=False):
            yield header or 0, run

    async def _done_before(self, row: ImportRow) -> list[UUID]:
        """Return the earlier imports of the same file and settings that were not undone."""
        same = await self.tables.same_of(row.id)
        found = [] if same is None else await self.tables.earlier(same, row.id)
        states = await self._commanding.states.refresh(dict.fromkeys(found, "import"))
        return [one for one in found if states[one].stage == "finished"]

    async def _earlier(self, again: Sequence[UUID], first: int, most: int) -> dict[int, UUID]:
        """Return the leads of those of these rows that an earlier import of the file settled."""
        found: dict[int, UUID] = {}
        for one in again:
            for run in await self.tables.runs(one, "done", first - 1, most):
                if run.first >= first + most:
                    break
                others = iter(run.leads)
                for row, letter in enumerate(run.outcomes, run.first):
                    lead = next(others) if letter in "uns" else None
                    if letter == "c":
                        lead = lead_of(one, row)
                    if lead is not None:
                        found.setdefault(row, lead)
        return found


class _Rows(NamedTuple):
    """A run of rows, and what is known of them beside the file."""

    rows: Sequence[Row]
    header: int
    earlier: Mapping[int, UUID]

    async def decide(self, judge: ImportJudge, pending: Pending) -> Decided:
        """Decide on it as things are now; raise ImportMoved when the import was cancelled."""
        first = self.rows[0].number
        decided = await judge.decide(first, self.rows, self.header, pending, self.earlier)
        if judge.stage != "running":
            raise ImportMoved
        return decided


async def appended(log: EventLog, command_id: UUID, decided: Judged) -> Run | None:
    """Append what was decided on a run; return its outcomes, of the first time if it was appended
    before. None: decide anew.
    """
    run, made = decided.run(), decided.made
    assert made is not None
    if not made.streams:  # Nothing to append now, but there may have been before a crash.
        earlier = await log.earlier_answers([command_id])
        return _kept(run, earlier[command_id].answer) if command_id in earlier else run
    try:
        await log.append(made.append(Commanded(command_id, _REQUEST, _keep(run))))
    except log_outcome.CommandRepeated as known:
        return _kept(run, known.earlier[0].answer)
    except (
        log_outcome.VersionConflict,
        log_outcome.StaleRead,
        log_outcome.ClaimTaken,
        log_outcome.KeyDestroyed,
    ):
        return None
    return run


def _each_once(leads: Sequence[UUID | None], gone_over: set[UUID]) -> list[UUID | None]:
    """Leave out leads that an earlier row had to do with already."""
    found: list[UUID | None] = []
    for lead in leads:
        known = lead is None or lead in gone_over
        found.append(None if known else lead)
        if lead is not None:
            gone_over.add(lead)
    return found


def _count(counts: "Counter[str]", run: Run, names: Mapping[str, str]) -> None:
    counts.update(names[letter] for letter in run.outcomes if letter in names)


def _keep(run: Run) -> bytes:
    """Return the outcomes as they stand beside the append, without the cells of refused rows."""
    return orjson.dumps([run.outcomes, run.reasons, [one.bytes.hex() for one in run.leads]])


def _kept(run: Run, answer: bytes) -> Run:
    """Return the outcomes of the first time; the cells are those that were read again."""
    outcomes, reasons, leads = orjson.loads(answer)
    refused = {row for row, _ in reasons}
    cells = [one for one in run.cells if one[0] in refused]
    return Run(run.first, outcomes, reasons, [UUID(hex=one) for one in leads], cells)
