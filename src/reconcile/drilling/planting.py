"""Applies the plants of faults: to the scenario, to the market, and to the ledger that is handed over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reconcile.drilling.model import Data, Patch, Plant, Reported, Setting, Shape
from reconcile.explaining.bar_loop import Hooks
from reconcile.ledger.frames import frame, from_frames
from reconcile.scenario.files import replace as replace_setting
from vocabulary.ledger import Ledger, Manifest
from vocabulary.market import Market
from vocabulary.scenario import Scenario


def in_scenario(scenario: Scenario, plants: Sequence[Plant]) -> Scenario:
    """The scenario as the candidate has it."""
    for plant in plants:
        if isinstance(plant, Setting):
            scenario = replace_setting(scenario, plant.path, plant.value)
    return scenario


def on_market(market: Market, plants: Sequence[Plant]) -> Market:
    """The market as the candidate reads it."""
    for plant in plants:
        if isinstance(plant, Data):
            market = plant.read(market)
    return market


def as_reported(ledger: Ledger, market: Market, manifest: Manifest, plants: Sequence[Plant]) -> Ledger:
    """The ledger as the candidate reports it. Its manifest claims that the stated scenario was run."""
    for plant in plants:
        if isinstance(plant, Reported):
            ledger = plant.report(ledger, market)
    return Ledger(replace(manifest, producer="drill"), ledger.tables)


def shaped(ledger: Ledger, shape: Shape) -> Ledger:
    """The ledger as it is handed over."""
    if shape is Shape.FLOATS:
        return from_frames({name: frame(ledger, name, floats=True) for name in ledger.tables})
    if shape is Shape.FILLS_AND_EQUITY:
        return Ledger(ledger.manifest, {name: ledger.tables[name] for name in ("fills", "equity")})
    return ledger


def hooks_of(plants: Sequence[Plant]) -> tuple[Hooks, ...]:
    return tuple(plant for plant in plants if isinstance(plant, Hooks))


def patches_of(plants: Sequence[Plant]) -> tuple[Patch, ...]:
    return tuple(plant for plant in plants if isinstance(plant, Patch))
