"""What the benchmarks work on: synthetic markets of several sizes, their right ledgers, where they ran."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pytest

SIZES = {"126k": (500, 252), "1.26M": (500, 2_520), "7.56M": (3_000, 2_520)}
"""Name -> symbols, bars; 126,000, 1,260,000 and 7,560,000 events."""
SEED = 20_230_102


@dataclass(frozen=True)
class Case:
    """One size: top25's scenario over a market as wide and as long, and the ledger it must give.

    file: a copy of the scenario whose market is a Parquet file beside it.
    """

    name: str
    scenario: Any
    market: Any
    ledger: Any
    digest: str
    file: Path

    @property
    def events(self) -> int:
        return int(self.market.present.size)

    def rounds(self, many: int) -> int:
        """One, where a run is long."""
        return 1 if self.events > 2_000_000 else many


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--sizes",
        default=os.environ.get("SIZES", ",".join(SIZES)),
        help=f"events of the markets, separated by commas: {', '.join(SIZES)} (default: all)",
    )


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "size" in metafunc.fixturenames:
        names = metafunc.config.getoption("--sizes").split(",")
        unknown = set(names) - set(SIZES)
        if unknown:
            raise pytest.UsageError(f"--sizes: {', '.join(sorted(unknown))}: there are {', '.join(SIZES)}")
        metafunc.parametrize("size", names, scope="session")


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Case]:
    """A size's market and right ledger, made once."""
    return functools.cache(lambda size: _case(size, tmp_path_factory.mktemp(size)))


@pytest.fixture
def case(size: str, made: Callable[[str], Case]) -> Case:
    return made(size)


@pytest.fixture
def noted(benchmark: Any, case: Case) -> Callable[..., None]:
    """Time a function and note with its timing what was done, on which machine, and how much a second."""

    def time_it(function: Callable[[], Any], check: Callable[[Any], bool], rounds: int) -> None:
        """check: whether a result is right; asked before, and where one run is long, of the timed one."""
        from reconcile.gate.record import this_machine

        if rounds > 1:
            assert check(function()), "a wrong result: its time does not count"
        assert check(benchmark.pedantic(function, rounds=rounds)), "a wrong result: its time does not count"
        benchmark.extra_info.update(
            events=case.events,
            events_per_second=round(case.events / benchmark.stats.stats.median),
            market=case.market.digest,
            ledger=case.digest,
            fills=case.ledger.tables["fills"].rows,
            machine=asdict(this_machine()),
            load=os.getloadavg()[0],
        )

    return time_it


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Events a second, which pytest-benchmark's own table does not show."""
    session = getattr(config, "_benchmarksession", None)
    rows = [one for one in getattr(session, "benchmarks", []) if one.extra_info.get("events_per_second")]
    if not rows:
        return
    terminalreporter.section("events a second (median)")
    for one in rows:
        terminalreporter.write_line(f"{one.name:<34} {one.extra_info['events_per_second']:>14,}")


def _case(size: str, folder: Path) -> Case:
    import engine
    import reference
    from reconcile import intake
    from reconcile.ledgers import ledger_digest

    symbols, bars = SIZES[size]
    builtin = intake.builtin_scenario("top25")
    market = intake.generate_market(symbols, bars, SEED, builtin)
    ledger = reference.run(builtin, market)
    digest = ledger_digest(ledger)
    assert ledger_digest(engine.run(builtin, market)) == digest, (
        "engine and reference disagree: no time counts"
    )
    return Case(size, builtin, market, ledger, digest, _written(builtin, market, folder))


def _written(scenario: Any, market: Any, folder: Path) -> Path:
    """The market as a user has it, in long format, and a scenario that reads it."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    from reconcile import intake

    bars, symbols = market.present.shape
    stamps = market.timestamps.view("datetime64[ns]")
    unit = 10.0**market.price_decimals
    columns = {name: (getattr(market, name) / unit).reshape(-1) for name in ("open", "high", "low", "close")}
    names = pa.DictionaryArray.from_arrays(
        pa.array(np.tile(np.arange(symbols, dtype=np.int32), bars)), pa.array(market.symbols)
    )
    table = {
        "timestamp": np.repeat(stamps, symbols),
        "symbol": names,
        **columns,
        "volume": market.volume.reshape(-1),
        "ml_score": market.features["ml_score"].reshape(-1),
    }
    pq.write_table(pa.table(table), folder / "bars.parquet")
    pq.write_table(pa.table({"timestamp": stamps, "vix": market.context["vix"]}), folder / "vix.parquet")
    text = intake.scenario_to_toml(scenario)
    place = folder / "scenario.toml"
    old = 'data = "top25"'
    assert text.count(old) == 1
    place.write_text(text.replace(old, 'data = "bars.parquet"\ncontext = "vix.parquet"'), encoding="utf-8")
    return place
