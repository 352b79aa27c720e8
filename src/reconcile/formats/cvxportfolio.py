"""cvxportfolio: trades and holdings of a BacktestResult in money, as two CSV files in one folder.

Truth: cvxportfolio/result.py and simulator.py (1.5). `u` are trades and `h` holdings before them, in money,
one column per asset and one for cash. The costs of a bar are missing from the cash of the next. It knows
weights and values, no quantities and no prices. The bars that it downloads are stamped
with their open, in UTC.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reconcile.formats.model import Columns, Format, Options, Rules, Tables, time_rules
from reconcile.formats.peek import Peek
from reconcile.formats.tidy import with_days
from reconcile.formats.written import cut_off
from vocabulary.errors import InputError

NOISE = 2.0**-42
"""The share of the money below which an amount is what rounding left, and neither a trade nor a position."""
FILES = ("u.csv", "h.csv")


def _rules(file: str, columns: Columns, options: Options) -> Rules:
    return {"tables": {name: {"file": name} for name in columns}, **time_rules(options)}


def owns(peek: Peek) -> bool:
    """Whether a folder has the two files."""
    return peek.path.is_dir() and all((peek.path / name).is_file() for name in FILES)


def read_folder(path: Path, options: Options | None = None) -> Tables:
    """Fills, positions and equity of the two files. Raises InputError: a file that cannot be read."""
    import pandas as pd

    frames = []
    for name in FILES:
        try:
            frames.append(pd.read_csv(path / name, index_col=0, parse_dates=True).astype(float))
            if any(0 < row.isna().sum() < len(row) for _, row in frames[-1].iterrows()):
                raise ValueError("a row of which cells are missing")
        except (OSError, ValueError) as error:
            expected, remedy = "trades or holdings, one row per bar", f"Write it again: {EXPORT}."
            raise InputError(str(path / name), str(error)[:120], expected, remedy) from None
    trades, holdings = frames
    made = _tables(trades, holdings, str(path))
    missing = holdings.index[:-1].symmetric_difference(trades.dropna(how="all").index)
    if len(missing):
        found = f"trades and holdings of other bars, such as {str(missing[0])[:19]}"
        expected = "holdings before each bar of trades, and after the last one"
        raise InputError(str(path), found, expected, f"Write both again: {EXPORT}.")
    return Tables(made, tuple(note for name in FILES for note in cut_off(path / name)))


def tables_of(result: Any) -> dict[str, Any]:
    """Fills, positions and equity of a BacktestResult."""
    return _tables(result.u, result.h, "result")


def _tables(u: Any, h: Any, origin: str) -> dict[str, Any]:
    import pandas as pd

    cash = u.columns[-1] if len(u.columns) else "nothing"
    if list(h.columns) != list(u.columns):
        expected, remedy = "the columns of the trades", f"Write both again: {EXPORT}."
        raise InputError(f"{origin}, h", "other columns than in the trades", expected, remedy)
    if not str(cash).lower().startswith("cash"):
        found, remedy = f"the last column {str(cash)[:40]!r}", f"Write it again: {EXPORT}."
        raise InputError(f"{origin}, u", found, "cash, after the assets", remedy)
    u = u.dropna(how="all")
    noise = NOISE * float(h.abs().to_numpy().max(initial=0.0))
    trades = u.drop(columns=cash).stack()
    trades = trades[trades.abs() > noise]
    fills = pd.DataFrame(
        {
            "timestamp": trades.index.get_level_values(0),
            "symbol": trades.index.get_level_values(1).astype(str),
            "side": ["buy" if amount > 0 else "sell" for amount in trades],
            "notional": trades.abs().to_numpy(float),
        }
    )
    # `h` is held before the trades of its bar; costs leave the cash with the next. Its last row has no bar.
    after = h.reindex(u.index) + u
    after[cash] = h[cash].shift(-1).reindex(u.index)
    held = after.drop(columns=cash).stack()
    held = held[held.abs() > noise]
    positions = pd.DataFrame(
        {
            "timestamp": held.index.get_level_values(0),
            "symbol": held.index.get_level_values(1).astype(str),
            "market_value": held.to_numpy(float),
        }
    )
    equity = pd.DataFrame({"timestamp": after.index, "cash": after[cash].to_numpy(float)})
    equity["equity"] = after.sum(axis=1).to_numpy(float)
    return {"fills": fills, "positions": positions, "equity": equity}


EXPORT = "result.u.to_csv('u.csv'), result.h.to_csv('h.csv')"
FORMAT = Format(
    name="cvxportfolio",
    title="cvxportfolio",
    export=f"{EXPORT}, in one folder",
    recognises=lambda columns: False,  # by its files, see `owns`
    rules=_rules,
    holds=("trades and positions in money", "cash and equity per bar"),
    mind=("Costs of a bar are missing from the cash of the next.",),
    lacks=("quantities", "prices", "the cost of each trade", "orders"),
    tidy=with_days,
    owns=owns,
    tables=read_folder,
)
