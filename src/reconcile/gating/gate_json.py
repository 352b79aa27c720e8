"""What a gate found as JSON, version 1.

Amounts are exact decimals; what is not known is null:

    kind, version        "tieout.gate", 1
    outcome              passed, failed, could not tell or inconclusive
    checks               of each made (goldens, drift, throughput): its outcome
    engine               the engine under test
    cases                by name: golden (a standing of `reconcile golden check`, null where that was not
                         checked), outcome (of the drift check, null likewise), said, and drifts: name
                         (return, commission, slippage, fills), golden, found, apart, limit, within
    throughput           null where it was not checked, else
        outcome, said    as above; one sentence each
        against, name    base and its revision, or record and its file
        scenario, events, ledger    what is timed; the digest that every run had to give
        ratio, low, high head's time over base's (above 1 is slower) and its interval, null if there is none
        limit, floor, confidence, seconds
        alike, pairs     the measured pairs, [base, head] in seconds; with a record, base is the reference's
                         time over the ratio on record
        load             of the machine, before and after
        machine          processor, cores, system, python, numba, numpy
        record           the record held against: ratio, low, high, pairs, machine, date
"""

from __future__ import annotations

import math
from dataclasses import asdict
from typing import Any

from reconcile.gating.gate import outcomes
from reconcile.gating.model import Case, Outcome, Pair, Report, Throughput
from reconcile.golden.model import Checked
from reconcile.text.json_text import to_json

KIND = "tieout.gate"
VERSION = 1


def gate_json(report: Report) -> str:
    """The report as JSON text."""
    standings = {one.case: one for one in report.goldens}
    drifted = {one.name: one for one in report.cases}
    names = sorted({*standings, *drifted})
    return to_json(
        {
            "kind": KIND,
            "version": VERSION,
            "outcome": report.outcome.value,
            "checks": {check.value: outcome.value for check, outcome in outcomes(report).items()},
            "engine": report.engine,
            "cases": {name: _case(standings.get(name), drifted.get(name)) for name in names},
            "throughput": None if report.throughput is None else _throughput(report.throughput),
        }
    )


def _case(checked: Checked | None, case: Case | None) -> dict[str, Any]:
    said = [text for text in (checked.said if checked else "", case.said if case else "") if text]
    drifts = [
        {
            "name": one.name,
            "golden": one.golden,
            "found": one.found,
            "apart": one.apart,
            "limit": one.limit,
            "within": one.within,
        }
        for one in (case.drifts if case else ())
    ]
    return {
        "golden": None if checked is None else checked.standing.value,
        "outcome": None if case is None else case.outcome.value,
        "said": said,
        "drifts": drifts,
    }


def _throughput(found: Throughput) -> dict[str, Any]:
    decision = found.decision
    known = decision is not None and decision.outcome is not Outcome.UNKNOWN
    return {
        "outcome": found.outcome.value,
        "said": found.said,
        "against": found.against.value,
        "name": found.against_name,
        "scenario": found.scenario,
        "events": found.events or None,
        "ledger": found.digest,
        "ratio": _number(decision.ratio) if decision and known else None,
        "low": _number(decision.low) if decision and math.isfinite(decision.high) else None,
        "high": _number(decision.high) if decision else None,
        "limit": decision.limit if decision else None,
        "floor": _number(decision.floor) if decision else None,
        "confidence": decision.confidence if decision else None,
        "seconds": round(found.elapsed, 3),
        "alike": [_pair(pair) for pair in found.alike],
        "pairs": [_pair(pair) for pair in found.pairs],
        "load": found.load,
        "machine": None if found.machine is None else asdict(found.machine),
        "record": None if found.record is None else asdict(found.record),
    }


def _pair(pair: Pair) -> list[float]:
    return [round(pair.base, 9), round(pair.head, 9)]


def _number(value: float) -> float | None:
    return round(value, 6) if math.isfinite(value) else None
