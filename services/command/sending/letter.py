"""A message on its way out, and the three ways in which sending it can fail."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Protocol


@dataclass(frozen=True, slots=True)
class Letter:
    """What goes out, whole. The same letter is the same in every try, to the byte.

    try_id: names this order to send it; who gets it twice can tell by this that it is one.
    """

    message_id: str
    try_id: str
    channel: str
    address: str
    subject: str | None
    body: str
    queued_at: datetime


class NotSent(Exception):
    """The letter did not go out, as far as we know. `code` is for machines; `detail` is in the
    words of the other side and may hold personal data.
    """

    def __init__(self, code: str, detail: str = "", *, wait_seconds: float | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.detail = one_line(detail)
        self.wait_seconds = wait_seconds


class Refusal(NotSent):
    """They will not take this letter, however often it is sent."""


class Later(NotSent):
    """They will not take this letter now."""


class Unreachable(NotSent):
    """No letter goes out at the moment: nobody there, or they do not let us in."""


class Channel(Protocol):
    """A way out for letters."""

    names: ClassVar[tuple[str, ...]]
    width: ClassVar[int]
    """How many letters it takes at once."""

    async def deliver(self, letter: Letter) -> str | None:
        """Send, and return the letter's name on the other side; raises NotSent."""

    async def close(self) -> None:
        """Hang up."""


def one_line(text: str) -> str:
    """Return foreign text fit to be kept: one line, nothing unprintable, 200 characters."""
    return "".join(one if one.isprintable() else " " for one in text).strip()[:200]
