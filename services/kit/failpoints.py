"""Named places where a test may stop the world: `at("relay.after_publish")`.

In production a failpoint does nothing. `LEADS_FAILPOINT=name:kill:3` sends SIGKILL to the process
on its third pass there; `name:raise:1` raises once instead; several are separated by commas. Every
name has a case in `tests/faults`.
"""

import os
import signal


class FailpointHit(RuntimeError):
    """A failpoint armed with `raise` was passed."""


def _armed() -> dict[str, tuple[str, int]]:
    plan: dict[str, tuple[str, int]] = {}
    for entry in filter(None, os.environ.get("LEADS_FAILPOINT", "").split(",")):
        name, action, passes = entry.split(":")
        assert action in ("kill", "raise"), f"unknown failpoint action {action}"
        plan[name] = (action, int(passes))
    return plan


_plan = _armed()


def at(name: str) -> None:
    """Pass the failpoint `name`; does nothing unless a test armed it."""
    if not _plan or name not in _plan:
        return
    action, passes = _plan[name]
    _plan[name] = (action, passes - 1)
    if passes != 1:
        return
    if action == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    raise FailpointHit(name)
