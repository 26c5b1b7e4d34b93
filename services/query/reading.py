"""How every read begins: who asks, what they may see, and how current the answer is.

Answers name the log position they show. A caller who has just changed something hands over that
position (or the lead's version) and the read waits until it is there, 2 s at most.
"""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from time import monotonic
from typing import Any

import asyncpg
from fastapi import Request
from starlette.responses import Response

from schemas.filters import CONTACTS, Kind
from schemas.rights import Sight
from services.kit import errors
from services.kit.auth import Authenticator, Principal
from services.kit.clock import Clock
from services.kit.cursors import Cursors
from services.kit.eventlog import EventLog
from services.kit.http import json_response
from services.kit.keys import SigningKey
from services.kit.postgres import RETRYABLE
from services.projections.progress import PROGRESS, visible_in, wait_visible
from services.query.directory import EMPTY, STAMP, Directory, read_directory
from services.query.filters_sql import Terms
from services.query.rows import dumps
from services.query.sight import shows_phones, sight_for
from services.query.wall import Pools, raise_wall

WAIT_SECONDS_MAX = 2.0
POLL_SECONDS = 0.01
RECENT_SECONDS = 1.0
STATEMENT_MS_MAX = 5_000
READ_SECONDS_MAX = 6.0
STILL_SECONDS_MAX = 60
"""One statement of a download, and how long its reader may pause."""
_HEAD = "(select coalesce(max(position), 0) from log.events) as head"
_POSITIONS = ", ".join((PROGRESS, _HEAD))
_PLANS = "set_config('plan_cache_mode', '{}', false) as plans"
_FIRST = {
    by_key: ", ".join((_POSITIONS, f"{STAMP} as stamp", _PLANS.format(mode)))
    for by_key, mode in ((True, "auto"), (False, "force_custom_plan"))
}
"""What every read asks first, in one round trip: how current it is, whether the organisation is as
it is known, and how its statements are planned, which every read says for itself.
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """One read: the caller, what they may see, and `position`, up to which the read models show the
    log. `then`: the connection shows leads as they were at an earlier moment, which `now` is.
    """

    connection: Any
    principal: Principal
    directory: Directory
    sight: Sight
    now: datetime
    position: int
    head: int
    then: bool = False

    @property
    def shows_phones(self) -> bool:
        """Whether numbers are shown in full."""
        return shows_phones(self.principal)

    @property
    def kinds(self) -> "dict[str, Kind]":
        """The fields the caller may filter by."""
        directory = self.directory
        return dict(directory.kinds) if self.shows_phones else directory.kinds_without_phones

    @property
    def single_kinds(self) -> "dict[str, Kind]":
        """The fields the caller may sort and break down by: a lead has one value of each."""
        return {n: kind for n, kind in self.kinds.items() if not n.startswith(CONTACTS)}

    @property
    def terms(self) -> Terms:
        """What the words of a filter mean to the caller."""
        directory = self.directory
        return Terms(
            self.kinds, self.now, directory.teams, directory.indexed, phones=self.shows_phones
        )

    def currency(self) -> dict[str, Any]:
        """Return what every answer says of how current it is."""
        return {"position": self.position, "lag": self.head - self.position}


class Reading:
    """What all reads share: sessions under roles that can only read, the log, keys and clock.

    `pool` is for what is not of anybody's leads. `signing` is the key that signs the log, and what
    is handed out of it.
    """

    def __init__(
        self,
        pools: Pools,
        log: EventLog,
        authenticator: Authenticator,
        cursors: Cursors,
        clock: Clock,
        signing: SigningKey,
    ) -> None:
        """Take ready parts; opening and closing them is the caller's."""
        self.pool = pools.whole
        self._pools = pools
        self.log = log
        self.authenticator = authenticator
        self.cursors = cursors
        self.clock = clock
        self.signing = signing
        self._directory = EMPTY
        self._looked_at = -RECENT_SECONDS
        self._looking = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def asked(
        self,
        request: Request,
        min_position: int = 0,
        *,
        still: bool = False,
        by_key: bool = False,
    ) -> AsyncIterator[Asked]:
        """Begin a read once position `min_position` is visible. `still`: all statements of it see
        the same moment, and each may take a minute. `by_key`: one plan serves all its values, and
        making one anew would take longer than the read.

        Raises Unauthenticated, Invalid for a position the log has not, NotYet after 2 s, and
        Unavailable when the database is down or the read took longer than 5 s.
        """
        principal = await self.authenticator.principal_of(request.scope)
        async with self.asked_by(principal, min_position, still=still, by_key=by_key) as asked:
            yield asked

    @asynccontextmanager
    async def asked_by(
        self,
        principal: Principal,
        min_position: int = 0,
        *,
        still: bool = False,
        by_key: bool = False,
    ) -> AsyncIterator[Asked]:
        """Begin a read for somebody who is known already; the rest is as in `asked`."""
        try:
            async with self._asked(principal, min_position, still, by_key) as asked:
                yield asked
        except asyncpg.QueryCanceledError:
            most = STILL_SECONDS_MAX if still else STATEMENT_MS_MAX // 1000
            raise errors.Unavailable(f"This took longer than {most} s; ask for less.") from None
        except RETRYABLE as fault:
            raise errors.Unavailable("The database does not answer.") from fault

    @asynccontextmanager
    async def _asked(
        self, principal: Principal, min_position: int, still: bool, by_key: bool
    ) -> AsyncIterator[Asked]:
        if min_position:
            await self._reach(min_position)
        async with self._beginning(principal, still, by_key) as asked:
            yield asked

    @asynccontextmanager
    async def _beginning(
        self, principal: Principal, still: bool, by_key: bool
    ) -> AsyncIterator[Asked]:
        sight = sight_for(principal, self._directory)  # all or not all: whatever the organisation
        async with (
            self._pools.for_sight(sight).acquire() as connection,
            _hung_up_late(connection, still),
            _standing_still(connection, still),
        ):
            directory = self._directory
            while True:
                sight = sight_for(principal, directory)
                row = await raise_wall(connection, sight, _FIRST[by_key])
                if tuple(row["stamp"]) == directory.stamp:
                    break
                # The organisation has moved: nobody sees by the place they had in it.
                directory = await read_directory(connection, tuple(row["stamp"]))
                self._directory = directory
            position, head = _positions_in(row)
            yield Asked(connection, principal, directory, sight, self.clock.now(), position, head)

    @asynccontextmanager
    async def aside(self, principal: Principal) -> AsyncIterator[Asked]:
        """Begin a read of one moment for what goes on when its caller has been answered; each
        statement may take a minute.
        """
        async with self._beginning(principal, still=True, by_key=False) as asked:
            yield asked

    def go_on(self, work: Coroutine[Any, Any, None]) -> None:
        """Let `work` go on beside the reads; it deals with its own faults."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settled(self) -> None:
        """Wait for all that goes on beside the reads."""
        while self._tasks:
            await asyncio.wait(set(self._tasks))

    async def stop(self) -> None:
        """End what goes on beside the reads."""
        for task in self._tasks:
            task.cancel()
        await self.settled()

    async def directory(self, connection: Any) -> Directory:
        """Return the organisation as it stands."""
        stamp = tuple(await connection.fetchval(f"select {STAMP}"))
        if stamp != self._directory.stamp:
            self._directory = await read_directory(connection, stamp)
        return self._directory

    async def recent_directory(self) -> Directory:
        """Return the organisation as it stood within the last second: one look for all who follow
        at the same time.
        """
        if monotonic() - self._looked_at > RECENT_SECONDS:
            async with self._looking:
                if monotonic() - self._looked_at > RECENT_SECONDS:
                    async with self.pool.acquire() as connection:
                        await self.directory(connection)
                    self._looked_at = monotonic()
        return self._directory

    async def _reach(self, wanted: int) -> None:
        """Wait until `wanted` is visible, holding no connection meanwhile."""
        position, head = await positions(self.pool)
        if wanted > head:
            text = f"the log ends at {head}"
            detail = errors.Detail("no-such-position", text, "/query/min_position")
            raise errors.Invalid(f"There is no position {wanted} yet.", [detail])

        if position < wanted and not await wait_visible(self.pool, wanted, WAIT_SECONDS_MAX):
            position, _ = await positions(self.pool)
            text = f"Position {wanted} is not visible yet; {position} is."
            raise errors.NotYet(text, position=position)


@asynccontextmanager
async def _hung_up_late(connection: Any, still: bool) -> AsyncIterator[None]:
    """Hang up on a read that takes too long: over a line that has fallen silent the server's own
    limit is never heard of. What waits for the connection then fails as if it had been cut.
    """
    if still:
        yield
        return
    late = asyncio.get_running_loop().call_later(READ_SECONDS_MAX, connection.terminate)
    try:
        yield
    finally:
        late.cancel()


@asynccontextmanager
async def _standing_still(connection: Any, still: bool) -> AsyncIterator[None]:
    if not still:
        yield
        return
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        most = f"{STILL_SECONDS_MAX}s"
        await connection.execute(
            f"set local statement_timeout = '{most}';"
            f" set local idle_in_transaction_session_timeout = '{most}'"
        )
        yield


async def positions(connection: Any) -> tuple[int, int]:
    """Return the position up to which the read models show the log, and the log's last position."""
    return _positions_in(await connection.fetchrow(f"select {_POSITIONS}"))


def _positions_in(row: Any) -> tuple[int, int]:
    head = row["head"]
    return min(visible_in(row), head), head


async def tries(more: bool) -> AsyncIterator[int]:
    """Yield at once, and if `more` again and again for 2 s: what is waited for is in the
    database.
    """
    yield 0
    until = monotonic() + WAIT_SECONDS_MAX
    pause = POLL_SECONDS
    count = 0
    while more and monotonic() < until:
        await asyncio.sleep(pause)
        pause = min(pause * 1.5, 0.1)
        count += 1
        yield count


def answer(content: Any, headers: dict[str, str] | None = None) -> Response:
    """Return `content` as a JSON answer."""
    return json_response(dumps(content), headers=headers)
