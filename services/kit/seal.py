"""Signed Merkle roots: the log is sealed as it grows, and each seal signs all that lies before.

A hash chain alone does not stop someone who can rewrite all of it. A seal does, once it is kept
elsewhere: its head covers the heads before it, so one signed line in a second place pins the whole
log (RFC 6962 for the tree, RFC 8032 for the signature).
"""

import hashlib
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import asyncpg
import orjson

from services.kit.clock import Clock
from services.kit.keys import SigningKey

SEGMENT_EVENTS = 4096
SEGMENT_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Seal:
    """One row of `log.roots`: the Merkle root of a segment, and the head that covers it and
    every segment before.
    """

    last_position: int
    first_position: int
    root: bytes
    head: bytes
    signature: bytes
    key_id: str


READ_SEALS = "select last_position, first_position, root, head, signature, key_id from log.roots"
"""Reads rows that are the fields of Seal; add an order."""


def leaf(event_hash: bytes) -> bytes:
    """Return the leaf of an event, by its chain hash."""
    return hashlib.sha256(b"\x00" + event_hash).digest()


def parent(left: bytes, right: bytes) -> bytes:
    """Return the node over two nodes."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def merkle_root(event_hashes: Sequence[bytes]) -> bytes:
    """Return the root over the events of a segment, in position order; an odd node moves up as
    it is.
    """
    level = [leaf(event_hash) for event_hash in event_hashes]
    while len(level) > 1:
        level = _level_above(level)
    return level[0]


def _level_above(level: list[bytes]) -> list[bytes]:
    above = [parent(level[i], level[i + 1]) for i in range(0, len(level) - 1, 2)]
    if len(level) % 2:
        above.append(level[-1])
    return above


def audit_path(event_hashes: Sequence[bytes], index: int) -> list[tuple[str, bytes]]:
    """Return the neighbours, from leaf to root, by which event `index` is shown to be in the
    segment.
    """
    path: list[tuple[str, bytes]] = []
    level = [leaf(event_hash) for event_hash in event_hashes]
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(("left" if sibling < index else "right", level[sibling]))
        level, index = _level_above(level), index // 2
    return path


def root_by_path(event_hash: bytes, path: Sequence[tuple[str, bytes]]) -> bytes:
    """Return the root that an event and its audit path lead to."""
    node = leaf(event_hash)
    for side, sibling in path:
        node = parent(sibling, node) if side == "left" else parent(node, sibling)
    return node


def next_head(previous: bytes, first: int, last: int, root: bytes) -> bytes:
    """Return the head of a segment: over the head before it (b"" for the first), its bounds and
    its root.
    """
    return hashlib.sha256(previous + first.to_bytes(8) + last.to_bytes(8) + root).digest()


class Sealer:
    """Seals the log as it grows. One at a time: the relay's leader runs it."""

    def __init__(
        self,
        pool: "asyncpg.Pool[asyncpg.Record]",
        key: SigningKey,
        clock: Clock,
        anchor: Path,
    ) -> None:
        """Sign with `key`; every seal is also appended to the file `anchor`, the second place.

        What is missing there, after a full disk or a crash, is added with the first step.
        """
        self._pool = pool
        self._key = key
        self._clock = clock
        self._anchor = anchor
        self._anchored = False
        self._waiting_since: datetime | None = None

    async def step(self) -> Seal | None:
        """Seal one segment when 4,096 events wait, or fewer for 30 s; return the seal, or
        None when there was none to make.
        """
        await self._complete_anchor()
        last = await self._pool.fetchrow(
            "select last_position, head from log.roots order by last_position desc limit 1"
        )
        sealed, head = (last["last_position"], last["head"]) if last else (0, b"")
        rows = await self._pool.fetch(
            "select position, hash from log.events where position > $1 order by position limit $2",
            sealed,
            SEGMENT_EVENTS,
        )
        if not rows or (len(rows) < SEGMENT_EVENTS and not self._is_due()):
            return None
        self._waiting_since = None
        root = merkle_root([row["hash"] for row in rows])
        upto = rows[-1]["position"]
        head = next_head(head, sealed + 1, upto, root)
        seal = Seal(upto, sealed + 1, root, head, self._key.sign(head), self._key.key_id)
        await self._pool.execute(
            "insert into log.roots (last_position, first_position, root, head, signature, key_id)"
            " values ($1, $2, $3, $4, $5, $6) on conflict do nothing",
            *(seal.last_position, seal.first_position, root, head, seal.signature, seal.key_id),
        )
        self._write_anchor([seal])
        return seal

    def _is_due(self) -> bool:
        now = self._clock.now()
        if self._waiting_since is None or now < self._waiting_since:  # the clock was set back
            self._waiting_since = now
        return (now - self._waiting_since).total_seconds() >= SEGMENT_SECONDS

    async def _complete_anchor(self) -> None:
        """Add to the anchor what it lacks of the seals, unless it is known to have all."""
        if self._anchored:
            return
        rows = await self._pool.fetch(
            READ_SEALS + " where key_id = $1 order by last_position", self._key.key_id
        )
        kept = _positions_in(self._anchor)
        self._write_anchor([seal for row in rows if (seal := Seal(*row)).last_position not in kept])

    def _write_anchor(self, seals: Sequence[Seal]) -> None:
        self._anchored = False
        lines = b"".join(
            orjson.dumps(
                {
                    "last_position": seal.last_position,
                    "head": seal.head.hex(),
                    "signature": seal.signature.hex(),
                    "public_key": self._key.public.hex(),
                }
            )
            + b"\n"
            for seal in seals
        )
        if lines:
            with self._anchor.open("ab") as file:
                file.write(b"\n" + lines if _is_cut_short(self._anchor) else lines)
        self._anchored = True


def _positions_in(anchor: Path) -> set[int]:
    """Return the positions of the seals that are whole in the anchor."""
    found = set()
    for line in anchor.read_bytes().splitlines() if anchor.exists() else ():
        with suppress(ValueError, KeyError, TypeError):
            found.add(int(orjson.loads(line)["last_position"]))
    return found


def _is_cut_short(anchor: Path) -> bool:
    """Say whether the last line was not written to its end."""
    with anchor.open("rb") as file:
        if file.seek(0, os.SEEK_END) == 0:
            return False
        file.seek(-1, os.SEEK_END)
        return file.read(1) != b"\n"
