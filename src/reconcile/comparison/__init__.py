"""Comparing two ledgers: breaks, the first divergence, roots and consequences."""

from reconcile.comparison.compare import compare
from reconcile.comparison.nouns import (
    ROW,
    BoundKind,
    Break,
    BreakType,
    Compared,
    NotCompared,
    Period,
    PeriodSide,
    Reconciliation,
    Root,
    Stage,
    Tolerance,
    ToleranceUse,
    Value,
    Verdict,
    Why,
)

__all__ = [
    "ROW",
    "BoundKind",
    "Break",
    "BreakType",
    "Compared",
    "NotCompared",
    "Period",
    "PeriodSide",
    "Reconciliation",
    "Root",
    "Stage",
    "Tolerance",
    "ToleranceUse",
    "Value",
    "Verdict",
    "Why",
    "compare",
]
