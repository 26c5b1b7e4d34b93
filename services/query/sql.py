"""Pieces of SQL and the values that go with them. A value only ever travels as a parameter."""

from typing import Any


class Arguments:
    """The parameters of one statement, numbered as they are asked for."""

    def __init__(self) -> None:
        """Start without any."""
        self.values: list[Any] = []

    def add(self, value: Any, cast: str) -> str:
        """Take a value and return the place that stands for it, of the SQL type `cast`."""
        self.values.append(value)
        return f"${len(self.values)}::{cast}"


def like_anywhere(text: str) -> str:
    """Return the LIKE pattern for texts that hold `text`, whatever signs it has."""
    return f"%{_escaped(text)}%"


def like_start(text: str) -> str:
    """Return the LIKE pattern for texts that begin with `text`."""
    return f"{_escaped(text)}%"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
