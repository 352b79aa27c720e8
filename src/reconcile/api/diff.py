"""`reconcile.diff`: where two ledgers first part."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias, cast

from reconcile.api.given import (
    GivenLedger,
    GivenScenario,
    Opened,
    PathLike,
    ledger_of,
    market_of,
    named_alike,
    scenario_of,
)
from reconcile.api.result import Result, frame_of
from reconcile.comparing.filters import NONE, Filters, filters_from, shown
from reconcile.files.arguments import FLAG, NAMES, PATH, SIZE, TEXT, WATCH, takes
from reconcile.running.progress import Phase, Watch, unwatched
from reconcile.text.escape import printable
from vocabulary.errors import InputError

if TYPE_CHECKING:
    import pandas as pd

    from reconcile.html.model import Compared
    from reconcile.matching.model import Beside, Break, Reconciliation, Root, Tolerance, Verdict
    from vocabulary.market import Market
    from vocabulary.scenario import Scenario

GivenTolerances: TypeAlias = "PathLike | Mapping[str, Any] | Sequence[Tolerance]"
"""A file of bounds, what such a file holds as a dictionary, or the bounds themselves."""


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DiffResult(Result):
    """What comparing two ledgers found. found: the whole reconciliation. reference, candidate: as opened.

    filters: which breaks the pages show; the verdict is about all of them.
    """

    found: Reconciliation
    reference: Opened
    candidate: Opened
    scenario: Scenario | None = None
    market: Market | None = None
    filters: Filters = NONE

    @property
    def verdict(self) -> Verdict:
        return self.found.verdict

    @property
    def exit_code(self) -> int:
        from reconcile.comparing.verdict import exit_code

        return exit_code(self.found.verdict)

    @property
    def first(self) -> Break | None:
        return self.found.first

    @property
    def breaks(self) -> Sequence[Break]:
        """The breaks that the filters let through."""
        return shown(self.found, self.filters)

    @property
    def roots(self) -> Sequence[Root]:
        return self.found.roots or ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What reading both sides left out, one sentence each."""
        sides = (("reference", self.reference), ("candidate", self.candidate))
        return tuple(f"{name}: {note}" for name, side in sides for note in side.notes)

    def text(self) -> str:
        from reconcile.comparing.diff_page import diff_page
        from reconcile.text.times import short_clock

        return diff_page(
            self.found, self._subject(), short_clock(self.market, *self._manifests()), self.filters
        )

    def to_json(self) -> str:
        from reconcile.comparing.diff_json import diff_json

        return diff_json(self.found, self._exact(), self.notes, self.filters)

    def to_markdown(self) -> str:
        from reconcile.comparing.diff_exports import diff_markdown
        from reconcile.text.times import short_clock

        clock = short_clock(self.market, *self._manifests())
        return diff_markdown(self.found, self._subject(), clock, self.filters)

    def _compared(self, whole: bool) -> Compared | None:
        from reconcile.html.model import Compared

        return Compared(
            command="diff",
            text=self.text(),
            data=self.to_json(),
            found=self.found,
            reference=self.reference.ledger,
            candidate=self.candidate.ledger,
            names=(self.reference.name, self.candidate.name),
            scenario=self.scenario,
            market=self.market,
        )

    def to_frame(self) -> pd.DataFrame:
        """One row per break shown, with the columns of `reconcile diff --csv`; times are text."""
        from reconcile.comparing.diff_exports import COLUMNS
        from reconcile.comparing.diff_json import break_facts

        return frame_of([break_facts(one, self._exact()) for one in self.breaks], COLUMNS)

    def to_csv(self) -> str:
        """The breaks shown as CSV text, one line per break."""
        return "".join(self.csv_lines())

    def csv_lines(self) -> Iterator[str]:
        """The same line by line, the header first."""
        from reconcile.comparing.diff_exports import diff_csv

        return diff_csv(self.breaks, self._exact())

    def rebalances_csv_lines(self) -> Iterator[str]:
        """CSV, one line per rebalance: both sides' figures, and breaks by stage."""
        from reconcile.comparing.diff_exports import periods_csv

        return periods_csv(self.found, self._exact())

    def _manifests(self) -> tuple[Any, Any]:
        return self.reference.ledger.manifest, self.candidate.ledger.manifest

    def _exact(self) -> Any:
        from reconcile.text.times import exact_clock

        return exact_clock(self.market, *self._manifests())

    def _subject(self) -> Any:
        from reconcile.comparing.diff_page import DiffSubject

        name = None if self.scenario is None else self.scenario.name
        return DiffSubject(self.reference.name, self.candidate.name, name, self.market, self.notes)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ScaledDiffResult(DiffResult):
    """The same for data sets that were compared window by window: all breaks counted, the first kept."""

    command: ClassVar[str] = "diff"

    answer: Any = None

    def text(self) -> str:
        from reconcile.comparing.diff_page import counted_page
        from reconcile.text.times import short_clock

        return counted_page(self.found, self._subject(), short_clock(None, *self._manifests()))

    def to_markdown(self) -> str:
        return Result.to_markdown(self)

    def _compared(self, whole: bool) -> None:
        return None  # there are no rows to draw

    def csv_lines(self) -> Iterator[str]:
        """All breaks, not only those kept: every window is compared once more."""
        from reconcile.comparing.diff_exports import diff_csv

        return diff_csv(self.answer.breaks(), self._exact())

    def rebalances_csv_lines(self) -> Iterator[str]:
        found = "a diff in bounded memory, which makes no figures per rebalance"
        raise InputError("--rebalances", found, "a diff in memory", "Leave out --memory.")


@takes(
    mapping=PATH,
    reference_mapping=PATH,
    tables=NAMES,
    first=FLAG,
    date=TEXT,
    symbol=NAMES,
    stage=NAMES,
    type=NAMES,
    memory=SIZE,
    watch=WATCH,
)
def diff(
    reference: GivenLedger,
    candidate: GivenLedger,
    *,
    scenario: GivenScenario | None = None,
    data: PathLike | Any | None = None,
    tolerance: GivenTolerances | None = None,
    mapping: PathLike | None = None,
    reference_mapping: PathLike | None = None,
    tables: Sequence[str] | str | None = None,
    first: bool = False,
    date: str | None = None,
    symbol: Sequence[str] | str = (),
    stage: Sequence[str] | str = (),
    type: Sequence[str] | str = (),
    memory: int | str | None = None,
    watch: Watch = unwatched,
) -> DiffResult:
    """Compare two ledgers: folders or files, Ledgers, or frames by table.

    scenario: tells roots from consequences; data: bars in place of the scenario's own. tolerance: a file of
    bounds for a foreign ledger. mapping, reference_mapping: what each side calls things. tables: compare only
    these. first: find the first divergence only. date, symbol, stage, type: which breaks are shown. memory:
    bytes, or a size such as "2GB": Parquet ledgers are then compared window by window within it, and so they
    are without it where they would not fit into this machine's.

    >>> reconcile.diff("results/reference", "results/candidate")
    <DiffResult matched: 0 breaks, 13,470 rows in 6 tables equal to the last unit>

    Raises InputError: a side, a mapping or a tolerance that cannot be read; data without a scenario.
    """
    from reconcile.comparing.compare import compare

    if data is not None and scenario is None:
        raise InputError("data", "bars without a scenario", "both or neither", "Give the scenario, too.")
    if mapping is None and reference_mapping is None and not first:
        bound = _bound(reference, candidate, memory, scenario is not None)
        if bound is not None:
            if date or several(symbol) or several(stage) or several(type):
                found_words, remedy = (
                    "a filter beside a diff in bounded memory",
                    "Leave the filter out, and filter the file that --csv writes.",
                )
                raise InputError("filters", found_words, "one of them", remedy)
            sides = (os.fspath(cast("str", reference)), os.fspath(cast("str", candidate)))
            names = None if tables is None else several(tables)
            return _scaled(sides, scenario, tolerances_of(tolerance), names, bound, watch)
    with watch(Phase.READING, 0):
        left = ledger_of(reference, "reference", reference_mapping)
        right = ledger_of(candidate, "candidate", mapping)
        left, right = named_alike(left, right)
    spec = None if scenario is None else scenario_of(scenario)
    with watch(Phase.LOADING, 0):
        market = None if spec is None else market_of(data, spec)
    manifests = left.ledger.manifest, right.ledger.manifest
    zone = market.timezone if market is not None else manifests[0].timezone or manifests[1].timezone
    filters = filters_from(date, several(symbol), several(stage), several(type), zone)
    with watch(Phase.COMPARING, 0):
        found = compare(
            left.ledger,
            right.ledger,
            scenario=spec,
            market=market,
            tolerances=tolerances_of(tolerance) or None,
            tables=None if tables is None else several(tables),
            beside=(beside_of(left), beside_of(right)),
            first=first,
        )
    return DiffResult(found, left, right, spec, market, filters)


_LARGE = 100_000_000
"""Bytes of files; below, nobody asks whether they fit into memory."""
_COPIES = 4
"""A diff in memory takes at most so many times the bytes of the unpacked tables."""


def _bound(reference: Any, candidate: Any, memory: int | str | None, ground: bool) -> int | None:
    """The bytes within which two data sets are compared; None for a diff in memory.

    ground: a scenario is given, so that `memory` may be meant for its functions. Raises InputError: memory
    where a side is no data set, or too little of it.
    """
    from reconcile.running.process_tree import whole_memory
    from reconcile.scaling.dataset import has_folders, is_dataset, unpacked_bytes
    from reconcile.scaling.survey import LEAST_MEMORY

    if not all(isinstance(side, (str, os.PathLike)) for side in (reference, candidate)):
        sets = False
    else:
        sets = is_dataset(reference) and is_dataset(candidate)
    if memory:
        size = _size(memory)
        if sets and size >= LEAST_MEMORY:
            return size
        if ground and not sets:
            return None
        found = f"{size:,} bytes" if sets else "a side that is not a folder or file of Parquet"
        expected = f"at least {LEAST_MEMORY:,} bytes" if sets else "two ledgers in Parquet"
        raise InputError("memory", found, expected, "Leave it out for a diff in memory.")
    if not sets:
        return None
    whole = whole_memory()
    if has_folders(reference) or has_folders(candidate):
        return whole // 2
    large = sum(_file_bytes(side) for side in (reference, candidate)) > _LARGE
    fits = not large or _COPIES * (unpacked_bytes(reference) + unpacked_bytes(candidate)) <= whole
    return None if fits else whole // 2


def _size(given: int | str) -> int:
    from reconcile.running.bounds import read_size

    try:
        return read_size(given) if isinstance(given, str) else given
    except ValueError:
        raise InputError("memory", printable(repr(given), 60), SIZE.expected, SIZE.remedy) from None


def _file_bytes(path: PathLike) -> int:
    if os.path.isfile(path):
        return os.path.getsize(path)
    return sum(entry.stat().st_size for entry in os.scandir(path) if entry.is_file())


def _scaled(
    paths: tuple[str, str],
    scenario: GivenScenario | None,
    tolerances: tuple[Tolerance, ...],
    tables: tuple[str, ...] | None,
    memory: int,
    watch: Watch,
) -> DiffResult:
    from reconcile.scaling.answer import reconcile_sets
    from reconcile.scaling.dataset import open_dataset

    spec = None if scenario is None else scenario_of(scenario)
    timing = None if spec is None else spec.execution.timing
    sides = (open_dataset(paths[0]), open_dataset(paths[1]))
    rows = sum(table.rows for side in sides for table in side.tables.values())
    with watch(Phase.COMPARING, rows) as progress:
        answer = reconcile_sets(sides, tables, timing, tolerances, memory, progress)
    left, right = (
        Opened(path, ledger, notes=side.notes, unread=side.unread)
        for path, ledger, side in zip(paths, answer.ledgers, sides, strict=True)
    )
    return ScaledDiffResult(answer.found, left, right, spec, None, NONE, answer)


def beside_of(opened: Opened) -> Beside:
    """What a side holds besides its ledger."""
    from reconcile.comparing.coverage import returns_table
    from reconcile.matching.model import Beside

    told = opened.returns
    returns = None if told is None else returns_table(told.timestamps, told.values)
    return Beside(opened.unread, returns)


def several(given: Sequence[str] | str) -> tuple[str, ...]:
    """Names as a tuple; text is split at its commas."""
    if isinstance(given, str):
        return tuple(name.strip() for name in given.split(",")) if given else ()
    return tuple(given)


def tolerances_of(given: GivenTolerances | None) -> tuple[Tolerance, ...]:
    """Bounds read from a file or a dictionary, or as they are. Raises InputError: a bound that is none.

    A dictionary is what the file holds: {"fills.price": {"absolute": "0.01", "reason": "in cents"}}.
    """
    from reconcile.comparing.tolerances import read_tolerances, tolerances_from
    from reconcile.matching.model import Tolerance

    if given is None:
        return ()
    if isinstance(given, (str, os.PathLike)):
        return tuple(read_tolerances(os.fspath(given)))
    if isinstance(given, Mapping):
        return tolerances_from(given, origin="tolerance")
    bounds = (
        tuple(one for one in given if isinstance(one, Tolerance)) if isinstance(given, Sequence) else None
    )
    if bounds is None or len(bounds) < len(given):
        expected = "a TOML file, a dictionary like one, or a list of Tolerance"
        remedy = '{"fills.price": {"absolute": "0.01", "reason": "in cents"}}'
        raise InputError("tolerance", printable(repr(given), 60), expected, f"Write it like {remedy}.")
    return bounds
