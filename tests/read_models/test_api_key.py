"""Given the organisation's events, then the rows of its API keys."""

from schemas import organisation as org
from services.projections import (
    api_key,
)
from tests.read_models.folding_events import at, rows_of, text


def test_a_key_is_issued_and_revoked() -> None:
    (row,) = rows_of(
        api_key.MODEL,
        org.ApiKeyIssued("k", "u", "hash", "laptop", text(99)),
        org.ApiKeyRevoked("k", "u"),
    )
    assert (row["user_id"], row["secret_hash"], row["expires_at"]) == ("u", "hash", at(99))
    assert (row["issued_at"], row["revoked_at"]) == (at(1), at(2))
