"""Faults of the record that no hypothesis says."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from reconcile.drilling.catalogue.telling import Cells, Tell, cells
from reconcile.drilling.clean_run import (
    Honest,
    at_bars,
    at_fills,
    at_orders,
    at_positions,
    at_targets,
    is_exit,
)
from reconcile.drilling.model import Fault, Told, Where
from reconcile.matching.model import Stage
from vocabulary.market import Market

UNIT = 10_000
"""A currency unit, in money."""


def _fault(name: str, ground: str, tell: Tell, where: Where) -> Fault:
    return Fault(name, ground, (Told(tell),), where)


def _cut(table: str, column: str, unit: int) -> Tell:
    return cells(table, lambda values, market: {**values, column: values[column] // unit * unit})


def _swapped(values: Cells, market: Market) -> Cells:
    return {**values, "commission": values["slippage"], "slippage": values["commission"]}


def _ranked_from_one(values: Cells, market: Market) -> Cells:
    return {**values, "rank": values["rank"] + 1}


def _one_reason(values: Cells, market: Market) -> Cells:
    """Every order is told as the rebalance's, whose word is the last."""
    return {**values, "reason": np.full_like(values["reason"], values["reason"].max())}


def _some_halved(values: Cells, market: Market) -> Cells:
    some = values["symbol"] % 6 == 4
    return {**values, "quantity": np.where(some, values["quantity"] // 2, values["quantity"])}


def _drifting(values: Cells, market: Market) -> Cells:
    return {**values, "equity": values["equity"] + np.arange(len(values["equity"])) ** 2}


def _is_not_round(name: str, unit: int) -> Callable[[Honest, int], bool]:
    return lambda honest, bar: getattr(honest.days[bar].valuation, name) % unit != 0


FAULTS: tuple[Fault, ...] = (
    _fault("cash told in whole units", "long", _cut("equity", "cash", UNIT),
           at_bars(Stage.CASH, _is_not_round("cash", UNIT))),
    _fault("equity told in thousands", "short", _cut("equity", "equity", 1000 * UNIT),
           at_bars(Stage.EQUITY, _is_not_round("equity", 1000 * UNIT))),
    _fault("equity that drifts", "tight", cells("equity", _drifting),
           at_bars(Stage.EQUITY, lambda h, t: t > 0)),
    _fault("fill prices told in ten cents", "tight", _cut("fills", "price", 1000),
           at_fills(Stage.PRICE, lambda h, t, x: x.price % 1000 != 0)),
    _fault("commission and slippage change places", "long", cells("fills", _swapped),
           at_fills(Stage.COST, lambda h, t, x: x.commission != x.slippage)),
    _fault("ranks told from one", "long", cells("targets", _ranked_from_one),
           at_targets(lambda h, t, x: True)),
    _fault("weights told to a thousandth", "short", _cut("targets", "weight", 1_000_000),
           at_targets(lambda h, t, x: x.weight % 1_000_000 != 0)),
    _fault("exits told as rebalances", "long", cells("orders", _one_reason),
           at_orders(Stage.ORDER, lambda h, t, x: is_exit(x))),
    _fault("some positions told by half", "long", cells("positions", _some_halved),
           at_positions(Stage.POSITION, lambda h, t, s: s % 6 == 4)),
)  # fmt: skip
