"""API keys of the demo users: made at the first start, shown once, kept in the data folder.

Kept before they are let in, so a start that was killed in between goes on with the same keys.
"""

import json
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from services.command.handler import Commanding

FILE = "demo-keys.json"


def demo_keys(folder: Path) -> Mapping[str, str]:
    """Key texts by user name; empty before the first start."""
    try:
        keys: Mapping[str, str] = json.loads((folder / FILE).read_text())
    except FileNotFoundError:
        return {}
    return keys


async def let_demo_users_in(commanding: "Commanding", folder: Path) -> None:
    """Makes the demo organisation and keys where they are missing. Safe to repeat."""
    # Imported here, so that a command line that only reads a key need not know all commands.
    from services.command.first_start import make_demo_keys, set_up

    await set_up(commanding, demo_keys(folder) or _kept(make_demo_keys(), folder))


def _kept(keys: Mapping[str, str], folder: Path) -> Mapping[str, str]:
    # mkstemp makes files that only their owner can read.
    descriptor, aside = tempfile.mkstemp(dir=folder, prefix=f"{FILE}.")
    with os.fdopen(descriptor, "w") as out:
        json.dump(keys, out, indent=2)
    Path(aside).replace(folder / FILE)
    return keys
