"""The page of `reconcile gate`, and the text that JUnit, annotations and job summary share with it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from reconcile.gating.gate import outcomes
from reconcile.gating.model import (
    Against,
    Case,
    Check,
    Decision,
    Drift,
    Outcome,
    Quantity,
    Report,
    Throughput,
)
from reconcile.goldens.golden_page import UNKNOWN, case_lines, check_headline, count, money, percents
from reconcile.goldens.model import SOUND, CheckResult, CheckStatus
from reconcile.text.escape import printable


def gate_page(report: Report) -> str:
    """The answer, one line per check, then what failed, then how throughput was measured."""
    lines = [gate_headline(report), ""]
    width = max((len(check.value) for check in report.asked), default=0)
    lines += [f"{check.value:<{width}}  {check_words(report, check)}" for check in report.asked]
    for one in report.goldens:
        if one.status not in SOUND:
            lines += ["", "golden " + "\n".join(golden_failures(one))]
    for case in report.cases:
        if case.outcome is Outcome.FAILED:
            lines += ["", f"{printable(case.name, 60)} under {printable(report.engine, 80)}"]
            lines += [f"  {text}" for text in case_failures(case)]
    aside = [case for case in report.cases if case.outcome is Outcome.UNKNOWN]
    if aside:
        lines += ["", "not compared for drift"]
        lines += [f"  {printable(case.name, 60)}: {printable(case.said)}" for case in aside]
    found = report.throughput
    if found is not None and found.decision is not None:
        lines += ["", "how throughput was measured"]
        lines += [f"  {text}" for text in throughput_lines(found)]
    if any(one.change is not None for one in report.goldens):
        lines += ["", "next: reconcile golden check, then reconcile golden review"]
    return "\n".join(lines)


_WORST_FIRST = (Outcome.FAILED, Outcome.UNKNOWN, Outcome.INCONCLUSIVE, Outcome.PASSED)


def gate_headline(report: Report) -> str:
    """The answer in one short line: the checks by outcome, the worst first, and those that were not made.

    `failed: drift (1 of 3 cases); passed: goldens (3); not checked: throughput`.
    """
    found = outcomes(report)
    parts = []
    for outcome in _WORST_FIRST:
        checks = [check for check in report.asked if found[check] is outcome]
        if checks:
            named = ", ".join(f"{check.value} ({_extent(report, check)})" for check in checks)
            parts.append(f"{outcome.value}: {named}")
    left_out = [check.value for check in Check if check not in report.asked]
    if left_out:
        parts.append(f"not checked: {', '.join(left_out)}")
    return "; ".join(parts)


def _extent(report: Report, check: Check) -> str:
    """How much of a check has its outcome: `3`, `1 of 3 cases`, `1.120 of the time`."""
    if check is Check.GOLDENS:
        bad = sum(one.status not in SOUND for one in report.goldens)
        left = sum(one.status is CheckStatus.NOT_RUN for one in report.goldens)
        return _share(bad or len(report.goldens) - left, len(report.goldens))
    if check is Check.DRIFT:
        bad = sum(case.outcome is Outcome.FAILED for case in report.cases)
        passed = sum(case.outcome is Outcome.PASSED for case in report.cases)
        word = "case" if len(report.cases) == 1 else "cases"
        return f"{_share(bad or passed, len(report.cases))} {word}"
    decision = report.throughput and report.throughput.decision
    if not decision or math.isnan(decision.ratio):
        return "nothing measured"
    return f"{decision.ratio:.3f} of the time, limit {decision.limit:.3f}"


def _share(some: int, of: int) -> str:
    return f"{of:,}" if some == of else f"{some:,} of {of:,}"


def check_words(report: Report, check: Check) -> str:
    """The finding of one check."""
    if check is Check.GOLDENS:
        return check_headline(report.goldens)
    if check is Check.DRIFT:
        return _drift_words(report.cases)
    assert report.throughput is not None
    return throughput_words(report.throughput)


def throughput_words(found: Throughput) -> str:
    """`passed: 1.004 of the time (0.991 to 1.017, limit 1.035), against base HEAD~1`."""
    if found.decision is None:
        why = f": {printable(found.said[0], 300)}" if found.said else ""
        return f"{found.outcome.value}{why}"
    return f"{found.outcome.value}: {decision_words(found.decision)}, against {against_words(found)}"


def decision_words(found: Decision) -> str:
    """Ratio, interval and limit of times: above 1 is slower."""
    if math.isnan(found.ratio):
        return f"too few pairs for an interval (limit {found.limit:.3f})"
    ends = f"{found.low:.3f} to {found.high:.3f}" if math.isfinite(found.high) else "no interval yet"
    return f"{found.ratio:.3f} of the time ({ends}, limit {found.limit:.3f})"


def against_words(found: Throughput) -> str:
    """The base or record that throughput was held against."""
    if found.against is Against.BASE:
        return f"base {printable(found.against_name, 80)}"
    return f"the record {printable(found.against_name, 120)}"


def throughput_lines(found: Throughput) -> list[str]:
    """The lines that describe the measurement."""
    lines = [printable(text) for text in found.said] if found.decision else []
    if found.decision is None:
        return lines
    lines.append(
        f"floor {found.decision.floor:.3f}: identical code, {count(len(found.alike), 'A/A pair')};"
        f" interval at {found.decision.confidence:.0%} over all looks, {count(len(found.pairs), 'pair')}"
        f" of fresh processes in {found.elapsed:,.0f} s"
    )
    if found.pairs:
        lines.append(_timings(found))
    if found.load is not None:
        lines.append(f"load  {found.load[0]:.1f} before, {found.load[1]:.1f} after{_machine(found)}")
    return lines


def case_rows(report: Report) -> list[tuple[str, ...]]:
    """One row per case: case, golden, return, commission, slippage, fills, verdict."""
    statuses = {one.case: one for one in report.goldens}
    drifted = {one.name: one for one in report.cases}
    rows = []
    for name in sorted({*statuses, *drifted}):
        checked, case = statuses.get(name), drifted.get(name)
        cells = (drift_cell(case, place) for place in ("return", "commission", "slippage", "fills"))
        rows.append(
            (printable(name, 60), checked.status.value if checked else "", *cells, verdict(checked, case))
        )
    return rows


CASE_HEAD = ("case", "golden", "return", "commission", "slippage", "fills", "verdict")


def verdict(checked: CheckResult | None, case: Case | None) -> str:
    """The verdict on a case under both checks."""
    if (checked and checked.status not in SOUND) or (case and case.outcome is Outcome.FAILED):
        return Outcome.FAILED.value
    if case and case.outcome is Outcome.PASSED:
        return Outcome.PASSED.value
    held = checked is not None and checked.status in (CheckStatus.HOLDS, CheckStatus.SEALED)
    return Outcome.PASSED.value if held else "not run"


def drift_cell(case: Case | None, name: str) -> str:
    """One figure of a case: the golden's, and the one found if it differs."""
    for one in case.drifts if case else ():
        if one.name == name:
            old, new = drift_values(one)
            return old if one.apart == 0 or (one.apart is None and one.within) else f"{old} -> {new}"
    return UNKNOWN


def drift_values(drift: Drift) -> tuple[str, str]:
    """The golden's value and the one found, as text."""
    if drift.quantity is Quantity.RETURN:
        return percents(drift.golden, drift.found)
    return money(drift.golden), money(drift.found)


def case_failures(case: Case) -> list[str]:
    """Why a case fails: each drift beyond its limit, named with its size."""
    lines = [printable(case.said)] if case.said else []
    for one in case.drifts:
        if not one.within:
            old, new = drift_values(one)
            lines.append(f"{one.name} drifted {old} -> {new} ({_apart(one)}; limit {_limit(one)})")
    return lines


def golden_failures(checked: CheckResult) -> list[str]:
    """Why a golden fails."""
    return case_lines(checked)


def _apart(drift: Drift) -> str:
    if drift.apart is None:
        return "one of the two is not known"
    if drift.quantity is Quantity.RETURN:
        return f"{drift.apart * 100:+f} points"
    return f"{drift.apart:+,f}"


def _limit(drift: Drift) -> str:
    if drift.limit == 0:
        return "0, exact"
    return f"{drift.limit * 100:f} points" if drift.quantity is Quantity.RETURN else f"{drift.limit:,f}"


def _drift_words(cases: Sequence[Case]) -> str:
    failed = [case for case in cases if case.outcome is Outcome.FAILED]
    passed = sum(case.outcome is Outcome.PASSED for case in cases)
    if failed:
        moved = [case for case in failed if case.drifts]
        if moved:
            names = ", ".join(printable(case.name, 60) for case in moved[:4])
            more = f" and {len(moved) - 4} more" if len(moved) > 4 else ""
            first = next(one for one in moved[0].drifts if not one.within)
            old, new = drift_values(first)
            return f"{count(len(moved), 'case')} drifted: {names}{more} ({first.name} {old} -> {new})"
        return f"{count(len(failed), 'case')} could not be compared for drift"
    if not passed:
        return "no case was compared for drift"
    within = any(one.apart for case in cases for one in case.drifts)
    return f"{'within the limits' if within else 'no drift'} in {count(passed, 'case')}"


def _timings(found: Throughput) -> str:
    base, head = (_middle([getattr(pair, side) for pair in found.pairs]) for side in ("base", "head"))
    names = ("base", "head")
    if found.against is Against.RECORD and found.record is not None:
        base, names = base * found.record.ratio, ("reference", "engine")
    digest = f"; ledger {found.digest[:16]} every time" if found.digest else ""
    return (
        f"timed {printable(found.scenario, 80)}, {found.events:,} events:"
        f" {names[0]} {base * 1000:,.3f} ms, {names[1]} {head * 1000:,.3f} ms{digest}"
    )


def _machine(found: Throughput) -> str:
    one = found.machine
    return "" if one is None else f"; {printable(one.processor, 80)}, {count(one.cores, 'core')}"


def _middle(values: list[float]) -> float:
    return sorted(values)[len(values) // 2]
