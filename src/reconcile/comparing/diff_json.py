"""A reconciliation as JSON, version 1. docs/json.md describes each key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from itertools import islice
from typing import TYPE_CHECKING, Any

from reconcile.comparing.filters import NONE, Filters, shown
from reconcile.matching.stages import COMPARED_KEYS
from reconcile.text.json_text import to_json
from vocabulary.ledger import Kind

if TYPE_CHECKING:
    from reconcile.matching.model import Break, ChainSide, Period, PeriodSide, Reconciliation
    from reconcile.matching.patterns import Pattern

KIND = "tieout.diff"
VERSION = 1
LIMIT = 1000

Exact = Callable[[int | None], str | None]


def diff_json(
    found: Reconciliation, clock: Exact, notes: tuple[str, ...] = (), filters: Filters = NONE
) -> str:
    """The reconciliation as JSON text."""
    return to_json(diff_facts(found, clock, notes, filters))


def diff_facts(
    found: Reconciliation, clock: Exact, notes: tuple[str, ...] = (), filters: Filters = NONE
) -> dict[str, Any]:
    """The same as a dictionary; timestamps are text, amounts Decimals."""
    picked = shown(found, filters)
    return {
        "kind": KIND,
        "version": VERSION,
        "verdict": found.verdict.value,
        "breaks": len(found.breaks),
        "first": None if found.first is None else break_facts(found.first, clock),
        "roots": None
        if found.roots is None
        else [
            {"first": break_facts(root.first, clock), "last": clock(root.last), "count": root.count}
            for root in found.roots
        ],
        "by_stage": {stage.value: number for stage, number in found.by_stage.items()},
        "by_type": {kind.value: number for kind, number in found.by_type.items()},
        "rebalances_are_bars": found.periods_are_bars,
        "rebalances": [_period(period, clock) for period in found.periods],
        "compared": [
            {
                "table": one.table,
                "reference_rows": one.reference_rows,
                "candidate_rows": one.candidate_rows,
                "columns": list(one.columns),
            }
            for one in found.compared
        ],
        "not_compared": [
            {"table": gap.table, "column": gap.column, "why": gap.why.value} for gap in found.not_compared
        ],
        "unread": [
            {
                "kind": part.what.value,
                "table": part.table,
                "name": part.name,
                "reference": part.reference,
                "candidate": part.candidate,
                "differs": part.differs,
                "reason": part.reason,
            }
            for part in found.unread
        ],
        "manifests": [
            {"field": one.field, "reference": one.reference, "candidate": one.candidate}
            for one in found.manifests
        ],
        "named": found.named,
        "tolerances": [
            {
                "field": f"{use.tolerance.table}.{use.tolerance.column}",
                "kind": use.tolerance.kind.value,
                "bound": use.tolerance.bound,
                "reason": use.tolerance.reason,
                "absorbed": use.absorbed,
                "largest": use.largest,
                "slack": use.slack,
            }
            for use in found.tolerances
        ],
        "patterns": [_pattern(one, clock) for one in found.patterns],
        "float_noise": [
            {"field": f"{one.table}.{one.column}", "cells": one.cells, "largest": one.largest}
            for one in found.noise
        ],
        "chains": {
            "reference": _chain(found.chains.reference, clock),
            "candidate": _chain(found.chains.candidate, clock),
            "equal": found.chains.equal,
            "part_at": clock(found.chains.part_at),
        },
        "filters": filters.text or None,
        "shown": len(picked),
        "list": [break_facts(one, clock) for one in islice(picked, LIMIT)],
        "notes": [*found.notes, *notes],
    }


def _pattern(one: Pattern, clock: Exact) -> dict[str, Any]:
    from reconcile.comparing.wording import pattern_text

    return {
        "kind": one.kind.value,
        "table": one.table,
        "column": one.column,
        "value": one.value,
        "breaks": one.count,
        "first": one.first,
        "text": pattern_text(one, lambda at: clock(at) or "-"),
    }


def _chain(side: ChainSide, clock: Exact) -> dict[str, Any]:
    fault = None if side.fault is None else side.fault.kind.value
    return {"state": side.state.value, "edited_at": clock(side.edited_at), "fault": fault}


def break_facts(found: Break, clock: Exact) -> dict[str, Any]:
    """One break under the names of the JSON schema; rows are counted from 1."""
    timed = found.kind is Kind.TIMESTAMP
    sides = {name: getattr(found, name) for name in ("reference", "candidate")}
    rows = {name: getattr(found, name) for name in ("reference_row", "candidate_row")}
    return {
        "table": found.table,
        "key": [
            clock(part) if name in ("timestamp", "decided_at") and isinstance(part, int) else part
            for name, part in zip(COMPARED_KEYS[found.table], found.key, strict=True)
        ],
        "field": found.field,
        "stage": found.stage.value,
        "type": found.type.value,
        "timestamp": clock(found.timestamp),
        "decided_at": clock(found.decided_at),
        "cycle": found.cycle,
        "rebalance": found.rebalance,
        "symbol": found.symbol,
        **{
            name: clock(value) if timed and isinstance(value, int) else value for name, value in sides.items()
        },
        **{name: None if row is None else row + 1 for name, row in rows.items()},
        "root": found.root,
    }


def _period(period: Period, clock: Exact) -> dict[str, Any]:
    return {
        "number": period.number,
        "decided_at": clock(period.decided_at),
        "start": clock(period.start),
        "end": clock(period.end),
        "breaks": {stage.value: number for stage, number in period.breaks.items()},
        "reference": _side(period.reference),
        "candidate": _side(period.candidate),
    }


def _side(side: PeriodSide) -> dict[str, Any]:
    return {field.name: getattr(side, field.name) for field in fields(side)}
