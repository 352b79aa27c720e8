"""The values worth trying for each setting of a scenario."""

from __future__ import annotations

from collections.abc import Iterable

from reconcile.explaining.model import Measured, Subject, Value
from reconcile.files.decimals import BPS, PPB, from_units
from vocabulary.scenario import (
    BpsCommission,
    BpsSlippage,
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
    When,
)

Values = tuple[Value, ...]


def _settings(path: str, values: Iterable[Value], current: Value = None) -> Values:
    """Changes of one setting, without the one that changes nothing."""
    return tuple((path, value) for value in dict.fromkeys(values) if value != current)


def _money(subject: Subject) -> int:
    return subject.scenario.market.price_decimals + subject.scenario.market.quantity_decimals


def capital(subject: Subject, found: Measured) -> Values:
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


def timing(subject: Subject, found: Measured) -> Values:
    now = subject.scenario.execution.timing
    return _settings("execution.timing", (timing.value for timing in Timing), now.value)


def costs(subject: Subject, found: Measured) -> Values:
    money = _money(subject)
    tried: list[Value] = [None]
    for _, kind, rate, minimum in found.commission:
        if not rate and not minimum:  # None says it
            continue
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


def slippage(subject: Subject, found: Measured) -> Values:
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
        if not size:  # None says it
            continue
        entry = ("rate", from_units(size, BPS)) if kind == "bps" else ("amount", from_units(size, price))
        tables.append((("kind", kind), entry))
    return _settings("costs.slippage", tables, own)


def selection(subject: Subject, found: Measured) -> Values:
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


def sizing(subject: Subject, found: Measured) -> Values:
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


def band(subject: Subject, found: Measured) -> Values:
    stated = subject.scenario.strategy.band
    unit = 10 ** (PPB - 3)
    tried = [*found.bands, 0, *(k * unit for k in (5, 10, 20, 25, 50, 100, 200))]
    return _settings("strategy.band", (from_units(each, PPB) for each in tried), from_units(stated, PPB))


def cash(subject: Subject, found: Measured) -> Values:
    execution = subject.scenario.execution
    return _settings("execution.cash", (policy.value for policy in CashPolicy), execution.cash.value)


def sequence(subject: Subject, found: Measured) -> Values:
    execution = subject.scenario.execution
    return _settings("execution.sequence", (each.value for each in Sequence), execution.sequence.value)


def gate(subject: Subject, found: Measured) -> Values:
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


def schedule(subject: Subject, found: Measured) -> Values:
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


def cooldown(subject: Subject, found: Measured) -> Values:
    stated = subject.scenario.strategy.cooldown
    if not subject.scenario.exits:
        return ()
    return _settings("strategy.cooldown", (0, 1, 2, 3, 4, 5, 10, stated + 1, max(0, stated - 1)), stated)


def exit_settings(subject: Subject, found: Measured) -> Values:
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


def exit_unused(subject: Subject, found: Measured) -> Values:
    every = [rule.name for rule in subject.scenario.exits]
    alone = sorted(every, key=lambda name: (name not in found.unused_exits, every.index(name)))
    return (*alone, "*") if len(every) > 1 else tuple(alone)


def exits_reversed(subject: Subject, found: Measured) -> Values:
    return (None,) if len(subject.scenario.exits) > 1 else ()


def short(subject: Subject, found: Measured) -> Values:
    return _settings("execution.allow_short", (not subject.scenario.execution.allow_short,))
