"""Work that waits in a table and is done by one process at a time: whoever takes its lease works
on it as far as it goes and gives it back. After any crash the next one simply goes on.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from services.kit.background import pause
from services.kit.failpoints import FailpointHit
from services.kit.http import failure
from services.kit.outage import is_away
from services.kit.telemetry import logger

CLEAR_SECONDS = 600.0


class LeaseLost(RuntimeError):
    """Another process works on it now."""


class Identified(Protocol):
    """Something that has an id."""

    @property
    def id(self) -> UUID:
        """Its id."""


Piece = TypeVar("Piece", bound=Identified)


@dataclass(slots=True)
class Leased(Generic[Piece]):
    """One kind of work, of which a process does one piece after the other.

    name: in log lines. claim: takes the piece that has waited longest; None without one. do: works
    on it as far as it goes, and gives it back; raises LeaseLost. leave: gives it back as it is.
    fail: gives it back after a fault of this kind, to be tried later. clear: takes away what is
    past its time. poll_seconds: how long to wait when nothing waits.
    """

    name: str
    claim: Callable[[], Awaitable[Piece | None]]
    do: Callable[[Piece, asyncio.Event], Awaitable[None]]
    leave: Callable[[Piece], Awaitable[None]]
    fail: Callable[[Piece, str], Awaitable[None]]
    clear: Callable[[], Awaitable[None]]
    poll_seconds: float
    _clear_at: float = 0.0

    async def run(self, stop: asyncio.Event) -> None:
        """Work until `stop` is set; what is under way then is left for the next one."""
        while not stop.is_set():
            try:
                worked = await self.once(stop)
            except FailpointHit:
                raise
            except Exception as error:  # noqa: BLE001 - a database that is away comes back
                logger().warning(f"{self.name}-worker-fault", **failure(error))
                worked = False
            if not worked:
                await pause(stop, self.poll_seconds)

    async def once(self, stop: asyncio.Event) -> bool:
        """Work on one piece as far as it goes; False when none waits."""
        if monotonic() >= self._clear_at:
            self._clear_at = monotonic() + CLEAR_SECONDS
            await self.clear()
        piece = await self.claim()
        if piece is None:
            return False
        known = str(piece.id)
        try:
            await self.do(piece, stop)
        except LeaseLost:
            logger().warning(f"{self.name}-lease-lost", id=known)
        except FailpointHit:
            raise
        except Exception as error:  # noqa: BLE001 - one piece's fault is not the others'
            if is_away(error):  # it waits, however long, and goes on where it was
                logger().warning(f"{self.name}-waits", id=known, **failure(error))
                await self.leave(piece)
                return False
            logger().error(f"{self.name}-fault", id=known, **failure(error))
            await self.fail(piece, type(error).__name__)
        return True
