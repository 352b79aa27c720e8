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


_CYRILLIC_AND_GREEK = (
    "\u0410\u0412\u0415\u0405\u0406\u0408\u041a\u041c\u041d\u041e\u0420\u0421\u0422\u0425\u0430\u0435"
    "\u043e\u0440\u0441\u0443\u0445\u0456\u0458\u0455\u0391\u0392\u0395\u0396\u0397\u0399\u039a\u039c"
    "\u039d\u039f\u03a1\u03a4\u03a5\u03a7\u03bf"
)
_LIKE_LATIN = str.maketrans(_CYRILLIC_AND_GREEK, "ABESIJKMHOPCTXaeopcyxijsABEZHIKMNOPTYXo")
"""Letters that look like those of the Latin alphabet."""


def told_apart(text: str, other: str, limit: int = 2000) -> str:
    """The text as `printable` shows it; in quotes and with escapes where it only looks like `other`.

    Spaces around, a letter in two parts, and a Cyrillic or Greek letter in place of a Latin one are not seen.
    """
    if text == other or _seen(text) != _seen(other):
        return printable(text, limit)
    return printable(ascii(text), limit)


def _seen(text: str) -> str:
    return unicodedata.normalize("NFKC", text).translate(_LIKE_LATIN).strip()


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
