"""An audit package: the stored events of one stream, proved to be part of the signed log.

Personal fields stay ciphertext in it. It is verified offline with `offline_verifier.py`, which
needs nothing but Python.
"""

import base64
from typing import Any
from uuid import UUID

import asyncpg

from services.kit.codec import READ_EVENTS, StoredEvent
from services.kit.seal import READ_SEALS, Seal, audit_path

FORMAT = "leads-audit-1"


async def audit_package(
    connection: "asyncpg.Connection[asyncpg.Record]", stream_id: UUID, public_key: bytes
) -> dict[str, Any]:
    """Return the package of a stream, JSON-native; without events when there is no stream.

    Events younger than the last seal are in the chain but have no proof yet.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        rows = await connection.fetch(
            READ_EVENTS + " where stream_id = $1 order by version", stream_id
        )
        events = [StoredEvent._make(row) for row in rows]
        seals = await _seals(connection, [event.position for event in events])
        proofs = [
            proof
            for seal, previous_head in seals
            for proof in await _proofs(connection, seal, previous_head, events)
        ]
    return {
        "format": FORMAT,
        "lead_id": str(stream_id),
        "public_key": public_key.hex(),
        "events": [_event(event) for event in events],
        "proofs": proofs,
    }


async def _seals(
    connection: "asyncpg.Connection[asyncpg.Record]", positions: list[int]
) -> list[tuple[Seal, bytes]]:
    """Return the seals that hold these positions, each with the head before it."""
    rows = await connection.fetch(
        READ_SEALS
        + " r where exists (select from unnest($1::bigint[]) as p"
        + " where p between r.first_position and r.last_position) order by last_position",
        positions,
    )
    seals = []
    for row in rows:
        seal = Seal(*row)
        before = await connection.fetchval(
            "select head from log.roots where last_position = $1", seal.first_position - 1
        )
        seals.append((seal, before or b""))
    return seals


async def _proofs(
    connection: "asyncpg.Connection[asyncpg.Record]",
    seal: Seal,
    previous_head: bytes,
    events: list[StoredEvent],
) -> list[dict[str, Any]]:
    rows = await connection.fetch(
        "select hash from log.events where position between $1 and $2 order by position",
        seal.first_position,
        seal.last_position,
    )
    hashes = [row["hash"] for row in rows]
    told = {
        "first_position": seal.first_position,
        "last_position": seal.last_position,
        "previous_head": previous_head.hex(),
        "root": seal.root.hex(),
        "head": seal.head.hex(),
        "signature": seal.signature.hex(),
    }
    return [
        {
            "version": event.version,
            "path": [
                [side, sibling.hex()]
                for side, sibling in audit_path(hashes, event.position - seal.first_position)
            ],
            "seal": told,
        }
        for event in events
        if seal.first_position <= event.position <= seal.last_position
    ]


def _event(stored: StoredEvent) -> dict[str, Any]:
    return {
        "position": stored.position,
        "version": stored.version,
        "type": stored.type,
        "schema_version": stored.schema_version,
        "happened_at": stored.happened_at.isoformat(),
        "recorded_at": stored.recorded_at.isoformat(),
        "data": base64.b64encode(stored.data).decode(),
        "personal": None if stored.personal is None else base64.b64encode(stored.personal).decode(),
        "meta": base64.b64encode(stored.meta).decode(),
        "hash": stored.hash.hex(),
    }
