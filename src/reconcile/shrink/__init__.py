"""From a candidate that breaks on a large market to the smallest case on which it breaks the same way."""

from reconcile.shrink.folder import KIND, OURS, write_folder
from reconcile.shrink.nouns import Case, Look, Shrunk, Sort
from reconcile.shrink.shrink import TRIALS, same_causes, shrink

__all__ = [
    "KIND",
    "OURS",
    "TRIALS",
    "Case",
    "Look",
    "Shrunk",
    "Sort",
    "same_causes",
    "shrink",
    "write_folder",
]
