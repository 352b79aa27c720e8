"""The audit of one ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from reconcile.auditing.account import check_flat, check_negative_cash, check_oversold, note_equity
from reconcile.auditing.amounts import Amounts, constant, of_value
from reconcile.auditing.cash import check_cash
from reconcile.auditing.equity import EquityByBar, check_frozen, check_returns, equity_by_bar
from reconcile.auditing.integrity import (
    check_cells,
    check_chain,
    check_keys,
    check_sequence,
    note_fees,
    note_twins,
    shuffled,
)
from reconcile.auditing.ledger_index import index_ledger
from reconcile.auditing.market_costs import check_commission
from reconcile.auditing.market_prices import (
    check_marks,
    check_prices,
    check_slippage,
)
from reconcile.auditing.market_rules import (
    check_bars,
    check_cash_policy,
    check_decisions,
    check_shorts,
    check_symbols,
)
from reconcile.auditing.model import (
    NEEDS_MARKET,
    NO_CASE,
    Audit,
    Check,
    Finding,
    FindingKind,
    Unchecked,
    Verdict,
    Why,
)
from reconcile.auditing.positions import Cells, check_basis, check_positions, position_cells
from reconcile.auditing.recorder import Recorder
from reconcile.auditing.scales import check_scales
from reconcile.auditing.sums import (
    check_costs,
    check_equity,
    check_market_value,
    check_notional,
    check_orders,
    check_values,
)
from reconcile.ledger.columns import check_ledger
from vocabulary.errors import InputError
from vocabulary.ledger import Ledger

if TYPE_CHECKING:
    from decimal import Decimal

    from reconcile.mapping.apply import Returns
    from reconcile.matching.model import Tolerance
    from vocabulary.market import Market
    from vocabulary.scenario import Scenario


@dataclass(frozen=True, slots=True)
class AuditOptions:
    """Further options of an audit.

    tolerances: bounds for columns of a foreign ledger. Without them, doubles may differ by rounding alone.
    initial_cash: currency, for a ledger whose manifest and scenario do not give it.
    reported: returns that the ledger comes with, to be held against its equity.
    checks: names of the only checks to make (values of Check); the result can be clean without the others.
    allow_short, allow_negative_cash: settings of the scenario, for a ledger that is audited without one.
    """

    tolerances: Iterable[Tolerance] = ()
    initial_cash: Decimal | None = None
    reported: Returns | None = None
    checks: Iterable[str] | None = None
    allow_short: bool = False
    allow_negative_cash: bool = False


def audit(
    ledger: Ledger,
    *,
    scenario: Scenario | None = None,
    market: Market | None = None,
    options: AuditOptions | None = None,
) -> Audit:
    """Audit one ledger: whether its numbers add up and, with a scenario and market, could have happened.

    Raises InputError: the tables are not a ledger, a check is unknown, a tolerance is given for an exact
    ledger, or only one of scenario and market is given.
    """
    options = options or AuditOptions()
    check_ledger(ledger)
    chosen = _chosen(options.checks)
    bounds = _allowed(ledger, tuple(options.tolerances))
    if (scenario is None) != (market is None):
        raise InputError(
            "audit",
            "a scenario without its market, or a market without its scenario",
            "both or neither",
            "Give the other one, too.",
        )
    recorder = Recorder(index_ledger(ledger), bounds, _units(ledger, scenario))
    check_chain(recorder, ledger)
    initial = _initial(ledger, scenario, options.initial_cash)
    # NaN and infinities are findings of `cells`; the other checks leave them out.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        held = _check_alone(recorder, chosen, initial, options)
        _check_account(recorder, held[0], initial, scenario, options)
        if scenario is not None and market is not None:
            _check_market(recorder, held, initial, (scenario, market))
    return _result(recorder, chosen, scenario is not None)


def _check_alone(
    recorder: Recorder, chosen: tuple[Check, ...] | None, initial: Amounts | None, options: AuditOptions
) -> tuple[EquityByBar, Cells | None]:
    """Make the checks that need nothing but the ledger; the equity by bar, and the cells of positions."""
    _note_order(recorder)
    check_cells(recorder)
    check_keys(recorder)
    check_sequence(recorder)
    check_notional(recorder)
    check_costs(recorder)
    check_orders(recorder)
    held = position_cells(recorder)
    broken = check_positions(recorder, held)
    check_basis(recorder, held)
    check_values(recorder)
    plain = equity_by_bar(recorder)
    books = check_frozen(recorder, plain)
    if chosen is not None and Check.FROZEN not in chosen:
        books = plain  # without that check, frozen rows are findings of the others
    check_market_value(recorder, books.skip)
    check_equity(recorder, books.skip)
    check_cash(recorder, books, broken, initial)
    check_returns(recorder, books, options.reported, initial)
    return books, held


def _check_account(
    recorder: Recorder,
    books: EquityByBar,
    initial: Amounts | None,
    scenario: Scenario | None,
    options: AuditOptions,
) -> None:
    """Make the checks that a scenario would answer, or whose answer it may permit."""
    exact = recorder.index.ledger.manifest.semantics is not None
    shorts = exact or options.allow_short or (scenario is not None and scenario.execution.allow_short)
    check_flat(recorder, books, initial, shorts_allowed=shorts)
    if scenario is None and not exact:
        check_scales(recorder)
        check_oversold(recorder, allowed=options.allow_short)
        check_negative_cash(recorder, books, allowed=options.allow_negative_cash)
    note_equity(recorder, books, initial)
    note_fees(recorder)
    note_twins(recorder)


def _check_market(
    recorder: Recorder,
    held: tuple[EquityByBar, Cells | None],
    initial: Amounts | None,
    case: tuple[Scenario, Market],
) -> None:
    """Make the checks that need a scenario and its market."""
    scenario, market = case
    check_bars(recorder, market)
    check_symbols(recorder, market)
    check_decisions(recorder, scenario, market)
    mispriced = check_prices(recorder, scenario, market)
    check_commission(recorder, scenario, market)
    check_slippage(recorder, scenario, market, mispriced)
    check_marks(recorder, scenario, market)
    check_cash_policy(recorder, scenario, *held, initial)
    check_shorts(recorder, scenario)


def _chosen(checks: Iterable[str] | None) -> tuple[Check, ...] | None:
    if checks is None:
        return None
    known = {check.value: check for check in Check}
    wanted = [name.strip() for name in checks]
    unknown = [name for name in wanted if name not in known]
    if unknown or not wanted:
        found = repr(unknown[0]) if unknown else "none"
        raise InputError("checks", found, "some of " + ", ".join(known), "Name checks, separated by commas.")
    return tuple(check for check in Check if check.value in wanted)


def _allowed(ledger: Ledger, tolerances: tuple[Tolerance, ...]) -> tuple[Tolerance, ...]:
    if tolerances and ledger.manifest.semantics is not None:
        raise InputError(
            "tolerances",
            "a ledger of these semantics, which is exact",
            "a foreign ledger",
            "Leave the tolerances out: this ledger must add up to the last unit.",
        )
    names = [f"{one.table}.{one.column}" for one in tolerances]
    doubled = sorted(name for name, times in Counter(names).items() if times > 1)
    if doubled:
        raise InputError("tolerances", f"two bounds for {doubled[0]}", "one", "Remove one of the two.")
    return tolerances


def _units(ledger: Ledger, scenario: Scenario | None) -> tuple[int, int] | None:
    """Decimals of prices and of quantities, None if neither scenario nor manifest gives them."""
    if scenario is not None:
        return scenario.market.price_decimals, scenario.market.quantity_decimals
    prices, quantities = ledger.manifest.price_decimals, ledger.manifest.quantity_decimals
    return None if prices is None or quantities is None else (prices, quantities)


def _initial(ledger: Ledger, scenario: Scenario | None, given: Decimal | None) -> Amounts | None:
    """The initial cash, one amount: as given, else of the scenario, else of the manifest; None if unknown."""
    if given is not None:
        return constant(*of_value(given), 1)
    if scenario is not None:
        units = scenario.market
        return constant(scenario.initial_cash, units.price_decimals + units.quantity_decimals, 1)
    decimals, cash = _units(ledger, None), ledger.manifest.initial_cash
    return None if decimals is None or cash is None else constant(cash, sum(decimals), 1)


def _note_order(recorder: Recorder) -> None:
    late = [name for name, placed in recorder.index.tables.items() if shuffled(placed)]
    if late:
        recorder.notes.append(f"rows out of time order, sorted before checking: {', '.join(late)}.")
    fills = recorder.index.get("fills")
    if fills is not None and "timestamp" in fills and len(recorder.index.bars):
        at = np.minimum(fills.bar, len(recorder.index.bars) - 1)
        between = fills.full("timestamp") & (fills.bar >= 0) & (recorder.index.bars[at] != fills.time)
        if bool(between.any()):
            recorder.notes.append(
                f"{int(between.sum()):,} fills stand between two bars of equity; they count to the later one."
            )


def _result(recorder: Recorder, chosen: tuple[Check, ...] | None, with_market: bool) -> Audit:
    checked, unchecked, findings = recorder.checked(), recorder.unchecked(), recorder.findings
    counts = {kind: recorder.counts[kind] for kind in FindingKind if recorder.counts[kind]}
    if chosen is not None:
        findings = [one for one in findings if one.check in chosen]
        checked = tuple(one for one in checked if one.check in chosen)
        unchecked = tuple(one for one in unchecked if one.check in chosen)
        counts = {kind: count for kind in counts if (count := recorder.counted(chosen, kind))}
        done = {one.check for one in checked} | {one.check for one in unchecked}
        unchecked += tuple(_never_made(check) for check in chosen if check not in done)
    # A check that was asked for must have compared something.
    gaps = [one for one in unchecked if one.why not in NO_CASE or chosen is not None]
    verdict = _verdict(bool(counts), sum(one.values for one in checked), bool(gaps))
    order = {check: place for place, check in enumerate(Check)}
    findings = sorted(findings, key=lambda one: _place(one, order))
    return Audit(
        verdict,
        tuple(findings),
        counts,
        checked,
        unchecked,
        chosen,
        with_market,
        recorder.absorbed(),
        recorder.noise(),
        tuple(dict.fromkeys(recorder.notes)),
        tuple(one for one in recorder.patterns if chosen is None or one.check in chosen),
    )


def _never_made(check: Check) -> Unchecked:
    if check in NEEDS_MARKET:
        return Unchecked(check, "scenario", Why.NO_SCENARIO)
    if check is Check.CHAIN:
        return Unchecked(check, "manifest", Why.NO_CHAIN)
    return Unchecked(check, "returns", Why.NO_TABLE)


def _place(finding: Finding, order: dict[Check, int]) -> tuple[int, int, str, str]:
    """The sort key of findings: time, then the order of the checks."""
    time = finding.timestamp if finding.timestamp is not None else -(2**63)
    return time, order[finding.check], finding.symbol or "", finding.field


def _verdict(findings: bool, values: int, unchecked: bool) -> Verdict:
    if findings:
        return Verdict.FINDINGS
    if not values:
        return Verdict.NOTHING_CHECKED
    return Verdict.CLEAN_AS_FAR_AS_CHECKED if unchecked else Verdict.CLEAN
