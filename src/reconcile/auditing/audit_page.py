"""What `reconcile audit` prints: the page, and the same as JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeGuard

from reconcile.auditing.constant_patterns import first_of_patterns, pattern_json, pattern_sentence
from reconcile.auditing.model import (
    ABOUT,
    NEEDS_MARKET,
    Audit,
    Check,
    Finding,
    FindingKind,
    Verdict,
)
from reconcile.text.escape import printable
from reconcile.text.json_text import to_json
from reconcile.text.times import Clock
from vocabulary.ledger import KEYS, SCHEMA, Kind

if TYPE_CHECKING:
    from reconcile.matching.model import Value
    from vocabulary.ledger import Ledger


SHOWN = 12
"""The most findings that are listed, unless there are more kinds: the first of every kind is listed."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What was audited. path: as it was given. scenario: its name. notes: from reading the ledger."""

    path: str
    ledger: Ledger
    scenario: str | None
    notes: tuple[str, ...]


def audit_page(audit: Audit, subject: Subject, clock: Clock) -> str:
    """The page. Its first line is the answer."""
    parts = (
        [headline(audit, clock)],
        [""],
        _subject(subject),
        _findings(audit, clock),
        _hint(audit, subject.ledger),
        _checks(audit),
        _unchecked(audit),
        _bounds(audit),
        _noted("notes", (*audit.notes, *subject.notes)),
    )
    return "\n".join(line for part in parts for line in part)


def headline(audit: Audit, clock: Clock) -> str:
    """The verdict in one line, with the earliest finding if there is one."""
    total, values = sum(audit.counts.values()), sum(one.values for one in audit.checked)
    made = f"{_count(len(audit.checked), 'check')} of {values:,} values"
    if audit.verdict is Verdict.FINDINGS:
        return f"{_count(total, 'finding')}: {describe(audit.findings[0], clock)}"
    if audit.verdict is Verdict.NOTHING_CHECKED:
        return "nothing checked: no pass; the ledger holds nothing that could be checked"
    lacking = _lacking(audit)
    if audit.verdict is Verdict.CLEAN_AS_FAR_AS_CHECKED:
        return f"clean as far as checked: 0 findings in {made}; {lacking}"
    if audit.named is not None:
        left = [check.value for check in Check if check not in audit.named]
        return f"clean: 0 findings in {made}; by request not checked: {', '.join(left) or 'nothing'}"
    without = "" if audit.with_market else "; without a scenario, nothing was held against a market"
    return f"clean: 0 findings in {made}{f'; {lacking}' if lacking else ''}{without}"


def _lacking(audit: Audit) -> str:
    """The checks that were not made, and those that were made in part."""
    made = {one.check for one in audit.checked}
    parts = {
        "not checked": [one.check.value for one in audit.unchecked if one.check not in made],
        "checked in part": [one.check.value for one in audit.unchecked if one.check in made],
    }
    return "; ".join(f"{head}: {', '.join(dict.fromkeys(names))}" for head, names in parts.items() if names)


def describe(finding: Finding, clock: Clock) -> str:
    """One finding in words: kind, time, field, symbol, found and expected values, rows."""
    table, _, column = finding.field.partition(".")
    parts = [finding.kind.value, clock(finding.timestamp)]
    if finding.until is not None and finding.until != finding.timestamp:
        parts[-1] += f" to {clock(finding.until)}"
    parts.append(f"{table} {column}")
    if finding.symbol is not None:
        parts.append(printable(finding.symbol, 60))
    said = _said(finding, clock)
    if finding.detail and finding.detail != said:
        said += f"; {finding.detail}"
    return f"{', '.join(parts)}: {said}{_rows(finding)}"


def _said(finding: Finding, clock: Clock) -> str:
    found, expected = _value(finding, finding.found, clock), _value(finding, finding.expected, clock)
    gap = None if finding.gap is None else _number(finding.gap, signed=True)
    kind = finding.kind
    if kind is FindingKind.FLOW:
        return f"{gap} moved without a fill ({found}, where fills lead to {expected})"
    if kind is FindingKind.FROZEN:
        return f"stands still at {found} over {finding.bars:,} bars on which fills or positions moved"
    if kind is FindingKind.EDITED:
        from_here = "rows from here on are not those that the digest chain was written for"
        return from_here if finding.found is None else str(finding.found)
    if kind is FindingKind.MISSING_BAR:
        return "no row for this bar of the market"
    if kind is FindingKind.NEGATIVE_CASH:
        return f"cash is {found}" if finding.field == "equity.cash" else f"this buy leaves cash at {found}"
    if kind is FindingKind.OVERSOLD:
        return finding.detail
    if kind is FindingKind.DUPLICATE:
        return "a second row of the same key"
    if finding.expected is None:
        return {
            FindingKind.NO_BAR: f"{found} is no bar of the market",
            FindingKind.SYMBOL: f"{found} is no symbol of the market",
            FindingKind.ABSENT: f"{found} has no bar then",
            FindingKind.CELL: f"found {found}",
            FindingKind.SCALE: found,
        }.get(kind, f"{found} does not fit")
    return f"{found}, where {expected} follows{'' if gap is None else f' ({gap})'}"


def _rows(finding: Finding) -> str:
    named = [f"{name.table} row {name.row + 1}" for name in finding.rows if name.row is not None]
    return f" [{', '.join(named)}]" if named else ""


def _value(finding: Finding, value: Value, clock: Clock) -> str:
    from vocabulary.ledger import SCHEMA, Kind

    table, _, column = finding.field.partition(".")
    if isinstance(value, int) and SCHEMA.get(table, {}).get(column) is Kind.TIMESTAMP:
        return clock(value)
    if value is None:
        return "nothing"
    return printable(repr(value), 60) if isinstance(value, str) else _number(value)


def _number(value: Value, signed: bool = False) -> str:
    if isinstance(value, Decimal):
        return format(value, "+,f" if signed else ",f")
    if isinstance(value, float):
        return f"{value:+.6g}" if signed else repr(value)
    return f"{value:+,}" if signed and isinstance(value, int) else str(value)


def _subject(subject: Subject) -> Iterable[str]:
    rows = ", ".join(f"{name} {table.rows:,}" for name, table in subject.ledger.tables.items())
    yield f"ledger        {printable(subject.path)}"
    yield f"rows          {rows or 'none'}"
    yield f"scenario      {'none given' if subject.scenario is None else printable(subject.scenario)}"


def _findings(audit: Audit, clock: Clock) -> Iterable[str]:
    if not audit.counts:
        return
    yield ""
    counts = ", ".join(f"{kind.value} {count:,}" for kind, count in audit.counts.items())
    yield f"findings      {counts}"
    for pattern in audit.patterns:
        yield f"  one pattern: {pattern_sentence(pattern)}"
    shown = pick(first_of_patterns(audit))
    for finding in shown:
        yield f"  {describe(finding, clock)}"
    total = sum(audit.counts.values())
    if total > len(shown):
        yield f"  and {total - len(shown):,} more; --json lists up to 1,000 of each kind"


def pick(findings: tuple[Finding, ...]) -> list[Finding]:
    """The findings to list: the first of every kind, then the earliest others."""
    first: dict[FindingKind, Finding] = {}
    for finding in findings:
        first.setdefault(finding.kind, finding)
    chosen = {id(finding) for finding in first.values()}
    for finding in findings:
        if len(chosen) >= SHOWN:
            break
        chosen.add(id(finding))
    return [finding for finding in findings if id(finding) in chosen]


def _checks(audit: Audit) -> Iterable[str]:
    yield ""
    yield f"checked       {'values':>12}  {'findings':>8}"
    for one in audit.checked:
        yield f"  {one.check.value:<14}{one.values:>10,}  {one.findings:>8,}  {ABOUT[one.check].claim}"


def _unchecked(audit: Audit) -> Iterable[str]:
    made = {one.check for one in audit.checked}
    for head, in_part in (("checked in part", True), ("not checked", False)):
        by_check: dict[Check, list[str]] = {}
        for one in audit.unchecked:
            if (one.check in made) is in_part:
                by_check.setdefault(one.check, []).append(f"{one.what}: {one.why.value}")
        if by_check:
            yield ""
            yield head
        for check, reasons in by_check.items():
            yield f"  {check.value:<14}{'; '.join(reasons)}"
    if not audit.with_market and audit.named is None:
        names = ", ".join(check.value for check in NEEDS_MARKET)
        yield f"not made      {names}: these need a scenario (--scenario)"


def _bounds(audit: Audit) -> Iterable[str]:
    floats = [(one.check.value, one.allowed) for one in audit.checked if one.allowed is not None]
    if floats:
        yield ""
        yield "doubles       may be off by what rounding to 53 bits explains, at most:"
        yield f"              {', '.join(f'{name} {bound:.1e}' for name, bound in floats)}"
    for noise in audit.noise:
        yield (
            f"float noise   {noise.check.value}: {noise.values:,} of {noise.field} differ by at most"
            f" {noise.largest:.1e}, which is no finding"
        )
    for one in audit.absorbed:
        tolerance = one.tolerance
        slack = "; slack" if one.largest * 10 < tolerance.bound else ""
        yield (
            f"tolerance     {tolerance.table}.{tolerance.column} {tolerance.kind.value} {tolerance.bound}:"
            f" let {one.values:,} pass, largest gap {one.largest}{slack} ({printable(tolerance.reason)})"
        )


def _hint(audit: Audit, ledger: Ledger) -> Iterable[str]:
    """What to do about findings that may be no mistake: rounded numbers, shorts, cash on margin."""
    indent = " " * 14
    if FindingKind.OVERSOLD in audit.counts:
        yield f"{indent}if the account may be short, or held something before its first fill: --allow-short"
    if any(one.check is Check.NEGATIVE_CASH for one in audit.findings):
        yield f"{indent}if cash may be below zero: --allow-negative-cash"
    gaps = [(one.gap, one.found) for one in audit.findings]
    numbers = [(float(gap), float(of)) for gap, of in gaps if _is_number(gap) and _is_number(of)]
    small = all(abs(gap) <= 1e-6 * max(1.0, abs(of)) for gap, of in numbers)
    if ledger.manifest.semantics is None and gaps and len(numbers) == len(gaps) and small:
        yield f"{indent}every gap is below a millionth: if these numbers were rounded when they were"
        yield f"{indent}published, say so with --tolerance FILE"


def _is_number(value: Value) -> TypeGuard[Decimal | float | int]:
    return isinstance(value, (Decimal, float, int))


def _noted(heading: str, notes: Iterable[str]) -> Iterable[str]:
    for place, note in enumerate(notes):
        if place == 0:
            yield ""
        yield f"{heading if place == 0 else '':<14}{printable(note)}"


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


KIND = "tieout.audit"
VERSION = 1


def audit_json(audit: Audit, notes: tuple[str, ...], clock: Callable[[int | None], str | None]) -> str:
    """The audit as JSON text; `text/schemas/audit.json` describes its keys."""
    return to_json(
        {
            "kind": KIND,
            "version": VERSION,
            "verdict": audit.verdict.value,
            "counts": {kind.value: count for kind, count in audit.counts.items()},
            "findings": [_finding(one, clock) for one in audit.findings],
            "checked": [
                {
                    "check": one.check.value,
                    "claim": ABOUT[one.check].claim,
                    "values": one.values,
                    "findings": one.findings,
                    "allowed": one.allowed,
                }
                for one in audit.checked
            ],
            "unchecked": [
                {"check": one.check.value, "what": one.what, "why": one.why.value} for one in audit.unchecked
            ],
            "named": None if audit.named is None else [check.value for check in audit.named],
            "tolerances": [
                {
                    "field": f"{one.tolerance.table}.{one.tolerance.column}",
                    "kind": one.tolerance.kind.value,
                    "bound": one.tolerance.bound,
                    "reason": one.tolerance.reason,
                    "absorbed": one.values,
                    "largest": one.largest,
                }
                for one in audit.absorbed
            ],
            "noise": [
                {
                    "check": one.check.value,
                    "field": one.field,
                    "values": one.values,
                    "largest": one.largest,
                }
                for one in audit.noise
            ],
            "patterns": [pattern_json(one) for one in audit.patterns],
            "notes": [*audit.notes, *notes],
        }
    )


def _finding(one: Finding, clock: Callable[[int | None], str | None]) -> dict[str, Any]:
    table, _, column = one.field.partition(".")
    timed = SCHEMA.get(table, {}).get(column) is Kind.TIMESTAMP

    def shown(value: Any) -> Any:
        return clock(value) if timed and isinstance(value, int) else value

    return {
        "check": one.check.value,
        "kind": one.kind.value,
        "field": one.field,
        "rows": [
            {
                "table": name.table,
                "key": [
                    clock(part) if key in ("timestamp", "decided_at") and isinstance(part, int) else part
                    for key, part in zip(KEYS.get(name.table, ("timestamp",)), name.key, strict=True)
                ],
                "row": None if name.row is None else name.row + 1,
            }
            for name in one.rows
        ],
        "timestamp": clock(one.timestamp),
        "until": clock(one.until),
        "bars": one.bars,
        "symbol": one.symbol,
        "found": shown(one.found),
        "expected": shown(one.expected),
        "gap": None if timed else one.gap,
        "detail": one.detail or None,
    }
