"""An audit as JSON, version 1: docs/json.md says what each key holds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from reconcile.auditing.model import CLAIMS, Audit, Finding
from reconcile.running.summary import to_json
from vocabulary.ledger import KEYS, SCHEMA, Kind

KIND = "tieout.audit"
VERSION = 1


def audit_json(audit: Audit, notes: tuple[str, ...], clock: Callable[[int | None], str | None]) -> str:
    """The audit as JSON text."""
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
                    "claim": CLAIMS[one.check],
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
    }
