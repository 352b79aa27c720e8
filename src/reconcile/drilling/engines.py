"""Ledgers of patched engines, each engine in a process of its own, from a folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from reconcile.drilling import patches
from reconcile.drilling.model import Patch
from vocabulary.errors import InputError
from vocabulary.ledger import Ledger

CHILD = Path(__file__).with_name("child.py")
PATIENCE = 600.0
"""Seconds that a patched engine may take."""
Task = tuple[tuple[str, ...], str, int]
"""Names of faults, a ground, a seed."""


def ledgers(changes: Sequence[Patch], tasks: Sequence[Task]) -> list[Ledger]:
    """What an engine with patches, compiled apart, makes of each task.

    Raises InputError where a patch does not apply or the engine fails.
    """
    from reconcile.ledger.read import read_ledger

    with tempfile.TemporaryDirectory(prefix="tieout-drill-") as scratch:
        place = patches.plant(changes, Path(scratch))
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
        [sys.executable, "-P", str(CHILD), json.dumps(job)],
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
