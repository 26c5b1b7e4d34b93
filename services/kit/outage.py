"""What a database that is away or full is answered with, wherever a request meets it."""

import errno

import asyncpg

from services.kit import errors
from services.kit.append import NOT_NOW, OutOfSpace
from services.kit.errors import Problem
from services.kit.postgres import RETRYABLE

_AWAY: tuple[type[Exception], ...] = (
    *RETRYABLE,
    *NOT_NOW,
    asyncpg.InsufficientResourcesError,
    errors.Unavailable,
)
_OURS = (ValueError, PermissionError, FileNotFoundError, IsADirectoryError, NotADirectoryError)
"""The driver's complaint about a value, and what is wrong with a file: no retry mends them."""


def problem_of(error: BaseException) -> Problem | None:
    """Return the problem that tells the caller to come again; None when the error is another."""
    if is_full(error):
        return errors.OutOfSpace()
    if is_away(error):
        return errors.Unavailable(
            "The database does not answer. Look whether it was done, or send the same request"
            " with the same Idempotency-Key again."
        )
    return None


def is_away(error: BaseException) -> bool:
    """Say whether the database is away, full or at its limits, which says nothing about what was
    asked.
    """
    return isinstance(error, _AWAY) and not isinstance(error, _OURS)


def is_full(error: BaseException) -> bool:
    """Say whether a disk is full, the database's or one of ours."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOSPC
    return isinstance(error, asyncpg.DiskFullError | OutOfSpace)
