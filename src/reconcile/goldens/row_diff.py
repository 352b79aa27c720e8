"""What changed in a golden row by row: its tables, or its summary where it keeps none."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from reconcile.goldens.build import SUMMARY_FILE, TABLES
from reconcile.goldens.model import Golden
from reconcile.text.escape import printable
from vocabulary.ledger import KEYS, SCHEMA


class Mark(Enum):
    """Which side a row stands on; the value stands before it."""

    HEAD = " "
    OLD = "-"
    NEW = "+"


@dataclass(frozen=True, slots=True)
class DiffRow:
    """A row as it is shown. changed: places of the cells that differ from the other side's."""

    mark: Mark
    cells: tuple[str, ...]
    changed: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True)
class FileDiff:
    """The first differing rows of one file, its head before them. differing: how many differ. left: how many
    of them are not shown."""

    file: str
    rows: tuple[DiffRow, ...]
    differing: int
    left: int


Style = Callable[[str, Mark, bool], str]
"""(text, its side, whether it is a cell that changed) -> the text as it is printed."""


def plain(text: str, mark: Mark, changed: bool) -> str:
    """A Style without colour."""
    return text


def row_diffs(before: Golden | None, after: Golden, most: int) -> list[FileDiff]:
    """The files whose rows differ, in the order of cause, with at most so many differing rows of each.

    before: None for a new case, of which every row is new.
    """
    out = []
    tables = [(name, f"{TABLES}/{name}.csv", KEYS[name]) for name in SCHEMA]
    for name, file, keys in (*tables, ("summary", SUMMARY_FILE, ("end",))):
        old, new = ([] if side is None else _rows(side.files.get(file, b"")) for side in (before, after))
        if old != new and (old or new):
            head = (new or old)[0]
            pairs = [pair for pair in _paired(old, new, keys) if pair[0] != pair[1]]
            if pairs:
                shown = [row for pair in pairs[:most] for row in _shown(*pair)]
                left = max(0, len(pairs) - most)
                out.append(FileDiff(name, (DiffRow(Mark.HEAD, head), *shown), len(pairs), left))
    return out


def diff_lines(diff: FileDiff, style: Style = plain, width: int | None = None) -> list[str]:
    """One table: the head, `-` before rows of the golden, `+` before new ones.

    width: where the rows are wider, columns that are neither keys nor changed are left out.
    """
    if width is not None:
        diff = _narrowed(diff, width)
    widths = [max(map(len, column)) for column in zip(*(row.cells for row in diff.rows), strict=True)]
    lines = [f"{diff.file}: {diff.differing:,} {'row differs' if diff.differing == 1 else 'rows differ'}"]
    for row in diff.rows:
        cells = [
            style(cell, row.mark, place in row.changed) + " " * (width - len(cell))
            for place, (cell, width) in enumerate(zip(row.cells, widths, strict=True))
        ]
        lines.append(f"{style(row.mark.value, row.mark, False)} {'  '.join(cells)}".rstrip())
    return [*lines, f"and {diff.left:,} more"] if diff.left else lines


def _narrowed(diff: FileDiff, width: int) -> FileDiff:
    widths = [max(map(len, column)) for column in zip(*(row.cells for row in diff.rows), strict=True)]
    if sum(widths) + 2 * len(widths) <= width:
        return diff
    changed = frozenset(place for row in diff.rows for place in row.changed)
    if not changed:
        return diff  # rows of one side only: every cell counts
    keys = {*KEYS.get(diff.file, ()), "end", "rebalance"}
    kept = [place for place, name in enumerate(diff.rows[0].cells) if name in keys or place in changed]
    rows = tuple(
        DiffRow(
            row.mark,
            tuple(row.cells[place] for place in kept),
            frozenset(new for new, place in enumerate(kept) if place in row.changed),
        )
        for row in diff.rows
    )
    return FileDiff(diff.file, rows, diff.differing, diff.left)


_Row = tuple[str, ...]


def _rows(data: bytes) -> list[_Row]:
    text = data.decode("utf-8", "surrogateescape")
    found = csv.reader(io.StringIO(text, newline=""))
    return [tuple(printable(cell, 40) for cell in row) for row in found]


def _paired(old: list[_Row], new: list[_Row], keys: Sequence[str]) -> list[tuple[_Row | None, _Row | None]]:
    """Rows of one key, in the order of the new file; what it lacks comes after the row that it followed."""
    if old and new and old[0] != new[0]:
        return [*((row, None) for row in old), *((None, row) for row in new)]
    left, right = _keyed(old, keys), _keyed(new, keys)
    order = list(dict.fromkeys([*left, *right]))
    order.sort(key=lambda key: str(key[0]))  # by time, which all keys begin with
    return [(left.get(key), right.get(key)) for key in order]


def _keyed(rows: list[_Row], keys: Sequence[str]) -> dict[tuple[str | int, ...], _Row]:
    """By key, numbered where several rows have one."""
    if not rows:
        return {}
    places = [rows[0].index(name) for name in keys if name in rows[0]]
    seen: Counter[tuple[str, ...]] = Counter()
    out: dict[tuple[str | int, ...], _Row] = {}
    for row in rows[1:]:
        key = tuple(row[place] if place < len(row) else "" for place in places)
        seen[key] += 1
        out[(*key, seen[key])] = row
    return out


def _shown(old: _Row | None, new: _Row | None) -> list[DiffRow]:
    """Both rows of a key, or the one that is there. A running number is no change of its own."""
    changed: frozenset[int] = frozenset()
    if old is not None and new is not None:
        changed = frozenset(place for place, (a, b) in enumerate(zip(old, new, strict=False)) if a != b)
    sides = ((Mark.OLD, old), (Mark.NEW, new))
    return [DiffRow(mark, row, changed) for mark, row in sides if row is not None]
