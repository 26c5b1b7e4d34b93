"""`leads up` and `leads sample`: the whole stack, the sample in it, and what the two print."""

import asyncio
from collections.abc import Callable
from time import monotonic

from services.local.demo_keys import FILE, demo_keys
from services.local.stack import Stack, data_folder, running_stack

Say = Callable[[str], None]


async def stay_up(say: Say, *, with_sample: bool) -> int:
    """Starts everything, tells where it is, and stays until it is cancelled."""
    folder = data_folder()
    first = not demo_keys(folder)
    started = monotonic()
    async with running_stack(folder, say) as stack:
        _tell(stack, say, monotonic() - started)
        if first:
            say(f"API keys of the demo users, shown this once and kept in {folder / FILE}:")
            for name, key in demo_keys(folder).items():
                say(f"  {name:<12} {key}")
        say("Ctrl-C stops everything.")
        await asyncio.Event().wait()
    return 0


def _tell(stack: Stack, say: Say, seconds: float) -> None:
    say(f"leads is up after {seconds:.1f} s: {stack.address}")
    for name, address in {"api": f"{stack.address}/metrics", **stack.metrics}.items():
        say(f"  metrics of {name:<12} {address}")
    if stack.servers.transport == "log":
        say("Transport: LOG, NOT KAFKA. Nothing is published; read models follow the event log.")
