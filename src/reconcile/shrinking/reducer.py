"""Reduction of a case to what its break needs: delta debugging on bars, symbols and settings."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from reconcile.shrinking import cases
from reconcile.shrinking.cases import BrokenCase, Case

Item = TypeVar("Item")
Test = Callable[[Case], BrokenCase | None]
"""From a case to how it breaks, None if it does not break the same way as the given case."""

PASSES = 5
"""The largest number of rounds; after a removal of one kind, another kind may succeed that failed before."""
AHEAD = (0, 1, 2, 4, 8, 16)
"""Numbers of bars to keep after the first divergence, in the order in which they are tried."""


@dataclass(slots=True)
class Reducer:
    """One reduction: the smallest case so far, and the work spent.

    most_trials: the limit on trials. until: the limit in time, on the clock of time.perf_counter.
    """

    test: Test
    best: BrokenCase
    most_trials: int
    until: float
    on_progress: Callable[[int], None]
    dropped: list[str] = field(default_factory=list)
    trials: int = 0

    def spent(self) -> bool:
        """Whether the limit on trials or on time is reached."""
        return self.trials >= self.most_trials or time.perf_counter() > self.until

    def accepts(self, case: Case) -> bool:
        """Try a case: if it breaks the same way, with no more rebalances, it becomes the best."""
        if self.spent():
            return False
        self.trials += 1
        self.on_progress(self.trials)
        seen = self.test(case)
        if seen is None or seen.rebalances > self.best.rebalances:
            return False
        self.best = seen
        return True

    def run(self) -> None:
        """Reduce until no removal succeeds, or a limit is reached."""
        self._remove_ends()
        for _ in range(PASSES):
            before = self.best.size()
            self._remove_symbols()
            self._simplify(cases.narrower)
            self._simplify(cases.simpler)
            self._remove_columns()
            self._remove_ends()
            self._remove_bars()
            self._rebalance_less()
            if self.best.size() == before or self.spent():
                return

    def _first_bar(self) -> int:
        first = self.best.found.first
        assert first is not None
        return int(np.searchsorted(self.best.case.market.timestamps, first.timestamp))

    def _remove_ends(self) -> None:
        """Remove bars after the first divergence, then bars long before it."""
        bars, last = len(self.best.case.market.timestamps), self._first_bar()
        for more in AHEAD:
            stop = last + 1 + more
            if stop >= bars or self.accepts(cases.at_bars(self.best.case, range(stop))):
                break
        bars, width = len(self.best.case.market.timestamps), 2
        while width < bars and not self.accepts(cases.at_bars(self.best.case, range(bars - width, bars))):
            width += max(1, width // 3)

    def _remove_symbols(self) -> None:
        first, case = self.best.found.first, self.best.case
        names = case.market.symbols
        own = [first.symbol] if first is not None and first.symbol in names else []
        for few in (own, own + [name for name in names if name not in own][:1]):
            if 0 < len(few) < len(names) and self.accepts(cases.of_symbols(case, few)):
                return
        self._remove_parts(list(names), lambda kept: cases.of_symbols(case, kept))

    def _remove_bars(self) -> None:
        case = self.best.case
        self._remove_parts(list(range(len(case.market.timestamps))), lambda kept: cases.at_bars(case, kept))

    def _remove_parts(self, items: list[Item], made: Callable[[list[Item]], Case]) -> None:
        """Delta debugging: leave out halves, then quarters, down to single items, while that succeeds."""
        parts = 2
        while len(items) > 1 and not self.spent():
            size = -(-len(items) // parts)
            for start in range(0, len(items), size):
                rest = items[:start] + items[start + size :]
                if rest and self.accepts(made(rest)):
                    items, parts = rest, max(2, parts - 1)
                    break
            else:
                if parts >= len(items):
                    return
                parts = min(len(items), 2 * parts)

    def _simplify(self, steps: Callable[[Case], Iterator[tuple[str, Case]]]) -> None:
        """Apply one change after another, until none is accepted."""
        again = True
        while again and not self.spent():
            again = False
            for what, case in steps(self.best.case):
                if self.accepts(case):
                    self.dropped.append(what)
                    again = True
                    break

    def _remove_columns(self) -> None:
        needed = cases.columns_needed(self.best.case)
        if needed is not None:
            self.accepts(needed)

    def _rebalance_less(self) -> None:
        for what, case in cases.rarer(self.best.case):
            before = self.best
            if self.accepts(case):
                if self.best.rebalances < before.rebalances:
                    self.dropped.append(what)
                    return
                self.best = before
