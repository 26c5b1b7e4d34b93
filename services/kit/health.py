"""Whether a process is fit to be asked: what its checks say, and what somebody should know."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

READY_SECONDS_MAX = 2.0

Check = Callable[[], Awaitable[str]]
"""Answers "" when its part is well, else a sentence that says what is wrong."""


async def readiness(
    checks: Mapping[str, Check], warnings: Mapping[str, Check], *, stopping: bool
) -> tuple[dict[str, Any], int]:
    """Return what /readyz answers, and its status.

    A failed check makes the process unready. A warning is shown and changes nothing: the process
    can be asked, and somebody should look.
    """
    faults = {"process": "stopping"} if stopping else {}
    found, warned = await asyncio.gather(_ask_all(checks), _ask_all(warnings))
    faults |= found
    parts = {name: faults.get(name, "ok") for name in [*checks, *faults]}
    body: dict[str, Any] = {"status": "not ready" if faults else "ready", "parts": parts}
    if warned:
        body["warnings"] = warned
    return body, 503 if faults else 200


async def _ask_all(checks: Mapping[str, Check]) -> dict[str, str]:
    """Return what is amiss, by the name of the check."""
    results = await asyncio.gather(
        *(asyncio.wait_for(check(), READY_SECONDS_MAX) for check in checks.values()),
        return_exceptions=True,
    )
    faults = {}
    for name, result in zip(checks, results, strict=True):
        if isinstance(result, BaseException):
            late = isinstance(result, TimeoutError)
            faults[name] = "no answer" if late else type(result).__name__
        elif result:
            faults[name] = result
    return faults
