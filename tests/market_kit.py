"""Small tables and scenarios for the tests of reading markets."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from reconcile.market.load import load_market
from reconcile.scenario.files import scenario_from_dict
from vocabulary.market import Market
from vocabulary.scenario import Feature, Scenario

HEADER = "timestamp,symbol,open,high,low,close,volume,score"
ROWS = (
    "2024-01-01,A,10,11,9,10.5,100,1",
    "2024-01-01,B,20,21,19,20.5,200,2",
    "2024-01-02,A,10.5,12,10,11,100,3",
    "2024-01-02,B,20.5,22,20,21,200,4",
    "2024-01-03,A,11,12,10,11.5,100,5",
    "2024-01-03,B,21,22,20,21.5,200,6",
)


def scenario(
    decimals: int = 4, features: tuple[Feature, ...] = (), context: str | None = None, **strategy: Any
) -> Scenario:
    """A top_n scenario over `bars.csv`, made the way a user's is, then given these features."""
    table: dict[str, Any] = {
        "market": {"data": "bars.csv", "price_decimals": decimals},
        "portfolio": {"initial_cash": "1000"},
        "strategy": strategy or {"kind": "top_n", "score": "score", "n": 1},
    }
    if context is not None:
        table["market"]["context"] = context
    made = scenario_from_dict(table)
    return replace(made, market=replace(made.market, features=features))


def write_csv(folder: Path, *rows: str, header: str = HEADER, name: str = "bars.csv") -> Path:
    path = folder / name
    path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
    return path


def load_csv(folder: Path, *rows: str, header: str = HEADER, decimals: int = 4) -> Market:
    return load_market(scenario(decimals), write_csv(folder, *rows, header=header))


def table(**columns: Any) -> pa.Table:
    """The six rows above as an Arrow table, columns replaced or added; None drops one."""
    plain = pa_csv.read_csv(pa.BufferReader("\n".join((HEADER, *ROWS)).encode()))
    for name, values in columns.items():
        if name in plain.column_names and values is None:
            plain = plain.drop_columns([name])
        elif name in plain.column_names:
            plain = plain.set_column(plain.column_names.index(name), name, values)
        else:
            plain = plain.append_column(name, values)
    return plain


def load_table(folder: Path, data: pa.Table, decimals: int = 4, **options: Any) -> Market:
    path = folder / "bars.parquet"
    pq.write_table(data, path, **options)
    return load_market(scenario(decimals), path)
