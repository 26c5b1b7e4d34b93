"""What a command is answered: an answer when it was done, a problem that lists every reason when it
was refused.

Both can be stored beside the command and given again, word for word, to whoever repeats it.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson

from services.command.aggregates import PLACES
from services.command.domain.decider import Reason, Refused
from services.command.facts_loader import Order, World
from services.command.planning import Plan
from services.kit import errors
from services.kit.append import EarlierAnswer
from services.kit.errors import Detail, Problem

RIGHTS_CODES = frozenset(
    {
        "role-not-allowed",
        "lead-out-of-reach",
        "owner-out-of-reach",
        "view-out-of-reach",
        "not-your-export",
    }
)
"""Refusals for want of a right: when there is no other reason, the answer is 403."""

UNKNOWN_CODES = frozenset(
    {
        "unknown-lead",
        "campaign-unknown",
        "payload-unknown",
        "unknown-pool",
        "unknown-segment",
        "unknown-view",
        "unknown-export",
        "unknown-mailing",
    }
)
"""Refusals because what the path names does not exist: 404. They point at no field."""

STATE_CODES = frozenset({"duplicate", "status-in-use", "team-has-teams", "team-has-users"})
"""Reasons that point at a field, though not the field but the state of things is at odds."""


class Answer(NamedTuple):
    """Status and JSON body of an answer; `position` is filled in once the log has given one.

    `version` and `location` become ETag and Location. `replayed` says that this is the answer to
    the first time the command came.
    """

    status: int
    body: Mapping[str, Any]
    version: int = 0
    location: str = ""
    replayed: bool = False

    @property
    def is_problem(self) -> bool:
        """Whether the command was refused."""
        return self.status >= 400

    def stored(self) -> bytes:
        """Return the answer as it is kept beside the command."""
        return orjson.dumps([self.status, dict(self.body), self.version, self.location])

    def at(self, position: int) -> "Answer":
        """Return the answer with the log position it reached."""
        if self.is_problem:
            return self
        return self._replace(body={**self.body, "position": position})

    def raw(self) -> bytes:
        """Return the body as JSON."""
        return orjson.dumps(self.body)

    def headers(self) -> dict[str, str]:
        """Return the headers that belong to the answer."""
        headers = {}
        if self.version:
            headers["ETag"] = f'"{self.version}"'
        if self.location:
            headers["Location"] = self.location
        if self.replayed:
            headers["Idempotency-Replayed"] = "true"
        return headers


def answer_to(order: Order, world: World, made: Plan) -> Answer:
    """Say what was done. A decision that changed nothing answers with the version as it is."""
    events = [
        type(new.event).TOPIC
        for stream in made.streams
        if stream.stream_id == world.stream
        for new in stream.events
    ]
    _, after = made.states.get(world.stream, (world.category, world.state))
    body = {
        "id": str(world.stream),
        "version": after.version,
        "changed": bool(made.streams),
        "events": events,
    }
    others = [
        {"id": str(stream), "version": state.version}
        for stream, (_, state) in made.states.items()
        if stream != world.stream
    ]
    if others:
        body["others"] = others
    dropped = sorted(
        {
            name
            for stream in made.streams
            for new in stream.events
            for name in getattr(new.event, "dropped", ())
        }
    )
    if dropped:
        body["dropped"] = dropped
    place = PLACES.get(world.category)
    if not order.command.creates or world.state.version or place is None:
        return Answer(200, body, after.version)
    return Answer(201, body, after.version, f"{place}/{world.stream}")


def request_hash(order: Order) -> bytes:
    """Return what tells one request from another under the same Idempotency-Key."""
    command = order.command
    asked = f"{type(command).__name__} {order.stream or ''} "
    body = command.model_dump_json(exclude_defaults=True)
    return hashlib.sha256((asked + body).encode()).digest()


def repeated(request: bytes, earlier: EarlierAnswer) -> Answer:
    """Return the answer that was given the first time; raise KeyReused when it was to another
    request.
    """
    if earlier.request != request:
        raise errors.KeyReused("Take a new Idempotency-Key for another request.")
    status, body, version, location = orjson.loads(earlier.answer)
    return Answer(status, body, version, location, replayed=True).at(earlier.position)


def refusal(refused: Refused) -> Problem:
    """Return a refusal as a problem, with all its reasons.

    404 when the lead is unknown, 403 when only rights are wanting, 422 when every reason points at
    a part of the command, else 409.
    """
    reasons = refused.reasons
    details = [_detail(reason) for reason in reasons]
    codes = {reason.code for reason in reasons}
    if any(reason.code in UNKNOWN_CODES and not reason.field for reason in reasons):
        return errors.NotFound()
    text = reasons[0].text if len(reasons) == 1 else f"{len(reasons)} reasons stand against it."
    if codes <= RIGHTS_CODES:
        return errors.Forbidden(text, details)
    if all(reason.field and reason.code not in STATE_CODES for reason in reasons):
        return errors.Invalid(text, details)
    return errors.Conflict(text, details)


def _detail(reason: Reason) -> Detail:
    parts = reason.field.split(".") if reason.field else []
    pointer = "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)
    return Detail(reason.code, reason.text, pointer)
