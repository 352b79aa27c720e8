"""Text from data, made safe to show."""

from __future__ import annotations

import unicodedata

_HIDDEN = {"Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp"}
"""Categories that move the cursor, turn the writing direction, or show nothing."""


def printable(text: object, limit: int = 2000) -> str:
    """`text` on one line: control, direction and unassigned characters as escapes, the rest as it is.

    A symbol can so neither colour the terminal, nor overwrite a line, nor start one of its own.
    """
    shown = str(text)
    if not (shown.isascii() and shown.isprintable()):
        shown = "".join(_escape(c) if unicodedata.category(c) in _HIDDEN else c for c in shown)
    return shown if len(shown) <= limit else f"{shown[:limit]}... ({len(shown):,} characters)"


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")
