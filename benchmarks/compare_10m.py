"""Comparing two large fills tables: ours beside datacompy's Polars comparison, same tables, same run.

    make bench-diff ARGS="[--rows 10000000] [--rounds 3] [--only tieout|datacompy] [--input unaligned]"

Aligned: 0.1 % of the cells of each value column changed. Unaligned: also shuffled, and 0.1 % of the keys
missing on each side. Every measurement is a fresh process; the two alternate. Printed: median and range of
seconds, peak memory as a multiple of both tables (they themselves count as 1), breaks found, the ratio.
"""

from __future__ import annotations

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

DAY = 86_400_000_000_000
SYMBOLS = 5000
PER_BAR = 4000
CHANGED = 0.001
VALUES = ("sequence", "decided_at", "quantity", "price", "notional", "commission", "slippage", "reason")


def columns(rows: int) -> dict[str, Any]:
    """A fills table as arrays: PER_BAR symbols a bar, each once."""
    rng = np.random.default_rng(1)
    bars = -(-rows // PER_BAR)
    stamp = np.repeat(np.arange(bars) * DAY, PER_BAR)[:rows]
    symbol = np.concatenate([np.sort(rng.permutation(SYMBOLS)[:PER_BAR]) for _ in range(bars)])[:rows]
    quantity = rng.integers(1, 10_000, rows)
    price = rng.integers(10_000, 10_000_000, rows)
    notional = quantity * price
    return {
        "sequence": np.arange(rows),
        "timestamp": stamp,
        "decided_at": stamp - DAY,
        "symbol": symbol.astype(np.int32),
        "side": rng.integers(0, 2, rows).astype(np.int32),
        "quantity": quantity,
        "price": price,
        "notional": notional,
        "commission": notional // 2000,
        "slippage": quantity * 5,
        "reason": rng.integers(0, 4, rows).astype(np.int32),
    }


def changed(table: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """A copy with CHANGED of the cells of each value column different; and how many."""
    rng = np.random.default_rng(2)
    rows = len(table["sequence"])
    out, count = dict(table), 0
    for name in VALUES:
        at = rng.choice(rows, max(1, int(rows * CHANGED)), replace=False)
        out[name] = table[name].copy()
        out[name][at] = (out[name][at] + 1) % 4 if name == "reason" else out[name][at] + 1
        count += len(at)
    return out, count


def unaligned(table: dict[str, Any], seed: int) -> dict[str, Any]:
    """Shuffled, and 0.1 % of the rows gone."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(table["sequence"]))
    keep = order[int(len(order) * CHANGED) :]
    return {name: values[keep] for name, values in table.items()}


WORDS = {
    "symbol": tuple(f"STOCK{i:05d}" for i in range(SYMBOLS)),
    "side": ("buy", "sell"),
    "reason": ("stop", "profit", "time", "rebalance"),
}


def make(rows: int, aligned: bool, folder: Path) -> dict[str, int]:
    """Both tables as .npy files and Parquet; what was planted."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    ours = columns(rows)
    theirs, cells = changed(ours)
    missing = 0
    if not aligned:
        ours, theirs = unaligned(ours, 3), unaligned(theirs, 4)
        a, b = (np.sort(key_of(side)) for side in (ours, theirs))
        missing = len(np.setxor1d(a, b, assume_unique=True))
    for side, table in (("reference", ours), ("candidate", theirs)):
        place = folder / side
        place.mkdir(parents=True)
        for name, values in table.items():
            np.save(place / f"{name}.npy", values)
        arrays = {
            name: pa.DictionaryArray.from_arrays(values, WORDS[name])
            if name in WORDS
            else pa.array(values).cast(pa.timestamp("ns"))
            if name in ("timestamp", "decided_at")
            else pa.array(values)
            for name, values in table.items()
        }
        pq.write_table(pa.table(arrays), place / "fills.parquet")
    return {"cells": cells, "missing": missing}


def key_of(table: dict[str, Any]) -> Any:
    """One integer a key."""
    return (table["timestamp"] // DAY * SYMBOLS + table["symbol"]) * 2 + table["side"]


def loaded(folder: Path, side: str) -> dict[str, Any]:
    """One side's arrays."""
    return {path.stem: np.load(path) for path in sorted((folder / side).glob("*.npy"))}


def peak() -> int:
    """Bytes of memory at most in use by this process so far (Linux; `ru_maxrss` would count its parent's)."""
    status = Path("/proc/self/status")
    if not status.exists():
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def ours(folder: Path) -> dict[str, Any]:
    """Our comparison of tables in memory, the breaks listed in full."""
    from reconcile.comparing.compare import compare
    from vocabulary.ledger import FILLS, Column, Kind, Ledger, Manifest, Table

    base = peak()
    scales = {Kind.PRICE: 4, Kind.QUANTITY: 0, Kind.MONEY: 4, Kind.COUNT: 0}

    def ledger(side: str) -> Ledger:
        table = loaded(folder, side)
        made = {
            name: Column(kind, table[name], WORDS.get(name), scales.get(kind)) for name, kind in FILLS.items()
        }
        return Ledger(Manifest(timing="next_open"), {"fills": Table("fills", made, len(table["sequence"]))})

    reference, candidate = ledger("reference"), ledger("candidate")
    size = sum(
        c.values.nbytes for side in (reference, candidate) for c in side.tables["fills"].columns.values()
    )
    start = time.perf_counter()
    found = compare(reference, candidate)
    seconds = time.perf_counter() - start
    return {"seconds": seconds, "memory": (peak() - base) / size, "breaks": len(found.breaks)}


def ours_from_parquet(folder: Path) -> dict[str, Any]:
    """The same from Parquet files."""
    from reconcile.comparing.compare import compare
    from reconcile.ledger.read import read_ledger

    start = time.perf_counter()
    found = compare(read_ledger(folder / "reference"), read_ledger(folder / "candidate"))
    return {"seconds": time.perf_counter() - start, "memory": None, "breaks": len(found.breaks)}


def theirs(folder: Path) -> dict[str, Any]:
    """datacompy's Polars comparison, with the list of all rows that differ."""
    import datacompy
    import polars as pl

    base = peak()

    def frame(side: str) -> Any:
        table = loaded(folder, side)
        series = []
        for name, values in table.items():
            if name in WORDS:
                words = pl.Series(name, values).cast(pl.UInt32).cast(pl.Enum(list(WORDS[name])))
                # It joins on Enum columns but finds no two values of one equal.
                series.append(words.cast(pl.String) if name == "reason" else words)
            elif name in ("timestamp", "decided_at"):
                series.append(pl.Series(name, values).cast(pl.Datetime("ns")))
            else:
                series.append(pl.Series(name, values))
        return pl.DataFrame(series)

    a, b = frame("reference"), frame("candidate")
    size = a.estimated_size() + b.estimated_size()
    start = time.perf_counter()
    found = datacompy.PolarsCompare(a, b, join_columns=["timestamp", "symbol", "side"])
    differing = found.all_mismatch()
    seconds = time.perf_counter() - start
    cells = sum(int((~found.intersect_rows[f"{name}_match"]).sum()) for name in VALUES)
    breaks = cells + len(found.df1_unq_rows) + len(found.df2_unq_rows)
    return {
        "seconds": seconds,
        "memory": (peak() - base) / size,
        "breaks": breaks,
        "rows": len(differing),
    }


INPUTS = ("aligned", "unaligned")
WORKERS: dict[str, Callable[[Path], dict[str, Any]]] = {
    "tieout": ours,
    "tieout, from Parquet": ours_from_parquet,
    "datacompy": theirs,
}


def measure(worker: str, folder: Path) -> dict[str, Any]:
    """One measurement in a process of its own."""
    command = [sys.executable, __file__, "--worker", worker, "--folder", str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def report(rows: int, rounds: int, workers: list[str], inputs: list[str]) -> None:
    """The table, for each kind of input."""
    for aligned in (kind == "aligned" for kind in inputs):
        with tempfile.TemporaryDirectory() as made:
            folder = Path(made)
            planted = make(rows, aligned, folder)
            times: dict[str, list[dict[str, Any]]] = {worker: [] for worker in workers}
            for _ in range(rounds):
                for worker in workers:
                    times[worker].append(measure(worker, folder))
            print(f"\n{'aligned' if aligned else 'unaligned'}, {rows:,} rows a side, planted: {planted}")
            for worker, found in times.items():
                seconds = [one["seconds"] for one in found]
                peaks = [one["memory"] for one in found if one["memory"] is not None]
                memory = f"{max(peaks):5.2f} x" if peaks else "      -"
                print(
                    f"  {worker:22} {statistics.median(seconds):8.2f} s"
                    f"  [{min(seconds):.2f}, {max(seconds):.2f}]"
                    f"  memory {memory}"
                    f"  breaks {found[0]['breaks']:,}",
                    flush=True,
                )
            if "datacompy" in times and "tieout" in times:
                pairs = zip(times["datacompy"], times["tieout"], strict=True)
                ratios = [one["seconds"] / other["seconds"] for one, other in pairs]
                print(f"  ratio {statistics.median(ratios):.1f}  [{min(ratios):.1f}, {max(ratios):.1f}]")


def main() -> None:
    """Run as the driver, or as one worker."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=list(WORKERS))
    parser.add_argument("--input", choices=INPUTS)
    parser.add_argument("--worker", choices=list(WORKERS))
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    if asked.worker:
        print(json.dumps(WORKERS[asked.worker](asked.folder)))
    else:
        workers = [asked.only] if asked.only else list(WORKERS)
        report(asked.rows, asked.rounds, workers, [asked.input] if asked.input else list(INPUTS))


if __name__ == "__main__":
    main()
