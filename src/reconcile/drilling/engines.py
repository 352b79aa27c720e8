"""Engines with changed sources: each is copied, patched and run in a process of its own.

The process is `python -P -m reconcile.drilling.engines JOB`, with the copy first on PYTHONPATH. JOB is
JSON with two keys. `engine`: the folder of the engine that must be the one imported. `tasks`: a list of
(names of faults, ground, seed, folder for the ledger). What goes wrong is printed on stderr, its gist in the
last line.
"""

from __future__ import annotations

import importlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from reconcile.drilling.model import Patch
from vocabulary.errors import InputError
from vocabulary.ledger import Ledger

# Patches

SOURCE = Path(__file__).resolve().parents[2] / "engine"


def patched_engine(patches: Sequence[Patch], folder: Path) -> Path:
    """The engine with patches, as `folder`/engine. Raises InputError where one does not apply."""
    place = folder / "engine"
    shutil.copytree(SOURCE, place, ignore=shutil.ignore_patterns("__pycache__"))
    for patch in patches:
        file = place / patch.file
        file.write_text(_patched(file.read_text(encoding="utf-8"), patch), encoding="utf-8")
    return place


def _patched(text: str, patch: Patch) -> str:
    """A source with one patch. Raises InputError unless `old` stands in it exactly once."""
    count = text.count(patch.old)
    if count != 1:
        raise InputError(
            f"a fault of the drill in engine/{patch.file}",
            f"{count} places that read {patch.old!r}",
            "exactly one",
            "The engine's source has changed: change the fault's patch with it.",
        )
    return text.replace(patch.old, patch.new)


def check_patches(*patches: Patch) -> None:
    """Raises InputError unless patches apply to the engine as it stands, one after the other."""
    texts: dict[str, str] = {}
    for patch in patches:
        if patch.file not in texts:
            texts[patch.file] = (SOURCE / patch.file).read_text(encoding="utf-8")
        texts[patch.file] = _patched(texts[patch.file], patch)


def fit_together(patches: Sequence[Patch]) -> bool:
    """Whether patches can be applied one after the other, in either order: no two change the same text."""
    try:
        check_patches(*patches)
        check_patches(*reversed(patches))
    except InputError:
        return False
    return True


# Runs

PATIENCE = 600.0
"""Seconds after which a patched engine is given up."""
Task = tuple[tuple[str, ...], str, int]
"""Names of faults, a ground, a seed."""


def ledgers(changes: Sequence[Patch], tasks: Sequence[Task]) -> list[Ledger]:
    """The ledger of each task, made by a patched engine that is compiled for them.

    Raises InputError where a patch does not apply or the engine fails.
    """
    from reconcile.ledger.read import read_ledger

    with tempfile.TemporaryDirectory(prefix="tieout-drill-") as scratch:
        place = patched_engine(changes, Path(scratch))
        folders = [str(Path(scratch, f"ledger-{number}")) for number in range(len(tasks))]
        job = {"engine": str(place), "tasks": [(*t, f) for t, f in zip(tasks, folders, strict=True)]}
        _run(Path(scratch), job, name=", ".join(tasks[0][0]))
        return [read_ledger(folder) for folder in folders]


def _run(scratch: Path, job: Mapping[str, object], *, name: str) -> None:
    kept = [os.environ["PYTHONPATH"]] if os.environ.get("PYTHONPATH") else []
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(scratch), *kept]),
        "NUMBA_CACHE_DIR": str(scratch / "cache"),
    }
    done = subprocess.run(
        [sys.executable, "-P", "-m", "reconcile.drilling.engines", json.dumps(job)],
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=PATIENCE,
        check=False,
    )
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        raise InputError(f"the engine with {name}", said, "a run that ends", "Mend the fault's patch.")


# The process


def main(job: dict[str, Any]) -> int:
    """Writes the ledger of every task; 2 where another engine than the patched one was imported."""
    from reconcile.drilling.candidates import BY_NAME
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
