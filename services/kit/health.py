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
    asked = {name: asyncio.ensure_future(_quietly(check)) for name, check in checks.items()}
    if asked:
        # Not waited for beyond that: to call off what was asked over a silent line takes long too.
        await asyncio.wait(asked.values(), timeout=READY_SECONDS_MAX)
    faults = {}
    for name, asking in asked.items():
        asking.cancel()
        result = asking.result() if asking.done() else "no answer"
        if result:
            faults[name] = result
    return faults


async def _quietly(check: Check) -> str:
    """Return what a check says, and of a failure its kind."""
    try:
        return await check()
    except TimeoutError:
        return "no answer"
    except Exception as error:  # noqa: BLE001 - whatever it is, the part is not well
        return type(error).__name__
