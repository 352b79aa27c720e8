"""Real engines through tieout, as a user would take them: `make engines`.

Makes an environment per engine (environments.py), runs every engine on three markets as it comes and with
planted mistakes (ledgers.py), takes each ledger through the product (judging.py), and keeps what was
found in `results.json` and as the table of docs/engines.md (page.py). What is there already is not made
again; `--again` judges anew.
"""

from __future__ import annotations

import argparse
import shutil
import sys
from pathlib import Path

import pyarrow.parquet as pq
from environments import ROOT, environment
from markets import SMALL, bars_of
from pyarrow import csv

from ledgers import DRIVEN, HONEST, Case, Driven, cases, make

HERE = Path(__file__).parent
EXPORTS = HERE.parents[1] / "tests" / "ledgers" / "engines"


def main() -> None:
    asked = arguments()
    chosen = [one for one in DRIVEN if not asked.only or one.home in asked.only]
    pythons = {one.home: environment(one.home, one.python) for one in chosen}
    for home, python in pythons.items():
        if isinstance(python, str):
            print(f"{home}: {python}", file=sys.stderr)
    if asked.install:
        return
    if asked.exports:
        keep_exports(chosen, pythons)
        return
    made = make_all(chosen, pythons, asked.sp500)
    if not asked.make:
        from judging import judge_all
        from page import write_page

        judge_all(made, ROOT, asked.again)
        write_page()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Real engines through tieout, as a user would take them.")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="environments of the engines to run")
    parser.add_argument("--sp500", type=Path, metavar="FILE", help="daily bars of the S&P 500, Parquet")
    parser.add_argument("--install", action="store_true", help="only make the environments")
    parser.add_argument("--make", action="store_true", help="only make the ledgers")
    parser.add_argument("--again", action="store_true", help="judge also what was judged before")
    parser.add_argument("--exports", action="store_true", help="make tests/ledgers/engines anew")
    return parser.parse_args()


def make_all(
    chosen: list[Driven], pythons: dict[str, Path | str], sp500: Path | None
) -> list[tuple[Case, Path, Path]]:
    """The ledgers that there are: case, file of its bars, folder of what the engine saved."""
    made, told = [], set()
    for case in cases():
        if case.engine not in chosen:
            continue
        bars = bars_of(case.market, ROOT / "bars", sp500)
        if isinstance(bars, str):
            if case.market not in told:
                print(f"{case.market.title} is skipped: {bars}", file=sys.stderr)
            told.add(case.market)
            continue
        python, folder = pythons[case.engine.home], ROOT / "ledgers" / case.name
        failed = python if isinstance(python, str) else make(case, python, bars, folder)
        if failed:
            print(f"{case.name}: {failed}", file=sys.stderr)
            continue
        made.append((case, bars, folder))
    return made


def keep_exports(chosen: list[Driven], pythons: dict[str, Path | str]) -> None:
    """The small exports that the tests read, made anew."""
    bars = bars_of(SMALL, ROOT / "bars", None)
    assert isinstance(bars, Path)
    EXPORTS.mkdir(parents=True, exist_ok=True)
    csv.write_csv(pq.read_table(bars), EXPORTS / "market.csv")
    for engine in chosen:
        python = pythons[engine.home]
        if isinstance(python, str):
            continue
        case = Case(engine, SMALL, HONEST)
        folder = ROOT / "ledgers" / case.name
        shutil.rmtree(folder, ignore_errors=True)
        failed = make(case, python, bars, folder)
        if failed:
            sys.exit(f"{case.name}: {failed}")
        target = EXPORTS / engine.home
        target.mkdir(parents=True, exist_ok=True)
        for file in sorted(folder.glob("*.*")):
            if file.name != "made.json":
                shutil.copy(file, target / file.name)


if __name__ == "__main__":
    main()
