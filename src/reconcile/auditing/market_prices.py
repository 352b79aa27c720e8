"""Prices, slippage, commission and marks, as the scenario's costs and the market's bars give them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from reconcile.auditing.amounts import (
    PPB,
    Amounts,
    Array,
    Floats,
    Ints,
    Mask,
    apart,
    as_doubles,
    loosened,
    magnitude,
    minus,
    mul,
    picked,
    times,
    value,
)
from reconcile.auditing.ledger_index import Field, PlacedTable
from reconcile.auditing.market_rules import OnMarket, level_reasons, on_market, resting_keys
from reconcile.auditing.model import Check, Finding, FindingKind
from reconcile.auditing.recorder import Recorder
from reconcile.scenario.exits import has_levels
from vocabulary.market import Market
from vocabulary.scenario import (
    BpsSlippage,
    FixedSlippage,
    Scenario,
    Timing,
)

FACTOR_STEP, FACTOR_FROM, FACTOR_FILLS = 0.01, 0.05, 3
"""Factors of prices: how far their logarithms may be apart, the smallest, and fills for each on average."""


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
    """The fills whose symbol is present at their bar.

    rows: of fills. raw, price: the price before and after slippage, in ticks. Of a close at a level (X8) the
    raw price is the one of its bar's range that its own price follows from, else the nearest to that.
    """

    fills: PlacedTable
    rows: Ints
    spot: OnMarket
    raw: Array
    price: Array


def executed(recorder: Recorder, scenario: Scenario, market: Market, check: Check) -> Executed | None:
    """The fills that can be compared with a bar; None, recorded as not made, if a column is missing."""
    fills = recorder.need(check, "fills", "timestamp", "symbol", "side", "price")
    if fills is None:
        return None
    spot = on_market(recorder, market, fills)
    usable = spot.known & fills.full("price", "side")
    usable[usable] &= market.present[spot.bar[usable], spot.symbol[usable]]
    rows = np.flatnonzero(usable)
    spot = OnMarket(spot.bar[rows], spot.symbol[rows])
    raw = _field(scenario, market)[spot.bar, spot.symbol]
    done = Executed(fills, rows, spot, raw, slipped(scenario, raw, fills.sells[rows]))
    inside = has_levels(scenario.exits) or resting_keys(scenario, market).size > 0
    return _at_levels(scenario, market, done) if inside else done


def _at_levels(scenario: Scenario, market: Market, done: Executed) -> Executed:
    """X8: the executions, of closes at a level with the raw price inside the bar that they follow from."""
    fills, rows, at = done.fills, done.rows, (done.spot.bar, done.spot.symbol)
    stops, targets = (level_reasons(scenario, fills, kind)[rows] for kind in (False, True))
    sells = fills.sells[rows]
    unit = 10.0**scenario.market.price_decimals
    found = np.rint(as_doubles(picked(fills.amounts("price"), rows)).values * unit)
    price = np.where(np.isfinite(found) & (np.abs(found) < 2.0**62), found, 0).astype(np.int64)
    low = np.minimum(market.low[at], market.open[at])
    high = np.maximum(market.high[at], market.open[at])
    if "reason" not in fills:
        # Any fill may be a close at a level: a price inside the bar is taken as one, of a target.
        stops = price != done.price
        targets = stops & (price >= low) & (price <= high)
    limits, others = _resting(scenario, market, done, price, np.stack((low, high)))
    stops, targets = stops | others, targets | limits
    raw = np.where(stops, np.clip(_unslipped(scenario, done, price, sells), low, high), done.raw)
    raw = np.where(targets, np.clip(price, low, high), raw)
    expected = np.where(targets, raw, slipped(scenario, raw, sells))
    return replace(done, raw=raw, price=expected)


def _resting(
    scenario: Scenario, market: Market, done: Executed, price: Ints, ends: Ints
) -> tuple[Mask, Mask]:
    """R10: which fills may be of limits, and which of stops, by the file and their prices.

    ends: the least and the largest price of their bars. Only a stop is slipped. A price that a market order
    has, too, is taken for that.
    """
    keys = resting_keys(scenario, market)
    sells = done.fills.sells[done.rows]
    mine = (done.spot.bar * len(market.symbols) + done.spot.symbol) * 2 + sells
    may = np.isin(mine, keys) & (price != done.price)
    raw = np.clip(_unslipped(scenario, done, price, sells), ends[0], ends[1])
    fits = slipped(scenario, raw, sells) == price
    if "slippage" in done.fills:
        fits &= as_doubles(picked(done.fills.amounts("slippage"), done.rows)).values != 0
    return may & ~fits, may & fits


def _unslipped(scenario: Scenario, done: Executed, price: Ints, sells: Mask) -> Ints:
    """E2: the raw price in ticks that a price follows from, by the slippage on record where that fits."""
    slippage = scenario.costs.slippage
    if slippage is None:
        return price
    if isinstance(slippage, FixedSlippage):
        return np.where(sells, price + slippage.ticks, price - slippage.ticks)
    factor = np.where(sells, 1 - slippage.rate / PPB, 1 + slippage.rate / PPB)
    near = np.rint(price / np.maximum(factor, 1 / PPB)).astype(np.int64)
    raw = near
    tries = [near + step for step in (-1, 1, 0)]
    if "slippage" in done.fills and "quantity" in done.fills:
        cost = as_doubles(picked(done.fills.amounts("slippage"), done.rows)).values
        size = as_doubles(picked(done.fills.amounts("quantity"), done.rows)).values
        each = np.divide(cost, size, out=np.zeros(len(cost)), where=size > 0)
        away = np.rint(np.nan_to_num(each) * 10.0**scenario.market.price_decimals).astype(np.int64)
        tries.append(np.where(sells, price + away, price - away))
    for one in tries:
        raw = np.where(slipped(scenario, np.maximum(one, 1), sells) == price, one, raw)
    return raw


def _field(scenario: Scenario, market: Market) -> Ints:
    return market.open if scenario.execution.timing is Timing.NEXT_OPEN else market.close


def check_prices(recorder: Recorder, scenario: Scenario, market: Market) -> Ints:
    """E2: the price of a fill is that of its bar with slippage.

    A wrong price is that of the next bar, or out of the bar's range, or just another. Returns the rows of
    fills with a finding.
    """
    done = executed(recorder, scenario, market, Check.PRICES)
    if done is None:
        return np.zeros(0, np.int64)
    scale = scenario.market.price_decimals
    found = picked(done.fills.amounts("price"), done.rows)
    found = loosened(found, 0.5 * 10.0**-scale)
    expected = Amounts(done.price, scale)
    where = np.ones(len(done.rows), np.bool_)
    wrong = recorder.disagreements(Check.PRICES, "fills.price", found, expected, where)
    raw = done.raw / 10.0**scale
    adjusted = _report_adjusted(recorder, done, as_doubles(found).values / raw, wrong)
    rest = wrong[~adjusted]
    kinds = _why_wrong(scenario, market, done, found, rest)
    wanted, prices = spread(expected, done.rows, done.fills.table.rows), done.fills.amounts("price")
    for kind in (FindingKind.TOMORROW, FindingKind.RANGE, FindingKind.PRICE):
        rows = done.rows[rest[kinds == list(FindingKind).index(kind)]]
        nowhere = rows[_beyond_all_bars(recorder, scenario, market, rows)]
        _report_nowhere(recorder, done.fills.field("price"), nowhere, wanted)
        rows = np.setdiff1d(rows, nowhere)
        recorder.add_rows(Check.PRICES, kind, done.fills.field("price"), rows, prices, wanted)
    off = np.setdiff1d(np.flatnonzero(done.fills.full("price", "symbol", "side")), done.rows)
    _report_nowhere(
        recorder, done.fills.field("price"), off[_beyond_all_bars(recorder, scenario, market, off)], None
    )
    return np.asarray(done.rows[wrong])


def _beyond_all_bars(recorder: Recorder, scenario: Scenario, market: Market, rows: Ints) -> Mask:
    """Which of these fills have a price that no bar of their symbol allows, with slippage."""
    fills = recorder.index.tables["fills"]
    symbol = on_market(recorder, market, fills).symbol[rows]
    if not len(market.timestamps):
        return np.zeros(len(rows), np.bool_)
    low = np.where(market.present, market.low, np.iinfo(np.int64).max).min(axis=0)
    high = np.where(market.present, market.high, 0).max(axis=0)
    traded = (symbol >= 0) & (high[symbol] > 0)
    bottom = slipped(scenario, np.where(traded, low[symbol], 1), np.ones(len(rows), np.bool_))
    top = slipped(scenario, np.where(traded, high[symbol], 1), np.zeros(len(rows), np.bool_))
    price = as_doubles(fills.amounts("price")).values[rows] * 10.0**scenario.market.price_decimals
    return np.asarray(traded & ((price < bottom * (1 - 1e-9)) | (price > top * (1 + 1e-9))), np.bool_)


def _report_nowhere(recorder: Recorder, price: Field, rows: Ints, wanted: Amounts | None) -> None:
    for row in rows.tolist():
        if recorder.is_full(FindingKind.RANGE):
            recorder.count_more(Check.PRICES, FindingKind.RANGE, 1)
            continue
        expected = None if wanted is None else value(wanted, row)
        seen = price.placed.value(price.column, row)
        found = recorder.row_finding(Check.PRICES, FindingKind.RANGE, price, row, seen, expected)
        recorder.add(replace(found, detail="no bar of it has such a price in its range"))


def _report_adjusted(recorder: Recorder, done: Executed, ratio: Floats, wrong: Ints) -> Mask:
    """Add one finding for each symbol whose wrong prices are the market's times one factor, or a few.

    ratio: of each fill, its price over the market's before slippage. Returns which of the wrong prices these
    are.
    """
    out = np.zeros(len(wrong), np.bool_)
    fills, field = done.fills, done.fills.field("price")
    power = np.log(ratio)
    for symbol in np.unique(done.spot.symbol[wrong]).tolist():
        own = np.flatnonzero(done.spot.symbol[wrong] == symbol)
        factors = np.unique(np.round(power[wrong[own]] / FACTOR_STEP))
        few = len(own) >= FACTOR_FILLS * len(factors) and bool(np.isfinite(factors).all())
        if not few or float(np.abs(power[wrong[own]]).min()) < FACTOR_FROM:
            continue
        out[own] = True
        row, last = int(done.rows[wrong[own[0]]]), int(done.rows[wrong[own[-1]]])
        factor = float(np.exp(np.median(power[wrong[own]])))
        steps = "" if len(factors) == 1 else f", in {len(factors)} steps"
        finding = Finding(
            Check.PRICES,
            FindingKind.SCALE,
            field.path,
            tuple(recorder.row_name(fills, int(done.rows[wrong[place]])) for place in own[:4]),
            int(fills.time[row]),
            recorder.index.symbols[int(fills.symbol[row])],
            fills.value("price", row),
            None,
            until=int(fills.time[last]),
            bars=len(own),
            detail=f"{len(own):,} of its prices are about {factor:.4g} times the market's{steps}:"
            " adjusted prices, or another unit",
        )
        recorder.add(finding)
    return out


def _why_wrong(scenario: Scenario, market: Market, done: Executed, found: Amounts, wrong: Ints) -> Ints:
    """For each wrong price, the position of its kind in FindingKind."""
    kinds = list(FindingKind)
    scale = scenario.market.price_decimals
    price, sells = picked(found, wrong), done.fills.sells[done.rows[wrong]]
    bar, symbol = done.spot.bar[wrong], done.spot.symbol[wrong]
    after = np.minimum(bar + 1, len(market.timestamps) - 1)
    tomorrow = market.present[after, symbol] & (after > bar)
    seen = np.zeros(len(wrong), np.bool_)
    for field in (market.open, market.close, market.high, market.low):
        raw = np.maximum(field[after, symbol], 1)
        for ticks in (slipped(scenario, raw, sells), raw):
            seen |= ~apart(price, Amounts(ticks, scale))
    # A price of the next bar that today's bar has, too, is no evidence.
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


def check_slippage(recorder: Recorder, scenario: Scenario, market: Market, mispriced: Ints) -> None:
    """A2: slippage = quantity * |fill price - raw price|. mispriced: rows of fills with a wrong price."""
    if recorder.need(Check.SLIPPAGE, "fills", "quantity", "slippage") is None:
        return
    done = executed(recorder, scenario, market, Check.SLIPPAGE)
    if done is None:
        return
    fills, scale = done.fills, scenario.market.price_decimals
    price = loosened(picked(fills.amounts("price"), done.rows), 0.5 * 10.0**-scale)
    away = magnitude(minus(price, Amounts(done.raw, scale)))
    short = times(away, picked(fills.amounts("quantity"), done.rows))
    expected = spread(short, done.rows, fills.table.rows)
    where = np.zeros(fills.table.rows, np.bool_)
    where[done.rows] = True
    where &= fills.full("quantity", "slippage")
    where[mispriced] = False
    found = fills.amounts("slippage")
    recorder.hold(Check.SLIPPAGE, FindingKind.SLIPPAGE, fills.field("slippage"), found, expected, where)


def spread(a: Amounts, rows: Ints, count: int) -> Amounts:
    """(count,) amounts: these at their rows, 0 elsewhere."""
    values = np.zeros(count, a.values.dtype)
    values[rows] = a.values
    if a.slop is None:
        return Amounts(values, a.scale)
    slop = np.zeros(count)
    slop[rows] = a.slop
    return Amounts(values, None, slop, a.coarse)


def check_marks(recorder: Recorder, scenario: Scenario, market: Market) -> None:
    """M3: the mark is the last present close."""
    positions = recorder.need(Check.MARKS, "positions", "timestamp", "symbol", "mark")
    if positions is None:
        return
    spot = on_market(recorder, market, positions)
    last = np.maximum.accumulate(np.where(market.present, np.arange(len(market.timestamps))[:, None], -1), 0)
    where = spot.known & positions.full("mark")
    bar, symbol = np.where(where, spot.bar, 0), np.where(where, spot.symbol, 0)
    seen = last[bar, symbol] if last.size else np.full(len(bar), -1)
    where &= seen >= 0
    close = market.close[np.maximum(seen, 0), symbol] if last.size else np.zeros(len(bar), np.int64)
    scale = scenario.market.price_decimals
    found, expected = positions.amounts("mark"), Amounts(close, scale)
    wrong = recorder.disagreements(
        Check.MARKS, "positions.mark", loosened(found, 0.5 * 10.0**-scale), expected, where
    )
    after = np.minimum(bar[wrong] + 1, len(market.timestamps) - 1)
    tomorrow = market.present[after, symbol[wrong]] & (after > bar[wrong])
    tomorrow &= ~apart(picked(found, wrong), Amounts(market.close[after, symbol[wrong]], scale))
    for kind, rows in ((FindingKind.TOMORROW, wrong[tomorrow]), (FindingKind.MARK, wrong[~tomorrow])):
        recorder.add_rows(Check.MARKS, kind, positions.field("mark"), rows, found, expected)
