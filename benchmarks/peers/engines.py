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


def _ours(program: str, cash: str, differs: str) -> Engine:
    return Engine(f"{program} {cash}", "ours_peer.py", "ours", differs, (program, cash, "6", "6"))


CUT = "sells first; the last buys are cut to the cash there is"
REFUSED = "sells first; buys that do not fit the cash are refused whole"
UNCHECKED = "no cash check"

ENGINES = (
    _ours("engine", "reduce", CUT),
    _ours("engine", "reject", REFUSED),
    _ours("engine", "allow_negative", UNCHECKED),
    _ours("reference", "reduce", CUT),
    _ours("reference", "reject", REFUSED),
    _ours("reference", "allow_negative", UNCHECKED),
    Engine("vectorbt", "vectorbt_peer.py", "vectorbt", "the last buys are cut, in its own order"),
    Engine(
        "ml4t-backtest reject", "ml4t_peer.py", "ml4t", "as engine reject, in floats", ("reject",), "3.12"
    ),
    Engine(
        "ml4t-backtest allow_negative",
        "ml4t_peer.py",
        "ml4t",
        "as engine allow_negative, in floats",
        ("allow_negative",),
        "3.12",
    ),
    Engine("backtrader", "backtrader_peer.py", "backtrader", "as engine reject, in floats"),
    Engine("cvxportfolio", "cvxportfolio_peer.py", "cvxportfolio", "sized at the open; costs as one rate"),
    Engine("bt", "bt_peer.py", "bt", "sized at the open, marked at opens; costs as one rate; no cash check"),
    Engine("pybroker", "pybroker_peer.py", "pybroker", "buys in symbol order, capped by cash before fees"),
    Engine("zipline-reloaded", "zipline_peer.py", "zipline", "whole shares; no cash check"),
)
