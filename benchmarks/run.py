"""What tieout aims at, and what was measured here, as a table: `make bench`.

Ratios are taken side by side in one run, and shown with their quartiles. No time counts before engine and
reference have written the same ledger. The table is printed, and with `--page` put into
docs/performance.md. Its rows are kept in `.benchmarks/rows.json`: those not asked for with `--only` stay
what they were.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
from dataclasses import astuple
from datetime import date
from pathlib import Path
from time import monotonic
from typing import Any

from rows import TABLE, Row

from cases import SIZES, Case, make_case

ROOT = Path(__file__).parent.parent
KEPT = ROOT / ".benchmarks" / "rows.json"
BEGIN, END = "<!-- make bench: begin -->", "<!-- make bench: end -->"
NEEDS = {"beside_peers": (), "command": (), "load": ("7.56M",), "memory": ("7.56M",)}
SMALL = ("126k",)
ALL = {"growth": ("126k", "7.56M", "7.56M long")}
NEEDS |= ALL | {"beside_numpy": ("126k", "1.26M", "7.56M"), "beside_reference": ("126k", "1.26M", "7.56M")}


def main() -> None:
    asked = arguments()
    began = monotonic()
    needed = {size for name in asked.only for size in NEEDS.get(name, SMALL)}
    rows: dict[str, list[list[Any]]] = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    with tempfile.TemporaryDirectory(prefix="tieout-bench-") as folder:
        cases: dict[str, Case] = {}
        for size in SIZES:
            if size in needed:
                say(f"{size} events: making the market, running both programs", began)
                cases[size] = make_case(size, Path(folder) / size.replace(" ", "-"))
        for name in asked.only:
            say(name.replace("_", " "), began)
            rows[name] = [list(astuple(row)) for row in TABLE[name](cases)]
            keep(KEPT, json.dumps(rows, indent=1))
    table = page([Row(*row) for name in TABLE for row in rows.get(name, [])])
    print(table)
    if asked.page:
        into_page(ROOT / "docs" / "performance.md", table)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="What tieout aims at, and what was measured here.")
    parser.add_argument(
        "--only", nargs="+", choices=list(TABLE), default=list(TABLE), help="these rows alone"
    )
    parser.add_argument("--page", action="store_true", help="put the table into docs/performance.md")
    return parser.parse_args()


def page(rows: list[Row]) -> str:
    """Markdown; its last column says whether the aim is met."""
    lines = ["| what | aim | measured | met |", "| --- | --- | --- | --- |"]
    words = {True: "yes", False: "**no**", None: ""}
    lines += [f"| {row.what} | {row.aim} | {row.found} | {words[row.met]} |" for row in rows]
    return "\n".join([made(), "", *lines])


def made() -> str:
    """Machine, date and versions."""
    from reconcile.gating.record import this_machine

    here = this_machine()
    return (
        f"{here.processor}, {here.cores} cores, {here.system}; Python {here.python}, numpy {here.numpy}, "
        f"numba {here.numba}; {date.today().isoformat()}, load average {os.getloadavg()[1]:.1f}. Medians of "
        "interleaved runs; in brackets quartiles of ratios, and least to most of rates."
    )


def into_page(path: Path, table: str) -> None:
    text = path.read_text(encoding="utf-8")
    before, found, rest = text.partition(BEGIN)
    _, ended, after = rest.partition(END)
    if not found or not ended:
        sys.exit(f"{path.name} has no place for the table: it stands between {BEGIN} and {END}")
    keep(path, f"{before}{BEGIN}\n{table}\n{END}{after}")


def keep(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    os.replace(part, path)


def say(what: str, began: float) -> None:
    print(f"[{monotonic() - began:4.0f} s] {what}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
