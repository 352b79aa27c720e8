"""The JSON of `reconcile explain`, with a version. Amounts are decimal text with all their digits."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from reconcile.text.times import stamp

if TYPE_CHECKING:
    from reconcile.explaining.model import Bridge, Cause, Explanation, Lead
    from vocabulary.market import Market
    from vocabulary.scenario import Scenario

VERSION = 1


def explain_json(found: Explanation, scenario: Scenario, market: Market) -> str:
    """Keys: version, verdict, scenario, breaks, explained_breaks, unexplained_breaks, causes, roots, bridge,
    notes, runs, seconds."""
    told = {
        "version": VERSION,
        "verdict": found.verdict.value,
        "scenario": scenario.name,
        "breaks": found.breaks,
        "explained_breaks": max(0, found.breaks - found.unexplained_breaks),
        "unexplained_breaks": found.unexplained_breaks,
        "causes": [_cause(cause, market) for cause in found.causes],
        "leads": [_lead(lead) for lead in found.leads],
        "next_divergence": _where(found.next_divergence, market),
        "roots": [{"shared": g.shared, "count": g.count, "example": g.example} for g in found.roots],
        "bridge": None if found.bridge is None else _bridge(found.bridge, found),
        "patterns": list(found.patterns),
        "proposals": [{"tolerance": line, "breaks": count} for line, count in found.proposals],
        "notes": list(found.notes),
        "runs": found.runs,
        "seconds": round(found.seconds, 3),
    }
    return json.dumps(told, indent=2, ensure_ascii=True)


def _cause(cause: Cause, market: Market) -> dict[str, Any]:
    side = cause.change.side
    return {
        "hypothesis": cause.change.hypothesis.id,
        "kind": cause.change.hypothesis.kind.value,
        "sentence": cause.sentence,
        "what": cause.what,
        "reference": cause.reference,
        "candidate": cause.candidate,
        "from": stamp(market, cause.since),
        "until": stamp(market, cause.until),
        "symbols": None if cause.symbols is None else list(cause.symbols),
        "side": None if side is None else side.value,
        "breaks_explained": cause.breaks_explained,
        "alternatives": list(cause.alternatives),
    }


def _lead(lead: Lead) -> dict[str, Any]:
    side = lead.change.side
    return {
        "hypothesis": lead.change.hypothesis.id,
        "kind": lead.change.hypothesis.kind.value,
        "sentence": lead.sentence,
        "side": None if side is None else side.value,
        "column": lead.column,
        "mended": lead.mended,
        "differing": lead.differing,
        "spoiled": 0,
    }


def _where(found: tuple[int, str] | None, market: Market) -> dict[str, Any] | None:
    return None if found is None else {"timestamp": stamp(market, found[0]), "symbol": found[1]}


def _bridge(bridge: Bridge, found: Explanation) -> dict[str, Any]:
    def text(units: int) -> str:
        return format(Decimal(units).scaleb(-bridge.scale), "f")

    def parts(given: tuple[tuple[str, int], ...]) -> list[dict[str, str]]:
        return [{"label": label, "amount": text(amount)} for label, amount in given]

    return {
        "order": "each cause added to those before it",
        "reference": text(bridge.reference),
        "candidate": text(bridge.candidate),
        "difference": text(bridge.candidate - bridge.reference),
        "reference_base": text(bridge.base),
        "candidate_base": text(bridge.candidate_base),
        "reference_return": None if found.reference_return is None else format(found.reference_return, "f"),
        "candidate_return": None if found.candidate_return is None else format(found.candidate_return, "f"),
        "by_cause": [
            {"label": line.label, "amount": text(line.amount), "final_equity": text(line.equity)}
            for line in bridge.by_cause
        ],
        "by_stage": parts(bridge.by_stage),
        "by_symbol": parts(bridge.by_symbol),
        "by_month": parts(bridge.by_month),
    }
