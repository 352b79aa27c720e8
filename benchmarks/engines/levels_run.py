"""The stops of real engines beside scenarios that state their conventions: `make engines-levels`.

Drives every engine over the market of gaps, keeps its exports in tests/ledgers/levels, holds each against its
scenario, and writes what came out into `levels.json` and the table of docs/conventions.md.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from environments import environment
from gaps import files
from levels import BOUNDS, FOLDER, OTHERS, STATED, TOLERANCE, Stated, scenario_text
from page import count, table

import reconcile

HERE = Path(__file__).parent
RESULTS = HERE / "levels.json"
PAGE = HERE.parents[1] / "docs" / "conventions.md"
BEGIN, END = "<!-- levels: begin, made by make engines-levels -->", "<!-- levels: end -->"
SECONDS = 600.0
"""After which a run is given up."""
HEAD = (
    *("engine", "version", "exits", "timing", "conventions", "fills", "breaks", "largest gap"),
    *("breaks under", "out of scope"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="environments of the engines to run")
    parser.add_argument(
        "--judge", action="store_true", help="run no engine; judge the exports that there are"
    )
    asked = parser.parse_args()
    known: dict[str, Any] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    if not asked.judge:
        write_inputs()
    for one in STATED:
        if asked.only and one.engine.home not in asked.only:
            continue
        version = known.get(one.name, {}).get("version")
        if not asked.judge:
            python = environment(one.engine.home, one.engine.python)
            if isinstance(python, str):
                print(f"{one.engine.name}: {python}", file=sys.stderr)
                continue
            version = made(one, python)
        known[one.name] = {"version": version, **judged(one)}
        print(f"{one.name}: {known[one.name]['breaks']} breaks", file=sys.stderr)
    RESULTS.write_text(json.dumps(dict(sorted(known.items())), indent=1) + "\n")
    write_page(known)


def write_inputs() -> None:
    """Bars, entries, scenarios, and the bound."""
    TOLERANCE.write_text(BOUNDS)
    for name, frame in files().items():
        frame.to_csv(FOLDER / name, index=False)
    for one in STATED:
        one.engine.folder.mkdir(parents=True, exist_ok=True)
        one.scenario.write_text(scenario_text(one))


def made(one: Stated, python: Path) -> str:
    """Run the engine; the version that ran."""
    command = [python, one.engine.script, one.market, one.orders, one.task.name, one.export]
    done = subprocess.run(
        [str(part) for part in command],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        env={**os.environ, "PYTHONPATH": str(HERE.parents[1] / "src")},
    )
    if done.returncode:
        sys.exit(f"{one.name}: {done.stderr.strip()}")
    return str(json.loads(done.stdout)["version"])


def judged(one: Stated) -> dict[str, Any]:
    """What the product says of one export, under the stated conventions and under their other words."""
    ledger = one.ledger()
    found = reconcile.run(one.scenario, ledger, tolerance=TOLERANCE)
    others: dict[str, dict[str, int]] = {}
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        scenario = Path(folder) / "other.toml"
        if not one.levels:
            scenario.write_text(scenario_text(one).replace('at = "close"', 'at = "level"'))
            others["at"] = {"level": len(reconcile.run(scenario, ledger, tolerance=TOLERANCE).breaks)}
        for key, word in one.levels.items():
            for other in OTHERS[key]:
                if other != word:
                    scenario.write_text(scenario_text(one, {key: other}))
                    breaks = len(reconcile.run(scenario, ledger, tolerance=TOLERANCE).breaks)
                    others.setdefault(key, {})[other] = breaks
    return {
        "fills": ledger.tables["fills"].rows,
        "breaks": len(found.breaks),
        "gap": largest_gap(found.reference, ledger),
        "others": others,
    }


def largest_gap(ours: Any, theirs: Any) -> float | None:
    """Between the prices of fills that agree in time, symbol and side; None where such a fill is missing."""
    keys = ["timestamp", "symbol", "side", "quantity"]
    frames = [reconcile.frame(each, "fills", floats=True)[[*keys, "price"]] for each in (ours, theirs)]
    both = frames[0].merge(frames[1], on=keys, how="outer", suffixes=("", "_theirs"))
    gaps = (both["price"] - both["price_theirs"]).abs()
    return None if gaps.isna().any() else float(f"{gaps.max():.1e}")


def write_page(results: Mapping[str, Any]) -> None:
    """Replace the table of docs/conventions.md."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    part = PAGE.with_suffix(".part")
    part.write_text(f"{before}{BEGIN}\n\n{rows(results)}\n\n{END}{after}", encoding="utf-8")
    part.replace(PAGE)


def rows(results: Mapping[str, Any]) -> str:
    """The table as Markdown."""
    return table(HEAD, [row(one, results[one.name]) for one in STATED if one.name in results])


def row(one: Stated, told: Mapping[str, Any]) -> tuple[str, ...]:
    exits = {"stop": one.task.stop, "trailing stop": one.task.trail, "target": one.task.target}
    names = [name for name, value in exits.items() if value is not None]
    return (
        one.engine.name,
        told["version"],
        " and ".join([", ".join(names), *(["limit entries"] if one.task.limits else [])]),
        f"`{one.timing}`",
        ", ".join(f"{key} `{word}`" for key, word in (one.levels or {"at": "close"}).items()),
        count(told["fills"]),
        count(told["breaks"]),
        "a fill is missing" if told["gap"] is None else f"{told['gap']:g}",
        "; ".join(apart(told["others"])),
        one.beyond,
    )


def apart(others: Mapping[str, Mapping[str, int]]) -> Iterable[str]:
    """By key, the other words under which the export breaks."""
    for key, words in others.items():
        broken = [f"`{word}`" for word, breaks in words.items() if breaks]
        if broken:
            yield f"{key} {', '.join(broken)}"


if __name__ == "__main__":
    main()
