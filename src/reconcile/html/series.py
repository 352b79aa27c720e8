"""Lines over time, read from a ledger as doubles: equity, the gap, drawdown, costs and turnover."""

from __future__ import annotations

import numpy as np

from reconcile.html.drawings import Floats, Instants, Line, Waterfall
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


def ends_of(drawing: Waterfall) -> tuple[float, float]:
    """The ends of a waterfall's axis: from 0, or from closer by where its steps would be too small to see."""
    edges = [edge for _, low, high in drawing.steps for edge in (low, high)]
    low, high = min([0.0, *edges]), max([0.0, *edges])
    inner = drawing.steps[1:-1] if drawing.totals else drawing.steps
    parts = [edge for _, begin, end in inner for edge in (begin, end)]
    parts += [drawing.steps[place][2] for place in (0, -1)] if drawing.totals else []
    near, far = min(parts, default=low), max(parts, default=high)
    if far - near and (near > 0 or far < 0) and far - near < (high - low) / 5:
        room = (far - near) * 0.4
        return near - room, far + room
    room = ((high - low) or 1.0) * 0.12
    return low - (room if low < 0 else 0.0), high + (room if high > 0 else 0.0)


def step_labels(drawing: Waterfall) -> list[str]:
    """The amount of each step as text: of a total itself, of others the difference with its sign."""
    last = len(drawing.steps) - 1
    return [
        f"{high:,.2f}" if drawing.totals and place in (0, last) else f"{high - low:+,.2f}"
        for place, (_, low, high) in enumerate(drawing.steps)
    ]


def blocks(found: Line, width: int = 60) -> str:
    """How large a line's values are, as one row of blocks: the lowest is 0, the highest the largest.

    Each block stands for one stretch of the points, by its value that is farthest from 0; a space for none.
    """
    values = np.abs(found[1])
    groups = np.array_split(values, min(width, len(values))) if len(values) else []
    peaks = [float(part[np.isfinite(part)].max(initial=-1.0)) for part in groups]
    largest = max(peaks, default=0.0)
    scale = (len(BLOCKS) - 1) / largest if largest > 0 else 0.0
    return "".join(" " if peak < 0 else BLOCKS[round(peak * scale)] for peak in peaks)
