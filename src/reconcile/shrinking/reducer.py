"""Taking away what a break does not need: delta debugging on bars, symbols and settings."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from reconcile.shrinking import smaller_cases as cutting
from reconcile.shrinking.model import Case, Look

Item = TypeVar("Item")
Test = Callable[[Case], Look | None]
"""A case as it breaks where it breaks the same way; None where it does not."""

PASSES = 5
"""Rounds over bars, symbols and settings: what one took away may let another take more."""
AHEAD = (0, 1, 2, 4, 8, 16)
"""Bars kept behind the first divergence."""


@dataclass(slots=True)
class Reducer:
    """One reduction: the smallest case so far, and what has been spent on it."""

    test: Test
    best: Look
    trials_left: int
    until: float
    say: Callable[[int], None]
    dropped: list[str] = field(default_factory=list)
    trials: int = 0

    def spent(self) -> bool:
        """Whether the bound on trials or time is met."""
        return self.trials_left <= self.trials or time.perf_counter() > self.until

    def holds(self, case: Case) -> bool:
        """Whether a case breaks the same way and is no larger; then it is the best."""
        if self.spent():
            return False
        self.trials += 1
        self.say(self.trials)
        seen = self.test(case)
        if seen is None or seen.rebalances > self.best.rebalances:
            return False
        self.best = seen
        return True

    def run(self) -> None:
        """Until nothing more can be taken away, or the bound is met."""
        self._ends()
        for _ in range(PASSES):
            before = self.best.size()
            self._symbols()
            self._settings(cutting.narrower)
            self._settings(cutting.simpler)
            self._columns()
            self._ends()
            self._bars()
            self._rarer()
            if self.best.size() == before or self.spent():
                return

    def _first_bar(self) -> int:
        first = self.best.found.first
        assert first is not None
        return int(np.searchsorted(self.best.case.market.timestamps, first.timestamp))

    def _ends(self) -> None:
        """What is after the first divergence, then what is long before it."""
        bars, last = len(self.best.case.market.timestamps), self._first_bar()
        for more in AHEAD:
            stop = last + 1 + more
            if stop >= bars or self.holds(cutting.at_bars(self.best.case, range(stop))):
                break
        bars, width = len(self.best.case.market.timestamps), 2
        while width < bars and not self.holds(cutting.at_bars(self.best.case, range(bars - width, bars))):
            width += max(1, width // 3)

    def _symbols(self) -> None:
        first, case = self.best.found.first, self.best.case
        names = case.market.symbols
        own = [first.symbol] if first is not None and first.symbol in names else []
        for few in (own, own + [name for name in names if name not in own][:1]):
            if 0 < len(few) < len(names) and self.holds(cutting.of_symbols(case, few)):
                return
        self._halved(list(names), lambda kept: cutting.of_symbols(case, kept))

    def _bars(self) -> None:
        case = self.best.case
        self._halved(list(range(len(case.market.timestamps))), lambda kept: cutting.at_bars(case, kept))

    def _halved(self, items: list[Item], made: Callable[[list[Item]], Case]) -> None:
        """Delta debugging: leave out halves, quarters, single items, while the rest breaks the same way."""
        parts = 2
        while len(items) > 1 and not self.spent():
            size = -(-len(items) // parts)
            for start in range(0, len(items), size):
                rest = items[:start] + items[start + size :]
                if rest and self.holds(made(rest)):
                    items, parts = rest, max(2, parts - 1)
                    break
            else:
                if parts >= len(items):
                    return
                parts = min(len(items), 2 * parts)

    def _settings(self, steps: Callable[[Case], Iterator[tuple[str, Case]]]) -> None:
        """One step after the other, for as long as one holds."""
        again = True
        while again and not self.spent():
            again = False
            for what, case in steps(self.best.case):
                if self.holds(case):
                    self.dropped.append(what)
                    again = True
                    break

    def _columns(self) -> None:
        needed = cutting.columns_needed(self.best.case)
        if needed is not None:
            self.holds(needed)

    def _rarer(self) -> None:
        for what, case in cutting.rarer(self.best.case):
            before = self.best
            if self.holds(case):
                if self.best.rebalances < before.rebalances:
                    self.dropped.append(what)
                    return
                self.best = before
