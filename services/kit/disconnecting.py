"""Letting go of a Kafka client, whatever state its broker is in."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from services.kit.telemetry import logger


async def disconnect(stop: Coroutine[Any, Any, object], seconds: float) -> None:
    """Let a client's `stop` run for `seconds`; what goes wrong is told in the log and not raised.

    A client whose broker is gone may end with the cancellation of a task of its own. Raised here
    it would be taken for the cancellation of whoever disconnects, and would end the process.
    """
    stopping = asyncio.ensure_future(stop)
    try:
        await asyncio.wait({stopping}, timeout=seconds)
    finally:
        stopping.cancel()
        (outcome,) = await asyncio.gather(stopping, return_exceptions=True)
    if isinstance(outcome, BaseException):
        logger().warning("disconnect-failed", why=type(outcome).__name__)
