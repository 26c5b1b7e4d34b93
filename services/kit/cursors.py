"""Cursors: where a caller stopped reading, sealed so that it can be neither read nor made up.

Sort keys of a row may be personal (a phone), so a cursor is encrypted, not only signed; and it is
bound to the question it belongs to, so that it cannot be carried over to another one.
"""

import base64
import binascii
import hashlib
import hmac
import os
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

NONCE_BYTES = 12
CHARS_MAX = 4_000


class CursorInvalid(ValueError):
    """The cursor is not one of ours, or was made for another question."""


class Cursors:
    """Seals and opens cursors with a key of its own, derived from the installation's secret."""

    def __init__(self, secret: bytes) -> None:
        """Derive the key from 32 secret bytes; every process with the same secret can go on."""
        assert len(secret) == 32, "a secret has 32 bytes"
        self._cipher = AESGCM(hmac.digest(secret, b"leads cursor v1", "sha256"))

    def seal(self, place: Any, question: bytes) -> str:
        """Return `place` (JSON) as a cursor for the question with this fingerprint."""
        nonce = os.urandom(NONCE_BYTES)
        sealed = nonce + self._cipher.encrypt(nonce, orjson.dumps(place), question)
        return base64.urlsafe_b64encode(sealed).decode("ascii").rstrip("=")

    def open(self, cursor: str, question: bytes) -> Any:
        """Return what was sealed for this very question; raise CursorInvalid."""
        try:
            if len(cursor) > CHARS_MAX:
                raise CursorInvalid
            sealed = base64.b64decode(
                cursor.encode("ascii") + b"=" * (-len(cursor) % 4), altchars=b"-_", validate=True
            )
            nonce, rest = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
            return orjson.loads(self._cipher.decrypt(nonce, rest, question))
        except (InvalidTag, binascii.Error, UnicodeEncodeError, ValueError):
            raise CursorInvalid(
                "take the cursor from an answer to this same question, unchanged"
            ) from None


def fingerprint(*parts: Any) -> bytes:
    """Return 16 bytes that stand for a question: everything but the place in its answer."""
    raw = orjson.dumps(parts, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(raw).digest()[:16]
