"""Where rows stand in the market: bars, symbols and decisions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reconcile.auditing.amounts import Ints, Mask
from reconcile.auditing.layout import Placed
from reconcile.auditing.layout import times as stamps_of
from reconcile.auditing.model import Check, Finding, FindingKind, RowName
from reconcile.auditing.sink import Sink
from vocabulary.ledger import SCHEMA, Kind
from vocabulary.market import Market
from vocabulary.scenario import Scenario, Timing


@dataclass(frozen=True, slots=True, eq=False)
class OnMarket:
    """Where a table's rows stand in the market. bar, symbol: -1 where the market has none."""

    bar: Ints
    symbol: Ints

    @property
    def known(self) -> Mask:
        """Rows at a bar and symbol of the market."""
        return (self.bar >= 0) & (self.symbol >= 0)


def bars_of(market: Market, stamps: Ints) -> Ints:
    """The bar with exactly this timestamp, -1 without one."""
    if not len(market.timestamps):
        return np.full(len(stamps), -1, np.int64)
    at = np.minimum(np.searchsorted(market.timestamps, stamps), len(market.timestamps) - 1)
    return np.where(market.timestamps[at] == stamps, at, -1)


def on_market(sink: Sink, market: Market, placed: Placed) -> OnMarket:
    """Place a table's rows in the market."""
    index = {symbol: place for place, symbol in enumerate(market.symbols)}
    lookup = np.array([*(index.get(symbol, -1) for symbol in sink.ground.symbols), -1], np.int64)
    bar = np.where(placed.time != 0, bars_of(market, placed.time), -1)
    zero = bars_of(market, np.zeros(1, np.int64))[0]
    return OnMarket(np.where(placed.time == 0, zero, bar), lookup[placed.symbol])


def check_bars(sink: Sink, market: Market) -> None:
    """M1: every time is a bar's, and from the first to the last bar of the ledger none is lacking."""
    for placed in sink.ground.tables.values():
        for name, kind in SCHEMA[placed.name].items():
            if kind is Kind.TIMESTAMP and name in placed:
                stamps, full = stamps_of(placed.table.columns[name])
                wrong = full & (bars_of(market, stamps) < 0)
                sink.made(Check.BARS, int(full.sum()))
                sink.rows(Check.BARS, FindingKind.NO_BAR, placed, name, np.flatnonzero(wrong).tolist())
    equity = sink.need(Check.BARS, "equity", "timestamp")
    if equity is None or not equity.table.rows:
        return
    inside = (market.timestamps >= equity.time.min()) & (market.timestamps <= equity.time.max())
    _missing_bars(sink, np.setdiff1d(market.timestamps[inside], equity.time))


def _missing_bars(sink: Sink, lacking: Ints) -> None:
    for stamp in lacking.tolist():
        name = RowName("equity", (stamp,), None)
        kind = FindingKind.MISSING_BAR
        sink.add(Finding(Check.BARS, kind, "equity.timestamp", (name,), stamp, None, None, stamp))


def check_symbols(sink: Sink, market: Market) -> None:
    """M2, E2: symbols are the market's; who trades is present."""
    for placed in sink.ground.tables.values():
        if "symbol" not in placed:
            continue
        spot = on_market(sink, market, placed)
        wrong = placed.full("symbol") & (spot.symbol < 0)
        sink.made(Check.SYMBOLS, placed.table.rows)
        sink.rows(Check.SYMBOLS, FindingKind.SYMBOL, placed, "symbol", np.flatnonzero(wrong).tolist())
        if placed.name == "fills":
            known = spot.known
            absent = known.copy()
            absent[known] = ~market.present[spot.bar[known], spot.symbol[known]]
            rows = np.flatnonzero(absent).tolist()
            sink.rows(Check.SYMBOLS, FindingKind.ABSENT, placed, "symbol", rows)


def check_decisions(sink: Sink, scenario: Scenario, market: Market) -> None:
    """T1, T2: a fill stands at the bar after its decision, with same_close at the bar of it."""
    fills = sink.need(Check.DECISIONS, "fills", "timestamp", "decided_at")
    if fills is None:
        return
    decided, full = stamps_of(fills.table.columns["decided_at"])
    full &= fills.full("timestamp")
    decision, bar = bars_of(market, decided), bars_of(market, fills.time)
    lag = 0 if scenario.execution.timing is Timing.SAME_CLOSE else 1
    early = full & (fills.time < decided)
    known = full & (decision >= 0) & (bar >= 0) & ~early
    sink.made(Check.DECISIONS, int(full.sum()))
    for kind, wrong in (
        (FindingKind.BEFORE_DECISION, early),
        (FindingKind.TOO_SOON, known & (bar - decision < lag)),
        (FindingKind.LATE, known & (bar - decision > lag)),
    ):
        sink.rows(Check.DECISIONS, kind, fills, "timestamp", np.flatnonzero(wrong).tolist())
