"""Ledgers of real engines: which engine, on which market, with which mistake; made once and kept."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from markets import MARKETS, Market
from workload import Terms

HERE = Path(__file__).parent
SOURCE = HERE.parents[1] / "src"
SECONDS = 300.0
"""After which a run is given up."""


@dataclass(frozen=True)
class Driven:
    """An engine whose ledgers are taken.

    home: its environment, `requirements/HOME.txt`. whole: it trades whole shares. export: the file that its
    script writes. states: what a scenario says of its conventions. python: the version it needs. single:
    it trades the first symbol alone. cannot: mistakes that it cannot make. price_field: how it takes the
    wrong price.
    """

    name: str
    home: str
    export: str
    whole: bool = True
    states: Mapping[str, Any] = field(default_factory=dict)
    python: str | None = None
    arguments: tuple[str, ...] = ()
    single: bool = False
    cannot: frozenset[str] = frozenset()
    price_field: Mapping[str, Any] = field(default_factory=lambda: {"sized_at": "open"})
    timing: str = "next_open"
    one_rate: bool = False
    price_decimals: int = 8

    @property
    def script(self) -> Path:
        return HERE / f"drive_{self.home}.py"


CLOSE = {"timing": "next_close"}
NO_CHECK = {"cash": "allow_negative"}
DRIVEN = (
    Driven("vectorbt", "vectorbt", "orders.csv", False, states={"sequence": "value"}, price_field=CLOSE),
    Driven("backtrader", "backtrader", "fills.csv", states={"cash": "reject"}),
    Driven("zipline-reloaded", "zipline", "perf.csv", True, NO_CHECK, cannot=frozenset({"same_close"})),
    Driven(
        "bt",
        "bt",
        "transactions.csv",
        states=NO_CHECK,
        cannot=frozenset({"same_close"}),
        price_field={"timing": "next_open"},
        timing="same_close",
        one_rate=True,
    ),
    Driven("nautilus_trader", "nautilus", "fills.csv", True, NO_CHECK, "3.12", price_decimals=4),
    Driven("ml4t-backtest", "ml4t", "fills.parquet", True, {"cash": "reject"}, "3.12"),
    Driven(
        "pybroker",
        "pybroker",
        "orders.csv",
        states={"cash": "reduce_before_costs", "sequence": "sells_first_symbol"},
        cannot=frozenset({"same_close"}),
        price_field=CLOSE,
    ),
    Driven("backtesting.py", "backtesting", "trades.csv", single=True, cannot=frozenset({"top_n"})),
    Driven(
        "cvxportfolio",
        "cvxportfolio",
        "u.csv",
        whole=False,
        states=NO_CHECK,
        cannot=frozenset({"same_close", "sizing"}),
        price_field={"timing": "next_open"},
        timing="same_close",
        one_rate=True,
    ),
)

MISTAKES = ("fees", "slippage", "lag", "capital", "top_n", "price_field", "same_close", "timing", "sizing")
HONEST = "none"


@dataclass(frozen=True)
class Case:
    """One ledger: an engine, a market, and the mistake that is planted in it, if any."""

    engine: Driven
    market: Market
    mistake: str

    @property
    def name(self) -> str:
        return f"{self.market.name}/{self.engine.home}/{self.mistake}"

    @property
    def right(self) -> Terms:
        """The terms without a mistake."""
        return replace(self.market.terms, timing=self.engine.timing)

    @property
    def terms(self) -> Terms:
        """The right ones, with the mistake."""
        right = self.right
        changes: dict[str, Mapping[str, Any]] = {
            HONEST: {},
            "fees": {"commission": 0.0008},
            "slippage": {"slippage": 0.001},
            "lag": {"lag": 1},
            "capital": {"cash": 900_000.0},
            "top_n": {"top": right.top + 1},
            "price_field": self.engine.price_field,
            "same_close": {"timing": "same_close"},
            "timing": {"start": right.start + 1},
            "sizing": {"base": "initial_cash"},
        }
        return replace(right, **changes[self.mistake])


def cases() -> Iterator[Case]:
    """Every engine on every market as it comes; and each of its mistakes on one, the markets in turn."""
    for number, engine in enumerate(DRIVEN):
        for market in MARKETS:
            yield Case(engine, market, HONEST)
        for place, mistake in enumerate(MISTAKES):
            if mistake not in engine.cannot:
                yield Case(engine, MARKETS[(number + place) % len(MARKETS)], mistake)


def make(case: Case, python: Path, bars: Path, folder: Path) -> str | None:
    """Run the engine and keep what it saves in a folder; says why not, where it fails."""
    if (folder / "made.json").exists():
        return None
    engine = case.engine
    terms = json.dumps(asdict(case.terms))
    command = [python, engine.script, bars, *engine.arguments, "--save", folder, terms]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    try:
        done = subprocess.run(
            [str(part) for part in command],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            env={**os.environ, **threads, "PYTHONPATH": str(SOURCE)},
        )
    except subprocess.TimeoutExpired:
        return f"not done in {SECONDS:.0f} s"
    if done.returncode:
        return (done.stderr.strip().splitlines() or [f"ended with code {done.returncode}"])[-1]
    return None
