"""The first divergence from close by: both sides, scores and ranks, the symbol's bars, the rules."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from reconcile.comparing.surroundings import (
    NO_TABLE,
    NOT_TOLD,
    bars_of,
    market_lines,
    own_fault_lines,
    side_rows,
)
from reconcile.comparing.wording import describe
from reconcile.html import series
from reconcile.html.drawings import Bars, Candles, Level, Marks
from reconcile.html.levels import Stand, levels_of, stands_of
from reconcile.html.model import CloseUp, Compared, Grid, Picture
from reconcile.html.rules import rules_of
from reconcile.ledger.columns import column_text
from reconcile.matching.model import Break
from reconcile.text.times import Clock
from vocabulary.ledger import Ledger
from vocabulary.market import Market
from vocabulary.scenario import Scenario, TopN, Weights

AROUND = 30
"""Bars shown on either side of the first divergence."""
NEAR = 6
"""Places of the ranking shown on either side of the symbol, and of the last one that is chosen."""
SIDES = ("reference", "candidate")


def close_up(given: Compared, first: Break, clock: Clock) -> CloseUp:
    """The close-up of a first divergence."""
    bars = bars_of(first, given.found)
    lines = [] if given.market is None else market_lines(first, bars, given.market, clock)
    grids = [_around(given, first), *_ranking(given, first, bars[0], clock)]
    picture, levels = _candles(given, first, clock)
    if levels is not None:
        grids.append(levels)
    reason, status = _order_of(given, first, bars[0])
    return CloseUp(
        sentence=describe(first, clock),
        lines=(*lines, *own_fault_lines(first, given.found)),
        rules=tuple(rules_of(first, given.scenario, reason, status)),
        grids=tuple(grid for grid in grids if grid.rows),
        picture=picture,
    )


def _around(given: Compared, first: Break) -> Grid:
    rows = []
    for what, left, right in side_rows(first, given.found):
        for place in range(max(len(left), len(right))):
            a, b = (side[place] if place < len(side) else "" for side in (left, right))
            differs = a != b and not {a, b} & {NO_TABLE, NOT_TOLD}
            rows.append((what if not place else "", a, b, "yes" if differs else ""))
    return Grid("around", "Both sides around it", ("what", *SIDES, "differs"), rows)


def _order_of(given: Compared, first: Break, decided: int | None) -> tuple[str | None, str | None]:
    """(reason, status) of the order that a break belongs to: the reference's, else the candidate's."""
    for ledger in (given.reference, given.candidate):
        places = _rows_at(ledger, "orders", "decided_at", decided, first.symbol)
        columns = ledger.tables["orders"].columns if len(places) else {}
        if "reason" in columns:
            row = int(places[0])
            status = column_text(columns["status"], row) if "status" in columns else None
            return column_text(columns["reason"], row), status
    return None, None


def _rows_at(
    ledger: Ledger, table: str, column: str, instant: int | None, symbol: str | None
) -> npt.NDArray[np.int64]:
    """The rows of a table at an instant, of one symbol or, for None, of all."""
    found = ledger.tables.get(table)
    if found is None or instant is None or not {column, "symbol"} <= set(found.columns):
        return np.zeros(0, np.int64)
    hit = found.columns[column].values == instant
    if symbol is not None:
        words = found.columns["symbol"].dictionary or ()
        codes = [code for code, word in enumerate(words) if word == symbol]
        hit = hit & np.isin(found.columns["symbol"].values, codes)
    return np.flatnonzero(hit)


def _ranking(given: Compared, first: Break, decided: int | None, clock: Clock) -> Iterable[Grid]:
    """The symbols next to the break's own in the ranking, and next to the last one chosen."""
    market, scenario = given.market, given.scenario
    if market is None or scenario is None or decided is None:
        return
    bar = int(np.searchsorted(market.timestamps, decided))
    if bar >= len(market.timestamps) or market.timestamps[bar] != decided:
        return
    selection = scenario.strategy.selection
    feature = (
        selection.score
        if isinstance(selection, TopN)
        else selection.feature
        if isinstance(selection, Weights)
        else None
    )
    targets = [_targets(ledger, decided) for ledger in (given.reference, given.candidate)]
    values = None if feature is None else market.features[feature][bar]
    order = _order(scenario, market, bar, values, targets)
    rows = []
    for place in _shown(order, first.symbol, selection, market):
        symbol = order[place]
        name = market.symbols[symbol]
        score = "" if values is None or np.isnan(values[symbol]) else f"{float(values[symbol]):.9g}"
        rows.append((place, name, score, *(found.get(name, "") for found in targets)))
    head = ("place", "symbol", feature or "score", *(f"target, {side}" for side in SIDES))
    title = f"Scores and ranks at the decision of {clock(decided)}"
    yield Grid("ranking", title, head, rows, 0, frozenset({0, 2}))


def _order(
    scenario: Scenario,
    market: Market,
    bar: int,
    values: npt.NDArray[np.float64] | None,
    targets: list[dict[str, str]],
) -> list[int]:
    """Symbols by score, highest first, ties in symbol order (R4); without a score those that are targets."""
    if values is None:
        return [s for s, name in enumerate(market.symbols) if any(name in found for found in targets)]
    able = market.present[bar] & np.isfinite(values)
    selection = scenario.strategy.selection
    if isinstance(selection, TopN):
        for name in selection.require:
            able = able & np.isfinite(market.features[name][bar])
    places = np.flatnonzero(able)
    order: list[int] = places[np.argsort(-values[places], kind="stable")].tolist()
    return order


def _shown(order: list[int], symbol: str | None, selection: object, market: Market) -> list[int]:
    """The places of the ranking that are shown, ascending."""
    centres = []
    if symbol in market.symbols:
        own = market.symbols.index(str(symbol))
        centres += [order.index(own)] if own in order else []
    if isinstance(selection, TopN):
        centres.append(max(0, selection.n - 1))
        centres += [len(order) - selection.short_n] if selection.short_n else []
    kept = {place for centre in centres for place in range(centre - NEAR, centre + NEAR + 1)}
    if not centres:
        kept = set(range(2 * NEAR))
    return sorted(place for place in kept if 0 <= place < len(order))


def _targets(ledger: Ledger, decided: int) -> dict[str, str]:
    """The targets of a decision: symbol -> rank, weight and quantity as text."""
    out = {}
    for row in _rows_at(ledger, "targets", "decided_at", decided, None).tolist():
        columns = ledger.tables["targets"].columns
        parts = [
            f"{name} {column_text(columns[name], row)}"
            for name in ("rank", "weight", "quantity")
            if name in columns
        ]
        out[column_text(columns["symbol"], row)] = ", ".join(parts)
    return out


def _candles(given: Compared, first: Break, clock: Clock) -> tuple[Picture | None, Grid | None]:
    """The symbol's bars with orders, fills, levels and extremes; and the levels in numbers."""
    market = given.market
    if market is None or first.symbol not in market.symbols:
        return None, None
    symbol = market.symbols.index(first.symbol)
    bar = int(np.searchsorted(market.timestamps, first.timestamp))
    rows = np.arange(max(0, bar - AROUND), min(len(market.timestamps), bar + AROUND + 1))
    rows = rows[market.present[rows, symbol]]
    if len(rows) < 2:
        return None, None
    at = market.timestamps[rows]
    bars = Bars(
        at=at,
        open=_price(market, "open", rows, symbol),
        high=_price(market, "high", rows, symbol),
        low=_price(market, "low", rows, symbol),
        close=_price(market, "close", rows, symbol),
        wide=float(np.median(np.diff(at))),
    )
    ledgers = dict(zip(SIDES, (given.reference, given.candidate), strict=True))
    fills = tuple(_fills(name, ledger, first.symbol, at) for name, ledger in ledgers.items())
    orders = tuple(_orders(name, ledger, first.symbol, bars) for name, ledger in ledgers.items())
    stands = {
        name: stands_of(ledger, given.scenario, market, symbol, rows.tolist())
        for name, ledger in ledgers.items()
    }
    levels = _levels(market, stands)
    drawing = Candles(bars, fills, orders, levels, first.timestamp)
    note = (
        "Triangles are fills, up for buys and down for sells; diamonds are orders, at the close that"
        " decided them. The dotted line is the first divergence."
    )
    title = f"{first.symbol} around the first divergence"
    table = _bars_grid(bars, (*fills, *orders), clock)
    return Picture("bars", title, drawing, note, table), _levels_grid(market, stands, clock)


def _price(market: Market, name: str, rows: npt.NDArray[np.int64], symbol: int) -> npt.NDArray[np.float64]:
    values: npt.NDArray[np.float64] = getattr(market, name)[rows, symbol] / 10.0**market.price_decimals
    return values


def _fills(side: str, ledger: Ledger, symbol: str, at: npt.NDArray[np.int64]) -> Marks:
    return _marks(f"{side} fill", ledger, "fills", "timestamp", symbol, at, None)


def _orders(side: str, ledger: Ledger, symbol: str, bars: Bars) -> Marks:
    return _marks(f"{side} order", ledger, "orders", "decided_at", symbol, bars.at, bars.close)


def _marks(
    name: str,
    ledger: Ledger,
    table: str,
    time: str,
    symbol: str,
    at: npt.NDArray[np.int64],
    closes: npt.NDArray[np.float64] | None,
) -> Marks:
    """A symbol's rows within the bars shown. closes: the price to draw them at; None for their own."""
    empty = Marks(name, np.zeros(0, np.int64), np.zeros(0), np.zeros(0, bool))
    found = ledger.tables.get(table)
    if found is None or not {time, "symbol", "side"} <= set(found.columns):
        return empty
    names = found.columns["symbol"].dictionary or ()
    prices = series.column(ledger, table, "price") if closes is None else None
    if symbol not in names or (closes is None and prices is None):
        return empty
    stamps = found.columns[time].values
    own = (found.columns["symbol"].values == names.index(symbol)) & (stamps >= at[0]) & (stamps <= at[-1])
    sides = found.columns["side"].dictionary or ()
    buys = np.isin(found.columns["side"].values, [code for code, word in enumerate(sides) if word == "buy"])
    shown = stamps[own]
    if closes is not None:
        place = np.minimum(np.searchsorted(at, shown), len(at) - 1)
        return Marks(name, shown, closes[place], buys[own])
    assert prices is not None
    return Marks(name, shown, prices[own], buys[own])


def _levels(market: Market, stands: dict[str, list[Stand]]) -> tuple[Level, ...]:
    """Levels and extremes of both positions; the candidate's only where they are not the reference's."""
    found: dict[str, list[Level]] = {side: levels_of(f"{side} ", own, market) for side, own in stands.items()}
    known = {(level.name.partition(" ")[2], level.line[1].tobytes()) for level in found["reference"]}
    other = [
        level
        for level in found["candidate"]
        if (level.name.partition(" ")[2], level.line[1].tobytes()) not in known
    ]
    return (*found["reference"], *other)


def _levels_grid(market: Market, stands: dict[str, list[Stand]], clock: Clock) -> Grid | None:
    """One row per bar and side that holds the symbol."""
    rules = list(dict.fromkeys(name for own in stands.values() for one in own for name in one.levels))
    unit = 10**market.price_decimals
    rows = []
    for bar in sorted({one.bar for own in stands.values() for one in own}):
        for side, own in stands.items():
            for one in own:
                if one.bar == bar:
                    levels = (None if one.levels.get(name) is None else one.levels[name] for name in rules)
                    prices = (one.entry, one.extreme, *levels, one.close)
                    shown = (None if price is None else round(price / unit, 9) for price in prices)
                    rows.append((clock(one.at), side, one.held, *shown))
    if not rows:
        return None
    head = ("time", "side", "bars held", "entry", "extreme", *rules, "close")
    title = "Levels and extremes of the position"
    return Grid("levels", title, head, rows, 0, frozenset(range(2, len(head))))


def _bars_grid(bars: Bars, marks: tuple[Marks, ...], clock: Clock) -> Grid:
    rows = []
    for place, instant in enumerate(bars.at.tolist()):
        prices = [round(float(values[place]), 9) for values in (bars.open, bars.high, bars.low, bars.close)]
        told = []
        for mark in marks:
            hits = np.flatnonzero(mark.at == instant).tolist()
            told.append(
                "; ".join(f"{'buy' if mark.bought[hit] else 'sell'} {mark.price[hit]:g}" for hit in hits)
            )
        rows.append((clock(instant), *prices, *told))
    head = ("time", "open", "high", "low", "close", *(mark.name for mark in marks))
    return Grid("bars-numbers", "In numbers", head, rows, 0, frozenset({1, 2, 3, 4}))
