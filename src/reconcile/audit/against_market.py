"""Checks that need the scenario and its market: bars, symbols, decisions, prices, costs, marks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from reconcile.audit.amounts import (
    Amounts,
    Array,
    Ints,
    Mask,
    apart,
    as_doubles,
    at_scale,
    loosened,
    magnitude,
    minus,
    times,
)
from reconcile.audit.ground import Placed
from reconcile.audit.ground import times as stamps_of
from reconcile.audit.nouns import Check, Finding, FindingKind, RowName
from reconcile.audit.sink import Sink
from vocabulary.ledger import SCHEMA, Kind
from vocabulary.market import Market
from vocabulary.scenario import BpsCommission, BpsSlippage, FixedSlippage, Scenario, Timing

PPB = 1_000_000_000


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


def mul(amounts: Array, rate: int) -> Array:
    """U2, on arrays of integers >= 0: round half up, split so that int64 holds every part."""
    top = int(amounts.max()) if len(amounts) else 0
    if amounts.dtype == object or rate > 8 * PPB or (top // PPB + 1) * max(rate, 1) >= 2**62:
        return np.asarray((amounts.astype(object) * rate + PPB // 2) // PPB)
    return np.asarray((amounts // PPB) * rate + ((amounts % PPB) * rate + PPB // 2) // PPB)


def slipped(scenario: Scenario, raw: Array, sells: Mask) -> Array:
    """E2: the fill price of a raw price, in ticks."""
    slippage = scenario.costs.slippage
    if isinstance(slippage, BpsSlippage):
        by = mul(raw, slippage.rate)
    else:
        by = np.full(len(raw), slippage.ticks if isinstance(slippage, FixedSlippage) else 0)
    return np.where(sells, np.maximum(1, raw - by), raw + by)


@dataclass(frozen=True, slots=True, eq=False)
class Executed:
    """Fills at a bar and symbol that are present. rows: of fills. raw: ticks."""

    fills: Placed
    rows: Ints
    spot: OnMarket
    raw: Array


def executed(sink: Sink, scenario: Scenario, market: Market, check: Check) -> Executed | None:
    """Fills that can be held against a bar."""
    fills = sink.need(check, "fills", "timestamp", "symbol", "side", "price")
    if fills is None:
        return None
    spot = on_market(sink, market, fills)
    usable = spot.known & fills.full("price", "side")
    usable[usable] &= market.present[spot.bar[usable], spot.symbol[usable]]
    rows = np.flatnonzero(usable)
    raw = _field(scenario, market)[spot.bar[rows], spot.symbol[rows]]
    return Executed(fills, rows, OnMarket(spot.bar[rows], spot.symbol[rows]), raw)


def _field(scenario: Scenario, market: Market) -> Ints:
    return market.open if scenario.execution.timing is Timing.NEXT_OPEN else market.close


def check_prices(sink: Sink, scenario: Scenario, market: Market) -> Ints:
    """E2: the price is the bar's with slippage. What is not: tomorrow's, out of range, or just another.

    Returns the rows of fills at fault.
    """
    done = executed(sink, scenario, market, Check.PRICES)
    if done is None:
        return np.zeros(0, np.int64)
    scale, sells = scenario.market.price_decimals, done.fills.sells[done.rows]
    found = _taken(done.fills.amounts("price"), done.rows)
    found = loosened(found, 0.5 * 10.0**-scale)
    expected = Amounts(slipped(scenario, done.raw, sells), scale)
    where = np.ones(len(done.rows), np.bool_)
    wrong = sink.disagree(Check.PRICES, "fills.price", found, expected, where)
    kinds = _why_wrong(scenario, market, done, found, wrong)
    for kind in (FindingKind.TOMORROW, FindingKind.RANGE, FindingKind.PRICE):
        places = wrong[kinds == list(FindingKind).index(kind)]
        whole = np.zeros(done.fills.table.rows, np.int64)
        whole[done.rows] = np.arange(len(done.rows))
        rows = done.rows[places]
        sink.rows(
            Check.PRICES,
            kind,
            done.fills,
            "price",
            rows.tolist(),
            done.fills.amounts("price"),
            Amounts(expected.values[whole], scale),
        )
    return np.asarray(done.rows[wrong])


def _taken(a: Amounts, rows: Ints) -> Amounts:
    return Amounts(a.values[rows], a.scale, None if a.slop is None else a.slop[rows])


def _why_wrong(scenario: Scenario, market: Market, done: Executed, found: Amounts, wrong: Ints) -> Ints:
    """For each wrong price the kind of finding, as its place in FindingKind."""
    kinds = list(FindingKind)
    scale = scenario.market.price_decimals
    price, sells = _taken(found, wrong), done.fills.sells[done.rows[wrong]]
    bar, symbol = done.spot.bar[wrong], done.spot.symbol[wrong]
    after = np.minimum(bar + 1, len(market.timestamps) - 1)
    tomorrow = market.present[after, symbol] & (after > bar)
    seen = np.zeros(len(wrong), np.bool_)
    for field in (market.open, market.close, market.high, market.low):
        raw = np.maximum(field[after, symbol], 1)
        for ticks in (slipped(scenario, raw, sells), raw):
            seen |= ~apart(price, Amounts(ticks, scale))
    # Tomorrow's number may be one of today's, too: then it tells nothing.
    for field in (market.open, market.close, market.high, market.low):
        raw = np.maximum(field[bar, symbol], 1)
        for ticks in (slipped(scenario, raw, sells), raw):
            seen &= apart(price, Amounts(ticks, scale))
    low = np.minimum(market.low[bar, symbol], done.raw[wrong])
    high = np.maximum(market.high[bar, symbol], done.raw[wrong])
    bottom = slipped(scenario, low, np.ones(len(wrong), np.bool_))
    top = slipped(scenario, high, np.zeros(len(wrong), np.bool_))
    value = as_doubles(price).values * 10.0**scale
    outside = (value < bottom - 1e-6 * bottom) | (value > top + 1e-6 * top)
    exact_out = ~outside & ((value < bottom) | (value > top)) & apart(price, Amounts(bottom, scale))
    exact_out &= apart(price, Amounts(top, scale))
    return np.select(
        [seen & tomorrow, outside | exact_out],
        [kinds.index(FindingKind.TOMORROW), kinds.index(FindingKind.RANGE)],
        kinds.index(FindingKind.PRICE),
    )


def check_slippage(sink: Sink, scenario: Scenario, market: Market, mispriced: Ints) -> None:
    """A2: slippage = quantity * |fill price - raw price|. mispriced: rows that are findings already."""
    if sink.need(Check.SLIPPAGE, "fills", "quantity", "slippage") is None:
        return
    done = executed(sink, scenario, market, Check.SLIPPAGE)
    if done is None:
        return
    fills, scale = done.fills, scenario.market.price_decimals
    price = loosened(_taken(fills.amounts("price"), done.rows), 0.5 * 10.0**-scale)
    away = magnitude(minus(price, Amounts(done.raw, scale)))
    short = times(away, _taken(fills.amounts("quantity"), done.rows))
    expected = _spread(short, done.rows, fills.table.rows)
    where = np.zeros(fills.table.rows, np.bool_)
    where[done.rows] = True
    where &= fills.full("quantity", "slippage")
    where[mispriced] = False
    found = fills.amounts("slippage")
    rows = sink.disagree(Check.SLIPPAGE, "fills.slippage", found, expected, where)
    sink.rows(Check.SLIPPAGE, FindingKind.SLIPPAGE, fills, "slippage", rows.tolist(), found, expected)


def _spread(a: Amounts, rows: Ints, count: int) -> Amounts:
    """Amounts of some rows at their places among all."""
    values = np.zeros(count, a.values.dtype)
    values[rows] = a.values
    if a.slop is None:
        return Amounts(values, a.scale)
    slop = np.zeros(count)
    slop[rows] = a.slop
    return Amounts(values, None, slop)


def check_commission(sink: Sink, scenario: Scenario) -> None:
    """E3: what the scenario's commission charges for each fill."""
    fills = sink.need(Check.COMMISSION, "fills", "price", "quantity", "commission")
    if fills is None:
        return
    found = fills.amounts("commission")
    expected = expected_commission(scenario, fills)
    where = fills.full("price", "quantity", "commission")
    rows = sink.disagree(Check.COMMISSION, "fills.commission", found, expected, where)
    rows = _not_by_record(scenario, fills, rows, found)
    sink.rows(Check.COMMISSION, FindingKind.COMMISSION, fills, "commission", rows.tolist(), found, expected)


def _not_by_record(scenario: Scenario, fills: Placed, rows: Ints, found: Amounts) -> Ints:
    """Without fills whose commission follows from the notional on record: there a price is misprinted."""
    scale = scenario.market.price_decimals + scenario.market.quantity_decimals
    commission = scenario.costs.commission
    notional = whole(fills.amounts("notional"), scale) if "notional" in fills else None
    if notional is None or not isinstance(commission, BpsCommission):
        return rows
    charged = np.maximum(mul(magnitude(notional).values, commission.rate), commission.minimum)
    return np.asarray(rows[apart(found, Amounts(charged, scale))[rows]], np.int64)


def expected_commission(scenario: Scenario, fills: Placed) -> Amounts:
    """E3, exact where price and quantity are whole in the scenario's units, else within half a unit."""
    ticks, lots = scenario.market.price_decimals, scenario.market.quantity_decimals
    commission, count = scenario.costs.commission, fills.table.rows
    if commission is None:
        return Amounts(np.zeros(count, np.int64), ticks + lots)
    price, quantity = whole(fills.amounts("price"), ticks), whole(fills.amounts("quantity"), lots)
    minimum = commission.minimum
    if price is None or quantity is None:
        return _commission_of_doubles(scenario, fills)
    base = (
        times(price, quantity) if isinstance(commission, BpsCommission) else at_scale(quantity, ticks + lots)
    )
    charged = np.maximum(mul(magnitude(base).values, commission.rate), minimum)
    return Amounts(np.where(quantity.values != 0, charged, 0), ticks + lots)


def _commission_of_doubles(scenario: Scenario, fills: Placed) -> Amounts:
    commission = scenario.costs.commission
    assert commission is not None
    unit = 10.0 ** -(scenario.market.price_decimals + scenario.market.quantity_decimals)
    quantity = as_doubles(fills.amounts("quantity"))
    base = times(fills.amounts("price"), quantity) if isinstance(commission, BpsCommission) else quantity
    rate = Amounts(np.full(fills.table.rows, commission.rate / PPB), None, np.full(fills.table.rows, 0.0))
    charged = as_doubles(times(base, rate))
    assert charged.slop is not None
    values = np.where(quantity.values != 0, np.maximum(charged.values, commission.minimum * unit), 0.0)
    return loosened(Amounts(values, None, charged.slop + 2.0**-52 * np.abs(values)), 0.5 * unit)


def whole(a: Amounts, scale: int) -> Amounts | None:
    """The same amounts as integers at `scale`, None where they are doubles or have more decimals."""
    if a.scale is None:
        return None
    if a.scale <= scale:
        return at_scale(a, scale)
    factor = 10 ** (a.scale - scale)
    values = a.values if factor < 2**63 else a.values.astype(object)
    if bool((values % factor != 0).any()):
        return None
    return Amounts(values // factor, scale)


def check_marks(sink: Sink, scenario: Scenario, market: Market) -> None:
    """M3: the mark is the last present close."""
    positions = sink.need(Check.MARKS, "positions", "timestamp", "symbol", "mark")
    if positions is None:
        return
    spot = on_market(sink, market, positions)
    last = np.maximum.accumulate(np.where(market.present, np.arange(len(market.timestamps))[:, None], -1), 0)
    where = spot.known & positions.full("mark")
    bar, symbol = np.where(where, spot.bar, 0), np.where(where, spot.symbol, 0)
    seen = last[bar, symbol] if last.size else np.full(len(bar), -1)
    where &= seen >= 0
    close = market.close[np.maximum(seen, 0), symbol] if last.size else np.zeros(len(bar), np.int64)
    scale = scenario.market.price_decimals
    found, expected = positions.amounts("mark"), Amounts(close, scale)
    wrong = sink.disagree(Check.MARKS, "positions.mark", loosened(found, 0.5 * 10.0**-scale), expected, where)
    after = np.minimum(bar[wrong] + 1, len(market.timestamps) - 1)
    tomorrow = market.present[after, symbol[wrong]] & (after > bar[wrong])
    tomorrow &= ~apart(_taken(found, wrong), Amounts(market.close[after, symbol[wrong]], scale))
    for kind, rows in ((FindingKind.TOMORROW, wrong[tomorrow]), (FindingKind.MARK, wrong[~tomorrow])):
        sink.rows(Check.MARKS, kind, positions, "mark", rows.tolist(), found, expected)


def check_shorts(sink: Sink, scenario: Scenario) -> None:
    """E5: nobody is short unless allowed."""
    positions = sink.need(Check.SHORTS, "positions", "quantity")
    if positions is None:
        return
    sink.made(Check.SHORTS, positions.table.rows)
    if not scenario.execution.allow_short:
        with np.errstate(invalid="ignore"):
            short = positions.full("quantity") & np.asarray(
                positions.amounts("quantity").values < 0, np.bool_
            )
        rows = np.flatnonzero(short).tolist()
        sink.rows(Check.SHORTS, FindingKind.SHORT, positions, "quantity", rows)
