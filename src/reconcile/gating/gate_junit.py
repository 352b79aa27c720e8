"""What a gate found as JUnit XML: a suite a check, a test case a case."""

from __future__ import annotations

from collections.abc import Iterable
from xml.etree import ElementTree as Xml

from reconcile.gating.gate_words import (
    case_failures,
    check_words,
    golden_failures,
    throughput_lines,
    throughput_words,
)
from reconcile.gating.model import Check, Outcome, Report, Throughput
from reconcile.golden.model import SOUND, Standing
from reconcile.text.escape import printable


def gate_junit(report: Report) -> str:
    """The report as XML text. A check that found nothing to compare is an error, never an empty suite."""
    suites = [_suite(report, check) for check in report.asked]
    root = Xml.Element("testsuites", {"name": "reconcile gate", **_totals(suites)})
    root.extend(suites)
    Xml.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(root, encoding="unicode") + "\n"


def _suite(report: Report, check: Check) -> Xml.Element:
    made = {
        Check.GOLDENS: lambda: _goldens(report),
        Check.DRIFT: lambda: _cases(report),
        Check.THROUGHPUT: lambda: _throughput(report.throughput),
    }
    cases = made[check]()
    if not any(case.find("skipped") is None for case in cases) and check is not Check.THROUGHPUT:
        cases.append(_test(check, "anything compared", "error", [check_words(report, check)]))
    suite = Xml.Element("testsuite", name=check.value)
    suite.extend(cases)
    suite.attrib.update(_counts(suite))
    return suite


def _goldens(report: Report) -> list[Xml.Element]:
    cases = []
    for one in report.goldens:
        kind = None if one.standing in SOUND else "failure"
        kind = "skipped" if one.standing is Standing.NOT_RUN else kind
        cases.append(_test(Check.GOLDENS, one.case, kind, golden_failures(one)))
    return cases


def _cases(report: Report) -> list[Xml.Element]:
    kinds = {Outcome.FAILED: "failure", Outcome.UNKNOWN: "skipped"}
    return [_test(Check.DRIFT, one.name, kinds.get(one.outcome), case_failures(one)) for one in report.cases]


def _throughput(found: Throughput | None) -> list[Xml.Element]:
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
