"""Record pairs of timings for the gate's test of itself: identical code, and slowdowns planted in the engine.

    python benchmarks/record_pairs.py WORLD [--seconds 200] [--trees DIR] [--file FILE]

WORLD says under what the pairs were taken, such as `quiet` or `busy`; they are added to those of that name in
FILE (default: tests/gate_pairs.json). Copies of src are made in DIR once, one of them with nothing changed,
the others with a slowdown planted: after its work `engine.run` computes on for so many percent of the time
the work took on the core. All slowdowns take turns, so that each meets the same weather; a pair is measured
as the gate measures it. `--seconds 0` only makes and compiles the copies.

`python tests/gate_selftest.py` then counts how often the gate's decision is wrong on these pairs.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from reconcile.gating.model import Pair, Settings
from reconcile.gating.record import this_machine
from reconcile.gating.timing import pairs_of, start_workers
from reconcile.gating.trees import Tree

SOURCE = Path(__file__).resolve().parent.parent / "src"
PLANTED = ("1.00", "1.02", "1.05", "1.10")
"""Ratios of times, as text: the names of the recorded pairs. 1.00 is identical code."""
PLANT = """

import time as _time

_planted_in = run


def run(*arguments, **named):
    began = _time.thread_time()
    ledger = _planted_in(*arguments, **named)
    until = began + (_time.thread_time() - began) * {ratio}
    while _time.thread_time() < until:
        pass
    return ledger
"""


def main() -> int:
    """Measure until the time is up, then add what was measured."""
    given = _arguments()
    settings = Settings(given.trees)
    base = _tree(given.trees, "base", None)
    heads = {ratio: _tree(given.trees, f"x{ratio}", ratio) for ratio in PLANTED}
    digests = {_digest(settings, tree) for tree in (base, *heads.values())}
    if len(digests) != 1:
        print("the copies give different ledgers: is an old one in the way?", file=sys.stderr)
        return 1
    (digest,) = digests
    sources = {ratio: pairs_of(settings, base, head, (digest, digest)) for ratio, head in heads.items()}
    until = time.monotonic() + given.seconds
    while time.monotonic() < until:
        taken = {ratio: next(source) for ratio, source in sources.items()}
        _add(given.file, given.world, taken)  # each time: what ends it early takes nothing away
    for source in sources.values():
        source.close()
    return 0


def _arguments() -> Any:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("world")
    parser.add_argument("--seconds", type=float, default=200.0)
    parser.add_argument("--trees", type=Path, default=Path(tempfile.gettempdir(), "tieout-pairs"))
    parser.add_argument("--file", type=Path, default=Path("tests/gate_pairs.json"))
    return parser.parse_args()


def _tree(folder: Path, name: str, ratio: str | None) -> Tree:
    """A copy of src, made where it is not there yet; `1.00` is as much a copy as the base is."""
    root = folder / name
    if not root.is_dir():
        scratch = folder / f"{name}.new"
        shutil.rmtree(scratch, ignore_errors=True)
        shutil.copytree(SOURCE, scratch / "src", ignore=shutil.ignore_patterns("__pycache__"))
        if ratio not in (None, "1.00"):
            with (scratch / "src/engine/__init__.py").open("a", encoding="utf-8") as file:
                file.write(PLANT.format(ratio=ratio))
        scratch.rename(root)
    environment = {**os.environ, "PYTHONPATH": str(root / "src"), "NUMBA_CACHE_DIR": str(root / "cache")}
    (root / "cache").mkdir(exist_ok=True)
    return Tree(name, root, (str(root / "src"),), environment, copied=True)


def _digest(settings: Settings, tree: Tree) -> str:
    """The ledger's digest, right by the reference; compiles what is not compiled yet."""
    with start_workers(settings, "reference", tree) as (child,):
        found = child.ask("check")
    if found["ledger"] != found["vouched"]:
        raise SystemExit(f"{tree.name}: engine and reference disagree; its time does not count")
    return str(found["ledger"])


def _add(file: Path, world: str, taken: dict[str, Pair]) -> None:
    """Put a pair of each slowdown behind those that are there, in one move; microseconds."""
    old = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {"format": 1, "worlds": {}}
    pairs = old["worlds"].get(world, {}).get("pairs", {})
    merged = {
        ratio: [*pairs.get(ratio, []), [round(side * 1e6, 1) for side in (pair.base, pair.head)]]
        for ratio, pair in taken.items()
    }
    worlds = {**old["worlds"], world: {"machine": asdict(this_machine()), "pairs": merged}}
    text = json.dumps({"format": 1, "unit": "us", "worlds": worlds}, indent=1)
    scratch = file.with_name(f".{file.name}.new")
    scratch.write_text(_flat(text), encoding="utf-8")
    scratch.replace(file)


def _flat(text: str) -> str:
    """Lists of numbers on one line."""
    return re.sub(r"\[[-\d.,\s\[\]]+\]", lambda found: re.sub(r"\s+", "", found[0]), text) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
