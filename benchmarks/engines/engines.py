"""The engines that are measured: whose script, in which environment, and where its work differs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Engine:
    """One line of the table.

    home: the environment, `requirements/HOME.txt`; `ours` is the one this runs in. python: the version it
    needs, None for any. differs: from the plain rebalance, in a few words.
    """

    name: str
    script: str
    home: str
    differs: str
    arguments: tuple[str, ...] = ()
    python: str | None = None

    @property
    def ours(self) -> bool:
        return self.home == "ours"


def _ours(program: str, cash: str, decimals: int, differs: str) -> Engine:
    """decimals: of prices, and as many of quantities."""
    name = f"{program} {cash} {decimals}+{decimals}"
    return Engine(name, "drive_ours.py", "ours", differs, (program, cash, str(decimals), str(decimals)))


CUT = "sells first; the last buys are cut to the cash there is"
REFUSED = "sells first; buys that do not fit the cash are refused whole"
UNCHECKED = "no cash check"

OURS = "engine reduce 4+4"
"""The line that the peers are held against: whole units of 0.0001, which hold $92 billion."""

ENGINES = (
    _ours("engine", "reduce", 4, CUT),
    _ours("engine", "reduce", 6, CUT),
    _ours("engine", "reject", 6, REFUSED),
    _ours("engine", "allow_negative", 6, UNCHECKED),
    _ours("reference", "reduce", 4, CUT),
    _ours("reference", "reduce", 6, CUT),
    _ours("reference", "reject", 6, REFUSED),
    _ours("reference", "allow_negative", 6, UNCHECKED),
    Engine("vectorbt", "drive_vectorbt.py", "vectorbt", "the last buys are cut, in its own order"),
    Engine(
        "ml4t-backtest reject", "drive_ml4t.py", "ml4t", "as engine reject, in floats", ("reject",), "3.12"
    ),
    Engine(
        "ml4t-backtest allow_negative",
        "drive_ml4t.py",
        "ml4t",
        "as engine allow_negative, in floats",
        ("allow_negative",),
        "3.12",
    ),
    Engine("backtrader", "drive_backtrader.py", "backtrader", "as engine reject, in floats"),
    Engine("cvxportfolio", "drive_cvxportfolio.py", "cvxportfolio", "sized at the open; costs as one rate"),
    Engine("bt", "drive_bt.py", "bt", "sized at the open, marked at opens; costs as one rate; no cash check"),
    Engine("pybroker", "drive_pybroker.py", "pybroker", "buys in symbol order, capped by cash before fees"),
    Engine("zipline-reloaded", "drive_zipline.py", "zipline", "whole shares; no cash check"),
)
