"""Lines over time, read from a ledger as doubles: equity, the gap, drawdown, costs and turnover."""

from __future__ import annotations

import numpy as np

from reconcile.html.drawings import Floats, Instants, Line
from vocabulary.ledger import Ledger

DRAWN = 4_000
"""Points of one line that a page draws; of more, the lowest and the highest of each stretch."""
BLOCKS = "▁▂▃▄▅▆▇█"


def column(ledger: Ledger, table: str, name: str) -> Floats | None:
    """A numeric column as doubles, NaN where empty; None where the ledger lacks it."""
    if table not in ledger.tables or name not in ledger.tables[table].columns:
        return None
    found = ledger.tables[table].columns[name]
    values = np.asarray(found.values, dtype=np.float64)
    if found.scale:
        values = values / 10.0**found.scale
    return values if found.missing is None else np.where(found.missing, np.nan, values)


def times(ledger: Ledger, table: str) -> Instants | None:
    """The timestamps of a table's rows, nanoseconds since 1970 UTC."""
    if table not in ledger.tables or "timestamp" not in ledger.tables[table].columns:
        return None
    values: Instants = ledger.tables[table].columns["timestamp"].values
    return values


def line(ledger: Ledger, table: str, name: str) -> Line | None:
    """(instants, values) in order of time, the last row of each instant; None where the ledger lacks it."""
    at, values = times(ledger, table), column(ledger, table, name)
    if at is None or values is None or not len(at):
        return None
    order = np.argsort(at, kind="stable")
    at, values = at[order], values[order]
    last = np.append(at[1:] != at[:-1], True)
    return at[last], values[last]


def gap(reference: Line, candidate: Line) -> Line:
    """Candidate minus reference at the instants that both have."""
    both, left, right = np.intersect1d(reference[0], candidate[0], return_indices=True)
    return both, candidate[1][right] - reference[1][left]


def drawdown(values: Floats) -> Floats:
    """How far each value is below the highest one so far, as a fraction <= 0."""
    peak = np.fmax.accumulate(values) if len(values) else values
    with np.errstate(divide="ignore", invalid="ignore"):
        below: Floats = np.where(peak > 0, values / peak - 1, np.nan)
    return below


def so_far(found: Line) -> Line:
    """The running sum of a line; an empty cell adds nothing."""
    return found[0], np.nancumsum(found[1])


def thinned(found: Line, most: int = DRAWN) -> Line:
    """A line of at most `most` points: of each stretch the first, the lowest and the highest, and the end."""
    at, values = found
    if len(at) <= most:
        return found
    edges = np.linspace(0, len(at), most // 3).astype(int)
    kept = {len(at) - 1}
    for low, high in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        part = values[low:high]
        kept.add(low)
        if not np.isnan(part).all():
            kept |= {low + int(np.nanargmin(part)), low + int(np.nanargmax(part))}
    places = np.array(sorted(kept))
    return at[places], values[places]


def blocks(found: Line, width: int = 60) -> str:
    """A line as one row of blocks, scaled from the least to the greatest of its values and 0.

    Each block stands for one stretch of the points, by its value that is farthest from 0; a space for none.
    """
    values = found[1]
    groups = np.array_split(values, min(width, len(values))) if len(values) else []
    known = [part[np.isfinite(part)] for part in groups]
    peaks = [float(part[np.argmax(np.abs(part))]) if len(part) else None for part in known]
    told = [peak for peak in peaks if peak is not None]
    if not told:
        return ""
    low, high = min(0.0, *told), max(0.0, *told)
    steps = len(BLOCKS) - 1
    scale = steps / (high - low) if high > low else 0.0
    return "".join(" " if peak is None else BLOCKS[round((peak - low) * scale)] for peak in peaks)
