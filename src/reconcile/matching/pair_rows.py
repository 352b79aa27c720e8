"""Pairs the rows of two tables by key, never by position.

1. Where the key columns of both sides are equal row by row, row i belongs to row i. This is only a short cut:
   differing rows whose key repeats go through 3.
2. A key with one row on each side pairs these two rows.
3. Of several rows with one key, equal rows are paired first, by hashes; the others become a group, which
   `inexact_pairs` pairs.
4. Every other row has no partner: it is missing or extra.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from reconcile.matching.axis import SPARE, codes_in, distinct_values
from reconcile.matching.cells import Array, Comparable, Rows, differing
from vocabulary.ledger import Kind

EMPTY: Rows = np.zeros(0, np.int64)


SEQUENCE = "sequence"
"""The position in the order of execution. It tells equal rows apart, but is not part of their content."""


@dataclass(slots=True)
class Pairing:
    """Paired rows, and rows without partner.

    in_place: where row i belongs to row i (1), the differing rows by column; else None.
    left, right: the other pairs; pair i is reference row left[i] and candidate row right[i].
    groups: (reference rows, candidate rows) of one key without equal partners (3).
    missing, extra: rows of the reference and of the candidate without partner (4).
    left_twins, right_twins: rows of groups that equal a row of the other side but for the sequence number.
    """

    in_place: dict[str, Rows] | None
    left: Rows
    right: Rows
    groups: list[tuple[Rows, Rows]] = field(default_factory=list)
    missing: Rows = field(default_factory=lambda: EMPTY)
    extra: Rows = field(default_factory=lambda: EMPTY)
    left_twins: Rows = field(default_factory=lambda: EMPTY)
    right_twins: Rows = field(default_factory=lambda: EMPTY)


def pair_rows(
    keys: list[Comparable], values: dict[str, Comparable], rows: tuple[int, int], bars: Array
) -> Pairing:
    """Pair the rows of two tables of rows[0] and rows[1] rows.

    keys: the key columns. values: the other columns, used to tell apart rows of one key. bars: the
    timestamps of both tables, ascending.
    """
    if rows[0] == rows[1] and not any(bool(differing(key).any()) for key in keys):
        return _pair_in_place(keys, values, bars)
    left, right, width = _codes(keys, bars)
    if width <= SPARE * (rows[0] + rows[1]):
        return _join_by_table(left, right, width, values)
    return _join_by_sorting(left, right, values)


def _pair_in_place(keys: list[Comparable], values: dict[str, Comparable], bars: Array) -> Pairing:
    """1: pair row i with row i, except among differing rows that share a key."""
    in_place = {name: np.flatnonzero(differing(column)) for name, column in values.items()}
    among = _repeated(keys, in_place, bars)
    if not len(among):
        return Pairing(in_place, EMPTY, EMPTY)
    # Rows that are equal in place may be removed from both sides: what remains, as a multiset, does not
    # depend on how equal rows are paired. So only the differing rows can need another partner.
    codes, _ = key_codes([select_rows(key, among, among) for key in keys])
    part = {name: select_rows(column, among, among) for name, column in values.items()}
    inner = _join_by_sorting(codes, codes, part)
    in_place = {name: rows[~np.isin(rows, among)] for name, rows in in_place.items()}
    groups = [(among[a], among[b]) for a, b in inner.groups]
    return Pairing(in_place, among[inner.left], among[inner.right], groups)


def _repeated(keys: list[Comparable], in_place: dict[str, Rows], bars: Array) -> Rows:
    """The differing rows that share their key with another differing row, ascending."""
    differs = np.zeros(len(keys[0].reference) if keys else 0, np.bool_)
    for rows in in_place.values():
        differs[rows] = True
    changed = np.flatnonzero(differs)
    if len(changed) < 2:
        return EMPTY
    codes, _, width = _codes([select_rows(key, changed, changed) for key in keys], bars)
    if width <= SPARE * len(changed):
        return changed[np.bincount(codes, minlength=width)[codes] > 1]
    ordered = np.sort(codes)
    twice = ordered[1:][ordered[1:] == ordered[:-1]]
    if not len(twice):
        return EMPTY
    shared = twice[np.minimum(np.searchsorted(twice, codes), len(twice) - 1)] == codes
    return np.asarray(changed[shared])


def select_rows(column: Comparable, left: Rows, right: Rows) -> Comparable:
    """The column restricted to some rows of each side."""
    return Comparable(
        column.kind,
        column.reference[left],
        column.candidate[right],
        None if column.reference_missing is None else column.reference_missing[left],
        None if column.candidate_missing is None else column.candidate_missing[right],
        column.floats,
        column.scale,
        column.words,
        column.doubles,
    )


def key_codes(keys: list[Comparable]) -> tuple[Rows, Rows]:
    """One integer per row; two rows have the same one exactly where their keys are equal."""
    left, right, _ = _codes(keys, None)
    return left, right


def _codes(keys: list[Comparable], bars: Array | None) -> tuple[Rows, Rows, int]:
    """Codes of both sides and their bound.

    They lie in [0, bound). bars: as in `pair_rows`, None if unknown.
    """
    left = right = None
    width = 1
    for key in keys:
        a, b, size = _dense(key, bars)
        if left is None or right is None:
            left, right, width = a, b, size
            continue
        if width > (2**62) // max(size, 1):
            left, right, width = _coded(left, right, None)
        left, right = left * np.int64(size) + a, right * np.int64(size) + b
        width *= size
    assert left is not None and right is not None
    return left, right, width


def _dense(key: Comparable, bars: Array | None) -> tuple[Rows, Rows, int]:
    """Codes of one key column and their bound; an empty cell has code 0."""
    if key.words is not None:
        a, b = (side.astype(np.int64) + 1 for side in (key.reference, key.candidate))
        size = len(key.words) + 1
    else:
        a, b, size = _coded(key.reference, key.candidate, bars if key.kind is Kind.TIMESTAMP else None)
    if key.reference_missing is not None:
        a = np.where(key.reference_missing, 0, a)
    if key.candidate_missing is not None:
        b = np.where(key.candidate_missing, 0, b)
    return a, b, size


def _coded(left: Array, right: Array, known: Array | None) -> tuple[Rows, Rows, int]:
    distinct = np.union1d(distinct_values(left), distinct_values(right)) if known is None else known
    # The value under an empty cell may be unknown; the caller gives it code 0.
    return codes_in(left, distinct) + 1, codes_in(right, distinct) + 1, len(distinct) + 2


def _join_by_table(left: Rows, right: Rows, width: int, values: dict[str, Comparable]) -> Pairing:
    """2, 4: join through a table with one place per code; rows of repeated keys are joined by sorting."""
    place: Rows = np.full(width, -1, np.int64 if len(left) >= 2**31 else np.int32)
    place[left] = np.arange(len(left))
    again = np.zeros(width, np.bool_)
    again[left[place[left] != np.arange(len(left))]] = True
    partner = place[right]
    # A key also repeats where two rows of the right meet one row of the left.
    place = np.full(len(left) + 1, -1, place.dtype)
    place[partner] = np.arange(len(right))
    again[right[(partner >= 0) & (place[partner] != np.arange(len(right)))]] = True
    repeated = bool(again.any())
    found = (partner >= 0) & ~again[right] if repeated else partner >= 0
    extra = np.flatnonzero(partner < 0)
    rights = np.flatnonzero(found)
    lefts = partner[rights].astype(np.int64)
    lonely = np.ones(len(left), np.bool_)
    lonely[lefts] = False
    if not repeated:
        return Pairing(None, lefts, rights, [], np.flatnonzero(lonely), extra)
    lonely &= ~again[left]
    extra = extra[~again[right[extra]]]
    among = np.flatnonzero(again[left]), np.flatnonzero(again[right])
    part = {name: select_rows(column, *among) for name, column in values.items()}
    inner = _join_by_sorting(left[among[0]], right[among[1]], part)
    return Pairing(
        None,
        np.concatenate([lefts, among[0][inner.left]]),
        np.concatenate([rights, among[1][inner.right]]),
        [(among[0][a], among[1][b]) for a, b in inner.groups],
        np.sort(np.concatenate([np.flatnonzero(lonely), among[0][inner.missing]])),
        np.sort(np.concatenate([extra, among[1][inner.extra]])),
        among[0][inner.left_twins],
        among[1][inner.right_twins],
    )


def _join_by_sorting(left: Rows, right: Rows, values: dict[str, Comparable]) -> Pairing:
    """2 to 4: join by sorting the codes."""
    lo, ro = np.argsort(left, kind="stable"), np.argsort(right, kind="stable")
    lk, lf, lc = _runs(left[lo])
    rk, rf, rc = _runs(right[ro])
    at = np.searchsorted(rk, lk)
    hit = at < len(rk)
    hit[hit] = rk[at[hit]] == lk[hit]
    li, ri = np.flatnonzero(hit), at[hit]
    single = (lc[li] == 1) & (rc[ri] == 1)
    pairs_l, pairs_r = lo[lf[li[single]]], ro[rf[ri[single]]]
    lonely = np.ones(len(rk), np.bool_)
    lonely[ri] = False
    missing = _expand(lo, lf[~hit], lc[~hit])
    extra = _expand(ro, rf[lonely], rc[lonely])
    out = Pairing(None, pairs_l, pairs_r, [], missing, extra)
    if not bool(single.all()):
        _pair_several(out, lo, ro, (lf, lc, li[~single]), (rf, rc, ri[~single]), values)
    return out


def _runs(codes: Rows) -> tuple[Rows, Rows, Rows]:
    """The distinct codes of a sorted array, the place where each starts, and its count."""
    if not len(codes):
        return EMPTY, EMPTY, EMPTY
    first = np.flatnonzero(np.concatenate([[True], codes[1:] != codes[:-1]]))
    return codes[first], first, np.diff(np.append(first, len(codes)))


def _expand(order: Rows, first: Rows, count: Rows) -> Rows:
    """The rows of some runs of equal codes, ascending."""
    if not len(first):
        return EMPTY
    offsets = np.arange(int(count.sum())) - np.repeat(np.cumsum(count) - count, count)
    return np.sort(order[np.repeat(first, count) + offsets])


def _pair_several(
    out: Pairing,
    lo: Rows,
    ro: Rows,
    lefts: tuple[Rows, Rows, Rows],
    rights: tuple[Rows, Rows, Rows],
    values: dict[str, Comparable],
) -> None:
    """3: pair equal rows of one key, first including their sequence numbers, then without; group the rest."""
    left, lg = _members(lo, *lefts)
    right, rg = _members(ro, *rights)
    content = {name: column for name, column in values.items() if name != SEQUENCE}
    out.left_twins, out.right_twins = _twins(content, (left, lg), (right, rg))
    for columns in [values] if SEQUENCE not in values else [values, content]:
        lh, rh = row_hashes(columns, left, right)
        taken_l, taken_r = equal_rows(lg, lh, rg, rh)
        out.left = np.concatenate([out.left, left[taken_l]])
        out.right = np.concatenate([out.right, right[taken_r]])
        keep_l, keep_r = np.ones(len(left), np.bool_), np.ones(len(right), np.bool_)
        keep_l[taken_l], keep_r[taken_r] = False, False
        left, lg, right, rg = left[keep_l], lg[keep_l], right[keep_r], rg[keep_r]
    ordered_l, ordered_r = np.argsort(lg, kind="stable"), np.argsort(rg, kind="stable")
    left, lg, right, rg = left[ordered_l], lg[ordered_l], right[ordered_r], rg[ordered_r]
    for group in np.union1d(lg, rg):
        a = left[np.searchsorted(lg, group) : np.searchsorted(lg, group, "right")]
        b = right[np.searchsorted(rg, group) : np.searchsorted(rg, group, "right")]
        out.groups.append((a, b))


def _twins(
    content: dict[str, Comparable], lefts: tuple[Rows, Rows], rights: tuple[Rows, Rows]
) -> tuple[Rows, Rows]:
    """Rows of each side whose content the other side has under the same key."""
    lh, rh = row_hashes(content, lefts[0], rights[0])
    lh, rh = mixed(lh, lefts[1].view(np.uint64)), mixed(rh, rights[1].view(np.uint64))
    return lefts[0][np.isin(lh, rh)], rights[0][np.isin(rh, lh)]


def _members(order: Rows, first: Rows, count: Rows, runs: Rows) -> tuple[Rows, Rows]:
    """The rows of the chosen runs, and for each row the place of its run in `runs`."""
    f, c = first[runs], count[runs]
    offsets = np.arange(int(c.sum())) - np.repeat(np.cumsum(c) - c, c)
    return order[np.repeat(f, c) + offsets], np.repeat(np.arange(len(runs)), c)


Hashes = npt.NDArray[np.uint64]


def row_hashes(
    columns: dict[str, Comparable], left: Rows, right: Rows, before: tuple[Hashes, Hashes] | None = None
) -> tuple[Hashes, Hashes]:
    """A hash of each row's values, the same for equal rows.

    A NaN is hashed by its bits. before: hashes to add to.
    """
    a, b = before or (np.zeros(len(left), np.uint64), np.zeros(len(right), np.uint64))
    for column in columns.values():
        a = mixed(a, _bits(column.reference[left], _part(column.reference_missing, left)))
        b = mixed(b, _bits(column.candidate[right], _part(column.candidate_missing, right)))
    return a, b


def _part(mask: npt.NDArray[np.bool_] | None, rows: Rows) -> npt.NDArray[np.bool_] | None:
    return None if mask is None else mask[rows]


def _bits(values: Array, missing: npt.NDArray[np.bool_] | None) -> Hashes:
    if values.dtype.kind == "f":
        bits = (values + 0.0).view(np.uint64)  # -0.0 + 0.0 is 0.0
    elif values.dtype == object:
        bits = np.array([hash(int(v)) & (2**64 - 1) for v in values], np.uint64)
    else:
        bits = values.astype(np.int64, copy=False).view(np.uint64)
    return bits if missing is None else np.where(missing, np.uint64(0x9E3779B97F4A7C15), bits)


def mixed(state: Hashes, bits: Hashes) -> Hashes:
    """The hashes with one more column (mixed by the finaliser of splitmix64)."""
    z = (state * np.uint64(0x9E3779B97F4A7C15)) ^ (bits + np.uint64(0x9E3779B97F4A7C15))
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)), np.uint64)


def equal_rows(lg: Rows, lh: Hashes, rg: Rows, rh: Hashes) -> tuple[Rows, Rows]:
    """Pairs of places with equal group and hash; each place is used once."""
    groups, hashes = np.concatenate([lg, rg]), np.concatenate([lh, rh])
    is_right = np.arange(len(groups)) >= len(lg)
    order = np.lexsort((is_right, hashes, groups))
    if not len(order):
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    g, h = groups[order], hashes[order]
    first = np.flatnonzero(np.concatenate([[True], (g[1:] != g[:-1]) | (h[1:] != h[:-1])]))
    count = np.diff(np.append(first, len(order)))
    of_right = np.add.reduceat(is_right[order].astype(np.int64), first)
    pairs = np.minimum(of_right, count - of_right)
    offsets = np.arange(int(pairs.sum())) - np.repeat(np.cumsum(pairs) - pairs, pairs)
    left = order[np.repeat(first, pairs) + offsets]
    right = order[np.repeat(first + count - of_right, pairs) + offsets]
    return left, right - len(lg)
