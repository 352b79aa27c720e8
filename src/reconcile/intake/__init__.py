"""Reading: files, frames and built-ins become a Scenario and a Market, validated once.

Names are looked up when first used, so that reading a scenario loads neither pandas nor pyarrow.
"""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reconcile.intake.builtin.synthetic import generate_market
    from reconcile.intake.callables import resolve_callable
    from reconcile.intake.check import check
    from reconcile.intake.market_digest import market_digest
    from reconcile.intake.market_file import read_market, write_market
    from reconcile.intake.market_load import load_market, market_from_frame
    from reconcile.intake.market_slice import replace_columns, slice_market
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
    "builtin_scenario": "scenario_file",
    "builtin_scenarios": "scenario_file",
    "check": "check",
    "find_scenario": "scenario_file",
    "generate_market": "builtin.synthetic",
    "load_market": "market_load",
    "market_digest": "market_digest",
    "market_from_frame": "market_load",
    "read_market": "market_file",
    "replace": "scenario_paths",
    "replace_columns": "market_slice",
    "resolve_callable": "callables",
    "scenario_from_dict": "scenario_file",
    "scenario_from_file": "scenario_file",
    "scenario_from_text": "scenario_file",
    "scenario_to_dict": "scenario_toml",
    "scenario_to_toml": "scenario_toml",
    "slice_market": "market_slice",
    "write_market": "market_file",
}

__all__ = [
    "builtin_scenario",
    "builtin_scenarios",
    "check",
    "find_scenario",
    "generate_market",
    "load_market",
    "market_digest",
    "market_from_frame",
    "read_market",
    "replace",
    "replace_columns",
    "resolve_callable",
    "scenario_from_dict",
    "scenario_from_file",
    "scenario_from_text",
    "scenario_to_dict",
    "scenario_to_toml",
    "slice_market",
    "write_market",
]


def __getattr__(name: str) -> Any:
    """Load the module that holds `name`, and keep what was found."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Package(ModuleType):
    """Keeps `check` and `market_digest` the functions, whichever is imported first.

    Loading a submodule binds its name in the package, which would hide the function of that name.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
