"""What shrinking works on. Data only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from reconcile.matching.model import BreakType, Reconciliation, Stage
from vocabulary.market import Market
from vocabulary.scenario import Scenario


class Sort(NamedTuple):
    """What makes two roots the same root: their stage, type, table and column."""

    stage: Stage
    type: BreakType
    table: str
    field: str


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A scenario and a market it runs on."""

    scenario: Scenario
    market: Market


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """A case as it was seen to break. rebalances: of the reference."""

    case: Case
    found: Reconciliation
    rebalances: int

    def size(self) -> tuple[int, int, int, int]:
        """Smaller is better: rebalances, symbols, bars, length of the scenario."""
        from reconcile.scenario.toml import scenario_to_toml

        bars, symbols = self.case.market.present.shape
        return self.rebalances, symbols, bars, len(scenario_to_toml(self.case.scenario))


@dataclass(frozen=True, slots=True, eq=False)
class Shrunk:
    """What shrinking came to.

    before, after: the case given and the smallest. sort: of the root that both have. dropped: settings that
    are not needed, by path. causes: hypotheses that explain names for both; empty where it names none.
    trials: cases tried; stopped: True where the bound on them was met before the smallest was reached.
    """

    before: Look
    after: Look
    sort: Sort
    dropped: tuple[str, ...]
    causes: tuple[str, ...]
    trials: int
    seconds: float
    stopped: bool
