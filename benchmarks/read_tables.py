"""A plain CSV of fills read and imported, beside pyarrow's own reader: `python benchmarks/read_tables.py`.

Medians of interleaved rounds, in one process. Aimed at: a ledger is read in at most 4 times what pyarrow
needs for the file, and imported (read with a mapping, written as Parquet) in at most 7.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
from timing import interleaved

from reconcile.ledger.read import read_ledger
from reconcile.ledger.write import write_ledger
from reconcile.mapping.open import open_mapped
from reconcile.mapping.read import mapping_from

READ, IMPORT = 4.0, 7.0
MAPPING = {
    "tables": {
        "fills": {
            "columns": {"timestamp": "date", "symbol": "ticker", "side": "action", "quantity": "shares"},
            "side": {"buy": ["B"], "sell": ["S"]},
        }
    }
}


def write_fills(path: Path, rows: int, header: str, sides: tuple[str, str]) -> None:
    """Fills of 500 symbols over 2,000 days, prices with four decimals, fees with two."""
    random = np.random.default_rng(20_230_102)
    day = np.datetime64("2015-01-01") + np.sort(random.integers(0, 2_000, rows))
    columns = [
        np.datetime_as_string(day),
        np.array([f"S{i:03d}" for i in range(500)])[random.integers(0, 500, rows)],
        np.array(sides)[random.integers(0, 2, rows)],
        random.integers(1, 5_000, rows).astype(str),
        [f"{cents / 10_000:.4f}" for cents in random.integers(10_000, 9_999_999, rows).tolist()],
        [f"{cents / 100:.2f}" for cents in random.integers(100, 99_999, rows).tolist()],
    ]
    lines = (",".join(row) for row in zip(*columns, strict=True))
    path.write_text(header + "\n" + "\n".join(lines) + "\n", encoding="utf-8")


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        ours, theirs = place / "fills.csv", place / "theirs.csv"
        write_fills(ours, options.rows, "timestamp,symbol,side,quantity,price,commission", ("buy", "sell"))
        write_fills(theirs, options.rows, "date,ticker,action,shares,price,commission", ("B", "S"))
        mapping = mapping_from(MAPPING)

        def imported() -> None:
            shutil.rmtree(place / "out", ignore_errors=True)
            write_ledger(open_mapped(theirs, mapping).ledger, place / "out")

        jobs: dict[str, Callable[[], Any]] = {
            "pyarrow": lambda: pa_csv.read_csv(ours),
            "read": lambda: read_ledger(ours),
            "mapped": lambda: open_mapped(theirs, mapping),
            "import": imported,
        }
        seconds = interleaved(jobs, options.rounds)
    medians = {name: statistics.median(times) for name, times in seconds.items()}
    print(f"{options.rows:,} rows, medians of {options.rounds} rounds, pyarrow {pa.__version__}")
    for name, median in medians.items():
        print(f"{name:<8} {median:8.3f} s  {median / medians['pyarrow']:5.1f} x")
    held = medians["read"] <= READ * medians["pyarrow"] and medians["import"] <= IMPORT * medians["pyarrow"]
    print(f"aimed at: read {READ:.0f} x, import {IMPORT:.0f} x: {'held' if held else 'missed'}")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
