"""The charts, in Bokeh. Colours are names that the page replaces for light, dark and print."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

INK, RULE, REFERENCE, CANDIDATE, GOOD, BAD = (
    "#010101", "#020202", "#030303", "#040404", "#050505", "#060606",
)  # fmt: skip
"""Stand-ins: text, grid lines, the two sides, gains and losses. page.js knows what each becomes."""

HEIGHT = 260
Line = tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]


@dataclass(frozen=True, slots=True, eq=False)
class Bars:
    """One symbol's bars: instants and the width of a bar in ms, prices in money."""

    at: Any
    open: Any
    high: Any
    low: Any
    close: Any
    wide: float


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """Fills of one side: instants (ms), prices, and whether each bought."""

    at: Any
    price: Any
    bought: Any


def equity_chart(reference: Line | None, candidate: Line | None, gap: Line | None, first: int | None) -> Any:
    """Both equity curves, the gap between them below, and a line at the first divergence (ns)."""
    from bokeh.layouts import column

    top = _figure("equity", HEIGHT)
    for line, name, colour, dash in (
        (reference, "reference", REFERENCE, "solid"),
        (candidate, "candidate", CANDIDATE, "dashed"),
    ):
        if line is not None:
            top.line(line[0] / 1e6, line[1], legend_label=name, color=colour, line_dash=dash, line_width=2)
    _legend(top)
    charts = [top]
    if gap is not None and len(gap[0]):
        below = _figure("candidate - reference", 140, x_range=top.x_range)
        below.varea(gap[0] / 1e6, 0, gap[1], color=CANDIDATE, alpha=0.35)
        below.line(gap[0] / 1e6, gap[1], color=CANDIDATE)
        charts.append(below)
    if first is not None:
        for chart in charts:
            chart.add_layout(_mark(first))
    return column(*charts, sizing_mode="stretch_width")


def lines_chart(title: str, lines: Sequence[tuple[str, Line]], percent: bool = False) -> Any:
    """Lines over time under one another's names: the reference solid, the candidate dashed."""
    from bokeh.models import NumeralTickFormatter

    chart = _figure(title, 180)
    for name, line in lines:
        mine = name.startswith("reference")
        chart.line(
            line[0] / 1e6,
            line[1],
            legend_label=name,
            color=REFERENCE if mine else CANDIDATE,
            line_dash="solid" if mine else "dashed",
            line_width=2,
        )
    if percent:
        chart.yaxis.formatter = NumeralTickFormatter(format="0.0 %")
    _legend(chart)
    return chart


def points(values: npt.NDArray[np.float64], limit: float | None) -> Any:
    """One point per value, in order, with a line at the limit."""
    from bokeh.models.annotations import Span
    from bokeh.plotting import figure

    chart = figure(height=HEIGHT, sizing_mode="stretch_width", tools="reset,save")
    chart.toolbar.logo = None
    chart.scatter(np.arange(1.0, len(values) + 1), values, size=8, color=CANDIDATE)
    if limit is not None:
        chart.add_layout(Span(location=limit, dimension="width", line_color=BAD, line_dash="dashed"))
    chart.xaxis.axis_label, chart.yaxis.axis_label = "pair", "ratio"
    _style(chart)
    return chart


def waterfall(steps: Sequence[tuple[str, float, float]], totals: bool = True) -> Any:
    """A bridge: (label, from, to) per step. totals: the first and the last stand on zero."""
    from bokeh.models import FactorRange, NumeralTickFormatter
    from bokeh.plotting import figure

    # Two steps may have one label: a space too many tells them apart.
    places = [_short(label) + " " * number for number, (label, _, _) in enumerate(steps)]
    chart = figure(
        x_range=FactorRange(factors=list[Any](places)),
        height=HEIGHT,
        sizing_mode="stretch_width",
        tools="",
        toolbar_location=None,
    )
    for place, (_, low, high) in zip(places, steps, strict=True):
        whole = totals and place in (places[0], places[-1])
        colour = (
            REFERENCE
            if whole and place == places[0]
            else CANDIDATE
            if whole
            else GOOD
            if high >= low
            else BAD
        )
        hatch = " " if whole or high >= low else "/"
        chart.vbar(
            x=[place], bottom=[min(low, high)], top=[max(low, high)], width=0.7, color=colour,
            hatch_pattern=hatch, hatch_color=INK, hatch_alpha=0.5,
        )  # fmt: skip
    chart.xaxis.major_label_orientation = 0.35
    chart.yaxis.formatter = NumeralTickFormatter(format="0,0")
    _style(chart)
    return chart


def candles(bars: Bars, reference: Marks | None, candidate: Marks | None, first: int) -> Any:
    """A symbol's bars with both sides' fills: triangles up for buys, down for sells."""
    chart = _figure("price", HEIGHT)
    up = bars.close >= bars.open
    chart.segment(bars.at, bars.high, bars.at, bars.low, color=INK)
    for which, fill in ((up, GOOD), (~up, BAD)):
        chart.vbar(
            x=bars.at[which], width=bars.wide * 0.6, top=bars.open[which], bottom=bars.close[which],
            fill_color=fill, line_color=INK, fill_alpha=0.6, hatch_pattern=" " if fill == GOOD else "/",
            hatch_color=INK, hatch_alpha=0.4,
        )  # fmt: skip
    for marks, name, colour, size in (
        (reference, "reference", REFERENCE, 14),
        (candidate, "candidate", CANDIDATE, 9),
    ):
        if marks is None:
            continue
        for bought, marker in ((True, "triangle"), (False, "inverted_triangle")):
            of = marks.bought == bought
            if of.any():
                chart.scatter(
                    marks.at[of], marks.price[of], marker=marker, size=size, legend_label=f"{name} fill",
                    color=colour, line_color=INK,
                )  # fmt: skip
    chart.add_layout(_mark(first))
    _legend(chart)
    return chart


def _figure(title: str, height: int, **more: Any) -> Any:
    from bokeh.models import HoverTool, NumeralTickFormatter
    from bokeh.plotting import figure

    chart = figure(
        x_axis_type="datetime",
        height=height,
        sizing_mode="stretch_width",
        tools="xpan,xwheel_zoom,box_zoom,reset,save",
        **more,
    )
    chart.add_tools(HoverTool(tooltips=[("", "$x{%F}"), ("", "$y{0,0.00}")], formatters={"$x": "datetime"}))
    chart.toolbar.logo = None
    chart.yaxis.axis_label = title
    chart.yaxis.formatter = NumeralTickFormatter(format="0,0.[00]")
    _style(chart)
    return chart


def _mark(instant: int) -> Any:
    """A dotted line at an instant (ns)."""
    from bokeh.models.annotations import Span

    return Span(location=instant / 1e6, dimension="height", line_color=INK, line_dash="dotted")


def _style(chart: Any) -> None:
    chart.background_fill_alpha = chart.border_fill_alpha = 0
    chart.outline_line_color = RULE
    for axis in (*chart.xaxis, *chart.yaxis):
        axis.axis_label_text_color = axis.major_label_text_color = INK
        axis.axis_line_color = axis.major_tick_line_color = axis.minor_tick_line_color = RULE
        axis.axis_label_text_font_style = "normal"
    for grid in (*chart.xgrid, *chart.ygrid):
        grid.grid_line_color = RULE


def _legend(chart: Any) -> None:
    if chart.legend:
        chart.legend.background_fill_alpha = 0
        chart.legend.border_line_alpha = 0
        chart.legend.label_text_color = INK
        chart.legend.location = "top_left"


def _short(text: str) -> str:
    return text if len(text) <= 36 else text[:35] + "…"
