"""The first screen of a page as plain HTML without a script: what a notebook shows of a result."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

import numpy as np

from reconcile.html.drawings import EquityCurves, Line
from reconcile.html.model import Page
from reconcile.html.series import thinned

WIDE, HIGH, LOW = 640, 150, 60
"""Pixels: the width of the picture, the height of the curves, and that of the gap below."""
POINTS = 400
REFERENCE, CANDIDATE = "#1f77b4", "#d2691e"
SAID = 8


def first_screen(page: Page) -> str:
    """Causes, leads, what was not compared, the figures of both sides, and both curves with the gap."""
    parts = [
        _listed(page.causes_title, page.causes),
        _listed("Leads, not proved by a whole run", page.leads),
        _listed("Patterns", page.patterns),
        _listed(page.not_compared_title, page.not_compared),
        _figures(page),
        *(_picture(one.drawing) for one in page.pictures if isinstance(one.drawing, EquityCurves)),
    ]
    return "".join(parts)


def _listed(title: str, lines: Sequence[str]) -> str:
    if not lines:
        return ""
    more = [f"and {len(lines) - SAID:,} more"] if len(lines) > SAID else []
    items = "".join(f"<li>{html.escape(line)}</li>" for line in [*lines[:SAID], *more])
    return f"<p>{html.escape(title)}</p><ul>{items}</ul>"


def _figures(page: Page) -> str:
    if not page.figures:
        return ""
    heads = "".join(f"<th>{html.escape(side)}</th>" for side in ("", *page.sides))
    rows = "".join(
        "<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in row) + "</tr>" for row in page.figures
    )
    return f"<table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"


def _picture(drawing: EquityCurves) -> str:
    """An SVG: the curves on one scale, the gap below on its own, a dotted line at the first divergence."""
    sides = [line for line in (drawing.reference, drawing.candidate) if line is not None and len(line[0])]
    if not sides:
        return ""
    begin = min(int(line[0][0]) for line in sides)
    end = max(max(int(line[0][-1]) for line in sides), begin + 1)
    known = [line[1][np.isfinite(line[1])] for line in sides]
    values = np.concatenate(known)
    if not len(values):
        return ""
    shapes = []
    for line, colour, dash in (
        (drawing.reference, REFERENCE, ""),
        (drawing.candidate, CANDIDATE, ' stroke-dasharray="5 3"'),
    ):
        if line is not None:
            points = _points(line, (begin, end), (float(values.min()), float(values.max())), 0, HIGH)
            shapes.append(
                f'<polyline fill="none" stroke="{colour}" stroke-width="1.5"{dash} points="{points}"/>'
            )
    shapes += _gap(drawing.gap, (begin, end))
    if drawing.first is not None:
        x = f"{(drawing.first - begin) / (end - begin) * WIDE:.1f}"
        shapes.append(
            f'<line x1="{x}" x2="{x}" y1="0" y2="{HIGH + LOW}" stroke="currentColor" stroke-dasharray="2 3"/>'
        )
    title = f"equity: {drawing.names[0]} solid, {drawing.names[1]} dashed; below, the gap"
    size = f'viewBox="0 -4 {WIDE} {HIGH + LOW + 8}" width="{WIDE}" height="{HIGH + LOW + 8}"'
    return (
        f'<figure style="margin:8px 0"><svg role="img" xmlns="http://www.w3.org/2000/svg" {size}>'
        f"<title>{html.escape(title)}</title>{''.join(shapes)}</svg>"
        f"<figcaption>{html.escape(title)}</figcaption></figure>"
    )


def _gap(gap: Line | None, times: tuple[int, int]) -> Iterable[str]:
    if gap is None or not np.isfinite(gap[1]).any():
        return
    ends = min(0.0, float(np.nanmin(gap[1]))), max(0.0, float(np.nanmax(gap[1])))
    points = _points(gap, times, ends, HIGH + 8, LOW - 8)
    yield f'<polyline fill="none" stroke="{CANDIDATE}" points="{points}"/>'
    zero = HIGH + 8 + (LOW - 8) * (ends[1] / ((ends[1] - ends[0]) or 1.0))
    yield f'<line x1="0" x2="{WIDE}" y1="{zero:.1f}" y2="{zero:.1f}" stroke="currentColor" opacity="0.4"/>'


def _points(line: Line, times: tuple[int, int], ends: tuple[float, float], top: float, high: float) -> str:
    """The points of a polyline; what is no number is left out."""
    at, values = thinned(line, POINTS)
    there = np.isfinite(values)
    x = (at[there] - times[0]) / (times[1] - times[0]) * WIDE
    y = top + high * (1 - (values[there] - ends[0]) / ((ends[1] - ends[0]) or 1.0))
    return " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x.tolist(), y.tolist(), strict=True))
