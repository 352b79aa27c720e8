"""Escaping of text that comes from data."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

_HIDDEN = {"Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp"}
"""Unicode categories of characters that move the cursor, change the writing direction, or are invisible."""


def printable(text: object, limit: int = 2000) -> str:
    """The text on one line, with escapes for control, direction and unassigned characters.

    limit: the most characters shown. Without escapes, a symbol could colour the terminal or hide a line.
    """
    shown = str(text)
    if not (shown.isascii() and shown.isprintable()):
        shown = "".join(_escape(c) if unicodedata.category(c) in _HIDDEN else c for c in shown)
    return shown if len(shown) <= limit else f"{shown[:limit]}... ({len(shown):,} characters)"


def error_message(error: BaseException) -> str:
    """The message of an exception, also of one whose `__str__` raises."""
    try:
        return str(error)
    except BaseException:  # the class is a user's, and may do anything
        return "(an error that has no text)"


def error_text(error: BaseException) -> str:
    """`Type: message` of an exception."""
    return f"{type(error).__name__}: {error_message(error)}"


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def near_remedy(names: Sequence[str], known: Sequence[str], otherwise: str = "Correct the name.") -> str:
    """`Did you mean 'exit-time'?` for the first unknown name that is nearly a known one, else `otherwise`."""
    from difflib import get_close_matches

    unknown = [name for name in names if name not in known]
    near = next((found[0] for name in unknown if (found := get_close_matches(name, known, 1))), None)
    return otherwise if near is None else f"Did you mean {near!r}?"
