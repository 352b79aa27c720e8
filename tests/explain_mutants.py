"""Break the reference at random places and ask `explain` what is wrong with the ledgers that come out.

    python tests/explain_mutants.py                       a hundred mutants, drawn with seed 17
    python tests/explain_mutants.py --count 20 --seed 3

A mutant is the reference with one comparison, operator or number changed (tests/mutants.py). One that fails,
or gives the same ledger on this market, tells nothing. Of each other one a line of JSON is printed: the line
of source before and after, the verdict, and what was named. Whether a cause or lead is the change, or false,
is for a person to judge; docs/drill.md has the score.
"""

from __future__ import annotations

import argparse
import ast
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests import explain_kit as kit  # noqa: E402
from tests.mutants import change, changes  # noqa: E402

import reconcile  # noqa: E402
from reconcile.comparing.compare import compare  # noqa: E402
from reconcile.explaining.model import Subject  # noqa: E402

MODULES = ("accounting", "decision", "execution", "levels", "loop", "marking")
SYMBOLS, BARS = 24, 80
LONGEST = 60
"""Seconds for a mutant's own run."""


def drawn(count: int, seed: int) -> list[tuple[str, int]]:
    """So many (module, place) of all changes that are possible."""
    every = [
        (module, place)
        for module in MODULES
        for place in range(len(list(changes(ast.parse(source(module))))))
    ]
    return random.Random(seed).sample(every, min(count, len(every)))


def source(module: str) -> str:
    return (ROOT / "src" / "reference" / f"{module}.py").read_text(encoding="utf-8")


def changed(module: str, place: int) -> tuple[str, str, str]:
    """The whole source with the change, and the changed statement before and after."""
    tree = ast.parse(source(module))
    node, field = list(changes(tree))[place]
    around = next(
        one
        for one in ast.walk(tree)
        if isinstance(one, ast.stmt) and not isinstance(one, ast.FunctionDef | ast.If | ast.For | ast.While)
        and any(child is node for child in ast.walk(one))
    ) if not _head(tree, node) else node  # fmt: skip
    before = ast.unparse(around)
    change(node, field)
    ast.fix_missing_locations(tree)
    return ast.unparse(tree), before, ast.unparse(around)


def _head(tree: ast.AST, node: ast.AST) -> bool:
    """Whether a node stands in no plain statement, but in the head of a block."""
    return not any(
        isinstance(one, ast.stmt)
        and not isinstance(one, ast.FunctionDef | ast.If | ast.For | ast.While | ast.ClassDef)
        and any(child is node for child in ast.walk(one))
        for one in ast.walk(tree)
    )


def run_mutant(subject: Subject, module: str, text: str, folder: Path) -> bool:
    """Whether the mutant made a ledger in the folder."""
    shutil.copytree(ROOT / "src" / "reference", folder / "src" / "reference")
    (folder / "src" / "reference" / f"{module}.py").write_text(text, encoding="utf-8")
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] == 0
    signal.alarm(LONGEST)
    try:
        for name in [name for name in sys.modules if name.partition(".")[0] == "reference"]:
            del sys.modules[name]
        sys.path.insert(0, str(folder / "src"))
        import reference

        assert str(folder) in str(reference.__file__)
        reconcile.write_ledger(reference.run(subject.scenario, subject.market), folder / "ledger")
    except BaseException:
        os._exit(1)
    os._exit(0)


def main() -> int:
    given = argparse.ArgumentParser()
    given.add_argument("--count", type=int, default=100)
    given.add_argument("--seed", type=int, default=17)
    options = given.parse_args()
    scenario = kit.ground().scenario
    subject = Subject(scenario, kit.market_of(scenario, SYMBOLS, BARS))
    true = reconcile.reference.run(subject.scenario, subject.market)
    outcomes: Counter[str] = Counter()
    for number, (module, place) in enumerate(drawn(options.count, options.seed)):
        text, before, after = changed(module, place)
        with tempfile.TemporaryDirectory() as name:
            if not run_mutant(subject, module, text, Path(name)):
                outcomes["failed"] += 1
                continue
            ledger = reconcile.read_ledger(Path(name) / "ledger")
        if not len(compare(true, ledger).breaks):
            outcomes["the same ledger"] += 1
            continue
        began = time.process_time()
        found = kit.explained(subject, ledger)
        outcomes[found.verdict.value] += 1
        told = {
            "number": number,
            "module": module,
            "before": before,
            "after": after,
            "verdict": found.verdict.value,
            "breaks": found.breaks,
            "left": found.unexplained_breaks,
            "causes": [[cause.sentence, *cause.alternatives] for cause in found.causes],
            "leads": [lead.sentence for lead in found.leads],
            "seconds": round(time.process_time() - began, 1),
        }
        print(json.dumps(told), flush=True)
    print(json.dumps(outcomes), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
