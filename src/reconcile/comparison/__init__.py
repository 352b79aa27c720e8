"""Comparing two ledgers: breaks, the first divergence, roots and consequences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconcile.comparison.compare import compare
from reconcile.comparison.mapping import Mapping, mapping_from, read_mapping
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
from reconcile.comparison.tolerances import read_tolerances, tolerances_from

if TYPE_CHECKING:
    from reconcile.comparison.mapped import Mapped, apply_mapping

__all__ = [
    "ROW",
    "BoundKind",
    "Break",
    "BreakType",
    "Compared",
    "Mapped",
    "Mapping",
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
    "apply_mapping",
    "compare",
    "mapping_from",
    "read_mapping",
    "read_tolerances",
    "tolerances_from",
]


def __getattr__(name: str) -> Any:
    """What reads Arrow tables loads on first use: comparing needs numpy alone."""
    if name in ("Mapped", "apply_mapping"):
        from reconcile.comparison import mapped

        return getattr(mapped, name)
    raise AttributeError(f"module 'reconcile.comparison' has no attribute {name!r}")
