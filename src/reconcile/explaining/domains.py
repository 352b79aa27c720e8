"""The values worth trying for what goes in, what happens in the loop, and what is reported."""

from __future__ import annotations

from reconcile.explaining.model import Measured, Subject, Value
from vocabulary.scenario import (
    CallableStrategy,
    Timing,
    TopN,
    VolatilityStop,
    Weights,
)

Values = tuple[Value, ...]


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


def features(subject: Subject, found: Measured) -> Values:
    return read_features(subject)


def contexts(subject: Subject, found: Measured) -> Values:
    return _read_context(subject)


SHIFTS = (1, -1, 2, 5)


def feature_shifts(subject: Subject, found: Measured) -> Values:
    return tuple((name, bars) for name in read_features(subject) for bars in SHIFTS)


def feature_rolls(subject: Subject, found: Measured) -> Values:
    if len(subject.market.symbols) < 2:
        return ()
    return tuple((name, places) for name in read_features(subject) for places in (1, -1))


def feature_scales(subject: Subject, found: Measured) -> Values:
    if isinstance(subject.scenario.strategy.selection, TopN):
        stops = [rule.feature for rule in subject.scenario.exits if isinstance(rule, VolatilityStop)]
        return tuple((name, factor) for name in dict.fromkeys(stops) for factor in (100, 2))
    return tuple((name, factor) for name in read_features(subject) for factor in (2, 100))


def context_shifts(subject: Subject, found: Measured) -> Values:
    return tuple((name, bars) for name in _read_context(subject) for bars in SHIFTS)


def price_shifts(subject: Subject, found: Measured) -> Values:
    return (1, -1, 2)


def price_gaps(subject: Subject, found: Measured) -> Values:
    return () if bool(subject.market.present.all()) else (None,)


def price_rolls(subject: Subject, found: Measured) -> Values:
    return (1, -1) if len(subject.market.symbols) > 1 else ()


def splits(subject: Subject, found: Measured) -> Values:
    return tuple(dict.fromkeys((up, down) for _, up, down in found.splits))


def execution_prices(subject: Subject, found: Measured) -> Values:
    timing = subject.scenario.execution.timing
    if timing is Timing.SAME_CLOSE:
        return ()
    own = ("open", 0) if timing is Timing.NEXT_OPEN else ("close", 0)
    places = (*found.price, ("close", 1), ("close", 0), ("open", 0))
    return tuple(place for place in dict.fromkeys(places) if place != own)


def once(subject: Subject, found: Measured) -> Values:
    return (None,)


def if_commission(subject: Subject, found: Measured) -> Values:
    return () if subject.scenario.costs.commission is None else (None,)


def factors(subject: Subject, found: Measured) -> Values:
    return () if subject.scenario.costs.commission is None else (2, 0)


def lots(subject: Subject, found: Measured) -> Values:
    return tuple(dict.fromkeys(each for each in (found.lot, 100, 10) if each))


def unsent(subject: Subject, found: Measured) -> Values:
    names = [rule.name for rule in subject.scenario.exits]
    return (*names, "*") if len(names) > 1 else tuple(names)


def waits(subject: Subject, found: Measured) -> Values:
    return (1, 2)


def books(subject: Subject, found: Measured) -> Values:
    return ("book", "equity")


def signs(subject: Subject, found: Measured) -> Values:
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


def zeros(subject: Subject, found: Measured) -> Values:
    columns = [("fills", name) for name in ("commission", "slippage")]
    columns += [("costs", name) for name in ("commission", "slippage", "turnover")]
    return tuple(columns)


def marks(subject: Subject, found: Measured) -> Values:
    return (("close", 1), ("open", 0))


def tables(subject: Subject, found: Measured) -> Values:
    return ("fills", "orders", "positions", "targets")
