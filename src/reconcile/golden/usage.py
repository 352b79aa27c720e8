"""Which goldens the tests of one run asserted, and which nothing asserts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from reconcile.golden.model import Place, Standing
from reconcile.golden.store import read_shelf
from reconcile.text.escape import printable


@dataclass(slots=True)
class Usage:
    """Cases by what asserting them came to; filled while tests run."""

    asserted: set[str] = field(default_factory=set)
    stale: set[str] = field(default_factory=set)
    pending: set[str] = field(default_factory=set)

    def add(self, case: str, standing: Standing, *, pending: bool) -> None:
        """A test asserted a case."""
        self.asserted.add(case)
        if standing is Standing.STALE:
            self.stale.add(case)
        if pending:
            self.pending.add(case)

    def plain(self) -> dict[str, list[str]]:
        """As lists of text, to travel between processes."""
        return {name: sorted(getattr(self, name)) for name in ("asserted", "stale", "pending")}

    def merge(self, told: Mapping[str, Sequence[str]]) -> None:
        """Add what another process asserted."""
        for name in ("asserted", "stale", "pending"):
            getattr(self, name).update(told.get(name, ()))

    def lines(self, unused: Sequence[str]) -> list[str]:
        """What the end of a run says: pending, stale and unused goldens by name."""
        groups = (
            ("pending", sorted(self.pending), "decide with: reconcile golden review"),
            ("stale", sorted(self.stale), "their inputs are no longer those blessed"),
            ("unused", list(unused), "no test asserts them: remove their folders"),
        )
        return [
            f"{len(cases):,} {name}: {', '.join(printable(case, 80) for case in cases)} ({advice})"
            for name, cases, advice in groups
            if cases
        ]


@dataclass(frozen=True, slots=True)
class Seen:
    """What a run saw, tests by their names in goldens. modules: collected whole."""

    asserted: frozenset[str]
    collected: frozenset[str]
    modules: frozenset[str]
    passed: frozenset[str]


def unused_cases(place: Place, seen: Seen) -> list[str]:
    """Goldens of tests that are gone, or that passed without asserting them.

    A test that was not selected, failed or was skipped may still assert its golden: that is no finding.
    """
    return sorted(
        case
        for case, golden in read_shelf(place).goldens.items()
        if golden.facts.test is not None
        and case not in seen.asserted
        and _is_gone(place, golden.facts.test, seen)
    )


def _is_gone(place: Place, test: str, seen: Seen) -> bool:
    module = test.partition("::")[0]
    if not (place.root / module).is_file():
        return True
    return test in seen.passed or (module in seen.modules and test not in seen.collected)
