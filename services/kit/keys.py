"""Keys: the master key wraps one data key per lead, and keys the hashes by which we look up.

Destroying a lead's data key makes its personal fields unreadable everywhere at once: log, broker,
backups (rule 16).
"""

import hashlib
import hmac
import os
import time
from collections import OrderedDict
from collections.abc import Iterable
from datetime import timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from schemas.event import EPOCH
from services.kit.ids import parse_id
from services.kit.outside import SettingsError

if TYPE_CHECKING:
    import asyncpg

NONCE_BYTES = 12
HASH_BYTES = 16
FORGET_SECONDS = 1.0
# A load under way while a key is destroyed may bring it in after the look that would drop it.
LATE = timedelta(minutes=1)


class KeyUnusable(RuntimeError):
    """A key or ciphertext does not open: the wrong master key, or stored bytes were changed."""


class MasterKey:
    """The one secret of an installation: wraps data keys and keys the look-up hashes."""

    def __init__(self, secret: bytes) -> None:
        """Take 32 secret bytes; the wrapping and the look-up key are derived, never the
        secret itself.
        """
        assert len(secret) == 32, "a master key has 32 bytes"
        self._wrapping = AESGCM(hmac.digest(secret, b"leads wrap v1", "sha256"))
        self._lookup = hmac.digest(secret, b"leads lookup v1", "sha256")

    def wrap(self, stream_id: UUID, key: bytes) -> bytes:
        """Return `key` encrypted for storage, bound to its stream."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._wrapping.encrypt(nonce, key, stream_id.bytes)

    def unwrap(self, stream_id: UUID, wrapped: bytes) -> bytes:
        """Return the data key; raise KeyUnusable when it was wrapped by another master key."""
        try:
            return self._wrapping.decrypt(
                wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], stream_id.bytes
            )
        except InvalidTag:
            raise KeyUnusable(
                f"the data key of {stream_id} does not open: not this database's master key?"
            ) from None

    def lookup_hash(self, value: str) -> bytes:
        """Return 16 bytes by which `value` (a phone number, a duplicate key) is found
        without storing it.
        """
        return hmac.digest(self._lookup, value.encode(), "sha256")[:HASH_BYTES]

    def lookup_id(self, value: str) -> UUID:
        """Return the stream id that stands for `value`: do-not-call entries have one stream
        per number.
        """
        # Version 8 (RFC 9562 §5.8), which the standard library sets only from Python 3.14 on.
        number = int.from_bytes(self.lookup_hash(value))
        number = number & ~(0xF << 76) & ~(0x3 << 62) | 0x8 << 76 | 0x2 << 62
        return parse_id(f"{number:032x}")


class DataKey:
    """The key of one lead's personal fields (AES-256-GCM), each text bound to its event.

    A cipher is made for each use: it takes 1 µs to make, and 2.3 kB to keep.
    """

    __slots__ = ("_secret", "_stream")

    def __init__(self, stream_id: UUID, secret: bytes) -> None:
        """Use `secret` (32 bytes) for the events of `stream_id`."""
        self._secret = secret
        self._stream = stream_id.bytes

    def cipher(self) -> AESGCM:
        """Return the cipher of this key."""
        return AESGCM(self._secret)

    def kept(self) -> "DataKey":
        """Return the same key with a cipher that is made once, to read many texts in a row."""
        return _KeptKey(self._stream, self._secret)

    def encrypt(self, version: int, plain: bytes) -> bytes:
        """Return nonce and ciphertext of the personal fields of event `version`."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self.cipher().encrypt(nonce, plain, self._stream + version.to_bytes(4))

    def decrypt(self, version: int, stored: bytes) -> bytes:
        """Return the personal fields of event `version`; raise KeyUnusable when the bytes
        were changed.
        """
        try:
            return self.cipher().decrypt(
                stored[:NONCE_BYTES], stored[NONCE_BYTES:], self._stream + version.to_bytes(4)
            )
        except InvalidTag:
            stream = UUID(bytes=self._stream)
            raise KeyUnusable(f"personal fields of {stream}/{version} do not open") from None


class _KeptKey(DataKey):
    """A key for a moment: what it keeps is large."""

    __slots__ = ("_cipher",)

    def __init__(self, stream: bytes, secret: bytes) -> None:
        self._secret = secret
        self._stream = stream
        self._cipher: AESGCM | None = None

    def cipher(self) -> AESGCM:
        if self._cipher is None:
            self._cipher = AESGCM(self._secret)
        return self._cipher


class KeyRing:
    """The data keys a process has at hand, the least used dropped first.

    A key that another process destroys is forgotten by the first `load` more than a second later.
    """

    def __init__(
        self, master: MasterKey, pool: "asyncpg.Pool[asyncpg.Record]", most: int = 20_000
    ) -> None:
        """Read wrapped keys through `pool`; keep at most `most` keys, of 0.4 kB each."""
        self.master = master
        self._pool = pool
        self._most = most
        self._keys: OrderedDict[UUID, DataKey | None] = OrderedDict()
        self._forgotten_to = EPOCH
        self._look_again_at = 0.0

    async def load(self, stream_ids: Iterable[UUID]) -> dict[UUID, DataKey | None]:
        """Return the keys of these streams, with one query for those that are not in memory.

        None stands for a destroyed key; a stream that never had one is left out. Read keys from
        this answer: the ring may drop any of them before a later `find`.
        """
        if time.monotonic() >= self._look_again_at:
            await self._forget_destroyed()
        keys: dict[UUID, DataKey | None] = {}
        missing = []
        for stream in stream_ids:
            if stream in self._keys:
                keys[stream] = self._keys[stream]
                self._keys.move_to_end(stream)
            else:
                missing.append(stream)
        if missing:
            rows = await self._pool.fetch(
                "select stream_id, wrapped from log.lead_keys where stream_id = any($1)", missing
            )
            for stream, wrapped in rows:
                keys[stream] = self._open(stream, wrapped)
                self.put(stream, keys[stream])
        return keys

    async def _forget_destroyed(self) -> None:
        """Drop the keys destroyed since the last look; times of destruction follow log order."""
        self._look_again_at = time.monotonic() + FORGET_SECONDS
        rows = await self._pool.fetch(
            "select stream_id, destroyed_at from log.lead_keys where destroyed_at >= $1"
            " order by destroyed_at",
            self._forgotten_to - LATE,
        )
        for stream, destroyed_at in rows:
            if stream in self._keys:
                self._keys[stream] = None
            self._forgotten_to = destroyed_at

    def _open(self, stream_id: UUID, wrapped: bytes | None) -> DataKey | None:
        if wrapped is None:
            return None
        return DataKey(stream_id, self.master.unwrap(stream_id, wrapped))

    def find(self, stream_id: UUID) -> DataKey | None:
        """Return the key of a stream if it is in memory."""
        key = self._keys.get(stream_id)
        if key is not None:
            self._keys.move_to_end(stream_id)
        return key

    def make(self, stream_id: UUID) -> tuple[DataKey, bytes]:
        """Make a new key; return it and its wrapped form.

        It joins the ring only by `put`, once stored.
        """
        secret = os.urandom(32)
        return DataKey(stream_id, secret), self.master.wrap(stream_id, secret)

    def put(self, stream_id: UUID, key: DataKey | None) -> None:
        """Remember a key that is stored; None for a destroyed one."""
        self._keys[stream_id] = key
        self._keys.move_to_end(stream_id)
        if len(self._keys) > self._most:
            self._keys.popitem(last=False)


async def open_keys(master_key: bytes, pool: "asyncpg.Pool[asyncpg.Record]") -> KeyRing:
    """Return the ring of a process that appends.

    Another master key than the database's would find no duplicate and no blocked number, and read
    nothing: it stops the process with SettingsError, before anything is appended.
    """
    keys = KeyRing(MasterKey(master_key), pool)
    row = await pool.fetchrow(
        "select stream_id, wrapped from log.lead_keys where wrapped is not null limit 1"
    )
    if row is not None:
        try:
            keys.master.unwrap(*row)
        except KeyUnusable as error:
            raise SettingsError(f"LEADS_MASTER_KEY_FILE: {error}") from None
    return keys


class SigningKey:
    """Signs the heads of the log (Ed25519, RFC 8032)."""

    def __init__(self, seed: bytes) -> None:
        """Take the 32-byte seed."""
        self._key = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._key.public_key().public_bytes_raw()
        self.key_id = key_id(self.public)

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature."""
        return self._key.sign(message)


def key_id(public: bytes) -> str:
    """Return the short name by which a public key is told from another."""
    return hashlib.sha256(public).hexdigest()[:16]


def verify_signature(public: bytes, signature: bytes, message: bytes) -> bool:
    """Say whether `signature` is that of `message` under the public key."""

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, message)
    except InvalidSignature:
        return False
    return True
