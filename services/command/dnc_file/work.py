"""Carrying file loads out: the real decision for every row, a thousand rows an append.

A plan decides and appends nothing; it is made from the start whenever it was interrupted. An
execution goes on where it stood: each run of lines is one append with an id of its own, and its
outcomes are kept beside that, so a crash between append and report changes neither.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid5

import orjson

from schemas.envelope import Origin
from schemas.event import Event
from schemas.organisation import ORGANISATION_ID
from services.command.aggregates import AGGREGATES
from services.command.dnc_file.lines import Lines, layout_of
from services.command.dnc_file.settings import DncFileSettings
from services.command.dnc_file.tables import DncFile, FileTables, Run
from services.command.domain.admission import role_suffices
from services.command.domain.decider import Reason, Refused, decide
from services.command.domain.facts import Actor, Facts
from services.command.domain.phones import NotAPhone, parse_phone
from services.command.handler import Commanding
from services.command.hashes import dnc_stream
from services.command.leased import Leased
from services.command.seen import Seen
from services.kit import append as log_outcome
from services.kit.append import Append, Commanded, NewEvent, StreamAppend
from services.kit.clock import Clock
from services.kit.failpoints import at

ROWS = 1_000
POLL_SECONDS = 0.2
CONFLICTS_MAX = 5
LETTERS = {"a": "accepted", "t": "there", "r": "refused", "-": "empty"}
_REQUEST = b"dnc file"

Batch = list[tuple[int, str]]
"""Lines by number, each as the cell that should hold a number; "" for what holds nothing."""


@dataclass(slots=True)
class Decided:
    """What a run of lines comes to: outcomes in order, and the events of each number's stream."""

    letters: list[str] = field(default_factory=list)
    reasons: list[list[Any]] = field(default_factory=list)
    streams: list[StreamAppend] = field(default_factory=list)

    def refuse(self, line: int, *reasons: Reason) -> None:
        """Note why a line is refused: the first code, all sentences."""
        text = " ".join(reason.text for reason in reasons)
        self.reasons.append([line, reasons[0].code, text])

    def run(self, first: int) -> Run:
        """Return the outcomes as they are kept."""
        return Run(first, "".join(self.letters), self.reasons)


class FileWorker:
    """Works on file loads, one after the other: `work` is to be run."""

    def __init__(self, commanding: Commanding, clock: Clock) -> None:
        """Decide and append with `commanding`."""
        self._log = commanding.log
        self._states = commanding.states
        self._clock = clock
        self.tables = FileTables(commanding.log.pool, commanding.log.keys.master)
        self.work = Leased(
            "dnc-file",
            claim=self.tables.claim,
            do=self._work,
            leave=self.tables.release,
            fail=self.tables.fail,
            clear=self.tables.clear_expired,
            poll_seconds=POLL_SECONDS,
        )

    async def _work(self, file: DncFile, stop: asyncio.Event) -> None:
        if file.state == "planning":
            await self._plan(file, stop)
        elif file.state == "executing":
            await self._execute(file, stop)
        else:
            await self.tables.finish(file, "cancelled")

    async def _goes_on(self, file: DncFile, stop: asyncio.Event) -> bool:
        if stop.is_set():
            return False
        now = await self.tables.find(file.id)
        return now is not None and now.state == file.state

    async def _leave(self, file: DncFile, stop: asyncio.Event) -> None:
        """Leave a file that does not go on: to the next process, or for good."""
        if stop.is_set():
            await self.tables.release(file)
            return
        now = await self.tables.find(file.id)
        if now is not None and now.state == "cancelled":
            await self.tables.finish(file, "cancelled")

    async def _plan(self, file: DncFile, stop: asyncio.Event) -> None:
        await self.tables.begin_plan(file)
        settings = DncFileSettings.model_validate(file.settings)
        seen = Seen(file.size // 8 + 1)
        counts: Counter[str] = Counter()
        async for first, batch in self._batches(file, settings):
            if not await self._goes_on(file, stop):
                await self._leave(file, stop)
                return
            facts, _ = await self._facts(file, settings)
            decided = await self._decide(file, settings, batch, facts, seen)
            counts.update(LETTERS[letter] for letter in decided.letters)
            await self.tables.store(file, "plan", decided.run(first), counts)
        await self.tables.planned(file, _counts(counts))

    async def _execute(self, file: DncFile, stop: asyncio.Event) -> None:
        """Carry out what is left: while a run is appended, the one after it is decided on."""
        settings = DncFileSettings.model_validate(file.settings)
        counts: Counter[str] = Counter(file.done)
        last: asyncio.Task[Run] | None = None
        goes_on = True
        try:
            async for first, batch in self._batches(file, settings):
                if first <= file.reached:
                    continue
                goes_on = await self._goes_on(file, stop)
                if not goes_on:
                    break
                before = last
                last = asyncio.create_task(self._settled(file, settings, first, batch, before))
                if before is not None:
                    await self._note(file, await before, counts)
            if last is not None:
                await self._note(file, await last, counts)
        finally:
            if last is not None:
                last.cancel()
                await asyncio.gather(last, return_exceptions=True)
        if goes_on:
            await self.tables.finish(file, "done")
        else:
            await self._leave(file, stop)

    async def _note(self, file: DncFile, run: Run, counts: Counter[str]) -> None:
        counts.update(LETTERS[letter] for letter in run.outcomes)
        at("dnc_file.after_append")
        await self.tables.store(file, "done", run, _counts(counts))

    async def _batches(
        self, file: DncFile, settings: DncFileSettings
    ) -> AsyncIterator[tuple[int, Batch]]:
        """Yield the file's lines in runs that begin at the same lines every time."""
        lines, layout = Lines(), None
        batch: Batch = []
        number = first = 1

        def taken(found: Sequence[str]) -> None:
            nonlocal layout, number
            for line in found:
                cell = ""
                if line.strip():
                    if layout is None:
                        layout = layout_of(line, settings.column)
                        cell = "" if layout.header else layout.cell(line)
                    else:
                        cell = layout.cell(line) or "?"
                batch.append((number, cell))
                number += 1

        async for part in self.tables.parts(file):
            for start in _slices(part):
                taken(list(lines.feed(start)))
                while len(batch) >= ROWS:
                    yield first, batch[:ROWS]
                    del batch[:ROWS]
                    first += ROWS
        taken(list(lines.end()))
        while batch:
            yield first, batch[:ROWS]
            del batch[:ROWS]
            first += ROWS

    async def _facts(
        self, file: DncFile, settings: DncFileSettings
    ) -> tuple[Facts, dict[UUID, int]]:
        """Return what the decisions may know, as it is now, and what they rest on by that."""
        wanted = {ORGANISATION_ID: "organisation"}
        if settings.campaign_id is not None:
            wanted[UUID(settings.campaign_id)] = "campaign"
        states = await self._states.refresh(wanted)
        organisation = states[ORGANISATION_ID]
        user = organisation.users.get(str(file.made_by))
        if user is None or not user.active:
            raise PermissionError("the user may not act any more")
        actor = Actor(f"user:{user.id}", user.role, user.id, user.team, user.rights)
        campaign = None if settings.campaign_id is None else states[UUID(settings.campaign_id)]
        if not role_suffices(type(settings.command("+0")), actor.role, actor.rights):
            raise PermissionError("the user's role may not do this any more")
        facts = Facts(self._clock.now(), actor, organisation, campaign=campaign)
        return facts, {stream: state.version for stream, state in states.items()}

    async def _decide(
        self,
        file: DncFile,
        settings: DncFileSettings,
        batch: Batch,
        facts: Facts,
        seen: Seen | None = None,
    ) -> Decided:
        """Decide on every row, each on what those before it leave; with `seen` across runs too."""
        decided = Decided()
        numbers: dict[int, tuple[str, UUID]] = {}
        for line, cell in batch:
            if cell:
                try:
                    number = _parsed(cell[:100], settings.default_region)
                except NotAPhone as problem:
                    decided.refuse(line, problem.reason)
                else:
                    numbers[line] = number, dnc_stream(self._log.keys.master, number)
        named = Counter(stream for _, stream in numbers.values())
        states = await self._states.refresh(dict.fromkeys(named, "dnc"))
        before = {stream: state.version for stream, state in states.items()}
        command = settings.command("+0")
        origin = Origin(facts.actor.id, f"file:{file.id}", "")
        events: dict[UUID, list[NewEvent]] = {}
        for line, cell in batch:
            if line not in numbers:
                decided.letters.append("r" if cell else "-")
                continue
            number, stream = numbers[line]
            asked = command.model_copy(update={"number": number})
            try:
                outcomes = decide(states[stream], asked, facts)
            except Refused as refusal:
                decided.refuse(line, *refusal.reasons)
                decided.letters.append("r")
                continue
            again = seen is not None and not seen.add(stream.int & (1 << 64) - 1)
            decided.letters.append("t" if again or not outcomes else "a")
            made = [one for one in outcomes if isinstance(one, Event)]
            if made:
                new = [NewEvent(one, facts.now, origin) for one in made]
                events.setdefault(stream, []).extend(new)
                if named[stream] > 1:  # What no later row names need not be known.
                    states[stream] = _after(states[stream], stream, made, facts)
        decided.streams = [
            StreamAppend(stream, before[stream], new) for stream, new in events.items()
        ]
        return decided

    async def _settled(
        self,
        file: DncFile,
        settings: DncFileSettings,
        first: int,
        batch: Batch,
        before: asyncio.Task[Run] | None,
    ) -> Run:
        """Append what the run comes to, once, after the run before it; return its outcomes, of the
        first time if it was appended before.
        """
        command_id = uuid5(file.id, f"rows {first}")
        for _ in range(CONFLICTS_MAX):
            earlier = await self._log.earlier_answers([command_id])
            if command_id in earlier:
                return _kept(first, earlier[command_id].answer)
            facts, reads = await self._facts(file, settings)
            decided = await self._decide(file, settings, batch, facts)
            run = decided.run(first)
            told = Commanded(command_id, _REQUEST, _keep(run))
            append = Append([told], decided.streams, reads)
            if before is not None:
                await before
            try:
                await self._log.append(append)
            except log_outcome.CommandRepeated as known:
                return _kept(first, known.earlier[0].answer)
            except (log_outcome.VersionConflict, log_outcome.StaleRead, log_outcome.KeyDestroyed):
                continue
            return run
        raise RuntimeError("the same numbers are being changed by others all the time")


def _parsed(cell: str, region: str | None) -> str:
    """Return the number in a cell; what is E.164 need not be parsed again to be decided on."""
    return parse_phone(cell) if region is None else parse_phone(cell, region)


def _after(state: Any, stream: UUID, made: Sequence[Event], facts: Facts) -> Any:
    placed = [
        one.placed(stream, state.version + place, facts.now) for place, one in enumerate(made, 1)
    ]
    return AGGREGATES["dnc"].fold(placed, facts.actor.id, state)


def _slices(part: bytes) -> list[bytes]:
    return [part[start : start + 65_536] for start in range(0, len(part), 65_536)]


def _counts(counts: Counter[str]) -> dict[str, int]:
    return {name: counts[name] for name in LETTERS.values()}


def _keep(run: Run) -> bytes:
    return orjson.dumps([run.outcomes, run.reasons])


def _kept(first: int, answer: bytes) -> Run:
    outcomes, reasons = orjson.loads(answer)
    return Run(first, outcomes, reasons)
