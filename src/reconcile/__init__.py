"""Two backtest programs, one scenario: do their ledgers tie out?

The names below are for notebooks and tests. They load on first use, so that `import reconcile` and
the command line stay quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reconcile.comparison import Reconciliation, compare
    from reconcile.intake import (
        builtin_scenario,
        builtin_scenarios,
        check,
        find_scenario,
        generate_market,
        load_market,
        market_from_frame,
        read_market,
        replace,
        scenario_from_dict,
        scenario_from_file,
        scenario_from_text,
        scenario_to_dict,
        scenario_to_toml,
        slice_market,
        write_market,
    )
    from reconcile.ledgers import chain, frame, from_frames, ledger_digest, read_ledger, write_ledger
    from reconcile.report.rendering import render

__version__ = "0.1.0"

__all__ = [
    "Reconciliation",
    "__version__",
    "builtin_scenario",
    "builtin_scenarios",
    "chain",
    "check",
    "compare",
    "find_scenario",
    "frame",
    "from_frames",
    "generate_market",
    "ledger_digest",
    "load_market",
    "market_from_frame",
    "read_ledger",
    "read_market",
    "render",
    "replace",
    "scenario_from_dict",
    "scenario_from_file",
    "scenario_from_text",
    "scenario_to_dict",
    "scenario_to_toml",
    "slice_market",
    "write_ledger",
    "write_market",
]

_COMPARISON = {"Reconciliation", "compare"}
_LEDGERS = {"chain", "frame", "from_frames", "ledger_digest", "read_ledger", "write_ledger"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'reconcile' has no attribute {name!r}")
    if name in _COMPARISON:
        home = "reconcile.comparison"
    elif name in _LEDGERS:
        home = "reconcile.ledgers"
    elif name == "render":
        home = "reconcile.report.rendering"
    else:
        home = "reconcile.intake"
    value = getattr(import_module(home), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
