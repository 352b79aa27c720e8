"""Measurements that need a process of their own: `python benchmarks/child.py NAME ...`, answered in JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

from timing import interleaved

from cases import whole

CALLABLE = {"kind": "callable", "function": "ranking:best"}
WARM_BARS = 3


def beside_numpy(folder: str, digest: str, rounds: str) -> dict[str, Any]:
    """Seconds of the engine's whole run with its full ledger, and of numpy's argpartition on the scores."""
    scenario, market = _loaded(folder)
    return _beside_numpy(scenario, market, digest, int(rounds))


def callable_strategy(folder: str, rounds: str) -> dict[str, Any]:
    """Seconds of the engine asking a Python function at every bar, beside argpartition."""
    import reference
    from reconcile.ledger.digest import ledger_digest
    from reconcile.scenario.files import scenario_from_dict
    from reconcile.scenario.toml import scenario_to_dict

    base, market = _loaded(folder)
    parts = {name: part for name, part in scenario_to_dict(base).items() if name != "exits"}
    scenario = scenario_from_dict({**parts, "strategy": CALLABLE})
    right = ledger_digest(reference.run(scenario, market))
    return _beside_numpy(scenario, market, right, int(rounds))


def _beside_numpy(scenario: Any, market: Any, digest: str, rounds: int) -> dict[str, list[float]]:
    import numpy as np

    import engine
    from reconcile.ledger.digest import ledger_digest

    assert ledger_digest(engine.run(scenario, market)) == digest, "a wrong ledger: its time does not count"
    score = market.features["ml_score"]
    jobs: dict[str, Callable[[], Any]] = {
        "engine": lambda: whole(engine.run(scenario, market)),
        "argpartition": lambda: np.argpartition(score, -25, axis=1),
    }
    return interleaved(jobs, rounds)


def memory(folder: str, digest: str) -> dict[str, Any]:
    """Bytes that a run holds at its peak above what was there before it, and of market and ledger."""
    import engine
    from reconcile.ledger.digest import ledger_digest
    from reconcile.market.edit import slice_market

    scenario, market = _loaded(folder)
    engine.run(scenario, slice_market(market, bars=(0, WARM_BARS)))
    Path("/proc/self/clear_refs").write_text("5")  # the peak is counted from here
    before = _status("VmRSS")
    ledger = engine.run(scenario, market)
    peak = _status("VmHWM")
    assert ledger_digest(ledger) == digest, "a wrong ledger: its memory does not count"
    arrays = [market.present, market.open, market.high, market.low, market.close, *market.features.values()]
    columns = [column.values for table in ledger.tables.values() for column in table.columns.values()]
    return {
        "above": peak - before,
        "market": sum(array.nbytes for array in arrays),
        "ledger": sum(values.nbytes for values in columns),
    }


def start(folder: str) -> dict[str, Any]:
    """Seconds to import the engine and to have it compiled: for good, or from the folder it is kept in."""
    scenario, market = _loaded(folder)
    from reconcile.market.edit import slice_market

    few = slice_market(market, bars=(0, WARM_BARS))
    began = perf_counter()
    import engine

    imported = perf_counter()
    engine.run(scenario, few)
    return {"import": imported - began, "compile": perf_counter() - imported}


def imports(*command: str) -> dict[str, Any]:
    """Which of the heavy libraries a command loads, and its exit code."""
    import contextlib
    import io

    from reconcile.cli import exit_code

    with contextlib.redirect_stdout(io.StringIO()):
        code = exit_code(command)
    heavy = ("numba", "llvmlite", "pandas", "pyarrow", "numpy")
    return {"code": code, "loaded": [name for name in heavy if name in sys.modules]}


def _loaded(folder: str) -> tuple[Any, Any]:
    from reconcile.market.load import load_market
    from reconcile.scenario.files import scenario_from_file

    scenario = scenario_from_file(Path(folder) / "scenario.toml")
    return scenario, load_market(scenario)


def _status(name: str) -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024
    raise LookupError(name)


NAMES: dict[str, Callable[..., dict[str, Any]]] = {
    one.__name__: one for one in (beside_numpy, callable_strategy, memory, start, imports)
}

if __name__ == "__main__":
    print(json.dumps(NAMES[sys.argv[1]](*sys.argv[2:])))
