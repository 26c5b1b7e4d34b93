"""An audit package: the stored events of one stream, proved to be part of the signed log, and
signed as a whole.

What is personal stays ciphertext under the hashes; beside it stands what it says, for as long as
its key exists and whoever asks may read it. The signature covers that too. A package is verified
offline with `offline_verifier.py`, which needs nothing but Python.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg

from services.kit.codec import READ_EVENTS, StoredEvent
from services.kit.keys import DataKey, SigningKey
from services.kit.seal import READ_SEALS, Seal, audit_path

FORMAT = "leads-audit-2"

Plain = Mapping[int, Mapping[str, Any]]
"""What the personal fields of an event say, by version; left out where it may not be read."""


async def stored_events(connection: Any, stream_id: UUID) -> list[StoredEvent]:
    """Return the stored events of a stream, [] when there is none."""
    rows = await connection.fetch(READ_EVENTS + " where stream_id = $1 order by version", stream_id)
    return [StoredEvent(*row) for row in rows]


async def proofs_of(connection: Any, events: Sequence[StoredEvent]) -> list[dict[str, Any]]:
    """Return the proof that each event is in the signed log.

    Events younger than the last seal are in the chain but have no proof yet.
    """
    seals = await _seals(connection, [event.position for event in events])
    return [
        proof
        for seal, previous_head in seals
        for proof in await _proofs(connection, seal, previous_head, events)
    ]


def plain_of(events: Sequence[StoredEvent], key: DataKey | None) -> dict[int, dict[str, Any]]:
    """Return what the personal fields of these events say; nothing without the key."""
    if key is None:
        return {}
    return {
        event.version: json.loads(key.decrypt(event.version, event.personal))
        for event in events
        if event.personal is not None
    }


def package_of(
    stream_id: UUID,
    events: Sequence[StoredEvent],
    proofs: Sequence[Mapping[str, Any]],
    plain: Plain,
    public_key: bytes,
) -> dict[str, Any]:
    """Return the package, JSON-native, not signed yet."""
    return {
        "format": FORMAT,
        "lead_id": str(stream_id),
        "public_key": public_key.hex(),
        "events": [_event(event, plain.get(event.version)) for event in events],
        "proofs": list(proofs),
    }


def signed(package: dict[str, Any], key: SigningKey) -> dict[str, Any]:
    """Return the package with the signature over all of it."""
    # As a verifier will read it: numbers and texts after a way through JSON.
    body = json.loads(json.dumps(package))
    return {**body, "signature": key.sign(canonical(body)).hex()}


def canonical(package: Mapping[str, Any]) -> bytes:
    """Return the bytes that are signed: all but the signature, keys in order, without spaces."""
    body = {name: value for name, value in package.items() if name != "signature"}
    return json.dumps(body, sort_keys=True, separators=(",", ":")).encode()


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
    events: Sequence[StoredEvent],
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


def _event(stored: StoredEvent, plain: Mapping[str, Any] | None) -> dict[str, Any]:
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
        "plain": None if plain is None else dict(plain),
    }
