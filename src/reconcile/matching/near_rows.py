"""Rows without partner that are one row all the same: told under another symbol or side, or some bars off."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from reconcile.matching.cells import Array, Comparable, Rows
from reconcile.matching.pair_rows import SEQUENCE, key_codes, taken
from reconcile.matching.row_hashes import row_hashes

WINDOW = 3
"""Bars by which the same trade may be off and still be the same trade."""
TIMED = ("orders", "fills")
"""Tables whose rows are trades."""


@dataclass(frozen=True, slots=True)
class Near:
    """Rows (left, right) that differ in the key column `field`, and rows still without partner."""

    found: tuple[tuple[str, Rows, Rows], ...]
    missing: Rows
    extra: Rows


def near_rows(
    table: str,
    keys: dict[str, Comparable],
    values: dict[str, Comparable],
    unmatched: tuple[Rows, Rows],
    bars: Array,
) -> Near:
    """Pair missing and extra rows that are equal but for side or symbol, then those some bars off: the same
    trade (symbol, side, quantity), or a row of another table with the same content.

    bars: all timestamps of both ledgers, ascending.
    """
    missing, extra = unmatched
    found: list[tuple[str, Rows, Rows]] = []
    for name in ("side", "symbol"):
        if name in keys and len(keys) > 1 and values and len(missing) and len(extra):
            rest = [column for key, column in keys.items() if key != name]
            pairs = _equal_but_one(rest, values, missing, extra)
            missing, extra = _record(found, name, pairs, missing, extra)
    time = next(iter(keys))
    if "symbol" in keys and "quantity" in values and table in TIMED:
        alike = [column for key, column in keys.items() if key != time] + [values["quantity"]]
        codes = key_codes([taken(key, missing, extra) for key in alike])
    else:
        rest = [column for key, column in keys.items() if key != time]
        codes = _content_codes(rest, values, missing, extra)
    if len(missing) and len(extra):
        pairs = _some_bars_off(codes, keys[time], missing, extra, bars)
        missing, extra = _record(found, time, pairs, missing, extra)
    return Near(tuple(found), missing, extra)


def _content_codes(
    keys: list[Comparable], values: dict[str, Comparable], missing: Rows, extra: Rows
) -> tuple[Array, Array]:
    """A code for the whole content of a row but its time."""
    content = {name: column for name, column in values.items() if name not in (SEQUENCE, "rebalance")}
    if not content:
        return np.arange(len(missing)), -1 - np.arange(len(extra))
    left, right = row_hashes({**{str(i): key for i, key in enumerate(keys)}, **content}, missing, extra)
    return left, right


def _record(
    found: list[tuple[str, Rows, Rows]], name: str, pairs: list[tuple[int, int]], missing: Rows, extra: Rows
) -> tuple[Rows, Rows]:
    if not pairs:
        return missing, extra
    at = np.array(pairs, np.int64)
    found.append((name, missing[at[:, 0]], extra[at[:, 1]]))
    return np.delete(missing, at[:, 0]), np.delete(extra, at[:, 1])


def _equal_but_one(
    keys: list[Comparable], values: dict[str, Comparable], missing: Rows, extra: Rows
) -> list[tuple[int, int]]:
    """Places of rows with equal keys and equal content; only where that is unambiguous."""
    left, right = key_codes([taken(key, missing, extra) for key in keys])
    content = {name: column for name, column in values.items() if name != SEQUENCE}
    lh, rh = row_hashes(content, missing, extra)
    by_left, by_right = _places(left, lh), _places(right, rh)
    return [
        (rows[0], by_right[key][0])
        for key, rows in by_left.items()
        if len(rows) == 1 and len(by_right.get(key, ())) == 1
    ]


def _places(codes: Rows, hashes: Array) -> dict[tuple[int, int], list[int]]:
    out: dict[tuple[int, int], list[int]] = defaultdict(list)
    for place, key in enumerate(zip(codes.tolist(), hashes.tolist(), strict=True)):
        out[key].append(place)
    return out


def _some_bars_off(
    codes: tuple[Array, Array], time: Comparable, missing: Rows, extra: Rows, bars: Array
) -> list[tuple[int, int]]:
    """Places of rows of one code at most WINDOW bars apart, the nearest first."""
    left, right = codes
    lb = np.searchsorted(bars, time.reference[missing])
    rb = np.searchsorted(bars, time.candidate[extra])
    by_code: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for place, (code, bar) in enumerate(zip(right.tolist(), rb.tolist(), strict=True)):
        by_code[code].append((bar, place))
    for rows in by_code.values():
        rows.sort()
    options = []
    for place, (code, bar) in enumerate(zip(left.tolist(), lb.tolist(), strict=True)):
        rows = by_code.get(code, [])
        for other, partner in rows[
            bisect_left(rows, (bar - WINDOW, -1)) : bisect_left(rows, (bar + WINDOW + 1, -1))
        ]:
            options.append((abs(other - bar), min(bar, other), max(bar, other), place, partner))
    taken_l: set[int] = set()
    taken_r: set[int] = set()
    pairs = []
    for *_, place, partner in sorted(options):
        if place not in taken_l and partner not in taken_r:
            taken_l.add(place)
            taken_r.add(partner)
            pairs.append((place, partner))
    return pairs
