"""A log of as many leads as wanted, from one of some thousands that real decisions made: all of its
leads again and again under other ids, each lead with its own key, each event where it would lie.

Only what is not looked at in rebuilding is not as it would be: the hashes are those of the events
that were copied.
"""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import asyncpg

from services.kit.feed import PARTITIONS
from services.kit.keys import DataKey, MasterKey

_COLUMNS = (
    *("position", "recorded_at", "happened_at", "stream_id", "version", "schema_version"),
    *("type", "hash", "data", "meta", "personal"),
)
_EVENTS = f"select {', '.join(_COLUMNS)} from log.events where type like 'lead.%' order by position"
_STANDING = """
    update read.offsets set position = head, next_offset = head
      from (select max(position) as head from log.events) e where source = 'log'
"""


async def copy_leads(superuser_url: str, secret: bytes, count: int) -> int:
    """Copy leads until there are at least `count`, all said to be applied already; return the
    number of events then. Only PostgreSQL's superuser may.
    """
    owner = await asyncpg.connect(superuser_url)
    try:
        copying = await _Copying.read(owner, MasterKey(secret))
        await owner.execute("set synchronous_commit = off")
        turn = 1
        while turn * copying.leads < count:
            await copying.copy(owner, turn)
            turn += 1
        await owner.execute("vacuum analyze log.events, log.streams, log.lead_keys")
        applied = await owner.execute(_STANDING)
        assert applied == f"UPDATE {PARTITIONS}", applied
        events: int = await owner.fetchval("select count(*) from log.events")
        return events
    finally:
        await owner.close()


class _Copying:
    """What is copied, read once and opened."""

    def __init__(self, master: MasterKey) -> None:
        self._master = master
        self._events: list[tuple[Any, ...]] = []
        self._streams: list[tuple[UUID, int, bytes]] = []
        self._secrets: dict[UUID, bytes] = {}
        self._head = 0

    @property
    def leads(self) -> int:
        """How many leads a turn adds."""
        return len(self._streams)

    @classmethod
    async def read(
        cls, owner: "asyncpg.Connection[asyncpg.Record]", master: MasterKey
    ) -> "_Copying":
        """Read every lead of the log."""
        one = cls(master)
        for stream_id, wrapped in await owner.fetch("select stream_id, wrapped from log.lead_keys"):
            one._secrets[stream_id] = master.unwrap(stream_id, wrapped)
        for row in await owner.fetch(_EVENTS):
            *facts, personal = row
            if personal is not None:
                stream_id, version = row["stream_id"], row["version"]
                key = DataKey(stream_id, one._secrets[stream_id])
                personal = key.decrypt(version, personal)
            one._events.append((*facts, personal))
        one._head = await owner.fetchval("select max(position) from log.events")
        one._streams = [
            tuple(row)
            for row in await owner.fetch(
                "select stream_id, version, hash from log.streams where category = 'lead'"
            )
        ]
        return one

    async def copy(self, owner: "asyncpg.Connection[asyncpg.Record]", turn: int) -> None:
        """Add every lead once more."""
        events = self._copied(turn)
        for table, rows, columns in (
            ("events", events, _COLUMNS),
            ("streams", self._heads(turn), ("stream_id", "version", "hash", "category")),
            ("lead_keys", self._keys(turn), ("stream_id", "wrapped")),
        ):
            await owner.copy_records_to_table(
                table, records=rows, columns=columns, schema_name="log", timeout=600
            )

    def _copied(self, turn: int) -> Iterator[tuple[Any, ...]]:
        later = turn * self._head
        for position, recorded, happened, source, version, *others, personal in self._events:
            stream_id = _copy_of(source, turn)
            hidden = None
            if personal is not None:
                hidden = DataKey(stream_id, self._secrets[source]).encrypt(version, personal)
            yield (position + later, recorded, happened, stream_id, version, *others, hidden)

    def _heads(self, turn: int) -> Iterator[tuple[Any, ...]]:
        for source, version, hashed in self._streams:
            yield _copy_of(source, turn), version, hashed, "lead"

    def _keys(self, turn: int) -> Iterator[tuple[Any, ...]]:
        for source, _, _ in self._streams:
            stream_id = _copy_of(source, turn)
            yield stream_id, self._master.wrap(stream_id, self._secrets[source])


def _copy_of(stream_id: UUID, turn: int) -> UUID:
    """Return the id of a lead's copy: as if it had come some time later."""
    return UUID(int=stream_id.int + (turn << 80))
