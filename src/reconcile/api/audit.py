"""`reconcile.audit`: whether one ledger adds up, and could have happened."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from reconcile.api.diff import GivenTolerances, several, tolerances_of
from reconcile.api.given import (
    GivenLedger,
    GivenScenario,
    Opened,
    PathLike,
    ledger_of,
    market_of,
    scenario_of,
)
from reconcile.api.result import Result, frame_of
from reconcile.files.arguments import FLAG, NAMES, PATH, WATCH, takes
from reconcile.running.progress import Phase, Watch, unwatched
from reconcile.text.escape import printable
from vocabulary.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from reconcile.auditing.model import Audit, Finding, Verdict
    from reconcile.html.model import Page
    from vocabulary.market import Market


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class AuditResult(Result):
    """What an audit found. scenario: the name of the one it was held against, if any."""

    found: Audit
    ledger: Opened
    scenario: str | None = None
    market: Market | None = None

    @property
    def verdict(self) -> Verdict:
        return self.found.verdict

    @property
    def exit_code(self) -> int:
        from reconcile.auditing.model import Verdict

        return {Verdict.CLEAN: 0, Verdict.FINDINGS: 1}.get(self.found.verdict, 2)

    @property
    def first(self) -> Finding | None:
        return self.found.findings[0] if self.found.findings else None

    @property
    def breaks(self) -> Sequence[Finding]:
        """The findings that are kept; `found.counts` has the counts of all."""
        return self.found.findings

    def text(self) -> str:
        from reconcile.auditing.audit_page import Subject, audit_page
        from reconcile.text.times import short_clock

        ledger = self.ledger.ledger
        subject = Subject(self.ledger.name, ledger, self.scenario, self.ledger.notes)
        return audit_page(self.found, subject, short_clock(self.market, ledger.manifest))

    def to_json(self) -> str:
        from reconcile.auditing.audit_page import audit_json
        from reconcile.text.times import exact_clock

        return audit_json(
            self.found, self.ledger.notes, exact_clock(self.market, self.ledger.ledger.manifest)
        )

    def page(self) -> Page:
        from reconcile.html.checks import audit_page

        return audit_page(self.text(), self.to_json(), self.found, self.ledger.name)

    def to_frame(self) -> pd.DataFrame:
        """One row per finding: the keys of `findings` in the JSON."""
        rows = self.to_dict()["findings"]
        return frame_of(rows, list(rows[0]) if rows else ["check", "kind"])


@takes(mapping=PATH, checks=NAMES, allow_short=FLAG, allow_negative_cash=FLAG, watch=WATCH)
def audit(
    ledger: GivenLedger,
    *,
    scenario: GivenScenario | None = None,
    data: PathLike | Market | Any | None = None,
    mapping: PathLike | None = None,
    tolerance: GivenTolerances | None = None,
    initial_cash: Decimal | int | str | None = None,
    checks: Sequence[str] | str | None = None,
    allow_short: bool = False,
    allow_negative_cash: bool = False,
    watch: Watch = unwatched,
) -> AuditResult:
    """Audit one ledger alone, and against its market where a scenario is given.

    initial_cash: what the account started with, in money, where nothing else says. checks: make only these.
    allow_short, allow_negative_cash: what a scenario would say, where none is given.

    >>> reconcile.audit("results/candidate", scenario="stocks")
    <AuditResult clean: 0 findings in 25 checks of 177,886 values>

    Raises InputError: a ledger, a mapping or a tolerance that cannot be read; data without a scenario.
    """
    from reconcile.auditing.audit import AuditOptions
    from reconcile.auditing.audit import audit as make_checks

    if data is not None and scenario is None:
        raise InputError("data", "bars without a scenario", "both or neither", "Give the scenario, too.")
    bounds = tolerances_of(tolerance)
    with watch(Phase.READING, 0):
        opened = ledger_of(ledger, "ledger", mapping)
    found = None if scenario is None else scenario_of(scenario)
    with watch(Phase.LOADING, 0):
        market = None if found is None else market_of(data, found)
    options = AuditOptions(
        tolerances=bounds,
        initial_cash=None if initial_cash is None else _amount(initial_cash),
        reported=opened.returns,
        checks=None if checks is None else several(checks),
        allow_short=allow_short,
        allow_negative_cash=allow_negative_cash,
    )
    with watch(Phase.AUDITING, 0):
        result = make_checks(opened.ledger, scenario=found, market=market, options=options)
    return AuditResult(result, opened, None if found is None else found.name, market)


def _amount(given: Decimal | int | str) -> Decimal:
    try:
        amount = Decimal(given)
    except (ArithmeticError, TypeError, ValueError):
        amount = Decimal("nan")
    if not amount.is_finite():
        found, remedy = printable(repr(given), 60), "Give an int, a Decimal, or a text."
        raise InputError("initial_cash", found, "a decimal number such as 100000", remedy)
    return amount
