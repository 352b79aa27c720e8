"""Fixtures of the tracked benchmarks: a case a size, and a timing that says what was done, and where."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from cases import SIZES, Case, make_case

TRACKED = [size for size in SIZES if " " not in size]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--sizes",
        default=os.environ.get("SIZES", ",".join(TRACKED)),
        help=f"events of the markets, separated by commas: {', '.join(SIZES)} (default: {','.join(TRACKED)})",
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
    return functools.cache(lambda size: make_case(size, tmp_path_factory.mktemp(size.replace(" ", "-"))))


@pytest.fixture
def case(size: str, made: Callable[[str], Case]) -> Case:
    return made(size)


@pytest.fixture
def noted(benchmark: Any, case: Case) -> Callable[..., None]:
    """Time a function and note with its timing what was done, on which machine, and how much a second."""

    def time_it(function: Callable[[], Any], check: Callable[[Any], bool], rounds: int) -> None:
        """check: whether a result is right; asked before, and where one run is long, of the timed one."""
        from reconcile.gating.record import this_machine

        if rounds > 1:
            assert check(function()), "a wrong result: its time does not count"
        assert check(benchmark.pedantic(function, rounds=rounds)), "a wrong result: its time does not count"
        benchmark.extra_info.update(
            events=case.events,
            events_per_second=round(case.events / benchmark.stats.stats.median),
            market=case.market.digest,
            ledger=case.digest,
            fills=case.fills,
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
