"""The charts of a page, in Bokeh. Colours are names that the page replaces for light, dark and print."""

from __future__ import annotations

from typing import Any, assert_never

import numpy as np

from reconcile.html.drawings import Bars, Candles, Drawing, EquityCurves, Lines, Marks, Ratios, Waterfall
from reconcile.html.series import ends_of, step_labels, thinned

INK, RULE, REFERENCE, CANDIDATE, GOOD, BAD = (
    "#010101", "#020202", "#030303", "#040404", "#050505", "#060606",
)  # fmt: skip
"""Stand-ins: text, grid lines, the two sides, gains and losses. page.js knows what each becomes."""

HEIGHT = 260
DASHES = ("dashed", "dotted", "dotdash", "dashdot")


def draw(drawing: Drawing) -> Any:
    """The Bokeh model of a drawing."""
    match drawing:
        case EquityCurves():
            return _equity(drawing)
        case Lines():
            return _lines(drawing)
        case Waterfall():
            return _waterfall(drawing)
        case Ratios():
            return _ratios(drawing)
        case Candles():
            return _candles(drawing)
        case _:
            assert_never(drawing)


def _equity(drawing: EquityCurves) -> Any:
    """Both equity curves, the gap between them below, and a line at the first divergence."""
    from bokeh.layouts import column
    from bokeh.models import NumeralTickFormatter

    top = _figure("equity", HEIGHT)
    for line, name, colour, dash in (
        (drawing.reference, drawing.names[0], REFERENCE, "solid"),
        (drawing.candidate, drawing.names[1], CANDIDATE, "dashed"),
    ):
        if line is not None:
            at, values = thinned(line)
            top.line(at / 1e6, values, legend_label=name, color=colour, line_dash=dash, line_width=2)
    _legend(top)
    charts = [top]
    if drawing.gap is not None and len(drawing.gap[0]):
        at, values = thinned(drawing.gap)
        below = _figure("gap", 140, x_range=top.x_range)
        below.varea(at / 1e6, 0, values, color=CANDIDATE, alpha=0.35)
        below.line(at / 1e6, values, color=CANDIDATE)
        below.yaxis.formatter = NumeralTickFormatter(format="0,0.[0000000000]")  # a gap may be float noise
        charts.append(below)
    if drawing.first is not None:
        for chart in charts:
            chart.add_layout(_mark(drawing.first))
    return column(*charts, sizing_mode="stretch_width")


def _lines(drawing: Lines) -> Any:
    """Lines over time: the reference solid, the candidate dashed."""
    from bokeh.models import NumeralTickFormatter

    chart = _figure(drawing.label, 200)
    for name, line in drawing.lines:
        mine = name.startswith("reference")
        at, values = thinned(line)
        chart.line(
            at / 1e6,
            values,
            legend_label=name,
            color=REFERENCE if mine else CANDIDATE,
            line_dash="solid" if mine else "dashed",
            line_width=2,
        )
    if drawing.percent:
        chart.yaxis.formatter = NumeralTickFormatter(format="0.0 %")
    _legend(chart)
    return chart


def _ratios(drawing: Ratios) -> Any:
    """One point per pair, in order; the ratio with its interval at each look; a line at the limit."""
    from bokeh.models.annotations import Span, Whisker
    from bokeh.models.ranges import Range1d
    from bokeh.models.sources import ColumnDataSource
    from bokeh.plotting import figure

    values = drawing.values
    chart = figure(height=HEIGHT, sizing_mode="stretch_width", tools="reset,save")
    places = np.arange(1.0, len(values) + 1)
    chart.scatter(places, values, size=6, color=CANDIDATE, alpha=0.55, legend_label="one pair")
    if drawing.looks:
        looks: Any = {
            "pairs": [one.pairs for one in drawing.looks],
            "ratio": [one.ratio for one in drawing.looks],
            "low": [one.low for one in drawing.looks],
            "high": [one.high for one in drawing.looks],
        }
        source = ColumnDataSource(looks)
        chart.add_layout(
            Whisker(
                base="pairs", lower="low", upper="high", source=source, line_color=REFERENCE, line_width=2
            )
        )
        chart.scatter(
            "pairs", "ratio", source=source, size=10, marker="diamond", color=REFERENCE,
            legend_label="ratio and interval so far",
        )  # fmt: skip
    if drawing.limit is not None:
        chart.add_layout(Span(location=drawing.limit, dimension="width", line_color=BAD, line_dash="dashed"))
        chart.line([], [], color=BAD, line_dash="dashed", legend_label="limit")
        ends = [*values.tolist(), drawing.limit, *(x for one in drawing.looks for x in (one.low, one.high))]
        spread = max(ends) - min(ends) or 0.01
        chart.y_range = Range1d(start=min(ends) - spread / 10, end=max(ends) + spread / 3)
    chart.xaxis.axis_label, chart.yaxis.axis_label = "pair", "ratio"
    _style(chart)
    _legend(chart)
    return chart


def _waterfall(drawing: Waterfall) -> Any:
    """Steps from left to right; totals stand on zero, losses are hatched."""
    from bokeh.models import FactorRange, NumeralTickFormatter
    from bokeh.models.ranges import Range1d
    from bokeh.plotting import figure

    # Two steps may have one label: a space too many tells them apart.
    places = [_short(label) + " " * number for number, (label, _, _) in enumerate(drawing.steps)]
    chart = figure(
        x_range=FactorRange(factors=list[Any](places)),
        height=HEIGHT + 40,
        sizing_mode="stretch_width",
        tools="",
        toolbar_location=None,
    )
    ends = ends_of(drawing)
    for place, (_, low, high) in zip(places, drawing.steps, strict=True):
        whole = drawing.totals and place in (places[0], places[-1])
        side = REFERENCE if place == places[0] else CANDIDATE
        colour = side if whole else GOOD if high >= low else BAD
        hatch = " " if whole or high >= low else "/"
        chart.vbar(
            x=[place], bottom=[max(min(low, high), ends[0])], top=[max(low, high)], width=0.7, color=colour,
            hatch_pattern=hatch, hatch_color=INK, hatch_alpha=0.5,
        )  # fmt: skip
    tops = [max(low, high) for _, low, high in drawing.steps]
    chart.text(
        x=places, y=tops, text=step_labels(drawing), text_align="center", text_baseline="bottom",
        text_color=INK, text_font_size="11px", y_offset=-3,
    )  # fmt: skip
    chart.y_range = Range1d(start=ends[0], end=ends[1])
    chart.xaxis.major_label_orientation = 0.35
    chart.yaxis.formatter = NumeralTickFormatter(format="0,0.[00]")
    chart.yaxis.axis_label = drawing.label
    _style(chart)
    return chart


def _candles(drawing: Candles) -> Any:
    """A symbol's bars with both sides' orders and fills, and the levels and extremes of their positions."""
    chart = _figure("price", HEIGHT + 80)
    _bars(chart, drawing.bars)
    for place, level in enumerate(drawing.levels):
        mine = level.name.startswith("reference")
        chart.line(
            level.line[0] / 1e6,
            level.line[1],
            legend_label=level.name,
            color=REFERENCE if mine else CANDIDATE,
            line_dash="solid" if level.extreme else DASHES[place % len(DASHES)],
            line_width=1 if level.extreme else 1.5,
        )
    for colour, orders in zip((REFERENCE, CANDIDATE), drawing.orders, strict=False):
        if len(orders.at):
            chart.scatter(
                orders.at / 1e6, orders.price, marker="diamond", legend_label=orders.name, fill_alpha=0,
                size=16 if colour == REFERENCE else 10, line_color=colour, line_width=2,
            )  # fmt: skip
    for colour, fills in zip((REFERENCE, CANDIDATE), drawing.fills, strict=False):
        _fills(chart, fills, colour)
    chart.add_layout(_mark(drawing.first))
    _legend(chart)
    return chart


def _bars(chart: Any, bars: Bars) -> None:
    at, up = bars.at / 1e6, bars.close >= bars.open
    chart.segment(at, bars.high, at, bars.low, color=INK)
    for which, fill in ((up, GOOD), (~up, BAD)):
        if which.any():
            chart.vbar(
                x=at[which], width=bars.wide / 1e6 * 0.6, top=bars.open[which], bottom=bars.close[which],
                fill_color=fill, line_color=INK, fill_alpha=0.6, hatch_pattern=" " if fill == GOOD else "/",
                hatch_color=INK, hatch_alpha=0.4,
            )  # fmt: skip


def _fills(chart: Any, marks: Marks, colour: str) -> None:
    """Triangles up for buys, down for sells; the reference's are larger, so that both are seen."""
    for bought, marker, word in ((True, "triangle", "buys"), (False, "inverted_triangle", "sells")):
        of = marks.bought == bought
        if of.any():
            chart.scatter(
                marks.at[of] / 1e6, marks.price[of], marker=marker, color=colour,
                legend_label=f"{marks.name.removesuffix(' fill')} {word}",
                size=15 if colour == REFERENCE else 9, line_color=INK,
            )  # fmt: skip


def _figure(title: str, height: int, **more: Any) -> Any:
    from bokeh.models import HoverTool, NumeralTickFormatter
    from bokeh.plotting import figure

    chart: Any = figure(
        x_axis_type="datetime",
        height=height,
        sizing_mode="stretch_width",
        tools="xpan,xwheel_zoom,box_zoom,reset,save",
        **more,
    )
    chart.add_tools(HoverTool(tooltips=[("", "$x{%F}"), ("", "$y{0,0.00}")], formatters={"$x": "datetime"}))
    chart.xaxis.ticker.desired_num_ticks = 5
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
    chart.toolbar.logo = None
    chart.toolbar.autohide = chart.toolbar_inner = True
    for axis in (*chart.xaxis, *chart.yaxis):
        axis.axis_label_text_color = axis.major_label_text_color = INK
        axis.axis_line_color = axis.major_tick_line_color = axis.minor_tick_line_color = RULE
        axis.axis_label_text_font_style = "normal"
    for grid in (*chart.xgrid, *chart.ygrid):
        grid.grid_line_color = RULE


def _legend(chart: Any) -> None:
    """The legend above the chart, where it covers no line."""
    if chart.legend:
        chart.legend.background_fill_alpha = 0
        chart.legend.border_line_alpha = 0
        chart.legend.label_text_color = INK
        chart.legend.location = "top_left"
        chart.legend.padding = chart.legend.margin = 2
        chart.legend.orientation = "horizontal"
        chart.legend.ncols = 4
        chart.add_layout(chart.legend[0], "above")


def _short(text: str) -> str:
    return text if len(text) <= 36 else text[:35] + "…"
