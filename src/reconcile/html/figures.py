"""Equity with its gap, the bridge and the map of breaks as files, drawn by matplotlib without a display.

matplotlib writes SVG and PNG by itself; Bokeh would need a browser for both. It is an extra of its own,
`tieout[figures]`: a page does not need it.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from reconcile.html.drawings import EquityCurves, Waterfall
from reconcile.html.model import BreakMap, Page
from reconcile.html.series import ends_of, step_labels, thinned
from vocabulary.errors import InputError, OutputError

REFERENCE, CANDIDATE, GOOD, BAD = "#005a9c", "#b04a00", "#0a6b3d", "#a3202b"
FORMATS = ("svg", "png")
DPI = 150


def write_figures(page: Page, folder: str | os.PathLike[str]) -> tuple[str, ...]:
    """Write every figure that a page has into a folder, which is made; the names written, none without one.

    Raises InputError where `tieout[figures]` is not installed; OutputError where a file cannot be written.
    """
    from reconcile.files.atomic import write_file

    made = [(f"{name}.{kind}", _saved(figure, kind)) for name, figure in _figures(page) for kind in FORMATS]
    place = Path(folder)
    try:
        place.mkdir(parents=True, exist_ok=True)
        for name, data in made:
            write_file(place / name, data)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise OutputError(
            f"figures {place}", reason, "a folder that can be written", "Name another folder."
        ) from None
    return tuple(name for name, _ in made)


def _figures(page: Page) -> Iterator[tuple[str, Any]]:
    for picture in page.pictures:
        if isinstance(picture.drawing, EquityCurves):
            yield "equity", _equity(picture.drawing, page.verdict)
        elif isinstance(picture.drawing, Waterfall):
            yield "bridge", _bridge(picture.drawing, picture.title)
    if page.break_map is not None:
        yield "map", _map(page.break_map)


def _library() -> Any:
    """matplotlib's Figure, set so that text stays text and the same data give the same file."""
    try:
        import matplotlib
        from matplotlib.figure import Figure
    except ImportError as error:
        raise InputError(
            "--figures",
            f"no module {error.name}",
            "the library that draws figures",
            "pip install 'tieout[figures]'",
        ) from None
    matplotlib.rcParams.update(
        {
            "svg.fonttype": "none",
            "svg.hashsalt": "tieout",
            "font.size": 9,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "grid.color": "#dddddd",
            "axes.axisbelow": True,
            "text.parse_math": False,
            "hatch.linewidth": 0.5,
        }
    )
    return Figure


def _saved(figure: Any, kind: str) -> bytes:
    buffer = io.BytesIO()
    metadata = {"Date": None, "Creator": None} if kind == "svg" else {"Software": None}
    figure.savefig(buffer, format=kind, dpi=DPI, metadata=metadata, facecolor="white")
    return buffer.getvalue()


def _equity(drawing: EquityCurves, title: str) -> Any:
    """Both curves, below them the gap, and a dotted line at the first divergence."""
    figure = _library()(figsize=(8, 4.8), layout="constrained")
    top, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1.2))
    for line, name, colour, dash in (
        (drawing.reference, drawing.names[0], REFERENCE, "-"),
        (drawing.candidate, drawing.names[1], CANDIDATE, "--"),
    ):
        if line is not None:
            at, values = thinned(line)
            top.plot(at.view("datetime64[ns]"), values, dash, color=colour, label=name)
    if drawing.gap is not None and len(drawing.gap[0]):
        at, values = thinned(drawing.gap)
        stamps = at.view("datetime64[ns]")
        below.fill_between(stamps, 0, values, color=CANDIDATE, alpha=0.3)
        below.plot(stamps, values, color=CANDIDATE, linewidth=0.8)
    if drawing.first is not None:
        for axes in (top, below):
            axes.axvline(np.datetime64(drawing.first, "ns"), color="black", linestyle=":", linewidth=1)
    top.set_ylabel("equity")
    below.set_ylabel(f"{drawing.names[1]} - {drawing.names[0]}")
    for axes in (top, below):
        axes.yaxis.set_major_formatter("{x:,.0f}")
    if top.get_legend_handles_labels()[0]:
        top.legend(frameon=False)
    top.set_title(title if len(title) <= 100 else title[:99] + "…", loc="left", fontsize=9)
    return figure


def _bridge(drawing: Waterfall, title: str) -> Any:
    """The steps from left to right; losses are hatched."""
    figure = _library()(figsize=(8, 4), layout="constrained")
    axes = figure.subplots()
    last, labels = len(drawing.steps) - 1, step_labels(drawing)
    for place, (_, low, high) in enumerate(drawing.steps):
        whole = drawing.totals and place in (0, last)
        colour = (REFERENCE if not place else CANDIDATE) if whole else GOOD if high >= low else BAD
        hatch = "" if whole or high >= low else "////"
        edge = "white" if hatch else colour
        axes.bar(place, abs(high - low), 0.7, min(low, high), color=colour, hatch=hatch, edgecolor=edge)
        at = place, max(low, high)
        axes.annotate(labels[place], at, (0, 2), ha="center", va="bottom", textcoords="offset points")
    axes.set_ylim(*ends_of(drawing))
    names = [label if len(label) <= 36 else label[:35] + "…" for label, _, _ in drawing.steps]
    axes.set_xticks(range(len(names)), names, rotation=20, ha="right")
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.set_ylabel(drawing.label)
    axes.set_title(title, loc="left", fontsize=9)
    return figure


def _map(found: BreakMap) -> Any:
    """Stages by stretches of time, darker for more breaks; a dot where a root is."""
    figure = _library()(figsize=(8, 0.6 + 0.3 * len(found.stages)), layout="constrained")
    axes = figure.subplots()
    levels = np.array([[0 if cell is None else cell.level for cell in row] for row in found.cells])
    axes.imshow(levels, cmap="Oranges", vmin=0, vmax=6, aspect="auto", interpolation="nearest")
    dots = [
        (place, row)
        for row, cells in enumerate(found.cells)
        for place, cell in enumerate(cells)
        if cell is not None and cell.roots
    ]
    if dots:
        axes.scatter(*zip(*dots, strict=True), s=9, color="black", label="holds a root")
    axes.set_yticks(range(len(found.stages)), found.stages)
    ends = sorted({0, len(found.stretches) - 1})
    axes.set_xticks(ends, [found.stretches[place].partition(" .. ")[0] for place in ends])
    axes.grid(False)
    axes.set_title("Breaks by stage and time; a dot is a root", loc="left", fontsize=9)
    return figure
