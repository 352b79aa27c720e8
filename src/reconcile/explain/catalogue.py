"""The catalogue of hypotheses: what may be wrong with a candidate, and the values worth trying.

Its order is the order of preference between causes that a ledger cannot tell apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from reconcile.explain import wording as say
from reconcile.explain.nouns import Hypothesis, Kind, Measured, Subject, Value
from reconcile.intake.numbers import BPS, PPB, from_units
from vocabulary.scenario import (
    BpsCommission,
    BpsSlippage,
    CallableStrategy,
    CashPolicy,
    ScheduleKind,
    Sequence,
    SizeOn,
    StopLoss,
    TakeProfit,
    TimeExit,
    Timing,
    TopN,
    TrailingStop,
    VolatilityStop,
    Weights,
    When,
)

Values = tuple[Value, ...]


def _settings(path: str, values: Iterable[Value], current: Value = None) -> Values:
    """Changes of one setting, without the one that changes nothing."""
    return tuple((path, value) for value in dict.fromkeys(values) if value != current)


def _money(subject: Subject) -> int:
    return subject.scenario.market.price_decimals + subject.scenario.market.quantity_decimals


def _capital(subject: Subject, found: Measured) -> Values:
    cash, unit = subject.scenario.initial_cash, _money(subject)
    tried = [
        *(each for each in (found.initial_cash,) if each),
        *found.base,
        cash * 10,
        cash // 10,
        cash * 2,
        cash // 2,
    ]
    return _settings(
        "portfolio.initial_cash", (from_units(each, unit) for each in tried), from_units(cash, unit)
    )


def _timing(subject: Subject, found: Measured) -> Values:
    now = subject.scenario.execution.timing
    return _settings("execution.timing", (timing.value for timing in Timing), now.value)


def _costs(subject: Subject, found: Measured) -> Values:
    money = _money(subject)
    tried: list[Value] = [None]
    for _, kind, rate, minimum in found.commission:
        unit = BPS if kind == "bps" else PPB
        table = (("kind", kind), ("rate", from_units(rate, unit)), ("minimum", from_units(minimum, money)))
        tried.append(table)
    stated = subject.scenario.costs.commission
    if stated is not None:
        kind, unit = ("bps", BPS) if isinstance(stated, BpsCommission) else ("per_share", PPB)
        for rate, minimum in (
            (stated.rate * 2, stated.minimum),
            (stated.rate // 2, stated.minimum),
            (stated.rate * 10, stated.minimum),
            (stated.rate // 10, stated.minimum),
            (stated.rate, 0),
        ):
            tried.append(
                (("kind", kind), ("rate", from_units(rate, unit)), ("minimum", from_units(minimum, money)))
            )
        own: Value = (
            ("kind", kind),
            ("rate", from_units(stated.rate, unit)),
            ("minimum", from_units(stated.minimum, money)),
        )
    else:
        own = None
    return _settings("costs.commission", tried, own)


def _slippage(subject: Subject, found: Measured) -> Values:
    price = subject.scenario.market.price_decimals
    stated = subject.scenario.costs.slippage
    tried: list[tuple[str, int]] = list(found.slippage)
    own: Value = None
    if isinstance(stated, BpsSlippage):
        own = (("kind", "bps"), ("rate", from_units(stated.rate, BPS)))
        tried += [("bps", stated.rate * 2), ("bps", stated.rate // 2)]
    elif stated is not None:
        own = (("kind", "fixed"), ("amount", from_units(stated.ticks, price)))
        tried += [("fixed", stated.ticks * 2)]
    tables: list[Value] = [None]
    for kind, size in tried:
        entry = ("rate", from_units(size, BPS)) if kind == "bps" else ("amount", from_units(size, price))
        tables.append((("kind", kind), entry))
    return _settings("costs.slippage", tables, own)


def _selection(subject: Subject, found: Measured) -> Values:
    top = subject.scenario.strategy.selection
    if not isinstance(top, TopN):
        return ()
    n = [each for each in (found.n, top.n - 1, top.n + 1) if each is not None and (each > 0 or top.short_n)]
    short = [
        each for each in (found.short_n, top.short_n - 1, top.short_n + 1) if each is not None and each >= 0
    ]
    if not top.short_n and not found.short_n:
        short = []
    other = When.MEMBERSHIP if top.when is When.ALWAYS else When.ALWAYS
    scores = [name for name in subject.market.features if name not in (top.score, "volume")]
    return (
        *_settings("strategy.n", (each for each in n if each >= 0), top.n),
        *_settings("strategy.short_n", short, top.short_n),
        *_settings("strategy.when", (other.value,)),
        *(_settings("strategy.require", ((),)) if top.require else ()),
        *_settings("strategy.score", scores[:8]),
    )


def _sizing(subject: Subject, found: Measured) -> Values:
    strategy = subject.scenario.strategy
    other = SizeOn.EQUITY if strategy.size_on is SizeOn.INITIAL_CASH else SizeOn.INITIAL_CASH
    out = _settings("strategy.size_on", (other.value,))
    top = strategy.selection
    if isinstance(top, TopN):
        for path, measured, stated, count in (
            ("strategy.gross_long", found.gross_long, top.gross_long, top.n),
            ("strategy.gross_short", found.gross_short, top.gross_short, top.short_n),
        ):
            if count:
                rough = [] if measured is None else [_round(measured), measured]
                tried = [*rough, 10**PPB, stated // 2, stated * 2, stated * 95 // 100, stated * 9 // 10]
                out += _settings(path, (from_units(each, PPB) for each in tried), from_units(stated, PPB))
    return out


def _round(rate: int) -> int:
    """A rate that a division by the number of positions has left some parts per billion short."""
    return -(-rate // 1000) * 1000


def _band(subject: Subject, found: Measured) -> Values:
    stated = subject.scenario.strategy.band
    unit = 10 ** (PPB - 3)
    tried = [*found.bands, 0, *(k * unit for k in (5, 10, 20, 25, 50, 100, 200))]
    return _settings("strategy.band", (from_units(each, PPB) for each in tried), from_units(stated, PPB))


def _cash(subject: Subject, found: Measured) -> Values:
    execution = subject.scenario.execution
    return _settings("execution.cash", (policy.value for policy in CashPolicy), execution.cash.value)


def _sequence(subject: Subject, found: Measured) -> Values:
    execution = subject.scenario.execution
    return _settings("execution.sequence", (each.value for each in Sequence), execution.sequence.value)


def _gate(subject: Subject, found: Measured) -> Values:
    gate = subject.scenario.strategy.gate
    if gate is None:
        return ()
    own: Value = (("context", gate.context), (gate.bound.value, gate.value))
    other = "min" if gate.bound.value == "max" else "max"
    names = [name for name in subject.market.context if name != gate.context]
    tried: list[Value] = [
        None,
        *found.gates,
        (("context", gate.context), (other, gate.value)),
        *((("context", name), (gate.bound.value, gate.value)) for name in names),
    ]
    return _settings("strategy.gate", tried, own)


def _schedule(subject: Subject, found: Measured) -> Values:
    stated = subject.scenario.strategy.schedule
    own: Value = stated.kind.value
    tried: list[Value] = [*found.schedules, "weekly", "monthly", (("every", 1), ("start", 0))]
    if stated.kind is ScheduleKind.EVERY:
        own = (("every", stated.every), ("start", stated.start))
        for every, start in (
            (stated.every, stated.start + 1),
            (stated.every, max(0, stated.start - 1)),
            (stated.every + 1, stated.start),
            (max(1, stated.every - 1), stated.start),
            (5, 0),
            (21, 0),
        ):
            tried.append((("every", every), ("start", start)))
    return _settings("strategy.schedule", tried, own)


def _cooldown(subject: Subject, found: Measured) -> Values:
    stated = subject.scenario.strategy.cooldown
    if not subject.scenario.exits:
        return ()
    return _settings("strategy.cooldown", (0, 1, 2, 3, 4, 5, 10, stated + 1, max(0, stated - 1)), stated)


def _exit_settings(subject: Subject, found: Measured) -> Values:
    measured = found.exits or {}
    out: Values = ()
    for rule in subject.scenario.exits:
        stated: dict[str, int]
        match rule:
            case StopLoss(_, loss):
                stated = {"loss": loss}
            case TakeProfit(_, gain):
                stated = {"gain": gain}
            case VolatilityStop(_, multiple, _):
                stated = {"multiple": multiple}
            case TrailingStop(_, initial, tighten, minimum):
                stated = {"initial": initial, "tighten": tighten, "minimum": minimum}
            case TimeExit(_, bars):
                stated = {"bars": bars}
        for key, own in stated.items():
            tried = measured.get((rule.name, key), ())
            if key == "bars":
                more = {own - 1, own + 1, own * 2, own // 2}
                out += _settings(
                    f"exits.{rule.name}.bars", (each for each in (*tried, *more) if each >= 0), own
                )
                continue
            near = (*tried, own * 2, own // 2, own * 3 // 2, own * 10, own // 10, 0)
            top = 10**PPB if key in ("loss", "initial", "minimum") else 10**18
            texts = (from_units(each, PPB) for each in near if 0 <= each <= top)
            out += _settings(f"exits.{rule.name}.{key}", texts, from_units(own, PPB))
    return out


def _exit_unused(subject: Subject, found: Measured) -> Values:
    every = [rule.name for rule in subject.scenario.exits]
    alone = sorted(every, key=lambda name: (name not in found.unused_exits, every.index(name)))
    return (*alone, "*") if len(every) > 1 else tuple(alone)


def _exits_reversed(subject: Subject, found: Measured) -> Values:
    return (None,) if len(subject.scenario.exits) > 1 else ()


def _short(subject: Subject, found: Measured) -> Values:
    return _settings("execution.allow_short", (not subject.scenario.execution.allow_short,))


def read_features(subject: Subject) -> tuple[str, ...]:
    """The features a scenario reads; of a callable, all of them."""
    selection = subject.scenario.strategy.selection
    names: list[str] = []
    if isinstance(selection, TopN):
        names = [selection.score, *selection.require]
    elif isinstance(selection, Weights):
        names = [selection.feature]
    elif isinstance(selection, CallableStrategy):
        names = list(subject.market.features)
    names += [rule.feature for rule in subject.scenario.exits if isinstance(rule, VolatilityStop)]
    return tuple(name for name in dict.fromkeys(names) if name in subject.market.features)


def _read_context(subject: Subject) -> tuple[str, ...]:
    gate = subject.scenario.strategy.gate
    names = list(subject.market.context) if _calls(subject) else [gate.context] if gate is not None else []
    return tuple(name for name in names if name in subject.market.context)


def _calls(subject: Subject) -> bool:
    return isinstance(subject.scenario.strategy.selection, CallableStrategy)


def _features(subject: Subject, found: Measured) -> Values:
    return read_features(subject)


def _contexts(subject: Subject, found: Measured) -> Values:
    return _read_context(subject)


SHIFTS = (1, -1, 2, 5)


def _feature_shifts(subject: Subject, found: Measured) -> Values:
    return tuple((name, bars) for name in read_features(subject) for bars in SHIFTS)


def _feature_rolls(subject: Subject, found: Measured) -> Values:
    if len(subject.market.symbols) < 2:
        return ()
    return tuple((name, places) for name in read_features(subject) for places in (1, -1))


def _feature_scales(subject: Subject, found: Measured) -> Values:
    if isinstance(subject.scenario.strategy.selection, TopN):
        stops = [rule.feature for rule in subject.scenario.exits if isinstance(rule, VolatilityStop)]
        return tuple((name, factor) for name in dict.fromkeys(stops) for factor in (100, 2))
    return tuple((name, factor) for name in read_features(subject) for factor in (2, 100))


def _context_shifts(subject: Subject, found: Measured) -> Values:
    return tuple((name, bars) for name in _read_context(subject) for bars in SHIFTS)


def _price_shifts(subject: Subject, found: Measured) -> Values:
    return (1, -1, 2)


def _price_gaps(subject: Subject, found: Measured) -> Values:
    return () if bool(subject.market.present.all()) else (None,)


def _price_rolls(subject: Subject, found: Measured) -> Values:
    return (1, -1) if len(subject.market.symbols) > 1 else ()


def _splits(subject: Subject, found: Measured) -> Values:
    return tuple(dict.fromkeys((up, down) for _, up, down in found.splits))


def _execution_prices(subject: Subject, found: Measured) -> Values:
    timing = subject.scenario.execution.timing
    if timing is Timing.SAME_CLOSE:
        return ()
    own = ("open", 0) if timing is Timing.NEXT_OPEN else ("close", 0)
    places = (*found.price, ("close", 1), ("close", 0), ("open", 0))
    return tuple(place for place in dict.fromkeys(places) if place != own)


def _once(subject: Subject, found: Measured) -> Values:
    return (None,)


def _if_commission(subject: Subject, found: Measured) -> Values:
    return () if subject.scenario.costs.commission is None else (None,)


def _factors(subject: Subject, found: Measured) -> Values:
    return () if subject.scenario.costs.commission is None else (2, 0)


def _lots(subject: Subject, found: Measured) -> Values:
    return tuple(dict.fromkeys(each for each in (found.lot, 100, 10) if each))


def _unsent(subject: Subject, found: Measured) -> Values:
    names = [rule.name for rule in subject.scenario.exits]
    return (*names, "*") if len(names) > 1 else tuple(names)


def _waits(subject: Subject, found: Measured) -> Values:
    return (1, 2)


def _books(subject: Subject, found: Measured) -> Values:
    return ("book", "equity")


def _signs(subject: Subject, found: Measured) -> Values:
    return (
        ("equity", "market_value"),
        ("equity", "equity"),
        ("equity", "cash"),
        ("positions", "quantity"),
        ("positions", "market_value"),
        ("fills", "side"),
        ("orders", "side"),
        ("targets", "quantity"),
        ("targets", "weight"),
        ("fills", "commission"),
    )


def _zeros(subject: Subject, found: Measured) -> Values:
    columns = [("fills", name) for name in ("commission", "slippage")]
    columns += [("costs", name) for name in ("commission", "slippage", "turnover")]
    return tuple(columns)


def _marks(subject: Subject, found: Measured) -> Values:
    return (("close", 1), ("open", 0))


def _tables(subject: Subject, found: Measured) -> Values:
    return ("fills", "orders", "positions", "targets")


CATALOGUE: tuple[Hypothesis, ...] = (
    Hypothesis("capital", Kind.SCENARIO, _capital, say.setting, whole_run=True),
    Hypothesis("timing", Kind.SCENARIO, _timing, say.setting),
    Hypothesis("commission", Kind.SCENARIO, _costs, say.setting, by_symbol=True, by_side=True),
    Hypothesis("slippage", Kind.SCENARIO, _slippage, say.setting, by_symbol=True, by_side=True),
    Hypothesis("sizing", Kind.SCENARIO, _sizing, say.setting),
    Hypothesis("sequence", Kind.SCENARIO, _sequence, say.setting),
    Hypothesis("cash", Kind.SCENARIO, _cash, say.setting),
    Hypothesis("gate", Kind.SCENARIO, _gate, say.setting),
    Hypothesis("schedule", Kind.SCENARIO, _schedule, say.setting),
    Hypothesis("selection", Kind.SCENARIO, _selection, say.setting),
    Hypothesis("band", Kind.SCENARIO, _band, say.setting),
    Hypothesis("cooldown", Kind.SCENARIO, _cooldown, say.setting, whole_run=True),
    Hypothesis("short", Kind.SCENARIO, _short, say.setting),
    Hypothesis("exit_unused", Kind.SCENARIO, _exit_unused, say.exit_unused),
    Hypothesis("exit_setting", Kind.SCENARIO, _exit_settings, say.setting),
    Hypothesis("exits_reversed", Kind.SCENARIO, _exits_reversed, say.exits_reversed),
    Hypothesis("context_zero", Kind.INPUT, _contexts, say.context_zero),
    Hypothesis("context_zero_filled", Kind.INPUT, _contexts, say.context_zero_filled),
    Hypothesis("context_carried", Kind.INPUT, _contexts, say.context_carried),
    Hypothesis("context_shifted", Kind.INPUT, _context_shifts, say.context_shifted),
    Hypothesis("execution_price", Kind.INPUT, _execution_prices, say.execution_price, by_symbol=True),
    Hypothesis("feature_shifted", Kind.INPUT, _feature_shifts, say.feature_shifted, by_symbol=True),
    Hypothesis("feature_reversed", Kind.INPUT, _features, say.feature_reversed, by_symbol=True),
    Hypothesis("feature_zero_filled", Kind.INPUT, _features, say.feature_zero_filled, by_symbol=True),
    Hypothesis("feature_carried", Kind.INPUT, _features, say.feature_carried, by_symbol=True),
    Hypothesis("feature_misaligned", Kind.INPUT, _feature_rolls, say.feature_misaligned),
    Hypothesis("feature_scaled", Kind.INPUT, _feature_scales, say.feature_scaled, by_symbol=True),
    Hypothesis("prices_shifted", Kind.INPUT, _price_shifts, say.prices_shifted, by_symbol=True),
    Hypothesis("prices_carried", Kind.INPUT, _price_gaps, say.prices_carried, by_symbol=True),
    Hypothesis("prices_misaligned", Kind.INPUT, _price_rolls, say.prices_misaligned),
    Hypothesis("split", Kind.INPUT, _splits, say.split, by_symbol=True),
    Hypothesis("commission_factor", Kind.LOOP, _factors, say.commission_factor, by_symbol=True, by_side=True),
    Hypothesis("lot", Kind.LOOP, _lots, say.lot),
    Hypothesis("buys_first", Kind.LOOP, _once, say.fixed("buys_first")),
    Hypothesis("exit_unsent", Kind.LOOP, _unsent, say.exit_unsent),
    Hypothesis("order_lost", Kind.LOOP, _once, say.fixed("order_lost"), by_symbol=True, by_side=True),
    Hypothesis("order_late", Kind.LOOP, _waits, say.order_late, by_symbol=True, by_side=True),
    Hypothesis("fill_dropped", Kind.LOOP, _once, say.fixed("fill_dropped"), by_symbol=True, by_side=True),
    Hypothesis("fill_unbooked", Kind.LOOP, _once, say.fixed("fill_unbooked"), by_symbol=True, by_side=True),
    Hypothesis("fill_doubled", Kind.LOOP, _once, say.fixed("fill_doubled"), by_symbol=True, by_side=True),
    Hypothesis(
        "fill_booked_twice", Kind.LOOP, _once, say.fixed("fill_booked_twice"), by_symbol=True, by_side=True
    ),
    Hypothesis("cash_not_credited", Kind.LOOP, _once, say.fixed("cash_not_credited"), by_symbol=True),
    Hypothesis("cash_not_debited", Kind.LOOP, _once, say.fixed("cash_not_debited"), by_symbol=True),
    Hypothesis(
        "commission_not_paid", Kind.LOOP, _if_commission, say.fixed("commission_not_paid"), by_side=True
    ),
    Hypothesis("frozen_book", Kind.REPORT, _books, say.frozen_book),
    Hypothesis("sign_flipped", Kind.REPORT, _signs, say.sign_flipped),
    Hypothesis("marked_otherwise", Kind.REPORT, _marks, say.marked_otherwise),
    Hypothesis("equity_late", Kind.REPORT, _once, say.fixed("equity_late")),
    Hypothesis("reported_zero", Kind.REPORT, _zeros, say.reported_zero),
    Hypothesis("unreported", Kind.REPORT, _tables, say.unreported, by_symbol=True),
)
BY_ID = {hypothesis.id: hypothesis for hypothesis in CATALOGUE}
PLACE = {hypothesis.id: place for place, hypothesis in enumerate(CATALOGUE)}


def every_value(subject: Subject, found: Measured) -> list[tuple[Hypothesis, Value]]:
    """The catalogue with the values worth trying."""
    return list(chain.from_iterable(((h, value) for value in h.domain(subject, found)) for h in CATALOGUE))
