"""Operations that are answered past the framework's layers, because they must be quick."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol

from starlette.types import Receive, Scope


class Reply(NamedTuple):
    """A whole answer: status, headers but for those that every answer has, body."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


BODY = "leads.body"
"""Where the scope has the whole body, if it was there when the request was looked at."""

SHORT = "leads.short"
"""Where the scope has the server's short way in and out, if it has one."""


class ShortWay(Protocol):
    """Passes by ASGI's messages where all that they would carry is there already."""

    def body(self) -> bytes | None:
        """Return the whole body, None while it has not arrived or when it is large."""

    def write(self, reply: Reply) -> bool:
        """Write a whole answer at once; False, and nothing, when that is not possible now."""


Answering = Callable[[Scope, Receive], Awaitable[Reply]]
Direct = Callable[[Scope], Answering | None]
"""Finds who answers a request, past the framework's layers; None leaves it to the framework."""
