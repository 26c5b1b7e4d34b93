"""Links to files of exports: each address has one of its own, which nobody can guess.

Nothing of a link is stored: it is made of export and address with the installation's secret, so a
mail that is sent again is the same, and a table that leaks opens no file.
"""

import base64
import binascii
import hmac
from uuid import UUID

from services.kit.keys import MasterKey

PATH = "/v1/export-links"


def link_token(master: MasterKey, export_id: UUID, recipient: int) -> str:
    """Return what stands in the link of the `recipient`-th address (from 1, at most 255)."""
    place = recipient.to_bytes(1)
    raw = export_id.bytes + place + _seal(master, export_id, recipient)
    return base64.urlsafe_b64encode(raw).decode("ascii")


def read_token(master: MasterKey, token: str) -> tuple[UUID, int] | None:
    """Return export and address of a link; None when it is none of ours."""
    try:
        raw = base64.b64decode(token.encode("ascii"), altchars=b"-_", validate=True)
    except (UnicodeEncodeError, binascii.Error, ValueError):
        return None
    if len(raw) != 33:
        return None
    export_id, recipient = UUID(bytes=raw[:16]), raw[16]
    if not hmac.compare_digest(raw[17:], _seal(master, export_id, recipient)):
        return None
    return export_id, recipient


def _seal(master: MasterKey, export_id: UUID, recipient: int) -> bytes:
    return master.lookup_hash(f"link to export {export_id} for {recipient}")
