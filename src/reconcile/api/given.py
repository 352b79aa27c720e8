"""What a caller may hand over, and what it becomes: scenarios, markets, ledgers and candidates."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from reconcile.text.escape import printable
from vocabulary.errors import InputError
from vocabulary.ledger import SCHEMA, Ledger
from vocabulary.market import Market
from vocabulary.scenario import Scenario

if TYPE_CHECKING:
    from reconcile.formats.model import Options
    from reconcile.mapping.apply import Returns
    from reconcile.tables.model import Unread

PathLike: TypeAlias = "str | os.PathLike[str]"
GivenScenario: TypeAlias = "PathLike | Scenario"
"""A TOML file, the name of a built-in scenario, or a Scenario."""
GivenLedger: TypeAlias = "PathLike | Ledger | Mapping[str, Any] | Any"
"""A folder or file, a Ledger, frames by table ({"fills": frame}), or one frame (pandas or Polars)."""
GivenCandidate: TypeAlias = "GivenLedger | Callable[[Scenario, Market], Ledger]"
"""A ledger in any of its forms, `module:function`, or the function itself."""


@dataclass(frozen=True, slots=True, eq=False)
class Opened:
    """A ledger as it was handed over. name: how a page calls it. returns: those its mapping names.
    notes: what reading left out, one sentence each. unread: the same as data."""

    name: str
    ledger: Ledger
    returns: Returns | None = None
    notes: tuple[str, ...] = ()
    unread: tuple[Unread, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """A candidate that is run: a function from a scenario and a market to a ledger.

    name: `module:function`, or the name of a function object. function: None where only its name is
    known, so that it is looked up where it is run.
    """

    name: str
    function: Callable[[Scenario, Market], Ledger] | None = None


def scenario_of(given: GivenScenario) -> Scenario:
    """The scenario. Raises InputError where it is neither a Scenario, nor a file, nor a built-in's name."""
    from reconcile.scenario.files import find_scenario

    if isinstance(given, Scenario):
        return given
    if isinstance(given, (str, os.PathLike)):
        return find_scenario(given)
    raise _unfit(
        "scenario", given, "a TOML file, a built-in's name, or a Scenario", "reconcile.find_scenario(name)"
    )


def market_of(given: PathLike | Market | Any | None, scenario: Scenario) -> Market:
    """The market that a scenario is run on: its own (None), a file's, a frame's, or the Market itself.

    Raises InputError where the data do not fit the scenario.
    """
    from reconcile.market.load import load_market, market_from_frame

    if isinstance(given, Market):
        return given
    if given is None or isinstance(given, (str, os.PathLike)):
        return load_market(scenario, None if given is None else os.fspath(given))
    if is_frame(given):
        return market_from_frame(as_pandas(given), scenario)
    raise _unfit(
        "data", given, "a file of bars, a frame of bars, or a Market", "Leave it out for the scenario's own."
    )


def ledger_of(
    given: GivenLedger,
    where: str,
    mapping: PathLike | None = None,
    format: str | None = None,
    options: Options | None = None,
) -> Opened:
    """A ledger in any form.

    where: the argument's name, for messages. mapping: a file that says what a foreign ledger calls
    things. format: the name of an export format; without one a file is recognised by its shape. options:
    what an export does not hold. Raises InputError: not a ledger, an unreadable file, a mapping
    that does not fit.
    """
    if isinstance(given, Ledger):
        if mapping is not None:
            raise InputError(
                "mapping", "a mapping beside a Ledger", "a mapping beside a file or frames",
                "A Ledger has its names already: leave the mapping out.",
            )  # fmt: skip
        return Opened(given.manifest.producer or where, given)
    if isinstance(given, (str, os.PathLike)):
        opened = _opened_path(Path(given), mapping, format, options)
        return Opened(os.fspath(given), opened.ledger, opened.returns, opened.notes, opened.unread)
    if _is_result(given):
        from reconcile.tables.intake import table_of_data

        given = table_of_data(given, where).data  # a result can be read once
    frames = {_table_of(given, where): given} if is_frame(given) and mapping is None else given
    if isinstance(frames, Mapping) or is_frame(frames):
        return _framed(frames, where, mapping)
    raise _unfit(
        where, given, "a ledger: a folder or file, a Ledger, or frames by table", "reconcile.read(path)"
    )


def _opened_path(path: Path, mapping: PathLike | None, format: str | None, options: Options | None) -> Any:
    """A folder or file: by its mapping, by the format named, by the format that it shows, or as our own."""
    from reconcile.formats.registry import open_format, recognise
    from reconcile.mapping.open import open_ledger

    if mapping is not None:
        if format is not None:
            remedy = "Give one of the two."
            raise InputError("format", "a format and a mapping", "a format or a mapping", remedy)
        return open_ledger(path, Path(mapping))
    if format is not None:
        return open_format(format, path, options)
    found = recognise(path) if os.path.exists(path) else None
    return open_ledger(path) if found is None else open_format(found.name, path, options)


def named_alike(one: Opened, other: Opened) -> tuple[Opened, Opened]:
    """Two ledgers, where an export that does not name its symbol has the only one of the other."""
    from reconcile.formats.tidy import named_as

    both = []
    for here, there in ((one, other), (other, one)):
        ledger, said = named_as(here.ledger, there.ledger)
        both.append(replace(here, ledger=ledger, notes=(*here.notes, *said)) if said else here)
    return both[0], both[1]


def candidate_of(
    given: GivenCandidate, where: str = "candidate", mapping: PathLike | None = None
) -> Opened | Program:
    """A ledger where there is one, else a program to run."""
    if callable(given) and not isinstance(given, (str, os.PathLike)) and not is_frame(given):
        return Program(_name_of(given), given)
    if isinstance(given, str):
        module, colon, _ = given.partition(":")
        named = bool(colon) and all(part.isidentifier() for part in module.split("."))
        if named and mapping is None and not os.path.exists(given):
            return Program(given)
        if not given or not os.path.exists(given):
            raise InputError(
                f"{where} {given}".strip(),
                "nothing",
                "a ledger folder or file, or an engine as module:function",
                "Check the path, or write it like my_engine:run.",
            )
    return ledger_of(given, where, mapping)


def is_frame(given: Any) -> bool:
    """Whether it is a frame, an Arrow table, or the result of a query, without importing what makes one."""
    top = type(given).__module__.partition(".")[0]
    return (top in ("pandas", "polars") and type(given).__name__ in ("DataFrame", "LazyFrame")) or (
        _is_result(given)
    )


def _is_result(given: Any) -> bool:
    """Whether it is an Arrow table, or the result of a query: of DuckDB or of SQLAlchemy."""
    top, name = type(given).__module__.partition(".")[0], type(given).__name__
    return (top, name) in (
        ("pyarrow", "Table"),
        ("pyarrow", "RecordBatchReader"),
        ("duckdb", "DuckDBPyRelation"),
        ("_duckdb", "DuckDBPyRelation"),
        ("sqlalchemy", "CursorResult"),
    )


def as_pandas(given: Any) -> Any:
    """A pandas frame of any library's."""
    if _is_result(given):
        from reconcile.tables.intake import table_of_data

        return table_of_data(given, "frame").data.to_pandas()
    if type(given).__module__.startswith("polars"):
        given = given.collect() if type(given).__name__ == "LazyFrame" else given
        return given.to_arrow().to_pandas()
    return given


def _framed(frames: Any, where: str, mapping: PathLike | None) -> Opened:
    from reconcile.ledger.frames import reading_of_frames

    if mapping is None:
        for name, each in frames.items():
            if not is_frame(each):
                raise _unfit(f"{where}[{name!r}]", each, "a pandas or Polars frame", "pandas.DataFrame(...)")
        if any(_is_result(each) for each in frames.values()):
            return _from_arrow(frames, where)
        read = reading_of_frames({name: as_pandas(each) for name, each in frames.items()})
        return Opened(where, read.ledger, None, read.notes, read.unread)
    from reconcile.mapping.apply import apply_mapping
    from reconcile.mapping.read import confirmed_mapping

    rules = confirmed_mapping(Path(mapping))
    if is_frame(frames):
        files = sorted({table.file or name for name, listed in rules.tables.items() for table in listed})
        if len(files) != 1:
            raise InputError(
                where, "one frame, and a mapping that names several files", "frames by file name",
                f"Pass a dictionary with the keys {', '.join(files)}.",
            )  # fmt: skip
        frames = {files[0]: frames}
    made = apply_mapping(frames, rules, origin=where)
    return Opened(where, made.ledger, made.returns, made.notes, made.unread)


def _from_arrow(frames: Mapping[str, Any], where: str) -> Opened:
    """Tables and query results keep their types: integers with gaps would become floats in pandas."""
    from reconcile.ledger.columns import Source, ledger_from_arrow
    from reconcile.tables.intake import table_of_data

    for name in frames:
        if name not in SCHEMA:
            raise InputError(
                where, f"a table {printable(name, 60)}", ", ".join(SCHEMA), "Name it after its table."
            )
    tables = {name: table_of_data(each, name).data for name, each in frames.items()}
    reading = ledger_from_arrow([Source(name, name, data) for name, data in tables.items()])
    return Opened(where, reading.ledger, None, reading.notes, reading.unread)


def _table_of(given: Any, where: str) -> str:
    """The one table of a ledger that has all columns of a frame that the ledger's tables know."""
    names = given.column_names if type(given).__name__ == "Table" else given.columns
    columns = {str(name) for name in names}
    if type(given).__module__.startswith("pandas"):
        columns |= {str(name) for name in given.index.names if name is not None}
    known = {name: len(columns & set(SCHEMA[name])) for name in SCHEMA}
    best = [name for name, count in known.items() if count == max(known.values())]
    if len(best) == 1 and known[best[0]] > 1:
        return best[0]
    raise InputError(
        where,
        f"a frame with the columns {printable(', '.join(sorted(columns)), 80)}",
        "a frame whose columns tell which table it is",
        'Name the table: {"fills": frame}.',
    )


def _name_of(function: Any) -> str:
    return (
        f"{getattr(function, '__module__', '?')}:{getattr(function, '__qualname__', type(function).__name__)}"
    )


def _unfit(where: str, given: Any, expected: str, remedy: str) -> InputError:
    return InputError(where, f"{printable(repr(given), 60)}, a {type(given).__qualname__}", expected, remedy)
