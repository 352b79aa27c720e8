"""The gate: goldens hold, results have not drifted, and the engine has not become slower.

`gate` makes the checks; `decide` is the rule that throughput is decided by, a pure function of paired
timings.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reconcile.gate.deciding import decide, floor_of, plan_for
    from reconcile.gate.nouns import Decision, Outcome, Pair, Report, Settings
    from reconcile.gate.run import gate
    from reconcile.gate.settings import read_gate_settings

_HOMES = {
    "Decision": "nouns",
    "Outcome": "nouns",
    "Pair": "nouns",
    "Report": "nouns",
    "Settings": "nouns",
    "decide": "deciding",
    "floor_of": "deciding",
    "gate": "run",
    "plan_for": "deciding",
    "read_gate_settings": "settings",
}

__all__ = [
    "Decision",
    "Outcome",
    "Pair",
    "Report",
    "Settings",
    "decide",
    "floor_of",
    "gate",
    "plan_for",
    "read_gate_settings",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'reconcile.gate' has no attribute {name!r}")
    value = getattr(import_module(f"reconcile.gate.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
