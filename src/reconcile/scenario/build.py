"""A table in the shape of the scenario file becomes a Scenario of integers, or one clear error."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NoReturn

from pydantic import ValidationError

from reconcile.files.decimals import NumberError, to_units
from reconcile.scenario import schema as models
from reconcile.scenario.callables import find_callable
from reconcile.scenario.exits import has_levels, read_exits
from reconcile.scenario.toml import scenario_to_toml
from reconcile.scenario.values import show, show_key
from vocabulary import scenario as nouns
from vocabulary.errors import InputError

Calls = Mapping[str, Callable[..., Any]]


def build(
    raw: Mapping[str, Any],
    origin: str,
    name: str,
    where: str,
    calls: Calls | None = None,
    orders: nouns.OrdersStrategy | None = None,
) -> nouns.Scenario:
    """Validate, turn decimal text into integers, look up the callable, digest.

    raw: tables as dict, lists as list, as tomllib gives them. where: the file, for errors.
    calls: functions already at hand, by `module:function`; others are looked up in `origin` first.
    orders: a file's orders already at hand, in the units of `raw` (R10); another file is read.
    Raises InputError.
    """
    file = _validated(raw, where)
    units = _Units(file.market.price_decimals, file.market.quantity_decimals, where)
    market = _market(file.market, units)
    strategy = _strategy(file.strategy, units, origin, calls or {}, orders)
    _check_shorts(strategy.selection, file.execution.allow_short, where)
    _check_size_at(strategy, file.execution.timing, where)
    scenario = nouns.Scenario(
        market=market,
        initial_cash=units.money(file.portfolio.initial_cash, "portfolio.initial_cash"),
        strategy=strategy,
        exits=read_exits(file.exits, where),
        execution=_execution(file, where),
        costs=nouns.Costs(_commission(file.costs.commission, units), _slippage(file.costs.slippage, units)),
        origin=origin,
        name=name,
    )
    if isinstance(strategy.selection, nouns.OrdersStrategy):
        from reconcile.scenario.orders import check_orders

        check_orders(strategy.selection, scenario.exits, scenario.execution.timing, where)
    return dataclasses.replace(scenario, digest=digest_of(scenario))


def digest_of(scenario: nouns.Scenario) -> str:
    """sha256 of the canonical text, and of the orders that it names a file of (R10)."""
    text = scenario_to_toml(scenario)
    selection = scenario.strategy.selection
    if isinstance(selection, nouns.OrdersStrategy):
        text += selection.content
    return hashlib.sha256(text.encode()).hexdigest()


def _validated(raw: Mapping[str, Any], where: str) -> models.ScenarioTable:
    try:
        return models.ScenarioTable.model_validate(raw)
    except ValidationError as error:
        _refuse(raw, error, where)


def _refuse(raw: Mapping[str, Any], error: ValidationError, where: str) -> NoReturn:
    """Tell the first trouble."""
    first = error.errors(include_url=False)[0]
    told = first.get("ctx", {})
    key = _dotted(raw, first["loc"], told.get("key"))
    raise InputError(
        f"{where}: {key}" if key else where,
        told.get("found", show(first["input"])),
        told.get("expected", first["msg"]),
        told.get("remedy", "Correct the value."),
    ) from error


def _dotted(raw: Any, location: tuple[int | str, ...], below: str | None) -> str:
    """The key as the file has it: pydantic's location without the tags of its unions."""
    parts: list[str] = []
    here, tag = raw, None
    for step in location:
        if step == tag or not _is_inside(here, step):
            tag = None
            continue
        here = here[step]
        parts.append(_bare(step))
        tag = here.get("kind") if isinstance(here, Mapping) else None
    return ".".join(parts + ([] if below is None else [_bare(below)]))


def _is_inside(here: Any, step: int | str) -> bool:
    return step in here if isinstance(here, Mapping) else isinstance(here, list) and isinstance(step, int)


def _bare(step: int | str) -> str:
    text = str(step)
    return text if text.isascii() and text.replace("_", "").replace("-", "").isalnum() else show_key(text)


def _market(table: models.MarketTable, units: _Units) -> nouns.MarketSource:
    features: list[nouns.Feature] = []
    for name, feature in sorted(table.features.items()):  # their order in the file means nothing
        if isinstance(feature, models.AtrTable):
            features.append(nouns.AtrFeature(name, feature.period))
        else:
            features.append(nouns.MomentumFeature(name, feature.lookback, feature.skip))
    return nouns.MarketSource(
        data=table.data,
        context=table.context,
        price_decimals=table.price_decimals,
        quantity_decimals=table.quantity_decimals,
        features=tuple(features),
        lot=1 if table.lot is None else units.lot(table.lot),
        carry=table.carry,
    )


def _strategy(
    table: models.StrategyTable,
    units: _Units,
    origin: str,
    calls: Calls,
    orders: nouns.OrdersStrategy | None,
) -> nouns.Strategy:
    when: dict[str, Any] = {
        "cooldown": table.cooldown,
        "schedule": _schedule(table.schedule),
        "gate": _gate(table.gate),
    }
    if isinstance(table, models.OrdersTable):
        return nouns.Strategy(selection=_orders(table, units, origin, orders), **when)
    assert isinstance(table, models.TargetsTable)
    return nouns.Strategy(
        selection=_selection(table, origin, units.where, calls),
        band=table.band,
        size_on=table.size_on,
        minimum_notional=units.money(table.minimum_notional, "strategy.minimum_notional"),
        size_at=table.size_at,
        **when,
    )


def _orders(
    table: models.OrdersTable, units: _Units, origin: str, orders: nouns.OrdersStrategy | None
) -> nouns.OrdersStrategy:
    """R10: the orders at hand where they are of this file, else those that are read."""
    if orders is not None and orders.file == table.file:
        return orders
    from reconcile.scenario.orders import read_orders

    return read_orders(Path(origin) / table.file, table.file, units.price_decimals, units.quantity_decimals)


def _selection(table: models.StrategyTable, origin: str, where: str, calls: Calls) -> nouns.Selection:
    if isinstance(table, models.TopNTable):
        return nouns.TopN(
            score=table.score,
            n=table.n,
            short_n=table.short_n,
            gross_long=table.gross_long,
            gross_short=table.gross_short,
            require=tuple(table.require),
            when=table.when,
        )
    if isinstance(table, models.WeightsTable):
        return nouns.Weights(table.feature)
    assert isinstance(table, models.CallableTable)
    name = table.function
    call = calls[name] if name in calls else find_callable(name, origin, f"{where}: strategy.function")
    return nouns.CallableStrategy(name, call)


def _schedule(table: models.ScheduleTable | nouns.ScheduleKind) -> nouns.Schedule:
    if isinstance(table, nouns.ScheduleKind):
        return nouns.Schedule(table)
    return nouns.Schedule(nouns.ScheduleKind.EVERY, table.every, table.start)


def _gate(table: models.GateTable | None) -> nouns.Gate | None:
    if table is None:
        return None
    if table.max is not None:
        return nouns.Gate(table.context, nouns.Bound.MAX, table.max)
    assert table.min is not None
    return nouns.Gate(table.context, nouns.Bound.MIN, table.min)


def _execution(file: models.ScenarioTable, where: str) -> nouns.Execution:
    table = file.execution
    settings = {**dict(table), "levels": nouns.Levels(**dict(table.levels or models.LevelsTable()))}
    execution = nouns.Execution(**settings)
    orders = isinstance(file.strategy, models.OrdersTable)
    if table.levels is not None and not has_levels(file.exits) and not orders:
        raise InputError(
            f"{where}: execution.levels",
            "a table",
            'no such table: it says how exits with at = "level" and orders of a file are met; there are none',
            'Remove it, or give an exit at = "level".',
        )
    if execution.levels.armed is nouns.Armed.NEXT and execution.timing is not nouns.Timing.NEXT_OPEN:
        raise InputError(
            f"{where}: execution.levels.armed",
            show(execution.levels.armed.value),
            f'"entry", because execution.timing is {execution.timing.value!r}',
            'Set execution.timing = "next_open", or leave armed out.',
        )
    return execution


def _check_shorts(selection: nouns.Selection, allow_short: bool, where: str) -> None:
    """E5: a short that the execution forbids is refused at load."""
    if isinstance(selection, nouns.TopN) and selection.short_n > 0 and not allow_short:
        raise InputError(
            f"{where}: strategy.short_n",
            show(selection.short_n),
            "0, because execution.allow_short is false",
            "Set execution.allow_short = true, or short_n = 0.",
        )


def _check_size_at(strategy: nouns.Strategy, timing: nouns.Timing, where: str) -> None:
    """R12: what executes at the bar that decides it has no later price to be sized at."""
    if strategy.size_at is nouns.SizeAt.EXECUTION and timing is nouns.Timing.SAME_CLOSE:
        raise InputError(
            f"{where}: strategy.size_at",
            show(strategy.size_at.value),
            '"decision", because execution.timing is "same_close"',
            'Set execution.timing = "next_open" or "next_close", or leave size_at out.',
        )


@dataclasses.dataclass(frozen=True)
class _Units:
    """The units that this scenario chose (U)."""

    price_decimals: int
    quantity_decimals: int
    where: str

    def money(self, text: str, key: str) -> int:
        decimals = self.price_decimals + self.quantity_decimals
        return self._exact(text, decimals, key, "market.price_decimals or market.quantity_decimals")

    def ticks(self, text: str, key: str) -> int:
        return self._exact(text, self.price_decimals, key, "market.price_decimals")

    def lot(self, text: str) -> int:
        """R11: a lot in quantity units; at least one."""
        units = self._exact(text, self.quantity_decimals, "market.lot", "market.quantity_decimals")
        if units < 1:
            raise InputError(
                f"{self.where}: market.lot", show(text), "a number of shares above 0", 'Write it like "100".'
            )
        return units

    def _exact(self, text: str, decimals: int, key: str, chosen_by: str) -> int:
        try:
            return to_units(text, decimals)
        except NumberError as error:
            remedy = f"{error.remedy} Its unit is chosen by {chosen_by}."
            raise InputError(f"{self.where}: {key}", show(text), error.expected, remedy) from error


def _commission(
    table: models.BpsCommissionTable | models.PerShareCommissionTable | None, units: _Units
) -> nouns.Commission | None:
    if table is None:
        return None
    minimum = units.money(table.minimum, "costs.commission.minimum")
    if isinstance(table, models.BpsCommissionTable):
        return nouns.BpsCommission(table.rate, minimum, table.maximum, table.on)
    return nouns.PerShareCommission(table.rate, minimum, table.maximum)


def _slippage(
    table: models.BpsSlippageTable | models.FixedSlippageTable | None, units: _Units
) -> nouns.Slippage | None:
    if table is None:
        return None
    if isinstance(table, models.BpsSlippageTable):
        return nouns.BpsSlippage(table.rate)
    return nouns.FixedSlippage(units.ticks(table.amount, "costs.slippage.amount"))
