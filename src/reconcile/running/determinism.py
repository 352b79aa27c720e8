"""A/A: each side twice, in fresh processes that differ in hash seed and thread count, against itself.

A program whose answer hangs on the order of a set, on an unseeded random number, the clock or the number of
threads cannot be reconciled with anything: it is found here, before the comparison.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconcile.running import determinism_child as fresh
from reconcile.running.progress import Phase, Watch
from vocabulary import errors
from vocabulary.errors import CallableError, InputError, OutputError, TieoutError
from vocabulary.ledger import SCHEMA, Ledger, Manifest, Table

if TYPE_CHECKING:
    from reconcile.matching.model import Break
    from vocabulary.market import Market
    from vocabulary.scenario import Scenario

THREADS = (
    "NUMBA_NUM_THREADS",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "POLARS_MAX_THREADS",
    "RAYON_NUM_THREADS",
)
"""What the usual libraries read their number of threads from."""

_CLOCKS = ("decided_at", "timestamp")

LAST_WORDS = 400
"""Characters of a crashed process's output that are shown."""


@dataclass(frozen=True, slots=True)
class Condition:
    """What is varied from one process to the next."""

    hash_seed: int
    threads: int

    def __str__(self) -> str:
        return f"hash seed {self.hash_seed}, {self.threads} thread{'' if self.threads == 1 else 's'}"


CONDITIONS = (Condition(1, 1), Condition(2, max(2, os.cpu_count() or 1)))


@dataclass(frozen=True, slots=True, eq=False)
class Agreement:
    """A side's ledger, which two fresh processes agree on."""

    side: str
    ledger: Ledger


@dataclass(frozen=True, slots=True)
class Difference:
    """The first difference between two runs of one side.

    runs: what the two are called. found: the break, where a comparison sees one. Else the ledgers hold the
    same rows in another order or form, and `where` says at which table, row and field (or of which manifest
    field) `values`, as text, are apart; timestamp: of that row.
    """

    side: str
    runs: tuple[str, str]
    found: Break | None = None
    where: str = ""
    field: str = ""
    timestamp: int | None = None
    values: tuple[str, str] = ("", "")


class Disagreement(Exception):
    """A side that disagrees with itself: no answer to compare; the command exits 3."""

    def __init__(self, market: Market, differences: tuple[Difference, ...], sides: tuple[str, str]) -> None:
        super().__init__(f"{', '.join(one.side for one in differences)}: not deterministic")
        self.market = market
        self.differences = differences
        self.sides = sides


def run_twice(
    scenario: Scenario, market: Market, data: str | None, candidate: str | None, watch: Watch
) -> tuple[Agreement, Agreement]:
    """Run the reference and the candidate twice each; what each of them agrees on with itself.

    data: as given to the run itself; the processes read it again. candidate: `module:function`, None: ours.
    Raises Disagreement; TieoutError where a process fails, or reads another market than `market`.
    """
    sides = (fresh.REFERENCE, candidate or fresh.ENGINE)
    agreed, differences = [], []
    for side in sides:
        with watch(Phase.TWICE, 0), _folder() as folder:
            one, other = _run_side(side, scenario, market, data, folder)
            found = difference(side, ("run 1", "run 2"), one, other)
        agreed.append(Agreement(side, one))
        differences += [] if found is None else [found]
    if differences:
        raise Disagreement(market, tuple(differences), sides)
    return agreed[0], agreed[1]


def confirm(agreements: tuple[Agreement, Agreement], ledgers: tuple[Ledger, Ledger], market: Market) -> None:
    """Raise Disagreement where the run that is compared is not the one that two processes agreed on."""
    found = (
        difference(one.side, ("run 1", "this run"), one.ledger, ledger)
        for one, ledger in zip(agreements, ledgers, strict=True)
    )
    differences = tuple(one for one in found if one is not None)
    if differences:
        raise Disagreement(market, differences, (agreements[0].side, agreements[1].side))


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """A temporary folder; raises OutputError where there can be none."""
    try:
        folder = tempfile.TemporaryDirectory(prefix="tieout-", ignore_cleanup_errors=True)
    except OSError as error:
        remedy = "Set TMPDIR to a folder that can be written."
        raise OutputError("temporary folder", str(error), "one that can be written", remedy) from error
    with folder as name:
        yield Path(name)


def _run_side(
    side: str, scenario: Scenario, market: Market, data: str | None, folder: Path
) -> tuple[Ledger, Ledger]:
    """Both ledgers of a side; the two processes run at the same time."""
    from reconcile.scenario.toml import scenario_to_toml

    request = {
        "side": side,
        "scenario": scenario_to_toml(scenario),
        "origin": scenario.origin,
        "name": scenario.name,
        "data": data,
        "path": sys.path,
    }
    places = [folder / f"run{number}" for number in range(1, len(CONDITIONS) + 1)]
    with contextlib.ExitStack() as stack:
        started = [
            stack.enter_context(_started(request, place, condition))
            for place, condition in zip(places, CONDITIONS, strict=True)
        ]
        codes = [process.wait() for process in started]
    one, other = (
        _ledger(side, scenario, market, place, code, number)
        for number, (place, code) in enumerate(zip(places, codes, strict=True), 1)
    )
    return one, other


@contextlib.contextmanager
def _started(request: dict[str, Any], place: Path, condition: Condition) -> Iterator[subprocess.Popen[bytes]]:
    """A process at work on a request; it is ended when the block is left early."""
    place.mkdir()
    (place / fresh.REQUEST).write_text(json.dumps(request), encoding="utf-8")
    varied = {"PYTHONHASHSEED": str(condition.hash_seed), **dict.fromkeys(THREADS, str(condition.threads))}
    with open(place / "output", "wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-P", fresh.__file__, str(place)],
            env={**os.environ, **varied},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _ledger(side: str, scenario: Scenario, market: Market, place: Path, code: int, number: int) -> Ledger:
    """The ledger a process left; raises TieoutError where it left none, or was run on something else."""
    from reconcile.ledger.read import read_ledger

    try:
        report = json.loads((place / fresh.REPORT).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        report = None
    if report is None or "error" in report:
        raise _failure(f"{side}, run {number} of 2 ({CONDITIONS[number - 1]})", report, code, place)
    for what, digest in (("scenario", scenario.digest), ("market", market.digest)):
        if report[what] != digest:
            remedy = "Run it again when nothing writes to its files."
            raise InputError(f"{side}, run {number} of 2", f"another {what}", f"the same {what}", remedy)
    return read_ledger(place / fresh.LEDGER)


def _failure(where: str, report: dict[str, str] | None, code: int, place: Path) -> TieoutError:
    """What a process died of, as one of our errors."""
    output = (place / "output").read_text(encoding="utf-8", errors="backslashreplace")
    if os.environ.get("TIEOUT_TRACEBACK"):
        sys.stderr.write(output)
    remedy = "Run it without --twice, or set TIEOUT_TRACEBACK=1 to see what it printed."
    if report is None:
        words = output.strip()[-LAST_WORDS:]
        said = f"; its last words: {words}" if words else ""
        return CallableError(where, f"a process that ended with {_ending(code)}{said}", "a ledger", remedy)
    if "where" in report:
        kind = getattr(errors, report["error"], TieoutError)
        place_of_trouble = f"{report['where']} [{where}]"
        made: TieoutError = kind(place_of_trouble, report["found"], report["expected"], report["remedy"])
        return made
    return CallableError(where, f"{report['error']}: {report['text']}", "a ledger", remedy)


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code} and left no ledger"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"


def difference(side: str, runs: tuple[str, str], one: Ledger, other: Ledger) -> Difference | None:
    """The first difference; None where both ledgers, and what they say of themselves, are the same."""
    from reconcile.comparing.compare import compare
    from reconcile.ledger.digest import chain

    if chain(one) == chain(other) and _shape(one) == _shape(other):
        return _in_manifest(side, runs, one.manifest, other.manifest)
    found = compare(one, other, first=True).first
    if found is not None:
        return Difference(side, runs, found)
    return _in_shape(side, runs, one, other) or _in_form(side, runs, one, other)


def _shape(ledger: Ledger) -> dict[str, list[str]]:
    return {name: list(ledger.tables[name].columns) for name in SCHEMA if name in ledger.tables}


def _in_shape(side: str, runs: tuple[str, str], one: Ledger, other: Ledger) -> Difference | None:
    """The first table or column that one run has and the other lacks."""
    left, right = _names(one), _names(other)
    for name in sorted(left ^ right):
        values = ("present", "absent") if name in left else ("absent", "present")
        return Difference(side, runs, where="tables and columns", field=name, values=values)
    return None


def _names(ledger: Ledger) -> set[str]:
    shape = _shape(ledger)
    return set(shape) | {f"{name}.{column}" for name, columns in shape.items() for column in columns}


def _in_form(side: str, runs: tuple[str, str], one: Ledger, other: Ledger) -> Difference:
    """The earliest cell, row by row as they stand, whose text differs."""
    first = Difference(side, runs, where="digest", field="digest", values=("one", "another"))
    for name in SCHEMA:
        if name in one.tables and name in other.tables:
            for found in _cells_apart(side, runs, one.tables[name], other.tables[name]):
                if first.timestamp is None or (found.timestamp or 0) < first.timestamp:
                    first = found
                break
    return first


def _cells_apart(side: str, runs: tuple[str, str], one: Table, other: Table) -> Iterator[Difference]:
    from reconcile.ledger.columns import column_text

    clock = next((one.columns[name] for name in _CLOCKS if name in one.columns), None)
    for row in range(min(one.rows, other.rows)):
        for name, column in one.columns.items():
            values = column_text(column, row), column_text(other.columns[name], row)
            if values[0] != values[1]:
                stamp = None if clock is None else int(clock.values[row])
                yield Difference(side, runs, None, f"{one.name} row {row + 1}", name, stamp, values)


def _in_manifest(side: str, runs: tuple[str, str], one: Manifest, other: Manifest) -> Difference | None:
    for field in dataclasses.fields(Manifest):
        values: tuple[Any, Any] = getattr(one, field.name), getattr(other, field.name)
        if field.name != "chain" and values[0] != values[1]:
            return Difference(
                side, runs, where="manifest", field=field.name, values=(str(values[0]), str(values[1]))
            )
    return None
