"""A patched engine's process: `python -P child.py JOB`, JOB being JSON, with the engine's folder first on
PYTHONPATH.

job: `engine`, the folder of the engine that must be the one imported; `tasks`, a list of (names of faults,
ground, seed, folder for the ledger). What goes wrong is told on stderr by its four parts or its traceback.
"""

from __future__ import annotations

import importlib
import json
import sys
from pathlib import Path
from typing import Any


def main(job: dict[str, Any]) -> int:
    """Every task's ledger."""
    from reconcile.drilling.catalogue import BY_NAME
    from reconcile.drilling.ground import ground
    from reconcile.drilling.planting import in_scenario, on_market
    from reconcile.ledger.write import write_ledger

    engine = importlib.import_module("engine")
    place = Path(engine.__file__ or "").resolve().parent
    if place != Path(job["engine"]).resolve():
        print(f"the engine imported is that of {place}, not of {job['engine']}", file=sys.stderr)
        return 2
    for names, name, seed, folder in job["tasks"]:
        plants = [plant for fault in names for plant in BY_NAME[fault].plants]
        on = ground(name, seed)
        ledger = engine.run(in_scenario(on.scenario, plants), on_market(on.market, plants))
        write_ledger(ledger, folder)
    return 0


if __name__ == "__main__":
    sys.exit(main(json.loads(sys.argv[1])))
