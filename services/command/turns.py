"""One after another on one stream, within this process; between processes the log decides."""

import asyncio
from collections import deque
from uuid import UUID


class Turns:
    """Lets commands on one stream go one after another in this process, instead of colliding."""

    def __init__(self) -> None:
        self._waiting: dict[UUID, deque[asyncio.Future[None]]] = {}

    async def take(self, stream: UUID) -> bool:
        """Wait until those who came before on this stream have left; say whether there were any."""
        waiting = self._waiting.get(stream)
        if waiting is None:
            self._waiting[stream] = deque()
            return False
        turn = asyncio.get_running_loop().create_future()
        waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave(stream)
            raise
        return True

    def leave(self, stream: UUID) -> None:
        """Let the next one go."""
        waiting = self._waiting[stream]
        while waiting:
            turn = waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        del self._waiting[stream]
