"""Hand-derived cases: what a case folder holds, how it is read, and how a ledger is held against it.

A folder `tests/golden/hand/<rule>-<name>/` holds scenario.toml, bars.csv (context.csv, one module with
the strategy's function), WHY.md with the arithmetic, misreadings.toml, and what must come out:
expected/<table>.csv, every row and column of each table, and expected_error.toml where a program must
refuse or stop. Nothing here writes a case.
"""

from __future__ import annotations

import csv
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import zip_longest
from pathlib import Path
from typing import Any

import vocabulary.errors
from vocabulary import SCHEMA, Kind, Ledger, Table, TieoutError

HAND = Path(__file__).parent / "golden" / "hand"
PAGE = Path(__file__).parents[1] / "docs" / "semantics.md"
PROGRAMS = ("engine", "reference")
ABSENT = "absent"
EMPTY = "empty"
ERROR = "error"

Value = int | str | Fraction | None
Row = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class ExpectedError:
    """A program must refuse (`stage` load) or stop (run); the message must hold every name."""

    kind: type[TieoutError]
    stage: str
    programs: tuple[str, ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Misreading:
    """A likely misreading of the rule and the value it would give in one cell of the expected tables."""

    text: str
    table: str
    key: Mapping[str, str]
    column: str
    value: str


@dataclass(frozen=True, slots=True)
class HandCase:
    """One folder. `tables`: name -> rows of text as they stand in the file, header apart."""

    name: str
    rule: str
    folder: Path
    why: str
    misreadings: tuple[Misreading, ...]
    headers: Mapping[str, tuple[str, ...]]
    tables: Mapping[str, tuple[Mapping[str, str], ...]]
    error: ExpectedError | None


def rules_of_the_page(text: str) -> tuple[str, ...]:
    """The rule ids of sections U, M, T, X, R, E and A, in the page's order."""
    return tuple(re.findall(r"^- \*\*([UMTXREA]\d+)\*\*", text, flags=re.MULTILINE))


def case_folders(root: Path = HAND) -> tuple[Path, ...]:
    return tuple(sorted(path for path in root.iterdir() if path.is_dir() and path.name != "__pycache__"))


def read_case(folder: Path) -> HandCase:
    """Read a folder as it stands; `defects` says what is wrong with it."""
    error = folder / "expected_error.toml"
    misread = tomllib.loads((folder / "misreadings.toml").read_text(encoding="utf-8"))
    headers: dict[str, tuple[str, ...]] = {}
    tables: dict[str, tuple[Mapping[str, str], ...]] = {}
    for path in sorted((folder / "expected").glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as lines:
            header, *rows = csv.reader(lines)
        headers[path.stem] = tuple(header)
        tables[path.stem] = tuple(dict(zip(header, row, strict=True)) for row in rows)
    return HandCase(
        name=folder.name,
        rule=folder.name.split("-")[0],
        folder=folder,
        why=(folder / "WHY.md").read_text(encoding="utf-8"),
        misreadings=tuple(Misreading(**entry) for entry in misread["misreading"]),
        headers=headers,
        tables=tables,
        error=_read_error(tomllib.loads(error.read_text(encoding="utf-8"))) if error.exists() else None,
    )


def _read_error(entry: Mapping[str, Any]) -> ExpectedError:
    kind = getattr(vocabulary.errors, entry["kind"])
    return ExpectedError(kind, entry["stage"], tuple(entry["programs"]), tuple(entry["names"]))


def defects(case: HandCase, rules: Sequence[str]) -> list[str]:
    """What makes a case malformed; above all, a case that would compare nothing."""
    found = []
    if case.rule not in rules:
        found.append(f"{case.rule} is no rule of the page")
    if not re.search(rf"\b{case.rule}\b", case.why):
        found.append(f"WHY.md does not name {case.rule}")
    if not case.misreadings:
        found.append("no misreading")
    if case.error is None and not any(case.tables.values()):
        found.append("nothing is compared: no expected row and no expected error")
    silent = case.error is not None and set(case.error.programs) != set(PROGRAMS)
    if silent and not any(case.tables.values()):
        found.append("nothing is compared for a program that must not stop")
    if case.error is not None and not case.error.names:
        found.append("an expected error that need not name anything")
    if case.error is not None and not set(case.error.programs) <= set(PROGRAMS):
        found.append(f"unknown program in {case.error.programs}")
    for table, header in case.headers.items():
        if table not in SCHEMA:
            found.append(f"unknown table {table}")
        elif header != tuple(SCHEMA[table]):
            found.append(f"{table}.csv does not have the columns of the page")
    return found


def expected_text(case: HandCase, misreading: Misreading) -> str:
    """The cell the misreading is about, as the case has it; EMPTY, ABSENT (no such row) or ERROR."""
    if not case.tables:
        return ERROR
    rows = [
        row
        for row in case.tables[misreading.table]
        if all(row[name] == text for name, text in misreading.key.items())
    ]
    if len(rows) > 1:
        raise AssertionError(f"{case.name}: {misreading.key} names {len(rows)} rows of {misreading.table}")
    return (rows[0][misreading.column] or EMPTY) if rows else ABSENT


def value_of(text: str, kind: Kind) -> Value:
    """The value of a cell's text: ns since 1970 UTC, a word, an exact number, None where empty."""
    if text == "":
        return None
    if kind is Kind.TIMESTAMP:
        moment = datetime.fromisoformat(text)
        since = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - datetime(1970, 1, 1, tzinfo=UTC)
        return since // timedelta(microseconds=1) * 1000
    if kind in (Kind.SYMBOL, Kind.WORD):
        return text
    return Fraction(text)


def expected_rows(case: HandCase, table: str) -> list[Row]:
    kinds = SCHEMA[table]
    return [{name: value_of(text, kinds[name]) for name, text in row.items()} for row in case.tables[table]]


def ledger_rows(table: Table) -> list[Row]:
    """A program's table as rows of exact values; a float anywhere is a failure."""
    columns: dict[str, list[Value]] = {}
    for name, column in table.columns.items():
        values: list[Value]
        if column.kind is Kind.TIMESTAMP:
            values = [int(v) for v in column.values]
        elif column.dictionary is not None:
            values = [column.dictionary[int(v)] for v in column.values]
        else:
            assert column.scale is not None, f"{table.name}.{name} holds floats"
            values = [Fraction(int(v), 10**column.scale) for v in column.values]
        if column.missing is not None:
            values = [None if gone else v for v, gone in zip(values, column.missing, strict=True)]
        assert len(values) == table.rows, f"{table.name}.{name} has {len(values)} of {table.rows} rows"
        columns[name] = values
    return [{name: values[i] for name, values in columns.items()} for i in range(table.rows)]


def differences(expected: Sequence[Row], obtained: Sequence[Row], table: str) -> list[str]:
    """Every differing cell, over the union of both sides' rows (in order) and columns."""
    gone: Row = {}
    found = []
    for number, (want, got) in enumerate(zip_longest(expected, obtained, fillvalue=gone)):
        for column in dict.fromkeys([*want, *got]):
            left = want.get(column, ABSENT)
            right = got.get(column, ABSENT)
            if left != right:
                found.append(f"{table} row {number} {column}: {_shown(left)} (by hand) vs {_shown(right)}")
    return found


def _shown(value: Value) -> str:
    if isinstance(value, Fraction):
        return str(value) if value.denominator == 1 else f"{value} = {float(value)!r}"
    return str(value)


def ledger_differences(case: HandCase, ledger: Ledger) -> list[str]:
    """The differences in all tables that the case gives; a table the ledger lacks is one."""
    found = []
    for name in case.tables:
        if name not in ledger.tables:
            found.append(f"{name}: no such table in the ledger")
            continue
        table = ledger.tables[name]
        if set(table.columns) != set(case.headers[name]):
            alone = sorted(set(table.columns) ^ set(case.headers[name]))
            found.append(f"{name}: columns {alone} on one side only")
        found += differences(expected_rows(case, name), ledger_rows(table), name)
    return found
