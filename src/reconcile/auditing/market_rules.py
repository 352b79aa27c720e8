"""Rules of the scenario and its market: bars, symbols, decisions, cash and short positions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reconcile.auditing.amounts import (
    Amounts,
    Ints,
    Mask,
    add,
    minus,
    nonzero,
    only,
    running,
    signed,
    take,
    value,
)
from reconcile.auditing.constant_patterns import another_clock
from reconcile.auditing.equity import EquityByBar
from reconcile.auditing.ledger_index import PlacedTable, timestamps_of
from reconcile.auditing.model import Check, Finding, FindingKind, RowName, Why
from reconcile.auditing.positions import Cells
from reconcile.auditing.recorder import Recorder
from reconcile.auditing.sums import cash_beside_fills, cash_of_fills, finite
from reconcile.scenario.exits import has_levels
from vocabulary.ledger import SCHEMA, Kind
from vocabulary.market import Market
from vocabulary.scenario import CashPolicy, OrdersStrategy, Scenario, TakeProfit, Timing
from vocabulary.state import OrderType, Side


@dataclass(frozen=True, slots=True, eq=False)
class OnMarket:
    """The bar and symbol in the market of each row of a table, -1 if the market has none."""

    bar: Ints
    symbol: Ints

    @property
    def known(self) -> Mask:
        """The rows whose bar and symbol the market has."""
        return (self.bar >= 0) & (self.symbol >= 0)


def bars_of(market: Market, stamps: Ints) -> Ints:
    """The number of the bar with exactly this timestamp, -1 if there is none."""
    if not len(market.timestamps):
        return np.full(len(stamps), -1, np.int64)
    at = np.minimum(np.searchsorted(market.timestamps, stamps), len(market.timestamps) - 1)
    return np.where(market.timestamps[at] == stamps, at, -1)


def on_market(recorder: Recorder, market: Market, placed: PlacedTable) -> OnMarket:
    """Find the bar and symbol of each row in the market."""
    index = {symbol: place for place, symbol in enumerate(market.symbols)}
    lookup = np.array([*(index.get(symbol, -1) for symbol in recorder.index.symbols), -1], np.int64)
    bar = np.where(placed.time != 0, bars_of(market, placed.time), -1)
    zero = bars_of(market, np.zeros(1, np.int64))[0]
    return OnMarket(np.where(placed.time == 0, zero, bar), lookup[placed.symbol])


def resting_keys(scenario: Scenario, market: Market) -> Ints:
    """R10: of each limit and stop of a file (bar of execution * symbols + symbol) * 2, plus 1 for a sell."""
    wanted = scenario.strategy.selection
    if not isinstance(wanted, OrdersStrategy):
        return np.zeros(0, np.int64)
    places = {symbol: s for s, symbol in enumerate(market.symbols)}
    rows = [row for row in wanted.rows if row.type is not OrderType.MARKET]
    bars = np.searchsorted(market.timestamps, np.array([row.decided_at for row in rows], np.int64)) + 1
    symbols = np.array([places[row.symbol] for row in rows], np.int64)
    sells = np.array([row.side is Side.SELL for row in rows], np.int64)
    return np.asarray((bars * len(places) + symbols) * 2 + sells, np.int64)


def level_reasons(scenario: Scenario, fills: PlacedTable, targets: bool) -> Mask:
    """Which fills are closes at a level by their reason: of targets, or of stops."""
    names = {
        rule.name for rule in scenario.exits if has_levels([rule]) and isinstance(rule, TakeProfit) == targets
    }
    if "reason" not in fills or not names:
        return np.zeros(fills.table.rows, np.bool_)
    column = fills.table.columns["reason"]
    known = [word in names for word in column.dictionary or ()]
    mask = np.array([*known, False])[column.values] if len(column.values) else np.zeros(0, np.bool_)
    return np.asarray(mask & fills.full("reason"), np.bool_)


def check_bars(recorder: Recorder, market: Market) -> None:
    """M1: every timestamp is that of a bar, and equity has every bar from its first to its last."""
    for placed in recorder.index.tables.values():
        for name, kind in SCHEMA[placed.name].items():
            if kind is Kind.TIMESTAMP and name in placed:
                stamps, full = timestamps_of(placed.table.columns[name])
                wrong = full & (bars_of(market, stamps) < 0)
                recorder.made(Check.BARS, int(full.sum()))
                recorder.add_where(Check.BARS, FindingKind.NO_BAR, placed.field(name), wrong)
                recorder.note(another_clock(Check.BARS, placed.field(name), stamps[wrong], market.timestamps))
    equity = recorder.need(Check.BARS, "equity", "timestamp")
    if equity is None or not equity.table.rows:
        return
    inside = (market.timestamps >= equity.time.min()) & (market.timestamps <= equity.time.max())
    _missing_bars(recorder, np.setdiff1d(market.timestamps[inside], equity.time))


def _missing_bars(recorder: Recorder, lacking: Ints) -> None:
    for stamp in lacking.tolist():
        name = RowName("equity", (stamp,), None)
        kind = FindingKind.MISSING_BAR
        recorder.add(Finding(Check.BARS, kind, "equity.timestamp", (name,), stamp, None, None, stamp))


def check_symbols(recorder: Recorder, market: Market) -> None:
    """M2, E2: every symbol is in the market, and is present at the bars of its fills."""
    for placed in recorder.index.tables.values():
        if "symbol" not in placed:
            continue
        spot = on_market(recorder, market, placed)
        wrong = placed.full("symbol") & (spot.symbol < 0)
        recorder.made(Check.SYMBOLS, placed.table.rows)
        recorder.add_where(Check.SYMBOLS, FindingKind.SYMBOL, placed.field("symbol"), wrong)
        if placed.name == "fills":
            known = spot.known
            absent = known.copy()
            absent[known] = ~market.present[spot.bar[known], spot.symbol[known]]
            recorder.add_where(Check.SYMBOLS, FindingKind.ABSENT, placed.field("symbol"), absent)


def check_decisions(recorder: Recorder, scenario: Scenario, market: Market) -> None:
    """T1, T2: a fill is at the bar after its decision; with `same_close`, at the bar of its decision.

    X9: a close at a level is at the bar of its decision, whatever the timing.
    """
    fills = recorder.need(Check.DECISIONS, "fills", "timestamp", "decided_at")
    if fills is None:
        return
    decided, full = timestamps_of(fills.table.columns["decided_at"])
    full &= fills.full("timestamp")
    decision, bar = bars_of(market, decided), bars_of(market, fills.time)
    lag = np.full(fills.table.rows, 0 if scenario.execution.timing is Timing.SAME_CLOSE else 1)
    lag[level_reasons(scenario, fills, True) | level_reasons(scenario, fills, False)] = 0
    early = full & (fills.time < decided)
    known = full & (decision >= 0) & (bar >= 0) & ~early
    recorder.made(Check.DECISIONS, int(full.sum()))
    for kind, wrong in (
        (FindingKind.BEFORE_DECISION, early),
        (FindingKind.TOO_SOON, known & (bar - decision < lag)),
        (FindingKind.LATE, known & (bar - decision > lag)),
    ):
        recorder.add_where(Check.DECISIONS, kind, fills.field("timestamp"), wrong)


def check_cash_policy(
    recorder: Recorder, scenario: Scenario, books: EquityByBar, cells: Cells | None, initial: Amounts | None
) -> None:
    """E4: no buy leaves cash below zero, except for the part that covers a short position.

    Each bar starts with the cash on record for the bar before, so that one wrong bar, which is a finding of
    `cash`, affects no later bar. Where cash is frozen, fills are summed from the last bar before that.
    """
    if scenario.execution.cash is CashPolicy.ALLOW_NEGATIVE:
        recorder.permitted(Check.CASH_POLICY)
        return
    equity = recorder.need(Check.CASH_POLICY, "equity", "timestamp", "cash")
    fills = recorder.need(Check.CASH_POLICY, "fills", "timestamp", "symbol", "side", "price", "quantity")
    if equity is None or fills is None or initial is None:
        return
    if not recorder.index.ordered:
        recorder.not_made(Check.CASH_POLICY, "fills.sequence", Why.NO_ORDER)
        return
    moved = cash_of_fills(fills)
    if moved is None:
        return
    rows = recorder.index.sequence
    rows = rows[(fills.bar[rows] >= 0) & moved[1][rows]]
    if not len(rows):
        recorder.made(Check.CASH_POLICY, equity.table.rows)
        return
    after = _cash_after(recorder, books, moved[0], rows, initial)
    opening = _opens_more(recorder, fills, rows, cells)
    recorder.made(Check.CASH_POLICY, len(rows))
    if scenario.execution.cash is CashPolicy.REDUCE_BEFORE_COSTS and "commission" in fills:
        # Only the notional has to fit: cash before the commission of this fill is not below zero.
        after = add(after, take(finite(fills.amounts("commission")), rows))
    below = nonzero(after) & np.asarray(after.values < 0, np.bool_)
    wrong = np.flatnonzero(below & opening & ~fills.sells[rows])
    for place in wrong.tolist():
        if recorder.is_full(FindingKind.NEGATIVE_CASH):
            recorder.count_more(Check.CASH_POLICY, FindingKind.NEGATIVE_CASH, 1)
            continue
        row = int(rows[place])
        kind = FindingKind.NEGATIVE_CASH
        recorder.add_row(Check.CASH_POLICY, kind, fills.field("quantity"), row, value(after, place), None)


def _since(sums: Amounts, group: Ints) -> Amounts:
    """Running sums that start again at 0 in each group. group: equal values are adjacent."""
    starts = np.flatnonzero(np.append(True, group[1:] != group[:-1]))
    start_of = starts[np.searchsorted(starts, np.arange(len(group)), "right") - 1]
    return minus(sums, take(sums, start_of - 1))


def _cash_after(
    recorder: Recorder, books: EquityByBar, moved: Amounts, rows: Ints, initial: Amounts
) -> Amounts:
    """Cash after each fill. rows: of fills, in order of execution. Flows of a bar come before its fills."""
    equity, fills = recorder.index.tables["equity"], recorder.index.tables["fills"]
    anchor = _anchors(books)[fills.bar[rows]]
    since = _since(running(take(moved, rows)), anchor)
    flows = cash_beside_fills(recorder)
    if flows is not None:
        paid = running(flows)
        since = add(since, minus(take(paid, fills.bar[rows]), take(paid, anchor)))
    start = finite(take(equity.amounts("cash"), np.where(anchor >= 0, books.row[anchor], -1)))
    first = only(take(initial, np.zeros(len(rows), np.int64)), anchor < 0)
    return add(add(start, first), since)


def _anchors(books: EquityByBar) -> Ints:
    """For each bar, the last bar before it whose cash is reported and not frozen; -1 for the initial cash."""
    stands = np.append(books.skip_cash, True)[books.row]
    trusted = np.where(stands, -1, np.arange(len(books.row)))
    return np.append(-1, np.maximum.accumulate(trusted)[:-1])


def _opens_more(recorder: Recorder, fills: PlacedTable, rows: Ints, cells: Cells | None) -> Mask:
    """The fills after which the position is long: a buy among them does more than cover a short."""
    positions = recorder.index.get("positions")
    order = np.lexsort((np.arange(len(rows)), fills.bar[rows], fills.symbol[rows]))
    lots = finite(only(signed(fills.amounts("quantity"), fills.sells), fills.full("quantity")))
    own = take(lots, rows[order])
    key = fills.symbol[rows[order]] * max(len(recorder.index.bars), 1) + fills.bar[rows[order]]
    known = positions is not None and cells is not None and "quantity" in positions
    if known and positions is not None and cells is not None:
        at = np.searchsorted(cells.symbol * len(recorder.index.bars) + cells.bar, key)
        held = add(take(positions.amounts("quantity"), cells.before[at]), _since(running(own), key))
    else:
        held = _since(running(own), fills.symbol[rows[order]])
    out = np.zeros(len(rows), np.bool_)
    out[order] = nonzero(held) & np.asarray(held.values > 0, np.bool_)
    return out


def check_shorts(recorder: Recorder, scenario: Scenario) -> None:
    """E5: no position is short, unless the scenario allows it."""
    positions = recorder.need(Check.SHORTS, "positions", "quantity")
    if positions is None:
        return
    recorder.made(Check.SHORTS, positions.table.rows)
    if not scenario.execution.allow_short:
        short = positions.full("quantity") & np.asarray(positions.amounts("quantity").values < 0, np.bool_)
        recorder.add_where(Check.SHORTS, FindingKind.SHORT, positions.field("quantity"), short)
