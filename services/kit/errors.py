"""Every way a request can fail, and what its caller may do about it. Sent as RFC 9457 problems.

Problem
├── Malformed           400  the bytes are not what HTTP or UTF-8 allow       mend it
├── Unauthenticated     401  no key or token, or not a valid one              bring one
├── Forbidden           403  the key's role or rights do not reach this       ask for the right
├── NotFound            404  there is no such thing, or not for you to see    mend it
├── MethodNotAllowed    405  the path has other methods                       mend it
├── TooSlow             408  the body did not arrive in time                  send it again
├── Conflict            409  the rules or the state forbid it now             read, decide again
│   ├── InFlight        409  the same Idempotency-Key is being worked on      wait, send it again
│   └── Contended       409  others kept changing the same thing              send it again
├── VersionMoved        412  If-Match names an older version than there is    read, decide again
├── TooLarge            413  more bytes than this operation takes             send less
├── WrongMediaType      415  the body is not JSON in UTF-8                    mend it
├── Invalid             422  well-formed, but not a valid command or query    mend it
│   └── KeyReused       422  the Idempotency-Key came with another request    take a new key
├── TooMany             429  over the rate of this key                        wait Retry-After
├── Internal            500  our mistake; the trace id finds it in the log    tell us
├── Unavailable         503  a part we need is down or too busy               send it again
│   ├── OutcomeUnclear  503  it may or may not have been done                 same key again
│   └── OutOfSpace      507  the database's disk is full                      free space, again
└── NotYet              504  the read models have not reached that position   send it again
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar


@dataclass(frozen=True, slots=True)
class Detail:
    """One reason of a problem: a stable code, a sentence for people, a JSON pointer to what it is
    about.
    """

    code: str
    detail: str
    pointer: str = ""


class Problem(Exception):
    """A failure with its HTTP status. Each subclass is one row of the tree above.

    code       stable name; `type` of the problem is `TYPES` + code.
    status     HTTP status.
    title      what this kind of failure is, the same for every occurrence.
    retryable  whether the same request, unchanged, may succeed later.
    """

    code: ClassVar[str] = "problem"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something went wrong"
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        detail: str = "",
        errors: Iterable[Detail] = (),
        *,
        retry_after_seconds: int | None = None,
        headers: dict[str, str] | None = None,
        **members: Any,
    ) -> None:
        """Keep what happened this time; `members` become further members of the problem."""
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.errors = tuple(errors)
        self.headers = dict(headers or {})
        self.members = members
        if retry_after_seconds is not None:
            self.headers["Retry-After"] = str(retry_after_seconds)

    def body(self, trace_id: str) -> dict[str, Any]:
        """Return the members of the RFC 9457 document."""
        body: dict[str, Any] = {
            "type": TYPES + self.code,
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "code": self.code,
            "retryable": self.retryable,
            "trace_id": trace_id,
            **self.members,
        }
        if self.errors:
            body["errors"] = [
                {"code": error.code, "detail": error.detail, "pointer": error.pointer}
                for error in self.errors
            ]
        return body


TYPES = "urn:leads:problem:"
"""Prefix of every problem type."""


class Malformed(Problem):
    """The bytes are not what HTTP or UTF-8 allow."""

    code, status, title = "malformed", 400, "The request cannot be read"


class Unauthenticated(Problem):
    """No key or token, or not a valid one. Says nothing about which part was wrong."""

    code, status, title = "unauthenticated", 401, "A valid API key or token is needed"

    def __init__(self, detail: str = "") -> None:
        """Ask for a key in the way RFC 6750 wants it."""
        super().__init__(detail, headers={"WWW-Authenticate": 'Bearer realm="leads"'})


class Forbidden(Problem):
    """The key's role or rights do not reach this."""

    code, status, title = "forbidden", 403, "You may not do this"


class NotFound(Problem):
    """There is no such thing, or it is out of the caller's sight: both answers are the same."""

    code, status, title = "not-found", 404, "There is no such thing, or you may not see it"


class MethodNotAllowed(Problem):
    """The path exists with other methods."""

    code, status, title = "method-not-allowed", 405, "This path has other methods"


class TooSlow(Problem):
    """The body did not arrive in time."""

    code, status, title, retryable = "too-slow", 408, "The request took too long to arrive", True


class Conflict(Problem):
    """The rules or the present state forbid it; every reason is listed."""

    code, status, title = "refused", 409, "This cannot be done now"


class InFlight(Conflict):
    """The same Idempotency-Key is being worked on at this moment."""

    code, title, retryable = "in-flight", "The same request is still being worked on", True


class Contended(Conflict):
    """Others changed the same thing again and again while this was decided."""

    code, title, retryable = "contended", "Others keep changing the same thing", True


class VersionMoved(Problem):
    """If-Match names an older version, and the same things were changed since; `version` is the
    current one.
    """

    code, status, title = "version-moved", 412, "It was changed since the version you saw"


class TooLarge(Problem):
    """More bytes than this operation takes."""

    code, status, title = "too-large", 413, "The request is too large"


class WrongMediaType(Problem):
    """The body is not JSON in UTF-8."""

    code, status, title = "wrong-media-type", 415, "The body must be application/json in UTF-8"


class Invalid(Problem):
    """Well-formed, but not a valid command or query; `errors` points at every fault."""

    code, status, title = "invalid", 422, "The request is not valid"


class KeyReused(Invalid):
    """The Idempotency-Key was used before, for another request."""

    code, title = "key-reused", "This Idempotency-Key belongs to another request"


class TooMany(Problem):
    """Over the rate of this key; Retry-After says how long to wait."""

    code, status, title, retryable = "too-many", 429, "Too many requests", True


class Internal(Problem):
    """Our mistake. The trace id finds it in the log; nothing of the inside is shown."""

    code, status, title = "internal", 500, "Something went wrong on our side"


class Unavailable(Problem):
    """A part that is needed is down or too busy. Nothing was done."""

    code, status, title, retryable = "unavailable", 503, "Not available at the moment", True

    def __init__(self, detail: str = "", retry_after_seconds: int = 1) -> None:
        """Tell when to try again."""
        super().__init__(detail, retry_after_seconds=retry_after_seconds)


class OutcomeUnclear(Unavailable):
    """It may or may not have been done. The same request with the same Idempotency-Key tells, and
    does it at most once.
    """

    code, title = "outcome-unclear", "It is not known yet whether this was done"


class OutOfSpace(Unavailable):
    """The database's disk is full. Nothing was stored; it goes on by itself once there is space."""

    code, status, title = "out-of-space", 507, "There is no space left to store this"

    def __init__(self, detail: str = "", retry_after_seconds: int = 10) -> None:
        """Say what helps."""
        super().__init__(detail or FULL, retry_after_seconds)


FULL = (
    "The database's disk is full; nothing was stored. When there is space again, send the same"
    " request again."
)


class NotYet(Problem):
    """The read models have not reached the wanted version or position within the wait."""

    code, status, title, retryable = "not-yet", 504, "Not readable yet", True


def leaves(kind: type[Problem] = Problem) -> list[type[Problem]]:
    """Return every kind of problem, parents before children: for the documentation and the
    tests.
    """
    kinds = [] if kind is Problem else [kind]
    for child in kind.__subclasses__():
        kinds.extend(leaves(child))
    return kinds
