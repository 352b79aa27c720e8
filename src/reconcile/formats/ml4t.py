"""ml4t-backtest: `fills.parquet` and `equity`, or the result itself.

Truth: ml4t/backtest/result.py (0.2.0). `quantity` has no sign beside `side`; `commission` is positive.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pyarrow as pa

from reconcile.formats.model import (
    Columns,
    Format,
    Options,
    Rules,
    Tables,
    cells_of,
    equity_rules,
    holds,
    require_one,
    time_rules,
    words_of,
)
from reconcile.formats.peek import Peek
from reconcile.tables.intake import read_table
from reconcile.tables.model import RawTable
from vocabulary.errors import InputError

FILLS = "fills.parquet"
READ = (FILLS, "equity.parquet", "portfolio_state.parquet", "manifest.json")
EQUITY = ("timestamp", "equity", "cash")
COLUMNS = ("timestamp", "asset", "side", "quantity", "price", "commission")


def _rules(file: str, columns: Columns, options: Options) -> Rules:
    fills = {
        "file": file,
        "columns": {"symbol": "asset"},
        "side": {"buy": ["buy", "BUY"], "sell": ["sell", "SELL"]},
        "unsigned": ["quantity"],
        "execution_order": "rows",
        "leave_out": {name: "no column of a fill" for name in columns if name not in COLUMNS},
    }
    return {"tables": {"fills": fills}, **time_rules(options)}


def owns(peek: Peek) -> bool:
    """Whether a folder is one that `result.to_parquet` wrote: fills by asset."""
    import pyarrow.parquet as pq

    path = peek.path / FILLS
    try:
        return peek.path.is_dir() and path.is_file() and holds(pq.read_schema(path).names, *COLUMNS)
    except (OSError, pa.ArrowException):
        return False


def read_folder(path: Path, options: Options | None = None) -> Tables:
    """Fills, and equity where it is there, of a folder. Raises InputError: a file that cannot be read."""
    fills = read_table(path / FILLS)
    _check(fills)
    data = fills.data.rename_columns(["symbol" if one == "asset" else one for one in fills.data.column_names])
    named = {"fills": data.select([one for one in data.column_names if one in ("symbol", *COLUMNS)])}
    for file in ("portfolio_state.parquet", "equity.parquet"):
        if (path / file).is_file():
            equity = read_table(path / file).data
            named["equity"] = equity.select([one for one in EQUITY if one in equity.column_names])
            break
    return Tables(
        named, tuple(f"{one.name} is not read" for one in sorted(path.iterdir()) if one.name not in READ)
    )


def _folder_rules(file: str, columns: Columns, options: Options) -> Rules:
    tables: dict[str, Any] = {name: {"file": name} for name in columns}
    tables["fills"] |= {
        "side": {"buy": ["buy", "BUY"], "sell": ["sell", "SELL"]},
        "unsigned": ["quantity"],
        "execution_order": "rows",
    }
    return {"tables": tables, **time_rules(options)}


def _equity_rules(file: str, columns: Columns, options: Options) -> Rules:
    cash = {"cash": "cash"} if "cash" in columns else {}
    return equity_rules(("timestamp",), equity="equity", **cash)(file, columns, options)


def _check(table: RawTable) -> tuple[str, ...]:
    """Raises InputError: a multiplier other than 1, several currencies, fills out of order."""
    others = [word for word in words_of(table, "multiplier") if not re.fullmatch(r"1([.,]0*)?", word)]
    if others:
        found, remedy = f"the multiplier {others[0]}", "Use a mapping with `multipliers`."
        raise InputError(table.origin, found, "contracts of one unit", remedy)
    require_one(table, "currencies", "currency")
    numbers = cells_of(table, "fill_sequence")
    if all(one.isdecimal() for one in numbers) and [*map(int, numbers)] != sorted(map(int, numbers)):
        found, remedy = "fills in another order than `fill_sequence`", "Sort the rows by it."
        raise InputError(table.origin, found, "fills in the order of execution", remedy)
    return ()


FORMAT = Format(
    name="ml4t",
    title="ml4t-backtest",
    export="result.to_parquet('out')",
    recognises=lambda columns: holds(columns, *COLUMNS),
    rules=_rules,
    check=_check,
    holds=("every fill, with its commission and its place in the order of execution",),
    mind=(
        "`quantity` has no sign beside `side`; `slippage` is per unit, and already in `price`.",
        "Contracts with a multiplier, and several currencies, are errors.",
    ),
    lacks=("orders that were filled", "positions, unless it recorded holdings"),
    also=(
        Format(
            name="ml4t",
            title="ml4t-backtest, folder",
            export="result.to_parquet('out'), the whole folder",
            recognises=lambda columns: False,  # by its files, see `owns`
            rules=_folder_rules,
            holds=("every fill, with its commission", "the worth of every bar, and its cash"),
            lacks=("orders that were filled", "positions"),
            owns=owns,
            tables=read_folder,
        ),
        Format(
            name="ml4t",
            title="ml4t-backtest, equity",
            export="equity.parquet or portfolio_state.parquet of result.to_parquet('out')",
            recognises=lambda columns: (
                holds(columns, "timestamp", "equity", "high_water_mark")
                or holds(columns, "timestamp", "equity", "cash", "gross_exposure")
            ),
            rules=_equity_rules,
            holds=("the worth of every bar, and its cash",),
            lacks=("fills", "orders", "positions"),
            mind=("A bar may have several states: the last one is taken.",),
        ),
    ),
)


def tables_of(result: Any) -> dict[str, Any]:
    """Tables of an ml4t-backtest result: its fills, and its equity where it has it."""
    import pandas as pd

    def frame(value: Any) -> Any:
        value = value() if callable(value) else value
        return value.to_pandas() if hasattr(value, "to_pandas") else pd.DataFrame(value)

    fills = frame(getattr(result, "to_fills_dataframe", None) or result.fills)
    fills = fills.rename(columns={"asset": "symbol"})
    fills["side"] = [str(side).rpartition(".")[2].lower() for side in fills["side"]]
    fills["quantity"] = fills["quantity"].abs().astype(float)
    keep = [
        name for name in ("timestamp", "symbol", "side", "quantity", "price", "commission") if name in fills
    ]
    tables = {"fills": fills[keep]}
    curve = getattr(result, "equity_curve", None)
    if curve is not None:
        pairs = frame(curve) if not isinstance(curve, list) else pd.DataFrame(curve)
        pairs.columns = ["timestamp", "equity", *list(pairs.columns[2:])]
        tables["equity"] = pairs[["timestamp", "equity"]]
    return tables
