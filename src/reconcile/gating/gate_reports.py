"""What a gate found, for other programs: JSON, JUnit XML, and a job summary.

The JSON, version 1.

Amounts are exact decimals; what is not known is null:

    kind, version        "tieout.gate", 1
    outcome              passed, failed, could not tell or inconclusive
    checks               of each made (goldens, drift, throughput): its outcome
    engine               the engine under test
    cases                by name: golden (a status of `reconcile golden check`, null where that was not
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
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any
from xml.etree import ElementTree as Xml

from reconcile.gating.gate import outcomes
from reconcile.gating.gate_page import (
    CASE_HEAD,
    case_failures,
    case_rows,
    check_words,
    golden_failures,
    throughput_lines,
    throughput_words,
)
from reconcile.gating.model import Case, Check, Outcome, Pair, Record, Report, Throughput
from reconcile.goldens.model import SOUND, CheckResult, CheckStatus
from reconcile.text.escape import printable
from reconcile.text.json_text import to_json
from reconcile.text.layout import markdown_escaped, markdown_table

KIND = "tieout.gate"
VERSION = 1


def gate_json(report: Report) -> str:
    """The report as JSON text."""
    statuses = {one.case: one for one in report.goldens}
    drifted = {one.name: one for one in report.cases}
    names = sorted({*statuses, *drifted})
    return to_json(
        {
            "kind": KIND,
            "version": VERSION,
            "outcome": report.outcome.value,
            "checks": {check.value: outcome.value for check, outcome in outcomes(report).items()},
            "engine": report.engine,
            "cases": {name: _case(statuses.get(name), drifted.get(name)) for name in names},
            "throughput": None if report.throughput is None else _throughput(report.throughput),
        }
    )


def record_json(record: Record, file: str) -> str:
    """What was put on record as JSON text, version 1."""
    return to_json({"kind": "tieout.record", "version": VERSION, "file": file, "record": asdict(record)})


def _case(checked: CheckResult | None, case: Case | None) -> dict[str, Any]:
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
        "golden": None if checked is None else checked.status.value,
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


def gate_junit(report: Report) -> str:
    """The report as XML text. A check that found nothing to compare is an error, never an empty suite."""
    suites = [_suite(report, check) for check in report.asked]
    root = Xml.Element("testsuites", {"name": "reconcile gate", **_totals(suites)})
    root.extend(suites)
    Xml.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(root, encoding="unicode") + "\n"


def _suite(report: Report, check: Check) -> Xml.Element:
    made = {
        Check.GOLDENS: lambda: _golden_cases(report),
        Check.DRIFT: lambda: _drift_cases(report),
        Check.THROUGHPUT: lambda: _timed_case(report.throughput),
    }
    cases = made[check]()
    if not any(case.find("skipped") is None for case in cases) and check is not Check.THROUGHPUT:
        cases.append(_test(check, "anything compared", "error", [check_words(report, check)]))
    suite = Xml.Element("testsuite", name=check.value)
    suite.extend(cases)
    suite.attrib.update(_counts(suite))
    return suite


def _golden_cases(report: Report) -> list[Xml.Element]:
    cases = []
    for one in report.goldens:
        kind = None if one.status in SOUND else "failure"
        kind = "skipped" if one.status is CheckStatus.NOT_RUN else kind
        cases.append(_test(Check.GOLDENS, one.case, kind, golden_failures(one)))
    return cases


def _drift_cases(report: Report) -> list[Xml.Element]:
    kinds = {Outcome.FAILED: "failure", Outcome.UNKNOWN: "skipped"}
    return [_test(Check.DRIFT, one.name, kinds.get(one.outcome), case_failures(one)) for one in report.cases]


def _timed_case(found: Throughput | None) -> list[Xml.Element]:
    if found is None:
        return [_test(Check.THROUGHPUT, "throughput", "error", ["not measured"])]
    kinds = {Outcome.FAILED: "failure", Outcome.UNKNOWN: "error", Outcome.INCONCLUSIVE: "skipped"}
    lines = [throughput_words(found), *throughput_lines(found)]
    case = _test(Check.THROUGHPUT, found.scenario, kinds.get(found.outcome), lines)
    case.set("time", f"{found.elapsed:.3f}")
    out = Xml.SubElement(case, "system-out")
    out.text = "\n".join(lines)
    return [case]


def _test(check: Check, name: str, kind: str | None, lines: Iterable[str]) -> Xml.Element:
    case = Xml.Element("testcase", classname=f"gate.{check.value}", name=printable(name, 200))
    if kind is not None:
        told = list(lines) or ["not compared"]
        note = Xml.SubElement(case, kind, message=told[0])
        note.text = "\n".join(told)
    return case


def _counts(suite: Xml.Element) -> dict[str, str]:
    kinds = {"failures": "failure", "errors": "error", "skipped": "skipped"}
    counts = {name: str(len(suite.findall(f"testcase/{kind}"))) for name, kind in kinds.items()}
    return {"tests": str(len(suite.findall("testcase"))), **counts}


def _totals(suites: list[Xml.Element]) -> dict[str, str]:
    return {
        name: str(sum(int(suite.attrib[name]) for suite in suites))
        for name in ("tests", "failures", "errors", "skipped")
    }


def gate_summary(report: Report) -> str:
    """The job summary: the answer, one row per check, one row per case, and how throughput was measured."""
    rows = [
        (check.value, outcome.value, check_words(report, check))
        for check, outcome in outcomes(report).items()
    ]
    parts = [
        [f"### gate: {markdown_escaped(report.outcome.value)}"],
        markdown_table(("check", "outcome", "found"), rows),
        markdown_table(CASE_HEAD, case_rows(report)),
    ]
    if report.throughput is not None:
        parts.append([f"- {markdown_escaped(text)}" for text in _measured(report)])
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def _measured(report: Report) -> list[str]:
    assert report.throughput is not None
    return [throughput_words(report.throughput), *throughput_lines(report.throughput)]
