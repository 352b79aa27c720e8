"""A golden made from a ledger: its figures, its summary by rebalance, and its files.

The same ledger gives the same bytes on every machine and at any time.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from reconcile.files.instants import iso_text
from reconcile.goldens.files import MANIFEST, SEAL, manifest_bytes, seal_bytes, seal_id
from reconcile.goldens.model import Agreement, Figures, Golden, GoldenManifest, Inputs, ProjectPaths, Storage
from reconcile.ledger.digest import chain, chain_bars, ledger_digest
from reconcile.ledger.figures import (
    equity_curve,
    initial_cash,
    max_drawdown,
    rebalance_count,
    total,
    total_return,
)
from reconcile.ledger.write import csv_tables
from vocabulary.ledger import SEMANTICS_DIGEST, Column, Ledger, Table

if TYPE_CHECKING:
    from reconcile.matching.model import Tolerance, Value
    from vocabulary.market import Market
    from vocabulary.scenario import Scenario


FULL_ROWS = 5_000
"""A ledger with more rows is kept as chain, summary and checkpoints."""
CHECKPOINTS = 12
"""Number of bars, the last among them, whose positions and equity are kept of a large ledger."""
LINK = 16
"""Hex digits kept of each link. They only locate a bar; the manifest has the ledger's whole digest."""
SCENARIO, SUMMARY_FILE, CHAIN, TOLERANCE = "scenario.toml", "summary.csv", "chain.csv", "tolerance.toml"
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
    tolerances: Sequence[Tolerance] = (),
) -> Golden:
    """The golden of a ledger. storage: None to choose by the number of rows.

    tolerances: within which its ledger holds; such a golden keeps all rows, whatever their number.
    Raises InputError for tables that are not a ledger, OutputError for cells that CSV cannot hold.
    """
    from reconcile.comparing.tolerances import tolerance_toml
    from reconcile.scenario.toml import scenario_to_toml

    links = chain(ledger)
    rows = sum(table.rows for table in ledger.tables.values())
    kept = storage or (Storage.FULL if rows <= FULL_ROWS or tolerances else Storage.CHECKPOINTS)
    counts = {name: table.rows for name, table in ledger.tables.items()}
    figures = figures_of(with_cash(ledger, scenario), links or (ledger_digest(ledger),))
    manifest = GoldenManifest(case, agreement, test, kept, inputs, figures, counts)
    files = {
        MANIFEST: manifest_bytes(manifest),
        SUMMARY_FILE: csv_bytes(SUMMARY, summary_rows(ledger)),
        CHAIN: csv_bytes(("timestamp", "digest"), _chain_rows(ledger, links)),
        **{f"{TABLES}/{name}.csv": data for name, data in csv_tables(stored_part(ledger, kept)).items()},
    }
    if scenario is not None:
        files[SCENARIO] = scenario_to_toml(scenario).encode()
    if tolerances:
        files[TOLERANCE] = "".join(f"{tolerance_toml(one)}\n" for one in tolerances).encode()
    files[SEAL] = seal_bytes(files)
    return Golden(manifest, files, seal_id(files))


def with_cash(ledger: Ledger, scenario: Scenario | None) -> Ledger:
    """The ledger, with the scenario's initial cash and units in its manifest where that has none."""
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


def identify_inputs(scenario: Scenario | None, market: Market | None, paths: ProjectPaths) -> Inputs:
    """The digests of what a ledger of this scenario and this market is made from."""
    return Inputs(
        scenario=None if scenario is None else scenario.digest,
        market=None if market is None else market.digest,
        data=None if market is None else _data_digest(scenario, market),
        market_name=None if market is None else market.name,
        origin=None if scenario is None else _inside(Path(scenario.origin), paths.root),
        semantics=SEMANTICS_DIGEST,
    )


def storage_for(scenario: Scenario, paths: ProjectPaths) -> Storage | None:
    """SUMMARY for a market file outside the project, whose prices must not be copied; else None (by size)."""
    file = Path(scenario.origin, scenario.market.data)
    return Storage.SUMMARY if file.is_file() and _inside(file, paths.root) is None else None


def stored_part(ledger: Ledger, storage: Storage) -> Ledger:
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


def csv_bytes(header: Sequence[str], rows: Iterable[Sequence[str]]) -> bytes:
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
    """The digest of the market without the features that the scenario computes (M4)."""
    from reconcile.market.edit import make_market

    computed = set() if scenario is None else {feature.name for feature in scenario.market.features}
    plain = {k: v for k, v in market.features.items() if k not in computed}
    return (
        market.digest
        if len(plain) == len(market.features)
        else make_market(replace(market, features=plain)).digest
    )


def _inside(path: Path, root: Path) -> str | None:
    """The path relative to the project, None for one outside it."""
    try:
        return path.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        return None


SUMMARY = (
    "rebalance",
    "decided_at",
    "end",
    "targets",
    "fills",
    "turnover",
    "commission",
    "slippage",
    "equity",
)
"""Columns of summary.csv. A row covers one rebalance and all that follows up to the next."""


def figures_of(ledger: Ledger, links: tuple[str, ...]) -> Figures:
    """The figures of a ledger. links: its digest chain, one link per bar, at least one."""
    fills, curve = ledger.tables.get("fills"), equity_curve(ledger)
    end = curve[-1] if curve else None
    return Figures(
        ledger=links[-1],
        bars=len(links),
        rebalances=rebalance_count(ledger),
        fills=None if fills is None else fills.rows,
        turnover=total(fills, "notional"),
        commission=total(fills, "commission"),
        slippage=total(fills, "slippage"),
        final_equity=end,
        total_return=total_return(end, initial_cash(ledger.manifest)),
        max_drawdown=max_drawdown(curve) if curve else None,
    )


def summary_rows(ledger: Ledger) -> list[tuple[str, ...]]:
    """The rows of summary.csv as text, "" for a figure that the ledger does not give."""
    from reconcile.comparing.periods import periods_of
    from reconcile.files.instants import iso_text

    def moment(nanoseconds: int | None) -> str:
        import numpy as np

        if nanoseconds is None:
            return ""
        return iso_text(np.array([nanoseconds], dtype=np.int64), ledger.manifest.timezone)[0]

    rows = []
    for period in periods_of(ledger):
        side = period.reference
        cells = (side.targets, side.fills, side.turnover, side.commission, side.slippage, side.equity)
        number = "" if period.number is None else str(period.number)
        rows.append((number, moment(period.decided_at), moment(period.end), *map(_text, cells)))
    return rows


def is_empty(ledger: Ledger) -> bool:
    """Whether a ledger has no fill, or, without that table, no row at all."""
    if "fills" in ledger.tables:
        return ledger.tables["fills"].rows == 0
    return not any(table.rows for table in ledger.tables.values())


def _text(value: Value) -> str:
    if value is None:
        return ""
    return format(value, "f") if isinstance(value, Decimal) else repr(value)
