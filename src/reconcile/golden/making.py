"""A golden made from a ledger: its files, the same bytes wherever and whenever they are made."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from reconcile.files.instants import iso_text
from reconcile.golden.facts import FILE, facts_text
from reconcile.golden.figures import SUMMARY, figures_of, summary_rows
from reconcile.golden.model import Agreement, Facts, Golden, Inputs, Place, Storage
from reconcile.golden.seal import FILE as SEAL
from reconcile.golden.seal import seal_id, seal_text
from reconcile.ledger.digest import chain, chain_bars, ledger_digest
from reconcile.ledger.write import write_ledger
from vocabulary.ledger import SEMANTICS_DIGEST, Column, Ledger, Table

if TYPE_CHECKING:
    from vocabulary.market import Market
    from vocabulary.scenario import Scenario

FULL_ROWS = 5_000
"""Ledgers of more rows are kept as chain, summary and checkpoints."""
CHECKPOINTS = 12
"""Bars at which positions and equity are kept of a large ledger; the last is one of them."""
LINK = 16
"""Hex digits of a link on file: they find the bar; the ledger's whole digest is in the manifest."""
SCENARIO, SUMMARY_FILE, CHAIN = "scenario.toml", "summary.csv", "chain.csv"
TABLES = "tables"


def make_golden(
    case: str,
    ledger: Ledger,
    inputs: Inputs,
    *,
    scenario: Scenario | None,
    storage: Storage | None = None,
    agreement: Agreement = Agreement.REFERENCE,
    test: str | None = None,
) -> Golden:
    """The golden of a ledger. storage: by the number of rows, unless it is given.

    Raises InputError for tables that are not a ledger, OutputError for cells that CSV cannot hold.
    """
    from reconcile.scenario.toml import scenario_to_toml

    links = chain(ledger)
    rows = sum(table.rows for table in ledger.tables.values())
    kept = storage or (Storage.FULL if rows <= FULL_ROWS else Storage.CHECKPOINTS)
    counts = {name: table.rows for name, table in ledger.tables.items()}
    figures = figures_of(_with_cash(ledger, scenario), links or (ledger_digest(ledger),))
    facts = Facts(case, agreement, test, kept, inputs, figures, counts)
    files = {
        FILE: facts_text(facts),
        SUMMARY_FILE: csv_text(SUMMARY, summary_rows(ledger)),
        CHAIN: csv_text(("timestamp", "digest"), _chain_rows(ledger, links)),
        **table_files(kept_ledger(ledger, kept)),
    }
    if scenario is not None:
        files[SCENARIO] = scenario_to_toml(scenario).encode()
    files[SEAL] = seal_text(files)
    return Golden(facts, files, seal_id(files))


def _with_cash(ledger: Ledger, scenario: Scenario | None) -> Ledger:
    """The ledger, its manifest told by the scenario what it started with, where it does not say."""
    if scenario is None or ledger.manifest.initial_cash is not None:
        return ledger
    units = scenario.market
    manifest = replace(
        ledger.manifest,
        initial_cash=scenario.initial_cash,
        price_decimals=units.price_decimals,
        quantity_decimals=units.quantity_decimals,
    )
    return replace(ledger, manifest=manifest)


def inputs_of(scenario: Scenario | None, market: Market | None, place: Place) -> Inputs:
    """What a ledger of this scenario over this market is made from."""
    return Inputs(
        scenario=None if scenario is None else scenario.digest,
        market=None if market is None else market.digest,
        data=None if market is None else _data_digest(scenario, market),
        market_name=None if market is None else market.name,
        origin=None if scenario is None else _inside(Path(scenario.origin), place.root),
        semantics=SEMANTICS_DIGEST,
    )


def storage_of(scenario: Scenario, place: Place) -> Storage | None:
    """SUMMARY for a market file outside the project, whose prices are not ours to keep; else by size."""
    file = Path(scenario.origin, scenario.market.data)
    return Storage.SUMMARY if file.is_file() and _inside(file, place.root) is None else None


def kept_ledger(ledger: Ledger, storage: Storage) -> Ledger:
    """The part of a ledger that a golden keeps as tables."""
    if storage is Storage.FULL:
        return ledger
    if storage is Storage.SUMMARY:
        return replace(ledger, tables={})
    bars = chain_bars(ledger)
    places = [(k + 1) * len(bars) // CHECKPOINTS - 1 for k in range(CHECKPOINTS)]
    chosen = bars[sorted({place for place in places if place >= 0})]
    tables = {
        name: _rows_at(ledger.tables[name], chosen)
        for name in ("positions", "equity")
        if name in ledger.tables and "timestamp" in ledger.tables[name].columns
    }
    return replace(ledger, tables=tables)


def table_files(ledger: Ledger) -> dict[str, bytes]:
    """The tables as CSV, by path."""
    if not ledger.tables:
        return {}
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / TABLES
        write_ledger(ledger, folder, format="csv")
        return {f"{TABLES}/{name}.csv": (folder / f"{name}.csv").read_bytes() for name in ledger.tables}


def csv_text(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
    """CSV with \\n at the end of each line."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue().encode()


def _chain_rows(ledger: Ledger, links: tuple[str, ...]) -> Iterable[tuple[str, str]]:
    stamps = iso_text(chain_bars(ledger), ledger.manifest.timezone)
    return ((stamp, link[:LINK]) for stamp, link in zip(stamps, links, strict=True))


def _rows_at(table: Table, stamps: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Table:
    keep = np.isin(table.columns["timestamp"].values, stamps)

    def cut(column: Column) -> Column:
        missing = None if column.missing is None else column.missing[keep]
        return replace(column, values=column.values[keep], missing=missing)

    columns = {name: cut(column) for name, column in table.columns.items()}
    return Table(table.name, columns, int(keep.sum()))


def _data_digest(scenario: Scenario | None, market: Market) -> str:
    """The market without the features that the scenario had computed (M4)."""
    from reconcile.market.digest import make_market

    computed = set() if scenario is None else {feature.name for feature in scenario.market.features}
    plain = {k: v for k, v in market.features.items() if k not in computed}
    return (
        market.digest
        if len(plain) == len(market.features)
        else make_market(replace(market, features=plain)).digest
    )


def _inside(path: Path, root: Path) -> str | None:
    """The path relative to the project, None where it lies outside."""
    try:
        return path.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        return None
