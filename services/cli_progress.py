"""Following what goes on elsewhere: a bar where there is a terminal, until it is over."""

import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

LOOK_SECONDS = 0.25


class Step(NamedTuple):
    """How far it is: what is being done, how many of how many; None: nobody knows yet."""

    doing: str
    done: int
    of: int | None


def followed(look: Callable[[], Any], step: Callable[[Any], Step | None], *, told: bool) -> Any:
    """Return what `look()` finds once `step` of it is None, that is over; its progress is shown
    meanwhile if `told`.
    """
    bar = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not told or not sys.stderr.isatty(),
        transient=True,
    )
    with bar:
        shown = bar.add_task("")
        while True:
            found = look()
            now = step(found)
            if now is None:
                return found
            bar.update(shown, description=now.doing, completed=now.done, total=now.of)
            time.sleep(LOOK_SECONDS)  # noqa: TID251 - it goes on elsewhere, and is asked
