"""A scenario and a market become what the kernel reads: whole numbers, masks, contiguous arrays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from engine import layout as at
from engine.book import reasons_of
from engine.exits import exit_features, is_at_level
from engine.layout import Extras, Panel, Ranges, Settings, Wanted
from vocabulary.market import Bools, Floats, Ints, Market
from vocabulary.scenario import (
    Armed,
    Bound,
    BpsCommission,
    BpsSlippage,
    CallableStrategy,
    CashPolicy,
    CommissionBase,
    FixedSlippage,
    Gap,
    OrdersStrategy,
    Path,
    PerShareCommission,
    Scenario,
    ScheduleKind,
    Sequence,
    SizeAt,
    SizeOn,
    Strategy,
    Timing,
    TopN,
    Touch,
    Trail,
    TrailingStop,
    Weights,
    When,
)
from vocabulary.state import OrderType, Side, State

G = 1_000_000_000
DAY = 86_400_000_000_000
TIMINGS = {Timing.NEXT_OPEN: at.NEXT_OPEN, Timing.NEXT_CLOSE: at.NEXT_CLOSE, Timing.SAME_CLOSE: at.SAME_CLOSE}
SEQUENCES = {
    Sequence.SELLS_FIRST: at.SELLS_FIRST,
    Sequence.SUBMISSION: at.SUBMISSION,
    Sequence.SYMBOL: at.SYMBOL,
    Sequence.SELLS_FIRST_SYMBOL: at.SELLS_FIRST_SYMBOL,
    Sequence.VALUE: at.VALUE,
}
GAPS = {Gap.OPEN: at.GAP_OPEN, Gap.LEVEL_OR_OPEN: at.LEVEL_OR_OPEN, Gap.LEVEL_OR_FAR: at.LEVEL_OR_FAR}
PATHS = {
    Path.STOP_FIRST: at.STOP_FIRST,
    Path.TARGET_FIRST: at.TARGET_FIRST,
    Path.NEAREST: at.NEAREST,
    Path.UP_FIRST: at.UP_FIRST,
    Path.COLOR: at.COLOR,
}
TRAILS = {Trail.HIGH_AFTER: at.HIGH_AFTER, Trail.HIGH_BEFORE: at.HIGH_BEFORE, Trail.CLOSE: at.TRAIL_CLOSE}
KINDS: Mapping[type[Any], int] = {
    TopN: at.TOP_N,
    Weights: at.WEIGHTS,
    CallableStrategy: at.CALLABLE,
    OrdersStrategy: at.ORDERS,
}
TYPES = {OrderType.MARKET: at.MARKET, OrderType.LIMIT: at.LIMIT, OrderType.STOP: at.STOP}
POLICIES = {
    CashPolicy.REDUCE: at.REDUCE,
    CashPolicy.REJECT: at.REJECT,
    CashPolicy.ALLOW_NEGATIVE: at.ALLOW_NEGATIVE,
    CashPolicy.REDUCE_BEFORE_COSTS: at.REDUCE_BEFORE_COSTS,
}


def _slippage(scenario: Scenario) -> tuple[int, int]:
    """E2: kind and rate (ppb) or ticks."""
    match scenario.costs.slippage:
        case BpsSlippage(rate):
            return at.BPS, rate
        case FixedSlippage(ticks):
            return at.PER_UNIT, ticks
        case None:
            return at.NO_COST, 0


def _commission(scenario: Scenario) -> tuple[int, int, int, int, int]:
    """E3: kind, rate (ppb), a per-share rate's whole and fractional money a lot, minimum (money)."""
    match scenario.costs.commission:
        case BpsCommission(rate=rate, minimum=minimum):
            return at.BPS, rate, 0, 0, minimum
        case PerShareCommission(rate=rate, minimum=minimum):
            whole, part = divmod(rate * 10**scenario.market.price_decimals, G)
            return at.PER_UNIT, 0, whole, part, minimum
        case None:
            return at.NO_COST, 0, 0, 0, 0


def _weights_each(top: TopN) -> tuple[int, int]:
    """R4: ppb of one long and of one short."""
    return (
        top.gross_long // top.n if top.n else 0,
        top.gross_short // top.short_n if top.short_n else 0,
    )


def extras_of(scenario: Scenario, state: State) -> Extras | None:
    """E3, R10, R12, X5 to X8: what few scenarios set, None where this one sets nothing of it."""
    rules = [rule for rule in scenario.exits if is_at_level(rule)]
    commission = scenario.costs.commission
    maximum = None if commission is None else commission.maximum
    on_raw = isinstance(commission, BpsCommission) and commission.on is CommissionBase.RAW
    late = scenario.strategy.size_at is SizeAt.EXECUTION
    from_file = isinstance(scenario.strategy.selection, OrdersStrategy)
    # a state of another scenario may wait to be sized
    plain = not rules and maximum is None and not on_raw and state.unsized is None
    if plain and not late and not from_file:
        return None
    levels = scenario.execution.levels
    return Extras(
        fee_maximum=at.NOTHING if maximum is None else maximum,
        fee_on_raw=on_raw,
        levels=bool(rules),
        trails=any(isinstance(rule, TrailingStop) for rule in rules),
        gap=GAPS[levels.gap],
        path=PATHS[levels.path],
        trail=TRAILS[levels.trail],
        cross=levels.touch is Touch.CROSS,
        armed_next=levels.armed is Armed.NEXT,
        late=late,
        from_file=from_file,
        held_only=from_file and not scenario.execution.allow_short,
    )


def settings_of(scenario: Scenario, market: Market, extras: Extras | None) -> Settings:
    """The scenario in the kernel's codes and units."""
    selection = scenario.strategy.selection
    top = selection if isinstance(selection, TopN) else TopN(score="", n=0)
    kind = KINDS[type(selection)]
    slip, slip_rate = _slippage(scenario)
    fee, fee_rate, fee_whole, fee_part, fee_minimum = _commission(scenario)
    weight_long, weight_short = _weights_each(top)
    symbols = len(market.symbols)
    return Settings(
        bars=len(market.timestamps),
        timing=TIMINGS[scenario.execution.timing],
        sequence=SEQUENCES[scenario.execution.sequence],
        cash=POLICIES[scenario.execution.cash],
        slip=slip,
        slip_rate=slip_rate,
        fee=fee,
        fee_rate=fee_rate,
        fee_whole=fee_whole,
        fee_part=fee_part,
        fee_minimum=fee_minimum,
        lot=scenario.market.lot,
        minimum_notional=scenario.strategy.minimum_notional,
        kind=kind,
        n=min(top.n, symbols),
        short_n=min(top.short_n, symbols),
        weight_long=weight_long,
        weight_short=weight_short,
        on_membership=top.when is When.MEMBERSHIP,
        band=scenario.strategy.band,
        size_on_equity=scenario.strategy.size_on is SizeOn.EQUITY,
        initial_cash=scenario.initial_cash,
        cooldown=min(scenario.strategy.cooldown, at.FOREVER),
        rebalance_reason=len(scenario.exits),
        price_unit=float(10**scenario.market.price_decimals),
        levels=extras is not None and extras.levels,
        extras=extras,
        room=room_of(scenario, market),
    )


def _scheduled(strategy: Strategy, market: Market) -> Bools:
    """R2: the bars of the schedule, (T,)."""
    bars = np.arange(len(market.wall))
    schedule = strategy.schedule
    if schedule.kind is ScheduleKind.EVERY:
        chosen: Bools = (bars >= schedule.start) & ((bars - schedule.start) % schedule.every == 0)
        return chosen
    if schedule.kind is ScheduleKind.WEEKLY:
        # 1970-01-01 was a Thursday: three days into its ISO week
        period = (market.wall // DAY + 3) // 7
    else:
        period = market.wall.astype("datetime64[ns]").astype("datetime64[M]").astype(np.int64)
    return np.concatenate(([True], period[1:] != period[:-1]))


def _gated(strategy: Strategy, market: Market) -> Bools | bool:
    """R3: the bars at which the gate is open, (T,); a missing value compares false and closes it."""
    gate = strategy.gate
    if gate is None:
        return True
    values = market.context[gate.context]
    return values <= gate.value if gate.bound is Bound.MAX else values >= gate.value


def _addresses(market: Market, names: tuple[str, ...]) -> Ints:
    """Where the features' arrays begin; the market keeps them alive."""
    places = [market.features[name].__array_interface__["data"][0] for name in names]
    return _sealed(np.array(places, dtype=np.int64))


def _shared(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """One of the market's arrays as the kernel is compiled for it: contiguous, and not to be written."""
    if array.flags.writeable or not array.flags.c_contiguous:
        return _sealed(np.ascontiguousarray(array).view())
    return array


def _sealed(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    array = np.ascontiguousarray(array)
    array.flags.writeable = False
    return array


def panel_of(scenario: Scenario, market: Market, extras: Extras | None) -> Panel:
    """The market's arrays the kernel reads, all shared with the market."""
    selection = scenario.strategy.selection
    score = _nothing()
    required: tuple[str, ...] = ()
    if isinstance(selection, TopN):
        score, required = market.features[selection.score], selection.require
    elif isinstance(selection, Weights):
        score = market.features[selection.feature]
    ranges, wanted = None, None
    if extras is not None:
        wanted = _wanted(scenario, market)
        ranges = Ranges(_shared(market.open), _shared(market.high), _shared(market.low))
    at_open = scenario.execution.timing is Timing.NEXT_OPEN
    allowed = _scheduled(scenario.strategy, market) & _gated(scenario.strategy, market)
    return Panel(
        price=_shared(market.open if at_open else market.close),
        close=_shared(market.close),
        score=_shared(score),
        required=_addresses(market, required),
        carry=_carry(scenario, market),
        stops=_addresses(market, exit_features(scenario)),
        timestamps=_shared(market.timestamps),
        allowed=_sealed(allowed),
        ranges=ranges,
        wanted=wanted,
    )


def _carry(scenario: Scenario, market: Market) -> Ints:
    """M5: ticks per share (U1), 0 where missing; no rows without carry."""
    name = scenario.market.carry
    if name is None:
        return _sealed(np.empty((0, 0), dtype=np.int64))
    scaled = np.rint(market.features[name] * 10.0**scenario.market.price_decimals)
    return _sealed(np.where(np.isfinite(scaled), scaled, 0.0).astype(np.int64))


def room_of(scenario: Scenario, market: Market) -> int:
    """The most rows that a bar adds to a table: one per symbol, one more where levels may close it, and the
    fullest bar of a file of orders (R10)."""
    levels = any(is_at_level(rule) for rule in scenario.exits)
    selection = scenario.strategy.selection
    fullest = 0
    if isinstance(selection, OrdersStrategy):
        fullest = max(Counter(row.decided_at for row in selection.rows).values(), default=0)
    return len(market.symbols) * (2 if levels else 1) + fullest


def _wanted(scenario: Scenario, market: Market) -> Wanted:
    """R10: the orders of a file, in the kernel's codes; no rows for another kind of strategy.

    A market that was cut lacks bars of the file. Their rows are left out: no table has room for them.
    """
    selection = scenario.strategy.selection
    rows = selection.rows if isinstance(selection, OrdersStrategy) else ()
    bars = set(market.timestamps.tolist()) if rows else set()
    rows = tuple(row for row in rows if row.decided_at in bars)
    place = {symbol: s for s, symbol in enumerate(market.symbols)}
    code = {reason: i for i, reason in enumerate(reasons_of(scenario))}

    def column(values: Iterable[int]) -> Ints:
        return _sealed(np.array(list(values), dtype=np.int64))

    times = column(row.decided_at for row in rows)
    return Wanted(
        first=_sealed(np.append(np.searchsorted(times, market.timestamps), len(rows)).astype(np.int64)),
        symbol=column(place[row.symbol] for row in rows),
        side=column(at.BUY if row.side is Side.BUY else at.SELL for row in rows),
        quantity=column(row.quantity for row in rows),
        kind=column(TYPES[row.type] for row in rows),
        price=column(row.price for row in rows),
        reason=column(code[row.reason] for row in rows),
    )


def _nothing() -> Floats:
    """What a strategy reads that reads no feature."""
    return _sealed(np.empty((0, 0), dtype=np.float64))


def bar_name(market: Market, t: int) -> str:
    """Bar t for an error: its number and its local clock time, no longer than needed."""
    day, _, clock = str(market.wall[t].astype("datetime64[ns]")).partition("T")
    clock = clock.removesuffix(".000000000")
    return f"bar {t} ({day})" if clock == "00:00:00" else f"bar {t} ({day} {clock})"
