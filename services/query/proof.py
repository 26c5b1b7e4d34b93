"""Proof of one lead's history: is it unbroken, is it in the signed log, and all of it to take away.

A package is verified without us: with the small program that is served beside it, and the public
key that was handed over another way.
"""

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

from fastapi import FastAPI, Query, Request
from pydantic import Field
from starlette.responses import Response

from schemas.instants import format_instant
from services.kit import offline_verifier
from services.kit.audit_package import package_of, plain_of, proofs_of, signed, stored_events
from services.kit.codec import StoredEvent
from services.kit.keys import verify_signature
from services.query import answers
from services.query.lead import LeadParameters, lead_at
from services.query.masking import mask_event
from services.query.parameters import Current
from services.query.reading import Asked, Reading, answer
from services.query.wall import beside_wall

TAG = "audit"


class Head(answers.Shape):
    """The last event: what its hash covers is the whole history."""

    version: int
    position: int
    recorded_at: datetime
    hash: str


class SealShown(answers.Shape):
    """A signed segment of the log; `head` covers it and every segment before."""

    first_position: int
    last_position: int
    previous_head: str
    root: str
    head: str
    signature: str


class Inclusion(answers.Shape):
    """How the hash of an event leads to the signed root of its segment (RFC 6962)."""

    version: int
    path: list[tuple[str, str]]
    seal: SealShown


class Proof(answers.Shown):
    """Whether a lead's events are what was written, each fault in words.

    `sealed` of its `events` are in signed segments; the youngest are sealed within half a minute.
    `inclusion` is that of the last sealed one.
    """

    lead_id: UUID
    holds: bool
    faults: list[str]
    events: int
    sealed: int
    head: Head
    inclusion: Inclusion | None
    public_key: str


class PublicKey(answers.Shape):
    """The key that signs the log: compare it with the one that was handed over another way."""

    public_key: str
    key_id: str = Field(description="The first half of its SHA-256, as seals name it")


async def _package(reading: Reading, asked: Asked, lead_id: UUID, *, read: bool) -> dict[str, Any]:
    """Return the unsigned package of a lead in sight; with `read` also what is personal."""
    events = await stored_events(asked.connection, lead_id)
    async with beside_wall(asked.connection, asked.sight):  # a segment holds others' hashes too
        proofs = await proofs_of(asked.connection, events)
    plain = await _plain(reading, asked, lead_id, events) if read else {}
    return package_of(lead_id, events, proofs, plain, reading.signing.public)


async def _plain(
    reading: Reading, asked: Asked, lead_id: UUID, events: list[StoredEvent]
) -> dict[int, dict[str, Any]]:
    key = (await reading.log.keys.load([lead_id])).get(lead_id)
    plain = plain_of(events, key)
    if asked.shows_phones:
        return plain
    kinds = {event.version: event.type for event in events}
    return {
        version: mask_event(kinds[version], fields, asked.directory.kinds, personal=True)
        for version, fields in plain.items()
    }


async def _proof(reading: Reading, asked: Asked, lead_id: UUID) -> dict[str, Any]:
    package = await _package(reading, asked, lead_id, read=False)
    public = reading.signing.public
    faults = offline_verifier.verify_log(package, public, verify_signature)
    last = package["events"][-1]
    return {
        "lead_id": lead_id,
        "holds": not faults,
        "faults": faults,
        "events": len(package["events"]),
        "sealed": len(package["proofs"]),
        "head": {name: last[name] for name in Head.model_fields},
        "inclusion": max(package["proofs"], key=lambda one: one["version"], default=None),
        "public_key": public.hex(),
        **asked.currency(),
    }


def install(app: FastAPI, reading: Reading) -> None:
    """Add the routes of proofs."""
    program = Path(offline_verifier.__file__).read_bytes()

    @app.get("/v1/leads/{lead_id}/proof", tags=[TAG], responses={200: {"model": Proof}})
    async def prove_lead(
        request: Request, lead_id: UUID, given: Annotated[LeadParameters, Query()]
    ) -> Response:
        """Verify a lead's hash chain and its place in the signed log."""
        async with lead_at(reading, request, lead_id, given) as (asked, _):
            return answer(await _proof(reading, asked, lead_id))

    @app.get(
        "/v1/leads/{lead_id}/audit-package",
        tags=[TAG],
        responses={200: {"content": {"application/json": {"schema": {"type": "object"}}}}},
    )
    async def take_audit_package(
        request: Request, lead_id: UUID, given: Annotated[LeadParameters, Query()]
    ) -> Response:
        """Take away a lead's events with hashes and proof, signed as a whole.

        Personal fields stand beside the encrypted ones while their key exists, numbers masked for
        who must not see them.
        """
        async with lead_at(reading, request, lead_id, given) as (asked, _):
            package = await _package(reading, asked, lead_id, read=True)
            package["made_at"] = format_instant(asked.now)
            package["made_for"] = asked.principal.actor
            name = f'attachment; filename="lead-{lead_id}.json"'
            return answer(signed(package, reading.signing), {"Content-Disposition": name})

    @app.get("/v1/audit/key", tags=[TAG], responses={200: {"model": PublicKey}})
    async def read_key(request: Request, given: Annotated[Current, Query()]) -> Response:
        """Read the public key of the log."""
        async with reading.asked(request, given.min_position):
            signing = reading.signing
            return answer({"public_key": signing.public.hex(), "key_id": signing.key_id})

    @app.get(
        "/v1/audit/verifier",
        tags=[TAG],
        responses={200: {"content": {"text/x-python": {"schema": {"type": "string"}}}}},
    )
    async def take_verifier(request: Request, given: Annotated[Current, Query()]) -> Response:
        """Take away the program that verifies packages: plain Python, no dependencies."""
        async with reading.asked(request, given.min_position):
            return Response(program, media_type="text/x-python")
