"""A run as JSON, version 1.

Amounts are exact decimals, timestamps are ISO 8601 in the market's zone, and what a ledger does not tell is
null:

    kind, version        "tieout.run", 1
    verdict              matched, breaks, matched_as_far_as_compared or nothing_compared
    breaks               how many
    first                null when nothing differs, else: rebalance, decided_at, timestamp, stage, type,
                         symbol, field, reference, candidate
    not_compared         table or table.column, and why, one text each
    scenario, market     name and digest
    bars, symbols, events
    notes                what was odd in the market's data
    loading_seconds, compiling_seconds (null for a user's engine)
    reference, candidate name, fills, rebalances, commission, slippage, final_equity, total_return,
                         seconds, events_per_second, stranded (symbols held that never trade again, M3),
                         deterministic (null unless run with --twice)

Where --twice finds a side that disagrees with itself there are no numbers: kind and version as above, verdict
`not_deterministic`, breaks and first null, of each side name and deterministic, and under `disagreements` one
object per side: side, rebalance, decided_at, timestamp, stage, type, symbol, field, runs, same_process
(whether the runs are two calls in one process), values.
"""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from reconcile.text.json_text import to_json
from reconcile.text.times import stamp
from vocabulary.ledger import Kind

if TYPE_CHECKING:
    from reconcile.matching.model import Break
    from reconcile.running.determinism import Difference, Disagreement
    from reconcile.running.run import Outcome
    from reconcile.running.summary import SideSummary, Summary
    from vocabulary.market import Market

KIND = "tieout.run"
VERSION = 1


def run_json(outcome: Outcome, summary: Summary) -> str:
    """The summary as JSON text; the keys are listed in this module's docstring."""
    market, scenario, found = outcome.market, outcome.scenario, outcome.reconciliation
    return to_json(
        {
            "kind": KIND,
            "version": VERSION,
            "verdict": found.verdict.value,
            "breaks": len(found.breaks),
            "first": None if found.first is None else _break(found.first, market),
            "not_compared": [
                f"{gap.table}{'' if gap.column is None else '.' + gap.column}: {gap.why.value}"
                for gap in found.not_compared
            ],
            "scenario": {"name": scenario.name, "digest": scenario.digest},
            "market": {"name": market.name, "digest": market.digest},
            "bars": len(market.timestamps),
            "symbols": len(market.symbols),
            "events": market.present.size,
            "notes": market.notes,
            "loading_seconds": round(outcome.loading, 6),
            "compiling_seconds": None if outcome.compiling is None else round(outcome.compiling, 6),
            "reference": _side(summary.reference, outcome),
            "candidate": _side(summary.candidate, outcome),
        }
    )


def _break(found: Break, market: Market) -> dict[str, Any]:
    """A break under the names the summary uses."""
    at = {name: getattr(found, name) for name in ("decided_at", "timestamp")}
    sides = {name: getattr(found, name) for name in ("reference", "candidate")}
    if found.kind is Kind.TIMESTAMP:
        sides = {name: stamp(market, value) for name, value in sides.items()}
    return {
        "rebalance": found.rebalance,
        **{name: stamp(market, value) for name, value in at.items()},
        "stage": found.stage.value,
        "type": found.type.value,
        "symbol": found.symbol,
        "field": found.field,
        **sides,
    }


def _side(side: SideSummary, outcome: Outcome) -> dict[str, Any]:
    values = {field.name: getattr(side, field.name) for field in fields(side)}
    stranded_names = [one.symbol for one in side.stranded]
    return {**values, "stranded": stranded_names, "deterministic": outcome.deterministic}


def twice_json(found: Disagreement) -> str:
    """The JSON that stands in place of a summary; the keys are listed in this module's docstring."""
    apart = {one.side for one in found.differences}
    sides = {
        label: {"name": side, "deterministic": side not in apart}
        for label, side in zip(("reference", "candidate"), found.sides, strict=True)
    }
    return to_json(
        {
            "kind": KIND,
            "version": VERSION,
            "verdict": "not_deterministic",
            "breaks": None,
            "first": None,
            "disagreements": [_difference(one, found.market) for one in found.differences],
            **sides,
        }
    )


def _difference(one: Difference, market: Market) -> dict[str, Any]:
    if one.found is None:
        told: dict[str, Any] = dict.fromkeys(("rebalance", "decided_at", "stage", "symbol"))
        told |= {"timestamp": stamp(market, one.timestamp), "type": one.where, "field": one.field}
        values = list(one.values)
    else:
        told = _break(one.found, market)
        values = [told.pop("reference"), told.pop("candidate")]
    return {
        "side": one.side,
        **told,
        "runs": list(one.runs),
        "same_process": one.same_process,
        "values": values,
    }
