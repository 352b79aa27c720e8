"""How pages are laid out: labels in a first column, tables with aligned columns, Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from reconcile.text.escape import printable

LABEL = 14
"""Width of the labels at the left of every page."""
_MARKS = {ord(mark): f"\\{mark}" for mark in "\\`*_[]~"} | {ord(mark): f"&#{ord(mark)};" for mark in "<>&|#"}


def labelled(label: str, lines: Iterable[str]) -> Iterator[str]:
    """Lines with a label before the first and the same space before the others."""
    for place, line in enumerate(lines):
        yield f"{'' if place else label:<{LABEL}}{line}"


def aligned(rows: Iterable[Sequence[str]], sides: str, *, label: bool = False) -> list[str]:
    """Rows as lines of equally wide columns, two spaces apart; nothing for no rows.

    sides: how each column is aligned: "<" left, ">" right. One mark more than given is repeated: a table of
    any width with one left column is "<>". label: the first column is one of labels, LABEL wide or wider,
    and no space is added after it.
    """
    table = [tuple(row) for row in rows]
    if not table:
        return []
    sides = sides.ljust(len(table[0]), sides[-1])
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    first = [LABEL if label else 0, *[0] * (len(widths) - 1)]
    widths = [max(width, least) for width, least in zip(widths, first, strict=True)]
    lines = []
    for row in table:
        cells = [f"{cell:{side}{width}}" for cell, side, width in zip(row, sides, widths, strict=True)]
        text = cells[0] + "  ".join(cells[1:]) if label else "  ".join(cells)
        lines.append(text.rstrip())
    return lines


def wrapped(line: str, width: int | None) -> list[str]:
    """A line cut at spaces, so that no word and no number is broken; what follows is indented further.

    Colours take no width. None: the line as it is.
    """
    if width is None or _visible(line) <= width:
        return [line]
    body = line.lstrip(" ")
    indent = " " * (len(line) - len(body) + 4)
    lines, current = [], line[: len(line) - len(body)]
    for word in re.findall(r" *[^ ]+", body):
        if current.strip() and _visible(current + word) > width:
            lines.append(current)
            current = indent + word.lstrip(" ")
        else:
            current += word
    return [*lines, current]


def _visible(text: str) -> int:
    return len(re.sub(r"\x1b\[[0-9;]*m", "", text))


def markdown_escaped(text: object) -> str:
    """Text from data, made safe for Markdown: neither markup nor HTML can come out of it."""
    return printable(text).translate(_MARKS)


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a Markdown table with escaped cells; nothing for no rows."""
    lines = [f"| {' | '.join(markdown_escaped(cell) for cell in row)} |" for row in rows]
    if not lines:
        return []
    return [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}", *lines]
