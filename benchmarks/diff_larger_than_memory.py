"""A diff of two tables of fills on disk within 2 GB, beside datacompy's Polars comparison of the same files.

    python benchmarks/diff_larger_than_memory.py --rows 100000000 [--rounds 3] [--only tieout]
    python benchmarks/diff_larger_than_memory.py --rows 1000000 --spark PYTHON

The tables are made bar by bar, 4,000 rows each, as Parquet files of 20 million rows: equal, or with one cell
changed in 1 % or in 100 % of the rows. Every measurement is a process of its own; ours and datacompy's
alternate. Printed: seconds, and the most memory that the process and all its children held, read every 50 ms
(shared memory counted once), and the processor time. datacompy reads both tables whole; above --whole rows it
is left out. --spark: a Python with datacompy[spark] and Java 17; it runs in turn as well.
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
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from reconcile.running.process_tree import memory_of

PER_BAR = 4_000
PER_FILE = 20_000_000
PER_GROUP = 400_000
DAY = 86_400_000_000_000
SYMBOLS = pa.array([f"STOCK{i:05}" for i in range(PER_BAR)])
KEYS = ["timestamp", "symbol", "side"]


def decimals(values: np.ndarray, scale: int) -> pa.Array:
    """Whole numbers of 10**-scale as decimals."""
    wide = np.zeros((len(values), 2), np.int64)
    wide[:, 0] = values
    kind = pa.decimal128(18, scale)
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(wide.tobytes())])


def make(folder: Path, rows: int, share: float) -> None:
    """One side: share of the rows with another commission than share 0 has."""
    place = folder / "fills"
    place.mkdir(parents=True)
    writer = None
    for start in range(0, rows, PER_GROUP):
        count = min(PER_GROUP, rows - start)
        rng = np.random.default_rng(start)
        bars = (start + np.arange(count)) // PER_BAR
        quantity, price = rng.integers(1, 10_000, count), rng.integers(10_000, 10_000_000, count)
        commission = quantity * 5 + (rng.random(count) < share)
        stamp = pa.array(bars * DAY, pa.int64()).cast(pa.timestamp("ns"))
        side = pa.DictionaryArray.from_arrays(
            pa.array(rng.integers(0, 2, count), pa.int32()), ["buy", "sell"]
        )
        symbol = pa.DictionaryArray.from_arrays(pa.array(np.arange(count) % PER_BAR, pa.int32()), SYMBOLS)
        table = pa.table(
            {
                "sequence": pa.array(np.arange(start, start + count)),
                "timestamp": stamp,
                "decided_at": pa.array(bars * DAY - DAY, pa.int64()).cast(pa.timestamp("ns")),
                "symbol": symbol,
                "side": side,
                "quantity": pa.array(quantity),
                "price": decimals(price, 4),
                "notional": decimals(quantity * price, 4),
                "commission": decimals(commission, 4),
            }
        )
        if start % PER_FILE == 0:
            if writer is not None:
                writer.close()
            name = place / f"part-{start // PER_FILE:04}.parquet"
            writer = pq.ParquetWriter(name, table.schema, compression="zstd", store_decimal_as_integer=True)
        assert writer is not None
        writer.write_table(table, row_group_size=PER_GROUP)
    if writer is not None:
        writer.close()


OURS = """
import sys, reconcile
found = reconcile.diff(sys.argv[1], sys.argv[2], memory=sys.argv[3])
print(len(found.found.breaks))
"""
THEIRS = f"""
import sys, polars, datacompy
left, right = (polars.read_parquet(path + "/fills/*.parquet") for path in sys.argv[1:3])
found = datacompy.PolarsCompare(left, right, join_columns={KEYS!r})
print(sum(one["unequal_cnt"] for one in found.column_stats))
"""
SPARK = f"""
import sys, datacompy
from pyspark.sql import SparkSession
spark = SparkSession.builder.master("local[2]").config("spark.driver.memory", "8g")
for name, value in (("spark.ui.enabled", "false"), ("spark.sql.legacy.parquet.nanosAsLong", "true"),
                    ("spark.sql.shuffle.partitions", "16")):
    spark = spark.config(name, value)
spark = spark.getOrCreate()
left, right = (spark.read.parquet(path + "/fills") for path in sys.argv[1:3])
found = datacompy.SparkSQLCompare(spark, left, right, join_columns={KEYS!r})
print(sum(one["unequal_cnt"] for one in found.column_stats))
"""


def measured(code: str, *arguments: str, python: str = sys.executable) -> dict[str, float]:
    began = time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    process = subprocess.Popen(
        [python, "-c", code, *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    peak = 0
    while process.poll() is None:
        peak = max(peak, memory_of(process.pid))
        time.sleep(0.05)
    out = process.stdout.read() if process.stdout else ""
    seconds = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    breaks = float(out or "nan")
    return {"seconds": seconds, "cpu": cpu, "peak": peak, "breaks": breaks, "code": process.returncode}


def shown(runs: list[dict[str, float]]) -> str:
    seconds, peaks = [one["seconds"] for one in runs], [one["peak"] / 1e9 for one in runs]
    spread = f"{min(seconds):.1f} to {max(seconds):.1f}"
    codes = {int(one["code"]) for one in runs}
    failed = "" if codes == {0} else f", exit codes {sorted(codes)}"
    return (
        f"{statistics.median(seconds):.1f} s ({spread}),"
        f" {statistics.median(one['cpu'] for one in runs):.1f} s of a processor, peak {max(peaks):.2f} GB,"
        f" {runs[0]['breaks']:,.0f} breaks{failed}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rows", type=int, default=2_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", default="2GB")
    parser.add_argument("--whole", type=int, default=20_000_000)
    parser.add_argument("--only", choices=("tieout", "datacompy"))
    parser.add_argument("--spark", metavar="PYTHON")
    parser.add_argument("--shares", default="0,0.01,1")
    parser.add_argument("--folder")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        make(folder / "left", options.rows, 0.0)
        for share in map(float, options.shares.split(",")):
            other = folder / f"right-{share}"
            make(other, options.rows, share)
            runs: dict[str, list[dict[str, float]]] = {"tieout": [], "datacompy": [], "spark": []}
            for _ in range(options.rounds):
                if options.only != "datacompy":
                    runs["tieout"].append(measured(OURS, str(folder / "left"), str(other), options.memory))
                if options.only != "tieout" and options.rows <= options.whole:
                    runs["datacompy"].append(measured(THEIRS, str(folder / "left"), str(other)))
                if options.spark:
                    told = measured(SPARK, str(folder / "left"), str(other), python=options.spark)
                    runs["spark"].append(told)
            for who, found in runs.items():
                if found:
                    print(f"{options.rows:,} rows, {share:.0%} differ, {who}: {shown(found)}", flush=True)
            print(
                json.dumps({"load": psutil.getloadavg(), "share": share, **runs}), file=sys.stderr, flush=True
            )
            for path in sorted(other.rglob("*.parquet")):
                path.unlink()


if __name__ == "__main__":
    main()
