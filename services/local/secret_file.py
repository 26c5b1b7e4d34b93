"""Secrets made here: random, written once, for their owner's eyes only."""

import os
import secrets
import tempfile
from contextlib import suppress
from pathlib import Path

BYTES = 32


def secret_in(path: Path) -> str:
    """The secret in the file, 64 hexadecimal digits; made when there is none.

    It appears whole or not at all, so a killed first start leaves no half secret.
    """
    if not path.exists():
        # mkstemp makes files that only their owner can read.
        descriptor, aside = tempfile.mkstemp(dir=path.parent, prefix=f"{path.name}.")
        try:
            with os.fdopen(descriptor, "w") as out:
                out.write(secrets.token_hex(BYTES))
            with suppress(FileExistsError):
                os.link(aside, path)
        finally:
            Path(aside).unlink()
    return path.read_text()
