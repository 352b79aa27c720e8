"""Reading: files, frames and built-ins become a Scenario and a Market, validated once.

Names are looked up when first used, so that reading a scenario loads neither pandas nor pyarrow.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reconcile.intake.callables import resolve_callable
    from reconcile.intake.scenario_file import (
        builtin_scenario,
        builtin_scenarios,
        find_scenario,
        scenario_from_dict,
        scenario_from_file,
        scenario_from_text,
    )
    from reconcile.intake.scenario_paths import replace
    from reconcile.intake.scenario_toml import scenario_to_dict, scenario_to_toml

_HOMES = {
    "resolve_callable": "callables",
    "builtin_scenario": "scenario_file",
    "builtin_scenarios": "scenario_file",
    "find_scenario": "scenario_file",
    "scenario_from_dict": "scenario_file",
    "scenario_from_file": "scenario_file",
    "scenario_from_text": "scenario_file",
    "replace": "scenario_paths",
    "scenario_to_dict": "scenario_toml",
    "scenario_to_toml": "scenario_toml",
}

__all__ = [
    "builtin_scenario",
    "builtin_scenarios",
    "find_scenario",
    "replace",
    "resolve_callable",
    "scenario_from_dict",
    "scenario_from_file",
    "scenario_from_text",
    "scenario_to_dict",
    "scenario_to_toml",
]


def __getattr__(name: str) -> Any:
    """Load the module that holds `name`, and keep what was found."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted(__all__)
