"""Finds, once, the numbers in what was stored before it was looked up by number: filters of views
and segments, payloads in quarantine.

Since then every append notes them (planning.py). What it notes goes with a command id of its own,
whose answer is empty and so kept for ever: no start does it again.
"""

from collections.abc import Sequence
from hashlib import sha256
from uuid import UUID

from services.command.aggregates import AGGREGATES
from services.command.hashes import HOLD_NUMBERS
from services.kit.append import Append, Commanded, CommandRepeated
from services.kit.eventlog import EventLog

_ONCE = UUID("01920000-0000-7000-8000-66696c746572")
_REQUEST = sha256(b"numbers stored before").digest()
_AT_ONCE = 200


async def note_earlier_numbers(log: EventLog) -> None:
    """Note what holds which numbers, so that an erasure finds it."""
    if await log.earlier_answers([_ONCE]):
        return
    found: list[tuple[bytes, UUID]] = []
    for category in HOLD_NUMBERS:
        streams = await log.streams_of(category)
        for start in range(0, len(streams), _AT_ONCE):
            found += await _numbers(log, category, streams[start : start + _AT_ONCE])
    try:
        await log.append(Append([Commanded(_ONCE, _REQUEST)], numbers_added=found))
    except CommandRepeated:  # Another process started at the same time.
        return


async def _numbers(
    log: EventLog, category: str, streams: Sequence[UUID]
) -> list[tuple[bytes, UUID]]:
    hashed, master = HOLD_NUMBERS[category], log.keys.master
    return [
        (hashed(master, number), stream)
        for stream, recorded in (await log.load(streams)).items()
        for number in AGGREGATES[category].replay(recorded, None).numbers
    ]
