"""Why two ledgers differ: causes from a catalogue, each tested by running the backtest that results."""

from reconcile.explain.explain import explain
from reconcile.explain.nouns import (
    Bridge,
    Cause,
    Change,
    Explanation,
    Kind,
    Line,
    RootGroup,
    Verdict,
)

__all__ = ["Bridge", "Cause", "Change", "Explanation", "Kind", "Line", "RootGroup", "Verdict", "explain"]
