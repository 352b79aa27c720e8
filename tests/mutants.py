"""Break the code one expression at a time, and name what no test notices.

    python tests/mutants.py                          one mutant per module of the packages below
    python tests/mutants.py --package reference --per-module 5 --seed 2
    python tests/mutants.py --seconds 600            stop after ten minutes, and report what was done

A mutant is a copy of `src` in which one comparison, operator, whole number, index or rounding of a function
is another, or one line is left out. The tests of its package run against it until one fails. Before that they
have to pass on a copy without a change. Mutants that survive are printed with their line: either a test is
missing, or the change makes no difference.
Exits 1 when some survive, 2 when nothing was run.
"""

from __future__ import annotations

import argparse
import ast
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LONGEST = 600.0
"""Seconds for the tests of one mutant; one that hangs was noticed."""

TESTS = {
    "reference": ("test_reference_", "test_hand_cases", "test_pair"),
    "engine": ("test_hand_cases", "test_engine_selection", "test_engine_many", "test_pair"),
    "reconcile/matching": ("test_comparison",),
    "reconcile/roots": ("test_comparison_roots", "test_comparison_rebuild", "test_comparison"),
    "reconcile/comparing": ("test_comparison", "test_cli_diff"),
    "reconcile/running": ("test_candidate_process", "test_cli_run", "test_cli_twice", "test_cli_out"),
}
"""Package -> how the names of its tests begin, the quickest to fail first."""

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
OPERATORS: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.BitAnd: ast.BitOr,
    ast.BitOr: ast.BitAnd,
}


@dataclass(frozen=True)
class Mutant:
    """The change number `place` of those that are possible in a file. line: as it stands."""

    file: Path
    place: int
    line: int


ROUNDED = ("floor", "round", "int")
"""Functions that round their argument, which may be rounded otherwise before."""
LINES = (ast.Assign, ast.AugAssign, ast.Expr, ast.Continue, ast.Break)
"""Statements that can be left out."""


def changes(tree: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    """Each (node, field) inside a function that can be changed, in the order of the source."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef):
            for statement in function.body:
                yield from _below(statement)


def _below(node: ast.AST) -> Iterator[tuple[ast.AST, str]]:
    if isinstance(node, (ast.Raise, ast.Assert, ast.JoinedStr, ast.FunctionDef, ast.ImportFrom, ast.Import)):
        return  # messages, and functions inside a function, which are met by themselves
    if isinstance(node, ast.AnnAssign):
        if node.value is not None:
            yield from _below(node.value)
        return
    if isinstance(node, LINES) and not _is_text(node):
        yield node, "line"
    if (isinstance(node, ast.BinOp) and isinstance(node.op, ast.FloorDiv)) or _rounds(node):
        yield node, "rounding"
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Load) and _is_index(node.slice):
        yield node, "index"
    if isinstance(node, ast.Compare) and len(node.ops) == 1:
        yield node, "ops"
    if isinstance(node, (ast.BinOp, ast.AugAssign)) and type(node.op) in OPERATORS:
        yield node, "op"
    if isinstance(node, ast.BoolOp):
        yield node, "op"
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node, "not"
    if isinstance(node, ast.Constant) and type(node.value) in (int, bool):
        yield node, "value"
    for child in ast.iter_child_nodes(node):
        yield from _below(child)


def _is_text(node: ast.AST) -> bool:
    """Whether a statement is a docstring."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _rounds(node: ast.AST) -> bool:
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id in ROUNDED
        and len(node.args) == 1
    )


def _is_index(node: ast.AST) -> bool:
    """Whether what stands in brackets may be a place: not a slice, a number (changed as such) or a text."""
    return isinstance(node, (ast.Name, ast.BinOp))


def change(node: ast.AST, field: str) -> None:
    """Make the node another."""
    if field == "line":
        node.__class__ = ast.Pass  # type: ignore[assignment]
    elif field == "rounding" and isinstance(node, ast.BinOp):  # up instead of down: 0 - (-a // b)
        down = ast.BinOp(ast.UnaryOp(ast.USub(), node.left), node.op, node.right)
        node.left, node.op, node.right = ast.Constant(0), ast.Sub(), down
    elif field == "rounding" and isinstance(node, ast.Call):
        down = ast.BinOp(node.args[0], ast.FloorDiv(), ast.Constant(1))
        if getattr(node.func, "id", "") != "round":  # up instead of down: -(-a // 1)
            down.left = ast.UnaryOp(ast.USub(), down.left)
            node.args[0] = ast.UnaryOp(ast.USub(), down)
        else:
            node.args[0] = down
    elif field == "index" and isinstance(node, ast.Subscript):
        node.slice = ast.BinOp(node.slice, ast.Sub(), ast.Constant(1))
    elif isinstance(node, ast.Compare):
        node.ops = [COMPARISONS[type(node.ops[0])]()]
    elif isinstance(node, ast.BoolOp):
        node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
    elif isinstance(node, (ast.BinOp, ast.AugAssign)):
        node.op = OPERATORS[type(node.op)]()
    elif isinstance(node, ast.UnaryOp):
        node.op, node.operand = ast.Not(), ast.UnaryOp(ast.Not(), node.operand)
    elif isinstance(node, ast.Constant):
        node.value = (not node.value) if isinstance(node.value, bool) else node.value + 1  # type: ignore[operator]


def mutated(source: str, place: int) -> str:
    """The source with one change made."""
    tree = ast.parse(source)
    node, field = list(changes(tree))[place]
    change(node, field)
    return ast.unparse(ast.fix_missing_locations(tree))


def chosen(package: str, per_module: int, seed: int) -> list[Mutant]:
    """Some mutants of each module of a package."""
    out = []
    for file in sorted((ROOT / "src" / package).rglob("*.py")):
        possible = list(changes(ast.parse(file.read_text(encoding="utf-8"))))
        draw = random.Random(f"{seed} {file.name}")
        for place in sorted(draw.sample(range(len(possible)), min(per_module, len(possible)))):
            out.append(Mutant(file, place, getattr(possible[place][0], "lineno", 0)))
    return out


def tests_of(package: str) -> list[str]:
    """Test files, in the order of the table, each once."""
    names = [path.name for path in sorted((ROOT / "tests").glob("test_*.py"))]
    found = [name for start in TESTS[package] for name in names if name.startswith(start)]
    return [f"tests/{name}" for name in dict.fromkeys(found)]


def survives(mutant: Mutant, package: str, copy: Path) -> bool:
    """Whether all tests of the package pass on a copy of `src` that has the mutant in it."""
    target = copy / mutant.file.relative_to(ROOT)
    target.write_text(mutated(mutant.file.read_text(encoding="utf-8"), mutant.place), encoding="utf-8")
    try:
        return passes(package, copy)
    finally:
        target.write_text(rewritten(mutant.file), encoding="utf-8")


def rewritten(file: Path) -> str:
    """A file as a mutant of it is written, without a change."""
    return ast.unparse(ast.parse(file.read_text(encoding="utf-8")))


def passes(package: str, copy: Path) -> bool:
    """Whether all tests of a package pass on a copy of `src`."""
    places = [str(copy / "src"), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests_of(package)]
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(places), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            timeout=LONGEST,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def main() -> int:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    arguments.add_argument("--package", choices=list(TESTS), action="append")
    arguments.add_argument("--per-module", type=int, default=1)
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--seconds", type=float, default=float("inf"))
    given = arguments.parse_args()
    began = time.monotonic()
    noticed = survived = 0
    with tempfile.TemporaryDirectory(prefix="mutants-") as scratch:
        copy = Path(scratch)
        shutil.copytree(ROOT / "src", copy / "src", ignore=shutil.ignore_patterns("__pycache__"))
        for package in given.package or list(TESTS):
            for file in (ROOT / "src" / package).rglob("*.py"):
                (copy / file.relative_to(ROOT)).write_text(rewritten(file), encoding="utf-8")
            if not passes(package, copy):
                print(f"{package}: its tests fail on a copy without a change; nothing can be said of it")
                return 2
            for mutant in chosen(package, given.per_module, given.seed):
                if time.monotonic() - began > given.seconds:
                    break
                if survives(mutant, package, copy):
                    survived += 1
                    line = mutant.file.read_text(encoding="utf-8").splitlines()[mutant.line - 1].strip()
                    where = f"{mutant.file.relative_to(ROOT)}:{mutant.line} (change {mutant.place})"
                    print(f"survived  {where}  {line}", flush=True)
                else:
                    noticed += 1
            print(f"{package}: {noticed} noticed, {survived} survived so far", flush=True)
    print(f"{noticed} of {noticed + survived} mutants were noticed, {time.monotonic() - began:,.0f} s")
    return 2 if not noticed + survived else int(survived > 0)


if __name__ == "__main__":
    sys.exit(main())
