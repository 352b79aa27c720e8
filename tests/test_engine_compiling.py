"""The engine is compiled once for one install, whatever it is asked to run and whoever starts it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numba import types

import build
import engine
from engine import compiling
from engine.kernel import advance, advance_with_extras
from vocabulary.scenario import ExitAt, PerShareCommission, StopLoss, TimeExit, TopN, VolatilityStop, Weights

SMALL = """
from engine.compiling import compiled, part


@part
def twice(x):
    return 2 * x


@compiled
def work(x):
    return twice(x) + 1
"""
RUN = """
from engine.small import work
value = work(20)
print(*(sum(x.values()) for x in (work.stats.cache_hits, work.stats.cache_misses)), value)
"""


def test_two_compiled_kernels_serve_every_scenario_and_market() -> None:
    """Neither more exits or features nor a market whose arrays can be written needs another than the plain
    one; what few scenarios set is in the other."""
    market = build.random_market(3)
    stops = [VolatilityStop(f"stop{i}", 10**9, name) for i, name in enumerate(market.features)]
    writeable = replace(market, open=market.open.copy(), close=market.close.copy())
    strided = replace(market, close=np.asfortranarray(market.close))
    for given in (market, writeable, strided):
        engine.run(build.scenario(TopN("score", 2), price_decimals=2), given)
    engine.run(build.scenario(Weights("score"), price_decimals=2, allow_short=True), market)
    for exits in ([], [TimeExit("time", 2)], stops):
        top = TopN("score", 2, require=tuple(market.features))
        engine.run(build.scenario(top, price_decimals=2, exits=exits), market)
    engine.run(build.scenario(price_decimals=2, commission=PerShareCommission(10**6)), market)
    at_level = [StopLoss("stop", 10**7, ExitAt.LEVEL)]
    for extra in ({"exits": at_level}, {"commission": PerShareCommission(10**6, maximum=10**6)}):
        engine.run(build.scenario(price_decimals=2, **extra), market)
    for kernel, plain in ((advance, True), (advance_with_extras, False)):
        settings = [signature[0] for signature in kernel.signatures]
        assert [made.types[made.fields.index("extras")] is types.none for made in settings] == [plain]


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """An install of the part that compiles, and of a small kernel, that cannot be written to."""
    folder = tmp_path / "install" / "engine"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "small.py").write_text(SMALL)
    shutil.copy(compiling.__file__, folder)
    folder.chmod(0o555)
    return folder.parent


def started(home: Path, package: Path) -> subprocess.Popen[str]:
    """A process that runs the small kernel."""
    own = {"HOME": str(home), "PYTHONPATH": str(package), "PYTHONDONTWRITEBYTECODE": "1"}
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "SYSTEMROOT", "TMPDIR")}
    return subprocess.Popen(
        [sys.executable, "-c", RUN], env={**kept, **own}, text=True, stdout=subprocess.PIPE
    )


def said(process: subprocess.Popen[str]) -> list[str]:
    out, _ = process.communicate(timeout=300)
    assert process.returncode == 0
    return out.split()


def test_the_first_processes_compile_and_later_ones_do_not(tmp_path: Path, package: Path) -> None:
    """Two at once in an empty home are both right; a third loads; a read-only install stays as it was."""
    before = sorted(package.rglob("*"))
    for process in [started(tmp_path, package) for _ in range(2)]:
        assert said(process)[2] == "41"
    assert said(started(tmp_path, package)) == ["1", "0", "41"]
    assert sorted(package.rglob("*")) == before


def test_another_user_compiles_for_himself(tmp_path: Path, package: Path) -> None:
    """Code that one user's home keeps is not what another runs."""
    homes = [tmp_path / "one", tmp_path / "other"]
    assert [said(started(home, package)) for home in homes] == [["0", "1", "41"]] * 2


def test_where_the_first_home_cannot_be_written_the_next_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file in the way, or a folder of somebody else's, is passed over; with no home nothing is kept."""
    (tmp_path / "file").write_text("")
    homes = [tmp_path / "file", tmp_path / "good"]
    monkeypatch.setattr(compiling, "_homes", lambda: iter(homes))
    folder = compiling._folder()
    assert folder is not None and folder.parent == tmp_path / "good"
    monkeypatch.setattr(os, "getuid", lambda: os.stat(tmp_path).st_uid + 1)
    assert compiling._folder() is None


def test_another_processor_has_another_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """A home shared by two kinds of machine does not hand one the code of the other."""
    here = compiling._version()
    monkeypatch.setattr(compiling, "_processor", lambda: ("other", ""))
    assert compiling._version() != here
