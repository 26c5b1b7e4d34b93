"""Files of exports as the writer left them: rows of `job.exports` and their pieces.

The key of a file's pieces stands in its row, wrapped by the master key, and goes with it.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from services.kit.keys import DataKey, MasterKey

_ALL = """
    select export_id, state, shown, leads, size, digest, code, detail, told, mail_at, tries
    from job.exports
"""
_UNERASED = """
    select exists (
      select from job.exports f
      join log.lead_keys k on k.destroyed_at >= f.since
      join job.export_pieces p on p.export_id = f.export_id and p.turn = f.turn
        and k.stream_id = any(p.leads)
      where f.export_id = $1)
"""


@dataclass(frozen=True, slots=True)
class File:
    """A file: `writing`, `written`, or `failed`; `told` once the log knows how that ended. Mail
    that was tried in vain is due at `mail_at`.
    """

    id: UUID
    state: str
    shown: int
    leads: int
    size: int
    digest: str
    code: str
    detail: str
    told: bool
    mail_at: datetime | None
    tries: int


class Files:
    """The files of one database."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", master: MasterKey) -> None:
        """Read with `pool`, open pieces with `master`."""
        self._pool = pool
        self._master = master

    async def all(self) -> list[File]:
        """Return all files there are, a day's at most."""
        return [File(*row) for row in await self._pool.fetch(_ALL)]

    async def note_told(self, export_id: UUID) -> None:
        """Note that the log knows how the writing ended."""
        await self._pool.execute(
            "update job.exports set told = true where export_id = $1", export_id
        )

    async def later(self, export_id: UUID, mail_at: datetime) -> None:
        """Count a mail in vain, and try again then."""
        await self._pool.execute(
            "update job.exports set tries = tries + 1, mail_at = $2 where export_id = $1",
            export_id,
            mail_at,
        )

    async def remove(self, export_id: UUID) -> None:
        """Throw the file away, and its key."""
        await self._pool.execute("delete from job.exports where export_id = $1", export_id)

    async def holds_erased(self, export_id: UUID) -> bool:
        """Say whether a lead in the file was erased since."""
        return bool(await self._pool.fetchval(_UNERASED, export_id))

    async def pieces(self, export_id: UUID) -> AsyncIterator[bytes]:
        """Yield the file; nothing when it is not there. It ends early when it is removed meanwhile,
        so who hands it on counts the bytes.
        """
        row = await self._pool.fetchrow(
            "select turn, wrapped from job.exports where export_id = $1 and state = 'written'",
            export_id,
        )
        if row is None:
            return
        key = DataKey(export_id, self._master.unwrap(export_id, row["wrapped"])).kept()
        number = 0
        while True:
            sealed = await self._pool.fetchval(
                "select bytes from job.export_pieces"
                " where export_id = $1 and turn = $2 and number = $3",
                export_id,
                row["turn"],
                number,
            )
            if sealed is None:
                return
            yield key.decrypt(number, sealed)
            number += 1
