"""Two backtest programs, one scenario: do their ledgers tie out?

The names below are for notebooks and tests. They load on first use, so that `import reconcile` and
the command line stay quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from reconcile.own_packages import stand_apart

if TYPE_CHECKING:
    from reconcile.api.audit import audit
    from reconcile.api.diff import diff
    from reconcile.api.explain import explain, shrink
    from reconcile.api.gate import drill, gate
    from reconcile.api.identify import identify
    from reconcile.api.live import (
        backtrader_analyzer,
        from_backtesting,
        from_backtrader,
        from_bt,
        from_cvxportfolio,
        from_freqtrade,
        from_ml4t,
        from_nautilus,
        from_pybroker,
        from_quantstats,
        from_vectorbt,
        from_zipline,
    )
    from reconcile.api.read import read
    from reconcile.api.run import check, run
    from reconcile.campaigning.campaign import campaign
    from reconcile.comparing.compare import compare
    from reconcile.comparing.diff_exports import render
    from reconcile.ledger.digest import chain, ledger_digest
    from reconcile.ledger.frames import frame, from_frames
    from reconcile.ledger.read import read_ledger
    from reconcile.ledger.write import write_ledger
    from reconcile.market.builtin.synthetic import generate_market
    from reconcile.market.edit import slice_market
    from reconcile.market.file import read_market, write_market
    from reconcile.market.load import load_market, market_from_frame
    from reconcile.matching.model import Reconciliation
    from reconcile.scenario.files import (
        builtin_scenario,
        builtin_scenarios,
        find_scenario,
        replace,
        scenario_from_dict,
        scenario_from_file,
        scenario_from_text,
    )
    from reconcile.scenario.toml import scenario_to_dict, scenario_to_toml

stand_apart()

__version__ = "0.1.0"

__all__ = [
    "Reconciliation",
    "__version__",
    "audit",
    "backtrader_analyzer",
    "builtin_scenario",
    "builtin_scenarios",
    "campaign",
    "chain",
    "check",
    "compare",
    "diff",
    "drill",
    "explain",
    "find_scenario",
    "frame",
    "from_backtesting",
    "from_backtrader",
    "from_bt",
    "from_cvxportfolio",
    "from_frames",
    "from_freqtrade",
    "from_ml4t",
    "from_nautilus",
    "from_pybroker",
    "from_quantstats",
    "from_vectorbt",
    "from_zipline",
    "gate",
    "generate_market",
    "identify",
    "ledger_digest",
    "load_market",
    "market_from_frame",
    "orders",
    "read",
    "read_ledger",
    "read_market",
    "render",
    "replace",
    "run",
    "scenario_from_dict",
    "scenario_from_file",
    "scenario_from_text",
    "scenario_to_dict",
    "scenario_to_toml",
    "shrink",
    "slice_market",
    "write_ledger",
    "write_market",
]

_HOMES = {
    "Reconciliation": "matching.model",
    "audit": "api.audit",
    "backtrader_analyzer": "api.live",
    "builtin_scenario": "scenario.files",
    "builtin_scenarios": "scenario.files",
    "campaign": "campaigning.campaign",
    "chain": "ledger.digest",
    "check": "api.run",
    "compare": "comparing.compare",
    "diff": "api.diff",
    "drill": "api.gate",
    "explain": "api.explain",
    "find_scenario": "scenario.files",
    "frame": "ledger.frames",
    "from_backtesting": "api.live",
    "from_backtrader": "api.live",
    "from_bt": "api.live",
    "from_cvxportfolio": "api.live",
    "from_frames": "ledger.frames",
    "from_freqtrade": "api.live",
    "from_ml4t": "api.live",
    "from_nautilus": "api.live",
    "from_pybroker": "api.live",
    "from_quantstats": "api.live",
    "from_vectorbt": "api.live",
    "from_zipline": "api.live",
    "gate": "api.gate",
    "generate_market": "market.builtin.synthetic",
    "identify": "api.identify",
    "ledger_digest": "ledger.digest",
    "load_market": "market.load",
    "market_from_frame": "market.load",
    "orders": "api.replay",
    "read": "api.read",
    "read_ledger": "ledger.read",
    "read_market": "market.file",
    "render": "comparing.diff_exports",
    "replace": "scenario.files",
    "run": "api.run",
    "scenario_from_dict": "scenario.files",
    "scenario_from_file": "scenario.files",
    "scenario_from_text": "scenario.files",
    "scenario_to_dict": "scenario.toml",
    "scenario_to_toml": "scenario.toml",
    "shrink": "api.explain",
    "slice_market": "market.edit",
    "write_ledger": "ledger.write",
    "write_market": "market.file",
}
"""Public name -> the module that defines it."""


_MODULES = ("engine", "golden", "reference", "vocabulary")
"""Modules that are there without being imported: both programs, their nouns, and the functions on goldens."""


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return import_module(f"reconcile.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'reconcile' has no attribute {name!r}")
    value = getattr(import_module(f"reconcile.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """What a caller has use for, and nothing else: tab completion shows it."""
    return sorted([*__all__, *_MODULES])
