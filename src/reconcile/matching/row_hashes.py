"""Rows by the hash of what they say: equal rows pair whatever their place."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from reconcile.matching.cells import Array, Comparable, Rows

Hashes = npt.NDArray[np.uint64]


def row_hashes(columns: dict[str, Comparable], left: Rows, right: Rows) -> tuple[Hashes, Hashes]:
    """A hash of the values of each row, equal for equal rows; NaN hashes by its bits."""
    a, b = np.zeros(len(left), np.uint64), np.zeros(len(right), np.uint64)
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
    """Fold one column in (the finaliser of splitmix64)."""
    z = (state * np.uint64(0x9E3779B97F4A7C15)) ^ (bits + np.uint64(0x9E3779B97F4A7C15))
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)), np.uint64)


def equal_rows(lg: Rows, lh: Hashes, rg: Rows, rh: Hashes) -> tuple[Rows, Rows]:
    """Pairs of places with equal (group, hash): as many as the side that has fewer of them."""
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
