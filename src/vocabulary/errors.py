"""Errors a user can act on: where, what was found, what was expected, what to do."""

from __future__ import annotations


class TieoutError(Exception):
    """Bad input, told in four parts; the command line prints it and exits 2.

    where: file, key, row or bar the trouble is at.
    found: what stands there.
    expected: what would have been right.
    remedy: what the user can do about it.
    """

    def __init__(self, where: str, found: str, expected: str, remedy: str) -> None:
        super().__init__(f"{where}: found {found}; expected {expected}. {remedy}")
        self.where = where
        self.found = found
        self.expected = expected
        self.remedy = remedy


class InputError(TieoutError):
    """A file, key or number of the user's cannot be used."""


class RangeError(TieoutError):
    """A value would leave int64 (U4): the run stopped before a wrong number was recorded."""


class CallableError(TieoutError):
    """A user's function raised, kept memory, or returned what R6 does not allow."""


class OutputError(TieoutError):
    """A result could not be written where it was asked for."""
