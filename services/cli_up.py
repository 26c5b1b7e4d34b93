"""`leads up` and `leads sample`: the whole stack, the sample in it, and what the two print."""

import asyncio
from collections.abc import Callable
from time import monotonic

import orjson

from services.local.data_folder import data_folder
from services.local.demo_keys import FILE, demo_keys
from services.local.sample import SampleStalled, load_sample, run_sample, summary_of
from services.local.stack import Stack, running_stack

Say = Callable[[str], None]


async def stay_up(say: Say, *, with_sample: bool) -> int:
    """Starts everything, tells where it is, and stays until it is cancelled."""
    folder = data_folder()
    first = not demo_keys(folder)
    started = monotonic()
    async with running_stack(folder, say) as stack:
        _tell(stack, say, monotonic() - started)
        ui = f"{stack.address}/ui/"
        if first:
            say(f"API keys of the demo users, shown this once and kept in {folder / FILE}.")
            say("Each of these addresses signs in as that user:")
            for name, key in demo_keys(folder).items():
                say(f"  {name:<12} {ui}#key={key}")
        if with_sample:
            await _show_sample(stack, say)
        say(f"Open {ui} with a key of {folder / FILE} (Ctrl-C stops everything)")
        await asyncio.Event().wait()
    return 0


async def load_sample_once(say: Say, *, as_json: bool) -> int:
    """Starts everything, loads the sample, prints the summary; 1 when a count is not right."""
    async with running_stack(data_folder(), say) as stack:
        _say_transport(stack, say)
        try:
            summary = await run_sample(stack, say)
        except SampleStalled as reason:
            say(f"leads: {reason}")
            return 1
    if as_json:
        print(orjson.dumps(summary.as_json()).decode())
    else:
        print("\n".join(summary.lines()))
    return 0 if summary.ok else 1


async def _show_sample(stack: Stack, say: Say) -> None:
    """Loads what is missing of the sample. What goes wrong is said; the stack stays up."""
    try:
        loading = await load_sample(stack, say)
        if loading is None:
            say("The sample is there already.")
            return
        summary = await summary_of(stack, loading)
    except SampleStalled as reason:
        say(f"The sample is not complete: {reason}")
        return
    for line in summary.lines():
        say(f"  {line}")


def _tell(stack: Stack, say: Say, seconds: float) -> None:
    say(f"leads is up after {seconds:.1f} s: {stack.address}")
    for name, address in {"api": f"{stack.address}/metrics", **stack.metrics}.items():
        say(f"  metrics of {name:<12} {address}")
    _say_transport(stack, say)


def _say_transport(stack: Stack, say: Say) -> None:
    if stack.servers.transport == "log":
        say("Transport: LOG, NOT KAFKA. Nothing is published; read models follow the event log.")
