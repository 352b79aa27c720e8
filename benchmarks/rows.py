"""The rows of the table: what is measured, what is aimed at, what was found, and whether that is met."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from timing import Ratio, figure, interleaved, rate, ratio

from cases import LONG, Case, steady, whole

HERE = Path(__file__).parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
PEERS = Path(os.environ.get("TIEOUT_ENGINES") or CACHE / "tieout-engines") / "speed.json"
RECONCILE = [sys.executable, "-m", "reconcile.cli"]


@dataclass(frozen=True)
class Row:
    """One line. met: None where nothing is aimed at, or nothing was measured."""

    what: str
    aim: str
    found: str
    met: bool | None = None


def beside_numpy(cases: dict[str, Case]) -> Iterator[Row]:
    """Engine against argpartition: with numpy as it comes, and with its vector code switched off."""
    aims = {"126k": 1.0, "1.26M": 1.0, "7.56M": 3.0}
    for what, environment in (("numpy as it is", {}), ("numpy without SIMD", without_simd())):
        for size, aim in aims.items():
            case = cases[size]
            times = child(
                "beside_numpy",
                case.file.parent,
                case.digest,
                case.rounds(25) if size != "7.56M" else 7,
                **environment,
            )
            found = ratio(times["argpartition"], times["engine"])
            speeds = ", ".join(f"{name} {speed(case, times[name])}" for name in ("engine", "argpartition"))
            yield Row(
                f"engine, {shape(case)}: argpartition's time / its own, {what}",
                f">= {aim:g}",
                f"{found}; {speeds}",
                found.value >= aim,
            )


def beside_reference(cases: dict[str, Case]) -> Iterator[Row]:
    import engine
    import reference

    for size, rounds in (("126k", 9), ("1.26M", 5), ("7.56M", 1)):
        case = cases[size]
        jobs: dict[str, Callable[[], Any]] = {
            "engine": lambda case=case: whole(engine.run(case.scenario, case.market)),
            "reference": lambda case=case: reference.run(case.scenario, case.market),
        }
        times = interleaved(jobs, rounds, again={"engine": 7})
        found = ratio(times["reference"], times["engine"])
        yield Row(
            f"engine, {shape(case)}: faster than our reference",
            ">= 100 times",
            f"{found} times",
            found.value >= 100,
        )
        own = case.events / median(times["reference"])
        yield Row(f"reference, {shape(case)}", ">= 300 k/s", spread(case, times["reference"]), own >= 300_000)
        yield Row(f"engine, {shape(case)}", "", spread(case, times["engine"]))


def beside_peers(_: dict[str, Case]) -> Iterator[Row]:
    """From the last `make engines-speed` of this checkout."""
    if not PEERS.exists():
        yield Row(
            "against other engines, plain rebalance",
            ">= 20 (vectorbt), 500 times",
            "not run: make engines-speed",
        )
        return
    results = json.loads(PEERS.read_text())
    for size, measured in results["sizes"].items():
        mine = measured["engines"].get(results["ours"], {})
        ours = mine.get("seconds")
        shape_ = f"{int(size.split('x')[0]):,} x {int(size.split('x')[1]):,}"
        for name, row in measured["engines"].items():
            if "seconds" not in row:
                yield Row(f"{name}, plain rebalance {shape_}", "", row["failed"])
                continue
            theirs, done = row["seconds"], f"{row['fills']:,} fills, equity {row['final_equity']:,.2f}"
            if ours is None or name.split()[0] in ("engine", "reference"):
                own = f"{rate(row['events_per_second'])}; {done}"
                yield Row(f"{name}, plain rebalance {shape_}", "", own)
                continue
            aim = 20 if name == "vectorbt" else 500
            found = Ratio(
                theirs["median"] / ours["median"],
                theirs["least"] / ours["most"],
                theirs["most"] / ours["least"],
            )
            processor = f"{figure(row['cpu_seconds'] / mine['cpu_seconds'])} by processor time"
            told = f"{found} times, {processor}; {rate(row['events_per_second'])}; {done}"
            yield Row(
                f"against {name}, plain rebalance {shape_}", f">= {aim} times", told, found.value >= aim
            )


def callable_strategy(cases: dict[str, Case]) -> Iterator[Row]:
    case = cases["126k"]
    for what, environment in (("numpy as it is", {}), ("numpy without SIMD", without_simd())):
        times = child("callable_strategy", case.file.parent, 15, **environment)
        own, numpy = (case.events / median(times[name]) for name in ("engine", "argpartition"))
        scaled = 10e6 * numpy / 60e6
        yield Row(
            f"callable that ranks with numpy, {shape(case)}, {what}",
            "10 M/s where argpartition makes 60 M/s",
            f"{spread(case, times['engine'])}; argpartition {rate(numpy)}",
            own >= min(scaled, 10e6),
        )


def many(cases: dict[str, Case]) -> Iterator[Row]:
    """Counterfactuals: one market, a commission each."""
    import engine
    from reconcile.ledger.digest import ledger_digest
    from reconcile.scenario.files import replace as replace_setting

    case, jobs = cases["126k"], 200
    scenarios = [
        replace_setting(case.scenario, "costs.commission.rate", str(1 + i / 20)) for i in range(jobs)
    ]
    assert replace_setting(case.scenario, "costs.commission.rate", "5") == scenarios[80]

    def run(keep: Any) -> list[Any]:
        return [
            done.ledger
            for done in engine.run_many(case.market, (engine.Job(s, keep=keep) for s in scenarios))
        ]

    assert ledger_digest(run(engine.Keep.LEDGER)[80]) == case.digest, (
        "a wrong ledger: its time does not count"
    )
    for keep, words in ((engine.Keep.LEDGER, "full ledgers"), (engine.Keep.EQUITY, "equity alone")):
        seconds = interleaved({"many": lambda keep=keep: run(keep)}, 5)["many"]
        low, middle, high = (jobs / one for one in (max(seconds), median(seconds), min(seconds)))
        yield Row(
            f"run_many, {shape(case)} each, {words}",
            ">= 500 runs/s on two cores",
            f"{figure(middle)} runs/s ({figure(low)} to {figure(high)})",
            middle >= 500,
        )


def memory(cases: dict[str, Case]) -> Iterator[Row]:
    what, aim = "memory above market and ledger, 3,000 x 2,520", "<= 20 % of the market"
    if not Path("/proc/self/clear_refs").exists():
        yield Row(what, aim, "not measured: this system does not tell the peak of a span")
        return
    case = cases["7.56M"]
    bytes_ = child("memory", case.file.parent, case.digest)
    share = (bytes_["above"] - bytes_["ledger"]) / bytes_["market"]
    mib = {name: f"{value / 2**20:,.0f} MiB" for name, value in bytes_.items()}
    found = f"{share:.1%} (run {mib['above']} in all, ledger {mib['ledger']}, market {mib['market']})"
    yield Row(what, aim, found, share <= 0.2)


def growth(cases: dict[str, Case]) -> Iterator[Row]:
    """Sixty times the work, in symbols and in bars, beside top25's own size in the same rounds."""
    import engine
    import reference
    from reconcile.ledger.digest import ledger_digest

    small = cases["126k"]
    even = steady(small.scenario)
    ledger = engine.run(even, small.market)
    assert ledger_digest(ledger) == ledger_digest(reference.run(even, small.market)), "a wrong ledger"
    beside = {"7.56M": small, LONG: replace(small, scenario=even, ledger=ledger)}
    for name, base in beside.items():
        case = cases[name]
        jobs: dict[str, Callable[[], Any]] = {
            "base": lambda base=base: whole(engine.run(base.scenario, base.market)),
            "case": lambda case=case: whole(engine.run(case.scenario, case.market)),
        }
        times = interleaved(jobs, 7)
        for unit, count in (("event", lambda one: one.events), ("fill", lambda one: one.fills)):
            found = ratio(times["case"], times["base"])
            share = count(base) / count(case)
            grown = Ratio(found.value * share, found.low * share, found.high * share)
            yield Row(
                f"time per {unit}, {shape(case)} / {shape(base)}",
                "<= 1",
                f"{grown}; {count(case):,} {unit}s",
                grown.value <= 1,
            )


def command(_: dict[str, Case]) -> Iterator[Row]:
    """A whole `reconcile run top25`, caches warm, in each round beside what its budget is made of."""
    answers: list[float] = []

    def answered() -> None:
        done = subprocess.run(
            [*RECONCILE, "run", "top25", "--json"], capture_output=True, text=True, check=True
        )
        summary = json.loads(done.stdout)
        assert summary["verdict"] == "matched"
        answers.append(summary["reference"]["seconds"])

    answered()
    answers.clear()
    libraries = [sys.executable, "-c", "import pandas, numba"]
    times = interleaved({"imports": lambda: subprocess.run(libraries, check=True), "command": answered}, 9)
    budget = [2 * one + reference for one, reference in zip(times["imports"], answers, strict=True)]
    found = ratio(times["command"], budget)
    yield Row(
        "`reconcile run top25` / (2 x `import pandas, numba` + reference)",
        "< 1",
        f"{found}; {median(times['command']):.2f} s of {median(budget):.2f} s",
        found.value < 1,
    )


def load(cases: dict[str, Case]) -> Iterator[Row]:
    import pyarrow.parquet as pq

    from reconcile.market.load import load_market
    from reconcile.scenario.files import scenario_from_file

    case = cases["7.56M"]
    scenario = scenario_from_file(case.file)
    assert load_market(scenario).digest == case.market.digest, "a wrong market: its time does not count"
    jobs: dict[str, Callable[[], Any]] = {
        "pyarrow": lambda: pq.read_table(case.bars_file),
        "tieout": lambda: load_market(scenario),
    }
    times = interleaved(jobs, 11)
    found = ratio(times["tieout"], times["pyarrow"])
    yield Row(
        "loading 7.56 M events from Parquet / pyarrow's read",
        "< 3",
        f"{found}; {median(times['tieout']):.2f} s, pyarrow {median(times['pyarrow']):.2f} s",
        found.value < 3,
    )


def imports(cases: dict[str, Case]) -> Iterator[Row]:
    import engine
    from reconcile.ledger.write import write_ledger

    case = cases["126k"]
    with tempfile.TemporaryDirectory() as folder:
        one, other = (str(Path(folder) / name) for name in ("one", "other"))
        write_ledger(case.ledger, one)
        write_ledger(engine.run(case.scenario, case.market), other)
        for arguments, what in ((("--help",), "--help"), (("diff", one, other), "diff of small ledgers")):
            answer = child("imports", *arguments)
            assert answer["code"] == 0, f"reconcile {what} ended with {answer['code']}"
            heavy = {"numba", "pandas"} & set(answer["loaded"])
            told = "loads " + (", ".join(answer["loaded"]) or "no heavy library")
            yield Row(f"`reconcile {what}`", "neither numba nor pandas", told, not heavy)


def page(cases: dict[str, Case]) -> Iterator[Row]:
    """The page of a candidate whose commission is another: made, weighed, and opened in a browser."""
    import engine
    import reconcile
    from reconcile.scenario.files import replace as replace_setting

    case = cases["126k"]
    dear = engine.run(replace_setting(case.scenario, "costs.commission.rate", "8"), case.market)
    result = reconcile.diff(case.ledger, dear, scenario=case.scenario, data=case.market)
    what = f"page of {len(result.breaks):,} breaks, {case.events:,} events"
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "page.html"
        made = interleaved({"page": lambda: result.to_html(place)}, 3)["page"]
        size = place.stat().st_size / 1e6
        yield Row(f"{what}: made", "", f"{median(made):.2f} s ({min(made):.2f} to {max(made):.2f})")
        yield Row(f"{what}: size", "<= 8 MB", f"{size:.1f} MB", size <= 8)
        seconds = opened(place, 7)
    if not seconds:
        yield Row(f"{what}: opened", "< 2 s", "not measured: no chromium, or no playwright")
        return
    told = f"{median(seconds):.2f} s ({min(seconds):.2f} to {max(seconds):.2f})"
    yield Row(f"{what}: opened, the curves drawn", "< 2 s", told, median(seconds) < 2)


def opened(place: Path, rounds: int) -> list[float]:
    """Seconds from the request for a page until its curves are drawn; none without a browser."""
    chromium = shutil.which("chromium") or shutil.which("chromium-browser")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return []
    if chromium is None:
        return []
    seconds = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        for _ in range(rounds):
            tab = browser.new_page(viewport={"width": 1280, "height": 900})
            began = perf_counter()
            tab.goto(place.as_uri())
            while not tab.evaluate("document.querySelector('#chart-equity').hasChildNodes()"):
                tab.wait_for_timeout(10)
            seconds.append(perf_counter() - began)
            tab.close()
        browser.close()
    return seconds


def start(cases: dict[str, Case]) -> Iterator[Row]:
    """Apart from all runs: what a fresh install pays once, and what every process pays."""
    case = cases["126k"]
    with tempfile.TemporaryDirectory() as fresh:
        places = {"XDG_CACHE_HOME": fresh, "NUMBA_CACHE_DIR": ""}
        first = child("start", case.file.parent, **places)
        later = [child("start", case.file.parent, **places) for _ in range(5)]
    yield Row("compiling the engine, once", "", f"{first['compile']:.1f} s")
    kept = [one["import"] + one["compile"] for one in later]
    yield Row(
        "starting it from then on, numba's import included",
        "",
        f"{median(kept):.2f} s ({min(kept):.2f} to {max(kept):.2f})",
    )


TABLE: dict[str, Callable[[dict[str, Case]], Iterator[Row]]] = {
    one.__name__: one
    for one in (
        beside_numpy,
        beside_peers,
        beside_reference,
        callable_strategy,
        many,
        memory,
        growth,
        command,
        load,
        imports,
        page,
        start,
    )
}
"""Name -> its rows, in the order of the table."""


def child(name: str, *arguments: object, **environment: str) -> dict[str, Any]:
    """The answer of `child.py`, from a process with these variables besides ours."""
    done = subprocess.run(
        [sys.executable, HERE / "child.py", name, *map(str, arguments)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(HERE), **environment},
    )
    if done.returncode:
        raise SystemExit(f"{name}: {done.stderr}")
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def without_simd() -> dict[str, str]:
    """What makes numpy run the code it has for every processor of this kind."""
    from numpy._core import _multiarray_umath as core

    on = [name for name in core.__cpu_dispatch__ if core.__cpu_features__.get(name)]
    return {"NPY_DISABLE_CPU_FEATURES": " ".join(on)}


def shape(case: Case) -> str:
    bars, symbols = case.market.present.shape
    return f"{symbols:,} x {bars:,}"


def speed(case: Case, seconds: list[float]) -> str:
    return rate(case.events / median(seconds))


def spread(case: Case, seconds: list[float]) -> str:
    if len(seconds) == 1:
        return f"{speed(case, seconds)} (one run)"
    return (
        f"{speed(case, seconds)} ({rate(case.events / max(seconds))} to {rate(case.events / min(seconds))})"
    )
