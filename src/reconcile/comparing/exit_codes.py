"""Exit codes of a comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconcile.matching.model import Verdict

NOT_DETERMINISTIC = 3
"""A side disagrees with itself."""


def exit_code(verdict: Verdict) -> int:
    """0 matched, 1 breaks, 2 where a match was not shown: something, or everything, was not compared."""
    return {"matched": 0, "breaks": 1}.get(verdict.value, 2)
