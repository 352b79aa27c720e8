"""Where two ledgers of one program part: stricter than a comparison, as order and form count too."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from vocabulary.ledger import SCHEMA, Ledger, Manifest, Table

if TYPE_CHECKING:
    from reconcile.matching.model import Break

_CLOCKS = ("decided_at", "timestamp")


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
    from reconcile.ledger.cells import column_text

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
