"""Erasing what imports keep: files that wait, and refused rows, by what the log says was erased.

The log names an erased number by a keyed hash and an erased lead by its id, so what is kept is
opened and searched. How far an import has been searched stands in its row and moves on last: who is
killed in between does it again, and comes to the same.
"""

import asyncio
import codecs
import re
from collections.abc import Iterator
from typing import NamedTuple
from uuid import UUID

from services.command.domain.decider import Refused
from services.command.domain.imports.commands import CancelImport
from services.command.domain.imports.state import Import
from services.command.domain.phones import NotAPhone, parse_phone
from services.command.facts_loader import Order
from services.command.handler import Commanding
from services.command.hashes import dnc_stream
from services.command.imports.tables import ImportRow, ImportTables
from services.command.imports.work import NOBODY, WORKER
from services.kit.background import pause
from services.kit.failpoints import FailpointHit, at
from services.kit.http import failure
from services.kit.keys import MasterKey
from services.kit.telemetry import logger

SWEEP_SECONDS = 1.0
NUMBER_ERASED = "number-erased"
_NUMBER, _LEADS = "dnc.number_erased", ("lead.anonymised", "lead.deleted")
_ERASED = """
    select position, type, stream_id from log.events
    where position > $1 and position <= $2 and type = any($3) order by position
"""
_LIKE_A_NUMBER = re.compile(r"\+?[0-9][0-9 ()./\-\u00a0\u2010-\u2015]{5,38}[0-9]")
_NUMBER_CHARS_MAX = 41
_ANY_REGION = "US"
"""A number that begins with `+` is the same wherever it is read."""


class Erased(NamedTuple):
    """An event that erased a number (`stream` stands for it) or a lead (`stream` is its id)."""

    position: int
    type: str
    stream: UUID


class NumberFinder:
    """Finds erased numbers in text, however they are written."""

    def __init__(self, master: MasterKey, numbers: frozenset[UUID], region: str | None) -> None:
        """Look for numbers by the streams that stand for them, read as people of `region` write."""
        self._master = master
        self._numbers = numbers
        self._region = region

    def holds(self, text: str) -> bool:
        """Say whether one of the numbers stands in the text."""
        if not self._numbers:
            return False
        return any(
            dnc_stream(self._master, number) in self._numbers
            for found in _LIKE_A_NUMBER.finditer(text)
            for number in self._readings(found.group())
        )

    def _readings(self, text: str) -> Iterator[str]:
        digits = re.sub(r"\D", "", text)
        yield "+" + digits.removeprefix("00")
        region = self._region or (_ANY_REGION if text.startswith("+") else None)
        if region is not None and text != "+" + digits:
            try:
                yield parse_phone(text, region)
            except NotAPhone:
                return


def _is_settled(one: Import, row: ImportRow) -> bool:
    """Say whether no step is under way, nor will be without being asked for."""
    if one.stage == "open":
        return row.previewing == row.previewed
    return one.stage in ("finished", "undoing", "undone")


class ImportErasing:
    """Carries erasures out in what imports keep, a second after they happened."""

    def __init__(self, commanding: Commanding) -> None:
        """Read the log of `commanding`, and cancel with it."""
        self._commanding = commanding
        self._log = commanding.log
        self.tables = ImportTables(commanding.log.pool, commanding.log.keys.master)
        self._searched: dict[UUID, int] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Sweep until `stop` is set."""
        while not stop.is_set():
            try:
                await self.sweep()
            except FailpointHit:
                raise
            except Exception as error:  # noqa: BLE001 - a database that is away comes back
                logger().warning("import-erasing-fault", **failure(error))
            await pause(stop, SWEEP_SECONDS)

    async def sweep(self) -> None:
        """Carry out what was erased since the last time."""
        rows = await self.tables.kept()
        if not rows:
            return
        states = await self._commanding.states.refresh({row.id: "import" for row in rows})
        settled = {row.id for row in rows if _is_settled(states[row.id], row)}
        # What a step under way refuses may be kept a moment after it was searched: once it is over,
        # all since `looked` is searched for again.
        since = {
            row.id: row.looked
            if row.id in settled
            else max(row.looked, self._searched.get(row.id, 0))
            for row in rows
        }
        head = await self._log.head()
        kinds = [_NUMBER, *_LEADS]
        found = await self._log.pool.fetch(_ERASED, min(since.values()), head, kinds)
        erased = [Erased(*row) for row in found]
        for row in rows:
            mine = [each for each in erased if each.position > since[row.id]]
            if mine:
                await self._reach(row, states[row.id], mine)
        self._searched = dict.fromkeys(since, head)
        await self.tables.looked(settled, head)

    async def _reach(self, row: ImportRow, one: Import, erased: list[Erased]) -> None:
        """Take away what one import keeps of what was erased."""
        numbers = frozenset(each.stream for each in erased if each.type == _NUMBER)
        leads = {str(each.stream) for each in erased if each.type in _LEADS}
        region = None if one.settings is None else one.settings.get("default_region")
        finder = NumberFinder(self._log.keys.master, numbers, region)
        if numbers and await self._stands_in_file(row, one, finder):
            await self._cancel(row.id)
            at("imports.erasing")
            await self.tables.forget_file(row.id)
            return
        if finder.holds("\n".join(self.tables.header_of(row))):
            await self.tables.forget_header(row.id)
        async for step, first, stored, cells in self.tables.cells(row):
            gone = [
                number
                for number, texts, *lead in cells
                if not leads.isdisjoint(lead) or finder.holds("\n".join(texts))
            ]
            kept = [each for each in cells if each[0] not in gone]
            if gone and not await self.tables.erase_rows(row, step, first, stored, kept, gone):
                raise RuntimeError("refused rows were kept anew meanwhile")

    async def _stands_in_file(self, row: ImportRow, one: Import, finder: NumberFinder) -> bool:
        encoding = row.encoding if one.settings is None else one.settings["encoding"]
        decoder = codecs.getincrementaldecoder(encoding)("replace")
        rest = ""
        async for part in self.tables.parts(row):
            text = rest + decoder.decode(part).replace("\0", "")
            if await asyncio.to_thread(finder.holds, text):
                return True
            rest = text[-_NUMBER_CHARS_MAX:]
        return False

    async def _cancel(self, one: UUID) -> None:
        try:
            order = Order(CancelImport(reason=NUMBER_ERASED), NOBODY, one, WORKER)
            await self._commanding.handle(order)
        except Refused:
            pass  # It came to its end meanwhile.
        await self.tables.wake(one)
