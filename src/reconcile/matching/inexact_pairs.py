"""Pairs rows that have no equal partner: several rows of one key, and rows whose key differs a little.

Several rows of one key, in this order:
1. fills that sum to the same quantity in another number of parts, or in other parts at one price, are
   compared as one (quantity, and price weighted by quantity);
2. a surplus row that equals another row is a duplicate;
3. one fill and several fills are compared as one;
4. other rows are paired, those equal in quantity and price first; the rest is missing or extra. Which rows
   belong together is then a guess, but it does not depend on the order of rows and sides.

Afterwards, missing and extra rows that are equal but for symbol or side, or some bars apart, are paired.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from reconcile.matching.axis import codes_in
from reconcile.matching.cells import Array, Comparable, Rows
from reconcile.matching.pair_rows import EMPTY, SEQUENCE, key_codes, row_hashes, select_rows

Sortable = tuple[tuple[int, Any], ...]


@dataclass(frozen=True, slots=True)
class _Row:
    """One row: its place in the table, its content in sortable form, its sequence number."""

    at: int
    content: Sortable
    sequence: tuple[int, Any]
    quantity: Any
    price: Any


@dataclass(slots=True)
class GroupPairing:
    """How the rows of one group are paired; all are places in the tables.

    pairs: (left, right). merged: rows of both sides to compare as one. left_twins, right_twins: duplicates.
    left, right: rows without partner.
    """

    pairs: list[tuple[int, int]] = field(default_factory=list)
    merged: tuple[list[int], list[int]] | None = None
    left_twins: list[int] = field(default_factory=list)
    right_twins: list[int] = field(default_factory=list)
    left: list[int] = field(default_factory=list)
    right: list[int] = field(default_factory=list)


def pair_group(
    columns: dict[str, Comparable], left: Rows, right: Rows, twins: tuple[set[int], set[int]], can_merge: bool
) -> GroupPairing:
    """Pair the rows of one group. The result depends neither on the order of rows nor on that of the sides.

    columns: the value columns. twins: rows of each side that equal an already paired row of the other side.
    can_merge: whether rows may be summed (fills).
    """
    a, b, out = _rows(columns, left, 0), _rows(columns, right, 1), GroupPairing()
    mergeable = can_merge and bool(a) and bool(b)
    if mergeable and _is_same_trade(a, b):
        out.merged = ([row.at for row in a], [row.at for row in b])
        return out
    out.left_twins = _drop_twins(a, len(b), twins[0])
    out.right_twins = _drop_twins(b, len(a), twins[1])
    if mergeable and len(a) != len(b) and min(len(a), len(b)) == 1:
        out.merged = ([row.at for row in a], [row.at for row in b])
        return out
    for alike in (lambda row: (row.quantity, row.price), lambda row: row.quantity, lambda row: row.price):
        _pair_alike(a, b, alike, out)
    rest = min(len(a), len(b))
    out.pairs += [(x.at, y.at) for x, y in zip(a[:rest], b[:rest], strict=True)]
    out.left, out.right = [row.at for row in a[rest:]], [row.at for row in b[rest:]]
    return out


def _rows(columns: dict[str, Comparable], rows: Rows, side: int) -> list[_Row]:
    """The rows ordered by content; the sequence number decides last."""
    out = []
    for at in rows.tolist():
        values = {name: _sortable(column, at, side) for name, column in columns.items()}
        content = tuple(value for name, value in values.items() if name != SEQUENCE)
        empty = (0, 0)
        out.append(
            _Row(at, content, values.get(SEQUENCE, empty), values.get("quantity"), values.get("price"))
        )
    return sorted(out, key=lambda row: (row.quantity or empty, row.price or empty, row.content, row.sequence))


def _sortable(column: Comparable, row: int, side: int) -> tuple[int, Any]:
    """(0, 0) for an empty cell, (1, value), or (2, text) for NaN and infinities."""
    missing = column.candidate_missing if side else column.reference_missing
    if missing is not None and missing[row]:
        return (0, 0)
    value = (column.candidate if side else column.reference)[row]
    if column.words is not None:
        return (1, column.words[int(value)])
    if column.floats:
        return (1, float(value)) if np.isfinite(value) else (2, repr(float(value)))
    return (1, int(value))


def _is_same_trade(a: list[_Row], b: list[_Row]) -> bool:
    """Whether both sides sum to one quantity in parts that cannot be paired: of another number, or all at one
    price with other quantities.
    """
    if _total(a) is None or _total(a) != _total(b):
        return False
    if len(a) != len(b):
        return True
    prices = {row.price for row in (*a, *b)}
    quantities = [sorted(row.quantity for row in rows) for rows in (a, b)]
    return len(prices) == 1 and quantities[0] != quantities[1]


def _total(rows: list[_Row]) -> Any:
    """The sum of the quantities, None where one is no number."""
    if any(row.quantity is None or row.quantity[0] != 1 for row in rows):
        return None
    return sum(row.quantity[1] for row in rows)


def _drop_twins(rows: list[_Row], wanted: int, twins: set[int]) -> list[int]:
    """Remove surplus rows from `rows`: first those with a twin on the other side, then repeated ones."""
    dropped: list[int] = []
    for row in [row for row in rows if row.at in twins]:
        if len(rows) > wanted:
            rows.remove(row)
            dropped.append(row.at)
    if not wanted:
        return dropped
    for earlier, row in list(pairwise(rows)):
        if len(rows) > wanted and earlier.content == row.content:
            rows.remove(row)
            dropped.append(row.at)
    return dropped


def _pair_alike(a: list[_Row], b: list[_Row], alike: Callable[[_Row], Any], out: GroupPairing) -> None:
    """Pair rows for which `alike` gives the same value, in order, and remove them from both lists."""
    for row in list(a):
        partner = next((other for other in b if alike(other) == alike(row)), None)
        if partner is not None:
            out.pairs.append((row.at, partner.at))
            a.remove(row)
            b.remove(partner)


WINDOW = 3
"""Two rows at most this many bars apart may be the same trade."""
TIMED = ("orders", "fills")
"""Tables whose rows are trades."""


@dataclass(frozen=True, slots=True)
class NearPairs:
    """found.

    (key column that differs, reference rows, candidate rows). missing, extra: rows without partner.
    """

    found: tuple[tuple[str, Rows, Rows], ...]
    missing: Rows
    extra: Rows


def pair_near_rows(
    table: str,
    keys: dict[str, Comparable],
    values: dict[str, Comparable],
    unmatched: tuple[Rows, Rows],
    bars: Array,
) -> NearPairs:
    """Pair missing and extra rows that are one row with a wrong side, symbol or time.

    First rows that are equal but for side or symbol. Then rows some bars apart: of orders and fills those
    with the same symbol, side and quantity, of other tables those with the same content. unmatched: missing
    and extra rows. bars: all timestamps of both ledgers, ascending.
    """
    missing, extra = unmatched
    found: list[tuple[str, Rows, Rows]] = []
    if values and len(keys) > 1 and len(missing) and len(extra) and {"side", "symbol"} & set(keys):
        content = {name: column for name, column in values.items() if name != SEQUENCE}
        hashes = row_hashes(content, missing, extra)
        for name in ("side", "symbol"):
            if name in keys:
                rest = {key: column for key, column in keys.items() if key != name}
                places = _equal_once(*row_hashes(rest, missing, extra, hashes))
                hashes = np.delete(hashes[0], places[0]), np.delete(hashes[1], places[1])
                missing, extra = _record(found, name, places, missing, extra)
    time = next(iter(keys))
    if "symbol" in keys and "quantity" in values and table in TIMED:
        alike = [column for key, column in keys.items() if key != time] + [values["quantity"]]
        codes = key_codes([select_rows(key, missing, extra) for key in alike])
    else:
        rest_of_keys = [column for key, column in keys.items() if key != time]
        codes = _content_codes(rest_of_keys, values, missing, extra)
    if len(missing) and len(extra):
        places = _some_bars_off(codes, keys[time], missing, extra, bars)
        missing, extra = _record(found, time, places, missing, extra)
    return NearPairs(tuple(found), missing, extra)


def _content_codes(
    keys: list[Comparable], values: dict[str, Comparable], missing: Rows, extra: Rows
) -> tuple[Array, Array]:
    """A code for the whole content of each row except its time."""
    content = {name: column for name, column in values.items() if name not in (SEQUENCE, "rebalance")}
    if not content:
        return np.arange(len(missing)), -1 - np.arange(len(extra))
    left, right = row_hashes({**{str(i): key for i, key in enumerate(keys)}, **content}, missing, extra)
    return left, right


def _record(
    found: list[tuple[str, Rows, Rows]], name: str, places: tuple[Rows, Rows], missing: Rows, extra: Rows
) -> tuple[Rows, Rows]:
    """Add the rows at these places to `found`; returns the rows that are left."""
    left, right = places
    if not len(left):
        return missing, extra
    found.append((name, missing[left], extra[right]))
    return np.delete(missing, left), np.delete(extra, right)


def _equal_once(left: Array, right: Array) -> tuple[Rows, Rows]:
    """Places of hashes that stand exactly once on each side, pair by pair."""
    common = _common(left, right, once=True)
    places = [np.flatnonzero(_among(side, common)) for side in (left, right)]
    one, other = (rows[np.argsort(side[rows])] for rows, side in zip(places, (left, right), strict=True))
    return one, other


def _common(left: Array, right: Array, once: bool = False) -> Array:
    """The values that stand on both sides, ascending. once: only those that stand once on each.

    (Sorted by hand: `numpy.isin` hashes, which takes several times as long for millions of integers.)
    """
    a, b = np.sort(left), np.sort(right)
    if not len(a) or not len(b):
        return a[:0]
    at = np.minimum(np.searchsorted(b, a), len(b) - 1)
    hit = b[at] == a
    if once:
        return np.asarray(a[hit & _single(a) & _single(b)[at]])
    common = a[hit]
    first = np.ones(len(common), np.bool_)
    first[1:] = common[1:] != common[:-1]
    return np.asarray(common[first])


def _among(values: Array, ordered: Array) -> npt.NDArray[np.bool_]:
    """Which values stand in a sorted array."""
    if not len(ordered):
        return np.zeros(len(values), np.bool_)
    at = np.minimum(_search(ordered, values), len(ordered) - 1)
    return np.asarray(ordered[at] == values)


def _search(ordered: Array, values: Array, side: Literal["left", "right"] = "left") -> Rows:
    """`searchsorted` by ascending values.

    For millions of them in any other order it takes ten times as long.
    """
    order = np.argsort(values)
    out = np.empty(len(values), np.int64)
    out[order] = np.searchsorted(ordered, values[order], side)
    return out


def _single(ordered: Array) -> npt.NDArray[np.bool_]:
    """Which values of a sorted array stand in it once."""
    same = ordered[1:] == ordered[:-1]
    out = np.ones(len(ordered), np.bool_)
    out[1:] &= ~same
    out[:-1] &= ~same
    return out


def _some_bars_off(
    codes: tuple[Array, Array], time: Comparable, missing: Rows, extra: Rows, bars: Array
) -> tuple[Rows, Rows]:
    """Places of rows of one code that are at most WINDOW bars apart; the closest are paired first."""
    common = _common(*codes)
    left, right = (np.flatnonzero(_among(side, common)) for side in codes)
    if not len(left):
        return EMPTY, EMPTY
    mine = np.concatenate([codes[0][left], codes[1][right]])
    dense = _search(common, mine)
    lb = codes_in(time.reference[missing[left]], bars)
    rb = codes_in(time.candidate[extra[right]], bars)
    # One number per code and bar, so far apart that a window never reaches the next code.
    span = len(bars) + 2 * WINDOW + 1
    lk, rk = dense[: len(left)] * span + lb, dense[len(left) :] * span + rb
    order = np.argsort(rk, kind="stable")
    ordered = rk[order]
    first = _search(ordered, lk - WINDOW)
    counts = _search(ordered, lk + WINDOW, "right") - first
    options = np.repeat(np.arange(len(left)), counts)
    offsets = np.arange(len(options)) - np.repeat(np.cumsum(counts) - counts, counts)
    partners = order[np.repeat(first, counts) + offsets]
    return _closest(left, right, lb, rb, options, partners)


def _closest(left: Rows, right: Rows, lb: Rows, rb: Rows, options: Rows, partners: Rows) -> tuple[Rows, Rows]:
    """Choose among pairs of places (options, partners) in `left` and `right`: each place once, closest first.

    lb, rb: their bars. A pair whose places are in no other pair needs no choice.
    """
    lonely = (np.bincount(options, minlength=len(left))[options] == 1) & (
        np.bincount(partners, minlength=len(right))[partners] == 1
    )
    a, b = lb[options[~lonely]], rb[partners[~lonely]]
    rest, other = options[~lonely], partners[~lonely]
    order = np.lexsort((right[other], left[rest], np.maximum(a, b), np.minimum(a, b), np.abs(a - b)))
    taken: tuple[set[int], set[int]] = (set(), set())
    pairs = []
    for place, partner in zip(rest[order].tolist(), other[order].tolist(), strict=True):
        if place not in taken[0] and partner not in taken[1]:
            taken[0].add(place)
            taken[1].add(partner)
            pairs.append((place, partner))
    chosen = np.array(pairs, np.int64).reshape(-1, 2)
    ones = np.concatenate([options[lonely], chosen[:, 0]])
    others = np.concatenate([partners[lonely], chosen[:, 1]])
    return left[ones], right[others]
