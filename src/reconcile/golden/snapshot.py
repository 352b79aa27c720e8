"""What a test compares its engine's ledger with: `assert my_engine(scenario, market) == ledger_snapshot`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from types import FrameType
from typing import Any, TypeVar

from reconcile.golden.check_snapshot import Claim, Weighed, weigh
from reconcile.golden.model import Agreement, Place, Standing
from vocabulary.errors import TieoutError
from vocabulary.ledger import Ledger
from vocabulary.market import Market
from vocabulary.scenario import Scenario

_Noun = TypeVar("_Noun", Scenario, Market)
_BETWEEN = ("reconcile.golden.", "syrupy.")
"""Modules whose frames stand between a test and the comparison."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Where a test stands. case: the name its golden has by default. case_names: of the cases folder."""

    place: Place
    case: str
    test: str
    agreement: Agreement
    update: bool
    case_names: frozenset[str]
    told: Callable[[Weighed], None]


class LedgerSnapshot:
    """The golden of a ledger, for `==`.

    Called with a scenario and a market it says what the ledger was made from; uncalled it takes those that
    the test has at hand as fixtures, variables or globals. case: another name than the test's, or one of
    the cases folder. agreement: "reference" or "itself", instead of the fixture golden_agreement.
    """

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._given: tuple[Scenario | None, Market | None] = (None, None)
        self._named: str | None = None
        self._parent = self
        self._count = 0
        self.lines: list[str] = []

    def __call__(
        self,
        scenario: Scenario | None = None,
        market: Market | None = None,
        *,
        case: str | None = None,
        agreement: str | None = None,
    ) -> LedgerSnapshot:
        made = LedgerSnapshot(self._setting)
        if agreement is not None:
            made._setting = replace(self._setting, agreement=Agreement(agreement))
        made._given, made._named, made._parent = (scenario, market), case, self._parent
        return made

    def __repr__(self) -> str:
        return f"golden {self._named or self._setting.case}"

    def __eq__(self, other: object) -> bool:
        name = self._named or self._numbered()
        self.lines = []
        if not isinstance(other, Ledger):
            self.lines = [f"golden {name}: a {type(other).__qualname__}, where a Ledger is compared"]
            return False
        scenario, market = self._subject(other, sys._getframe(1))
        test = None if name in self._setting.case_names else self._setting.test
        claim = Claim(name, other, scenario, market, self._setting.agreement, test)
        try:
            weighed = weigh(self._setting.place, claim, update=self._setting.update)
        except TieoutError as error:
            self.lines = [f"golden {name}: {error}"]
            return False
        self._setting.told(weighed)
        self.lines = _explained(weighed, self._setting.update)
        return weighed.checked.standing is Standing.HOLDS

    def _numbered(self) -> str:
        """The test's name, and from the second ledger on a number."""
        self._parent._count += 1
        count = self._parent._count
        return self._setting.case if count == 1 else f"{self._setting.case}.{count}"

    def _subject(self, ledger: Ledger, frame: FrameType | None) -> tuple[Scenario | None, Market | None]:
        scenario, market = self._given
        while frame is not None and frame.f_globals.get("__name__", "").startswith(_BETWEEN):
            frame = frame.f_back
        manifest = ledger.manifest
        return (
            scenario or _at_hand(Scenario, frame, manifest.scenario),
            market or _at_hand(Market, frame, manifest.market),
        )


def _at_hand(kind: type[_Noun], frame: FrameType | None, digest: str | None) -> _Noun | None:
    """The one noun of a kind among a test's variables, fixtures and globals; of several the one that the
    ledger's manifest names."""
    if frame is None:
        return None
    for scope in (frame.f_locals, frame.f_globals):
        found = {each.digest: each for each in _values(scope) if isinstance(each, kind)}
        if digest in found:
            return found[digest]
        if len(found) == 1:
            return next(iter(found.values()))
    return None


def _values(scope: dict[str, Any]) -> Iterator[Any]:
    yield from list(scope.values())


def _explained(weighed: Weighed, update: bool) -> list[str]:
    """Why the assertion fails, and what to do about it; nothing where it holds."""
    from reconcile.golden.golden_page import change_lines, fault_lines

    checked = weighed.checked
    if checked.standing is Standing.HOLDS:
        return []
    lines = [f"golden {checked.case}: {checked.standing.value}"]
    lines += [checked.said] if checked.said else []
    lines += fault_lines(checked.faults)
    lines += change_lines(checked.change) if checked.change is not None else []
    if weighed.refused:
        lines.append(f"not written: {weighed.refused}")
    elif weighed.written:
        lines.append("pending: `reconcile golden review` shows it, `reconcile golden accept` takes it")
    elif checked.change is not None and not update:
        lines.append("if it is meant: pytest --snapshot-update, then reconcile golden review")
    return lines
