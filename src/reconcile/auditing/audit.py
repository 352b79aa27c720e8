"""Auditing one ledger alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from reconcile.auditing import (
    basis,
    cash,
    cells,
    frozen,
    market_costs,
    market_prices,
    market_rows,
    positions,
    returns,
    sums,
)
from reconcile.auditing import cash_policy as policy
from reconcile.auditing import check_digest as sealed
from reconcile.auditing.amounts import Amounts, constant, of_value
from reconcile.auditing.layout import lay_out
from reconcile.auditing.model import NEEDS_MARKET, Audit, Check, Finding, FindingKind, Unchecked, Verdict, Why
from reconcile.auditing.sink import Sink
from reconcile.ledger.shape import check_ledger
from vocabulary.errors import InputError
from vocabulary.ledger import Ledger

if TYPE_CHECKING:
    from decimal import Decimal

    from reconcile.mapping.apply import Returns
    from reconcile.matching.model import Tolerance
    from vocabulary.market import Market
    from vocabulary.scenario import Scenario


def audit(
    ledger: Ledger,
    *,
    scenario: Scenario | None = None,
    market: Market | None = None,
    tolerances: Iterable[Tolerance] = (),
    initial_cash: Decimal | None = None,
    reported: Returns | None = None,
    checks: Iterable[str] | None = None,
) -> Audit:
    """Audit one ledger: whether its own numbers add up and, with a scenario and market, could have happened.

    tolerances: bounds for columns of a foreign ledger; none by default, but doubles may differ by what
    rounding explains. initial_cash: currency, where neither manifest nor scenario says. reported: a table
    of returns. checks: make only these (values of Check); the others then do not stand in the way of a
    clean result.

    Raises InputError: tables that are no ledger, an unknown check, a tolerance for an exact ledger, a
    scenario without its market.
    """
    check_ledger(ledger)
    chosen = _chosen(checks)
    bounds = _allowed(ledger, tuple(tolerances))
    if (scenario is None) != (market is None):
        raise InputError("audit", "one of scenario and market", "both or neither", "Give the other one, too.")
    sink = Sink(lay_out(ledger), bounds, _units(ledger, scenario))
    sealed.check_chain(sink, ledger)
    initial = _initial(ledger, scenario, initial_cash)
    _check_alone(sink, chosen, initial, reported, scenario, market)
    return _result(sink, chosen, scenario is not None)


def _check_alone(
    sink: Sink,
    chosen: tuple[Check, ...] | None,
    initial: Amounts | None,
    reported: Returns | None,
    scenario: Scenario | None,
    market: Market | None,
) -> None:
    """Every check in turn."""
    _note_order(sink)
    cells.check_cells(sink)
    cells.check_keys(sink)
    cells.check_sequence(sink)
    sums.check_notional(sink)
    sums.check_costs(sink)
    sums.check_orders(sink)
    held = positions.position_cells(sink)
    broken = positions.check_positions(sink, held)
    basis.check_basis(sink, held)
    sums.check_values(sink)
    plain = frozen.lay_books(sink)
    books = frozen.check_frozen(sink, plain)
    if chosen is not None and Check.FROZEN not in chosen:
        books = plain  # what is not told as frozen is not passed over either
    sums.check_market_value(sink, books.skip)
    sums.check_equity(sink, books.skip)
    cash.check_cash(sink, books, broken, initial)
    returns.check_returns(sink, books, reported, initial)
    if scenario is not None and market is not None:
        market_rows.check_bars(sink, market)
        market_rows.check_symbols(sink, market)
        market_rows.check_decisions(sink, scenario, market)
        mispriced = market_prices.check_prices(sink, scenario, market)
        market_costs.check_commission(sink, scenario)
        market_prices.check_slippage(sink, scenario, market, mispriced)
        market_prices.check_marks(sink, scenario, market)
        policy.check_cash_policy(sink, scenario, books, held, initial)
        market_costs.check_shorts(sink, scenario)


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
            "Audit it without: it must add up to the last unit.",
        )
    names = [f"{one.table}.{one.column}" for one in tolerances]
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise InputError("tolerances", f"two bounds for {doubled[0]}", "one", "Keep the one that is meant.")
    return tolerances


def _units(ledger: Ledger, scenario: Scenario | None) -> tuple[int, int] | None:
    """Decimals of prices and quantities, None where nothing says."""
    if scenario is not None:
        return scenario.market.price_decimals, scenario.market.quantity_decimals
    prices, quantities = ledger.manifest.price_decimals, ledger.manifest.quantity_decimals
    return None if prices is None or quantities is None else (prices, quantities)


def _initial(ledger: Ledger, scenario: Scenario | None, given: Decimal | None) -> Amounts | None:
    """What the account started with: as told, else by the scenario, else by the manifest."""
    if given is not None:
        return constant(*of_value(given), 1)
    if scenario is not None:
        units = scenario.market
        return constant(scenario.initial_cash, units.price_decimals + units.quantity_decimals, 1)
    decimals, cash = _units(ledger, None), ledger.manifest.initial_cash
    return None if decimals is None or cash is None else constant(cash, sum(decimals), 1)


def _note_order(sink: Sink) -> None:
    late = [name for name, placed in sink.ground.tables.items() if cells.shuffled(placed)]
    if late:
        sink.notes.append(f"rows out of time order, sorted before checking: {', '.join(late)}.")
    fills = sink.ground.get("fills")
    if fills is not None and "timestamp" in fills and len(sink.ground.bars):
        at = np.minimum(fills.bar, len(sink.ground.bars) - 1)
        between = fills.full("timestamp") & (fills.bar >= 0) & (sink.ground.bars[at] != fills.time)
        if bool(between.any()):
            sink.notes.append(
                f"{int(between.sum()):,} fills stand between two bars of equity; they count to the later one."
            )


def _result(sink: Sink, chosen: tuple[Check, ...] | None, with_market: bool) -> Audit:
    checked, unchecked, findings = sink.checked(), sink.unchecked(), sink.findings
    counts = {kind: sink.counts[kind] for kind in FindingKind if sink.counts[kind]}
    if chosen is not None:
        findings = [one for one in findings if one.check in chosen]
        checked = tuple(one for one in checked if one.check in chosen)
        unchecked = tuple(one for one in unchecked if one.check in chosen)
        counts = {kind: count for kind in counts if (count := sink.counted(chosen, kind))}
        done = {one.check for one in checked} | {one.check for one in unchecked}
        unchecked += tuple(_never_made(check) for check in chosen if check not in done)
    verdict = _verdict(bool(counts), sum(one.values for one in checked), bool(unchecked))
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
        sink.absorbed(),
        tuple(dict.fromkeys(sink.notes)),
    )


def _never_made(check: Check) -> Unchecked:
    if check in NEEDS_MARKET:
        return Unchecked(check, "scenario", Why.NO_SCENARIO)
    if check is Check.CHAIN:
        return Unchecked(check, "manifest", Why.NO_CHAIN)
    return Unchecked(check, "returns", Why.NO_TABLE)


def _place(finding: Finding, order: dict[Check, int]) -> tuple[int, int, str, str]:
    """Earliest first; of one bar, in the order of the checks."""
    time = finding.timestamp if finding.timestamp is not None else -(2**63)
    return time, order[finding.check], finding.symbol or "", finding.field


def _verdict(findings: bool, values: int, unchecked: bool) -> Verdict:
    if findings:
        return Verdict.FINDINGS
    if not values:
        return Verdict.NOTHING_CHECKED
    return Verdict.CLEAN_AS_FAR_AS_CHECKED if unchecked else Verdict.CLEAN
