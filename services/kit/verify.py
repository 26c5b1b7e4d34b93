"""Verification: is the log what was written? If not, the first event that is not is named.

Checked: positions without a gap, versions without a gap, every chain hash, every stream's head,
every signed root, and the roots kept in the second place.
"""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

import asyncpg
import orjson

from services.kit.codec import READ_EVENTS, StoredEvent, link
from services.kit.keys import key_id, verify_signature
from services.kit.seal import READ_SEALS, Seal, merkle_root, next_head

_PAGE = 5_000


@dataclass(slots=True)
class Verdict:
    """What verification found; the log is good when `fault` is empty."""

    events: int = 0
    streams: int = 0
    seals: int = 0
    sealed_to: int = 0
    fault: str = ""

    @property
    def ok(self) -> bool:
        """Say whether nothing was found."""
        return not self.fault


class Fault(Exception):
    """The first thing that is wrong with the log."""


@dataclass(slots=True)
class _Walk:
    """What is known of the log up to the event last read."""

    position: int = 0
    heads: dict[UUID, tuple[int, bytes]] = field(default_factory=dict)
    hashes: list[bytes] = field(default_factory=list)
    seals: list[Seal] = field(default_factory=list)
    head: bytes = b""
    anchors: dict[int, bytes] = field(default_factory=dict)
    next_seal: int = 0


async def verify(
    connection: "asyncpg.Connection[asyncpg.Record]",
    public_key: bytes,
    anchor: Path | None = None,
    progress: Callable[[int], None] | None = None,
) -> Verdict:
    """Verify the whole log at one moment and return the verdict; nothing is changed.

    `anchor` is the file of seals kept outside the database. `progress` hears the number of
    events read so far. Memory: about 150 bytes a stream.
    """
    verdict = Verdict()
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        walk = _Walk()
        rows = await connection.fetch(READ_SEALS + " order by last_position")
        walk.seals = [Seal(*row) for row in rows]
        try:
            if anchor:
                walk.anchors = _anchors(anchor, public_key)
            async for page in _pages(connection):
                for stored in page:
                    _check_event(walk, stored)
                    _check_seal(walk, public_key)
                verdict.events = walk.position
                if progress:
                    progress(walk.position)
            await _check_ends(connection, walk)
        except Fault as fault:
            verdict.fault = str(fault)
        verdict.streams = len(walk.heads)
        verdict.seals = walk.next_seal
        verdict.sealed_to = walk.seals[walk.next_seal - 1].last_position if walk.next_seal else 0
    return verdict


async def _pages(
    connection: "asyncpg.Connection[asyncpg.Record]",
) -> AsyncIterator[list[StoredEvent]]:
    position = 0
    while True:
        rows = await connection.fetch(
            READ_EVENTS + " where position > $1 order by position limit $2",
            position,
            _PAGE,
        )
        if not rows:
            return
        yield [StoredEvent._make(row) for row in rows]
        position = rows[-1]["position"]


def _name(stored: StoredEvent) -> str:
    return (
        f"event {stored.stream_id}/{stored.version} ({stored.type}) at position {stored.position}"
    )


def _check_event(walk: _Walk, stored: StoredEvent) -> None:
    if stored.position != walk.position + 1:
        raise Fault(f"{_name(stored)} follows position {walk.position}: events between are missing")
    version, previous = walk.heads.get(stored.stream_id, (0, b""))
    if stored.version != version + 1:
        raise Fault(f"{_name(stored)} follows version {version} of its stream")
    if link(previous, stored) != stored.hash:
        raise Fault(f"{_name(stored)} was changed: its hash does not fit its content")
    walk.position = stored.position
    walk.heads[stored.stream_id] = (stored.version, stored.hash)
    walk.hashes.append(stored.hash)


def _check_seal(walk: _Walk, public_key: bytes) -> None:
    if (
        walk.next_seal >= len(walk.seals)
        or walk.seals[walk.next_seal].last_position != walk.position
    ):
        return
    seal = walk.seals[walk.next_seal]
    first = walk.position - len(walk.hashes) + 1
    root = merkle_root(walk.hashes)
    head = next_head(walk.head, first, walk.position, root)
    where = f"events {first} to {walk.position}"
    if (seal.first_position, seal.root, seal.head) != (first, root, head):
        raise Fault(
            f"the seal over {where} does not fit: the segment was rewritten after it was sealed"
        )
    signed = verify_signature(public_key, seal.signature, head)
    if not signed or seal.key_id != key_id(public_key):
        raise Fault(f"the seal over {where} is not signed by this log's key")
    if walk.anchors.get(walk.position, head) != head:
        raise Fault(f"the seal over {where} differs from the one kept outside the database")
    walk.head = head
    walk.hashes.clear()
    walk.next_seal += 1


async def _check_ends(connection: "asyncpg.Connection[asyncpg.Record]", walk: _Walk) -> None:
    """Check what only shows at the end: events cut off there, streams whose head is not their
    last event.
    """
    if walk.next_seal < len(walk.seals):
        last = walk.seals[-1].last_position
        raise Fault(f"the log ends at position {walk.position} but was sealed up to {last}")
    beyond = [position for position in walk.anchors if position > walk.position]
    if beyond:
        raise Fault(
            f"the log ends at position {walk.position}; a seal kept outside goes to {max(beyond)}"
        )
    missing = walk.anchors.keys() - {seal.last_position for seal in walk.seals}
    if missing:
        raise Fault(
            f"the seal over the events up to {min(missing)} is kept outside but was removed here"
        )
    known = 0
    async for row in connection.cursor(
        "select stream_id, version, hash from log.streams order by stream_id", prefetch=_PAGE
    ):
        known += 1
        if walk.heads.get(row["stream_id"]) != (row["version"], row["hash"]):
            version = walk.heads.get(row["stream_id"], (0, b""))[0]
            raise Fault(
                f"stream {row['stream_id']} ends at version {version}, not {row['version']}"
            )
    if known != len(walk.heads):
        raise Fault(f"{len(walk.heads)} streams have events, {known} have a head")


def _anchors(path: Path, public_key: bytes) -> dict[int, bytes]:
    """Return position → head of the seals kept outside; a line that is not properly signed is a
    fault of its own.
    """
    anchors: dict[int, bytes] = {}
    if not path.exists():
        return anchors
    for number, line in enumerate(path.read_bytes().splitlines(), 1):
        try:
            entry = orjson.loads(line)
            head = bytes.fromhex(entry["head"])
            signature = bytes.fromhex(entry["signature"])
            position = int(entry["last_position"])
        except (ValueError, KeyError, TypeError):
            # A line cut short by a crash while it was written; its seal is in the database.
            continue
        if verify_signature(public_key, signature, head):
            anchors[position] = head
        else:
            raise Fault(f"{path.name} line {number} is not signed by this log's key")
    return anchors
