"""New ids: UUIDv7 (RFC 9562 §5.7), so that rows made together lie together in an index."""

import os
import time
from collections.abc import Callable, Iterator
from hashlib import sha1
from uuid import UUID

from asyncpg.pgproto import pgproto

_in_c: Callable[[str | bytes], UUID] = pgproto.UUID
"""The database driver's own class: equal to the standard library's in everything, but in C. A
command makes, hashes and writes ids a few dozen times.
"""


_chunks: Iterator[bytes] = iter(())


def _random() -> bytes:
    """Return ten bytes of the system's randomness; asking it for many at a time is cheaper."""
    global _chunks  # noqa: PLW0603 - drawn from by all, each chunk once
    chunk = next(_chunks, None)
    if chunk is None:
        many = os.urandom(10 * 256)
        _chunks = iter([many[place : place + 10] for place in range(0, len(many), 10)])
        chunk = next(_chunks)
    return chunk


def _forget() -> None:
    """Leave what is drawn already to the parent of a fork."""
    global _chunks  # noqa: PLW0603 - the child draws its own
    _chunks = iter(())


os.register_at_fork(after_in_child=_forget)


def new_id() -> UUID:
    """Return a new UUIDv7: 48 bits of milliseconds, then 74 random bits."""
    random = _random()
    head = (0x70 | random[0] & 0x0F, random[1], 0x80 | random[2] & 0x3F)
    return _in_c((time.time_ns() // 1_000_000).to_bytes(6) + bytes(head) + random[3:])


def named_id(namespace: UUID, name: str) -> UUID:
    """Return what `uuid.uuid5` makes of both (RFC 9562 §5.5), at a third of its time."""
    digest = sha1(namespace.bytes + name.encode(), usedforsecurity=False).digest()
    head = (0x50 | digest[6] & 0x0F, digest[7], 0x80 | digest[8] & 0x3F)
    return _in_c(digest[:6] + bytes(head) + digest[9:16])


def numbered_id(number: int) -> UUID:
    """Return the id whose 128 bits are this number."""
    return _in_c(number.to_bytes(16))


def parse_id(text: str) -> UUID:
    """Return the id that is written so, with its dashes or without; raise ValueError."""
    return _in_c(text)
