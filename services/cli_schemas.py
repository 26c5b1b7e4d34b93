"""`leads schemas`: writes the contracts that are generated from the classes, or checks them."""

import asyncio

from services.local.api import openapi_document
from services.local.contracts import GENERATED, contracts, write_contracts


def write_schemas(*, check_only: bool) -> int:
    """Writes what differs and names it; with `check_only` only names it, 1 when anything does."""
    openapi = asyncio.run(openapi_document())
    if check_only:
        stale = [
            path
            for path, content in contracts(openapi).items()
            if not (GENERATED / path).exists() or (GENERATED / path).read_bytes() != content
        ]
        for path in stale:
            print(f"stale: {path}")
        return 1 if stale else 0
    written = write_contracts(openapi)
    for path in written:
        print(f"written: {path}")
    print(f"{len(written)} files changed in {GENERATED}")
    return 0
