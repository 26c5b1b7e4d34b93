"""Carrying a plan out: decide again on what is, append, note each lead's outcome.

What was appended and not noted is found again by its command id, so a kill at any point leaves
nothing half done and nothing is done twice. Every append rests on the version of the job's own
stream: cancelling the job, or taking it over, voids all that is still under way.
"""

import asyncio
from collections.abc import Mapping, Sequence
from uuid import UUID

import orjson

from services.command.bulk.batches import Source, batches
from services.command.bulk.claims import with_duplicates
from services.command.bulk.deciding import Decided, Judge, Target, duplicate_reason
from services.command.bulk.loading import History, lead_after
from services.command.bulk.rows import count, row_of
from services.command.bulk.tables import JobTables, Lease, Progress
from services.command.domain.bulk.state import BulkJob
from services.command.domain.decider import Elsewhere, Reason
from services.kit import append as log_outcome
from services.kit.append import Append, Appended, AppendError, Commanded
from services.kit.codec import UnknownEvent
from services.kit.failpoints import at
from services.kit.ids import named_id

BATCH = 500
"""Leads appended at a time: few enough for one group of the log, enough to share a commit."""

ROUNDS_MAX = 20
REQUEST = b"bulk"
CONTENDED = Reason("contended", "Others kept changing the lead; try again later.")
NOT_STORABLE = Reason("not-storable", "The database could not store it; tell the operators.")


class JobMoved(Exception):
    """The job's stream has moved: it was cancelled, or somebody else took it over.

    done: what was appended of the batch before.
    """

    def __init__(self, done: Sequence[Decided]) -> None:
        """Keep what was appended."""
        super().__init__()
        self.done = done


class Execution:
    """Executes one job while this process holds its lease."""

    def __init__(self, tables: JobTables, lease: Lease, judge: Judge, job: BulkJob) -> None:
        """Carry out `job` as it stands: its version is what every append rests on."""
        self._tables = tables
        self._lease = lease
        self._judge = judge
        self._version = job.version
        self._progress = Progress()

    async def run(self, source: Source, stop: asyncio.Event) -> bool:
        """Execute what is left; False when told to stop before the end. Raises JobMoved.

        Three batches are under way at a time: one is decided, one appended, one noted.
        """
        self._progress = await self._tables.begin(self._lease, "done")
        settling: asyncio.Task[list[Decided]] | None = None
        noting: asyncio.Task[None] | None = None
        try:
            async with batches(self._judge, source, self._progress.reached, BATCH) as read:
                async for targets, histories in read:
                    decided = await self._decide(targets, histories)
                    if settling is not None:
                        noting = await self._to_note(settling, noting)
                        settling = None
                    if stop.is_set():
                        break
                    settling = asyncio.create_task(self._settle(decided))
            if settling is not None:
                noting = await self._to_note(settling, noting)
            if noting is not None:
                await noting
        finally:
            for task in (settling, noting):
                if task is not None and not task.done():
                    task.cancel()
        return not stop.is_set() or await self._is_done(source)

    async def _is_done(self, source: Source) -> bool:
        return not await source(self._progress.reached, 1)

    async def _to_note(
        self, settling: "asyncio.Task[list[Decided]]", noting: "asyncio.Task[None] | None"
    ) -> "asyncio.Task[None]":
        """Begin to note a batch once it is appended, and the one before it noted."""
        try:
            settled = await settling
        except JobMoved as moved:
            if noting is not None:
                await noting
            await self._note(moved.done, self._progress.reached)
            raise
        if noting is not None:
            await noting
        at("bulk.before_note")
        return asyncio.create_task(self._note(settled, settled[-1].target.ordinal))

    async def recover(self, source: Source) -> None:
        """Note what was appended just before the job was cancelled and is not noted yet."""
        self._progress = await self._tables.begin(self._lease, "done")
        noted = await self._tables.noted_beyond(self._lease.id, self._progress.reached)
        targets = [
            target
            for target in await source(self._progress.reached, 4 * BATCH)
            if target.ordinal not in noted
        ]
        if not targets:
            return
        histories = await self._judge.histories(targets)
        earlier = await self._earlier(targets, histories)
        await self._note(list(earlier.values()), self._progress.reached)

    async def _decide(
        self,
        targets: Sequence[Target],
        histories: Mapping[UUID, History | UnknownEvent],
        holders: Mapping[UUID, UUID] | None = None,
    ) -> list[Decided]:
        """Decide about targets, but never twice about one that was done in an earlier try."""
        earlier = await self._earlier(targets, histories)
        if not earlier:
            decided = await self._judge.decide(targets, histories, holders)
            return await with_duplicates(self._judge, decided)
        rest = [target for target in targets if target.lead not in earlier]
        decided = await self._judge.decide(rest, histories, holders)
        decided = await with_duplicates(self._judge, decided)
        both = {one.target.lead: one for one in (*decided, *earlier.values())}
        return [both[target.lead] for target in targets]

    async def _earlier(
        self, targets: Sequence[Target], histories: Mapping[UUID, History | UnknownEvent]
    ) -> dict[UUID, Decided]:
        """Find what this job did already: only leads that have moved can have been changed."""
        moved: dict[UUID, tuple[Target, History]] = {}
        for target in targets:
            history = histories[target.lead]
            if not isinstance(history, UnknownEvent) and len(history) != target.version:
                moved[self._command_id(target.lead)] = (target, history)
        if not moved:
            return {}
        found: dict[UUID, Decided] = {}
        answers = await self._judge.log.earlier_answers(moved)
        for command_id, answer in answers.items():
            target, history = moved[command_id]
            first, last = orjson.loads(answer.answer)
            one = Decided(target, "applied", lead_after(history[:first]))
            one.after = lead_after(history[:last])
            one.events = [event for event, _ in history[first:last]]
            one.version_after, one.position = last, answer.position
            found[target.lead] = one
        return found

    async def _settle(self, decided: list[Decided]) -> list[Decided]:
        """Append what is to be appended, again and again while leads move; return all outcomes."""
        at("bulk.before_append")
        holders: dict[UUID, UUID] = {}
        settled = {one.target.lead: one for one in decided}
        waiting = [one for one in decided if one.outcome == "applied" and not one.version_after]
        for _ in range(ROUNDS_MAX):
            if not waiting:
                break
            again, moved = await self._append(waiting, holders)
            if moved:
                raise JobMoved([one for one in decided if one.version_after])
            if not again:
                waiting = []
                break
            targets = [one.target for one in again]
            histories = await self._judge.histories(targets)
            second = await self._decide(targets, histories, holders)
            settled.update({one.target.lead: one for one in second})
            decided = list(settled.values())
            waiting = [one for one in second if one.outcome == "applied" and not one.version_after]
        for one in waiting:
            _refuse(one, CONTENDED)
        return decided

    async def _append(
        self, waiting: Sequence[Decided], holders: dict[UUID, UUID]
    ) -> tuple[list[Decided], bool]:
        """Append; return what has to be decided anew, and whether the job itself has moved."""
        results = await self._judge.log.append_many([self._append_of(one) for one in waiting])
        again: list[Decided] = []
        moved = False
        for one, result in zip(waiting, results, strict=True):
            if isinstance(result, Appended):
                one.version_after = result.versions[one.target.lead]
                one.position = result.position
            elif isinstance(result, log_outcome.StaleRead) and result.stream_id == self._lease.id:
                moved = True
            elif self._is_final(one, result, holders):
                continue
            else:
                again.append(one)
        return again, moved

    def _is_final(self, one: Decided, error: AppendError, holders: dict[UUID, UUID]) -> bool:
        """Say whether an append that was not done has its outcome; else it is decided anew."""
        lead = one.target.lead
        if isinstance(error, log_outcome.NOT_NOW):
            raise error
        if isinstance(error, log_outcome.AppendRefused):
            _refuse(one, NOT_STORABLE)
            return True
        if isinstance(error, log_outcome.ClaimTaken):
            if holders.get(lead) == error.holder:
                _refuse(one, duplicate_reason(error.holder))
                return True
            holders[lead] = error.holder
        return False

    def _append_of(self, one: Decided) -> Append:
        first = one.before.version
        own = sum(not isinstance(event, Elsewhere) for event in one.events)
        answer = orjson.dumps([first, first + own])
        commanded = Commanded(self._command_id(one.target.lead), REQUEST, answer)
        return self._judge.append(one, commanded, {self._lease.id: self._version})

    def _command_id(self, lead: UUID) -> UUID:
        return named_id(self._lease.id, str(lead))

    async def _note(self, decided: Sequence[Decided], reached: int) -> None:
        """Store the outcomes, and that all up to `reached` have theirs."""
        rows = [row_of(self._lease.id, "done", one, self._judge.after) for one in decided]
        count(self._progress, rows)
        self._progress.reached = reached
        await self._tables.store(self._lease, "done", self._progress, rows)


def _refuse(one: Decided, reason: Reason) -> None:
    one.outcome, one.reasons, one.made = "refused", [reason], None
