"""Signed webhooks, out and in: `Leads-Signature: t=<seconds since 1970>,v1=<hex>`.

The signature is HMAC-SHA256 over `<t>.<body>` with a secret both sides know. What is older than
five minutes is refused, so a recorded request cannot be sent again later.
"""

import hashlib
import hmac
import re

HEADER = "Leads-Signature"
SKEW_SECONDS_MAX = 300

_SIGNATURE = re.compile(r"t=([0-9]{1,12}),v1=([0-9a-f]{64})")


def sign(secret: bytes, at: int, body: bytes) -> str:
    """Return the header's value for a body sent at that second."""
    return f"t={at},v1={_digest(secret, at, body)}"


def is_signed(secret: bytes, header: str, body: bytes, now: int) -> bool:
    """Say whether the header is a signature of this body, made within five minutes of `now`."""
    found = _SIGNATURE.fullmatch(header)
    if found is None:
        return False
    at = int(found[1])
    same = hmac.compare_digest(_digest(secret, at, body), found[2])
    return same and abs(now - at) <= SKEW_SECONDS_MAX


def _digest(secret: bytes, at: int, body: bytes) -> str:
    return hmac.new(secret, b"%d." % at + body, hashlib.sha256).hexdigest()
