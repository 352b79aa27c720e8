"""Mutants of the programs that make ledgers: drawn, run, and the ledgers of those that differ kept.

tests/explain_mutants.py asks `explain` about them. A program is an engine of a user (tests/own_engines.py),
the reference, the engine, or the engine's compiled kernel.
"""

from __future__ import annotations

import ast
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import types
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib.machinery import SourceFileLoader
from importlib.util import spec_from_loader
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tests import explain_kit as kit  # noqa: E402
from tests.mutants import change, changes  # noqa: E402
from tests.own_engines import ENGINES  # noqa: E402

import reconcile  # noqa: E402
from reconcile.comparing.compare import compare  # noqa: E402
from reconcile.drilling.ground import SCENARIOS, roughened  # noqa: E402
from reconcile.explaining.model import Subject  # noqa: E402
from reconcile.market.builtin.synthetic import generate_market  # noqa: E402
from reconcile.matching.model import Verdict  # noqa: E402
from reconcile.scenario.files import replace as replace_setting  # noqa: E402
from reconcile.scenario.files import scenario_from_text  # noqa: E402
from vocabulary.errors import TieoutError  # noqa: E402
from vocabulary.ledger import Ledger  # noqa: E402

MODULES = {
    "reference": ("accounting", "calendar", "decision", "execution", "exits", "levels", "loop", "marking",
                  "record", "selection"),
    "engine": ("plan", "record", "running", "strategies"),
    "kernel": ("book", "deciding", "executing", "exits", "levels", "marking", "selecting"),
    "own": ("own_engines",),
}  # fmt: skip
SYMBOLS, BARS = 16, 44
LONGEST, LONGEST_KERNEL = 20, 1_200
"""Seconds for a mutant's own run; a kernel is compiled first, which takes a quarter of a minute when idle."""


# Grounds


@lru_cache
def subject_of(ground: str) -> Subject:
    """A scenario of the drill, one with exits inside the bar, or that of an own engine, over few bars."""
    if ground in ENGINES:
        scenario = scenario_from_text(ENGINES[ground][1], name=ground)
        return Subject(scenario, kit.market_of(scenario, SYMBOLS, BARS))
    scenario = scenario_from_text(SCENARIOS[ground.partition(" ")[0]], name=ground)
    if ground.endswith("inside"):
        for rule in ("stop_loss", "take_profit"):
            scenario = replace_setting(scenario, f"exits.{rule}.at", "level")
    market = roughened(generate_market(SYMBOLS, BARS, 5, scenario), 5, slow=ground == "tight")
    return Subject(scenario, market)


GROUNDS = (*SCENARIOS, "short inside")


@lru_cache
def true_ledger(ground: str) -> Ledger:
    subject = subject_of(ground)
    true = reconcile.reference.run(subject.scenario, subject.market)
    if ground in ENGINES:
        own = ENGINES[ground][0](subject.scenario, subject.market)
        found = compare(true, own)
        assert found.verdict is not Verdict.BREAKS, f"{ground} does not tie out: {found.breaks[:3]}"
    return true


# Mutants


@dataclass(frozen=True)
class Mutant:
    """The change number `place` of those that are possible in a module of a program."""

    program: str
    module: str
    place: int

    @property
    def name(self) -> str:
        return f"{self.module}-{self.place}"


def source(program: str, module: str) -> str:
    folders = {"own": ROOT / "tests", "kernel": ROOT / "src" / "engine"}
    folder = folders.get(program, ROOT / "src" / program)
    return (folder / f"{module}.py").read_text(encoding="utf-8")


def drawn(program: str, seed: int) -> list[Mutant]:
    """All mutants of a program in a random order."""
    every = [
        Mutant(program, module, place)
        for module in MODULES[program]
        for place in range(len(list(changes(ast.parse(source(program, module))))))
    ]
    random.Random(f"{seed} {program}").shuffle(every)
    return every


def changed(mutant: Mutant) -> tuple[str, str, str, str]:
    """The whole source with the change, the kind of change, and the lines before and after."""
    text = source(mutant.program, mutant.module)
    tree = ast.parse(text)
    was = ast.unparse(tree).splitlines()
    node, field = list(changes(tree))[mutant.place]
    change(node, field)
    made = ast.unparse(ast.fix_missing_locations(tree))
    now = made.splitlines()
    lines = [(a, b) for a, b in zip(was, now, strict=True) if a != b] if len(was) == len(now) else []
    before = lines[0][0].strip() if lines else ast.unparse(list(changes(ast.parse(text)))[mutant.place][0])
    return made, field, before, lines[0][1].strip() if lines else ast.unparse(node)


# Runs


def ledgers(mutant: Mutant, text: str, folder: Path) -> Iterator[tuple[str, Ledger]]:
    """The ledgers of a mutant, ground by ground in a drawn order; those that fail are left out."""
    grounds = list(ENGINES if mutant.program == "own" else GROUNDS)
    random.Random(mutant.name).shuffle(grounds)
    if mutant.program == "kernel":
        yield from _compiled(mutant, text, folder, grounds)
        return
    run = {"own": _own, "reference": _reference, "engine": _engine}[mutant.program]
    for ground in grounds:
        place = folder / ground.replace(" ", "-")
        ended = _forked(lambda ground=ground, place=place: run(mutant, text, ground, place))  # type: ignore[misc]
        ledger = _readable(place / "ledger") if ended else None
        if ledger is not None:
            yield ground, ledger


def _readable(folder: Path) -> Ledger | None:
    """A ledger that a mutant made; None where there is none, or reading it is one clear error."""
    try:
        return reconcile.read_ledger(folder)
    except TieoutError:
        return None


def _forked(work: Callable[[], None]) -> bool:
    """Whether some work ends in a process of its own."""
    sys.stdout.flush()
    child = os.fork()
    if child:
        return os.waitpid(child, 0)[1] == 0
    signal.alarm(LONGEST)
    try:
        work()
    except BaseException:
        os._exit(1)
    os._exit(0)


def _reference(mutant: Mutant, text: str, ground: str, folder: Path) -> None:
    subject = subject_of(ground)
    shutil.copytree(ROOT / "src" / "reference", folder / "src" / "reference")
    (folder / "src" / "reference" / f"{mutant.module}.py").write_text(text, encoding="utf-8")
    for name in [name for name in sys.modules if name.partition(".")[0] == "reference"]:
        del sys.modules[name]
    sys.path.insert(0, str(folder / "src"))
    import reference

    assert str(folder) in str(reference.__file__)
    reconcile.write_ledger(reference.run(subject.scenario, subject.market), folder / "ledger")


def _engine(mutant: Mutant, text: str, ground: str, folder: Path) -> None:
    """The engine with another source for one of the parts that are not compiled."""
    subject = subject_of(ground)
    for name in [name for name in sys.modules if name.partition(".")[0] == "engine"]:
        del sys.modules[name]
    path = str(ROOT / "src" / "engine" / f"{mutant.module}.py")

    class Changed(SourceFileLoader):
        def get_code(self, fullname: str) -> types.CodeType:
            return compile(text, path, "exec")

    class Finder:
        @staticmethod
        def find_spec(name: str, path_: object = None, target: object = None) -> Any:
            whole = f"engine.{mutant.module}"
            return spec_from_loader(whole, Changed(whole, path)) if name == whole else None

    sys.meta_path.insert(0, Finder)
    import engine

    reconcile.write_ledger(engine.run(subject.scenario, subject.market), folder / "ledger")


def _own(mutant: Mutant, text: str, ground: str, folder: Path) -> None:
    subject = subject_of(ground)
    module = types.ModuleType("own")
    sys.modules["own"] = module
    exec(compile(text, "own", "exec"), module.__dict__)
    ledger = getattr(module, ground)(subject.scenario, subject.market)
    reconcile.write_ledger(ledger, folder / "ledger")


def _compiled(mutant: Mutant, text: str, folder: Path, grounds: list[str]) -> Iterator[tuple[str, Ledger]]:
    """A changed engine is compiled in a process of its own, which runs every ground."""
    place = folder / "engine"
    shutil.copytree(ROOT / "src" / "engine", place, ignore=shutil.ignore_patterns("__pycache__"))
    (place / f"{mutant.module}.py").write_text(text, encoding="utf-8")
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(folder), str(ROOT)]),
        "NUMBA_CACHE_DIR": str(folder / "cache"),
    }
    command = [sys.executable, "-P", str(ROOT / "tests" / "mutant_runs.py"), str(folder)]
    try:
        subprocess.run(command, env=environment, capture_output=True, timeout=LONGEST_KERNEL, check=False)
    except subprocess.TimeoutExpired:
        return
    for ground in grounds:
        ledger = _readable(folder / ground.replace(" ", "-") / "ledger")
        if ledger is not None:
            yield ground, ledger


def run_engine(folder: Path) -> int:
    """In the process of a changed engine: its ledger on every ground."""
    import engine

    assert str(folder) in str(engine.__file__)
    for ground in GROUNDS:
        subject = subject_of(ground)
        try:
            ledger = engine.run(subject.scenario, subject.market)
            reconcile.write_ledger(ledger, folder / ground.replace(" ", "-") / "ledger")
        except Exception as error:
            print(f"{ground}: {error!r}", file=sys.stderr)
    return 0


def _differs(ground: str, ledger: Ledger) -> bool:
    try:
        return bool(len(compare(true_ledger(ground), ledger).breaks))
    except TieoutError:
        return False


def kept(mutant: Mutant, folder: Path) -> dict[str, Any]:
    """What is known of a mutant: its lines, its ground, and its ledger in the folder. Made at first."""
    place = folder / mutant.program / mutant.name
    if (place / "mutant.json").exists():
        known: dict[str, Any] = json.loads((place / "mutant.json").read_text(encoding="utf-8"))
        return known
    text, kind, before, after = changed(mutant)
    known = {**asdict(mutant), "kind": kind, "before": before, "after": after, "ground": None, "ran": False}
    with tempfile.TemporaryDirectory(prefix="tieout-mutant-") as scratch:
        for ground, ledger in ledgers(mutant, text, Path(scratch)):
            known["ran"] = True
            if _differs(ground, ledger):
                known["ground"] = ground
                reconcile.write_ledger(ledger, place / "ledger")
                break
    place.mkdir(parents=True, exist_ok=True)
    (place / "mutant.json").write_text(json.dumps(known, indent=1) + "\n", encoding="utf-8")
    return known


if __name__ == "__main__":
    sys.exit(run_engine(Path(sys.argv[1])))
