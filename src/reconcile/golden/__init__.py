"""Golden files: pinned ledgers that change only by an accepted, explained decision.

`check_goldens` runs a project's cases and holds them against what is on file; a change is pending until
`accept` makes it the golden and tells the journal why. Names load on first use: the pytest plugin lives
here, and must cost nothing to tests that do not use it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reconcile.golden.check import case_files, check_goldens
    from reconcile.golden.deciding import accept, pending_cases, reject
    from reconcile.golden.nouns import Agreement, Checked, Figures, Golden, Pending, Place, Standing
    from reconcile.golden.place import find_place
    from reconcile.golden.store import read_shelf

_HOMES = {
    "Agreement": "nouns",
    "Checked": "nouns",
    "Figures": "nouns",
    "Golden": "nouns",
    "Pending": "nouns",
    "Place": "nouns",
    "Standing": "nouns",
    "accept": "deciding",
    "case_files": "check",
    "check_goldens": "check",
    "find_place": "place",
    "pending_cases": "deciding",
    "read_shelf": "store",
    "reject": "deciding",
}

__all__ = [
    "Agreement",
    "Checked",
    "Figures",
    "Golden",
    "Pending",
    "Place",
    "Standing",
    "accept",
    "case_files",
    "check_goldens",
    "find_place",
    "pending_cases",
    "read_shelf",
    "reject",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'reconcile.golden' has no attribute {name!r}")
    value = getattr(import_module(f"reconcile.golden.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
