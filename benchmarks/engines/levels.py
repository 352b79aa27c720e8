"""Which engine, on which set of exits, under which stated conventions; the scenario of each.

What is stated is what the scenario says besides bars, file of entries, exits and commission: its timing and
`[execution.levels]`, in the words of docs/semantics.md.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gaps import BRACKETS, CASH, HOLD, LIMITS, STOPS, TRAILING, TRAILS, Task

import reconcile
from vocabulary.ledger import Ledger

HERE = Path(__file__).parent
FOLDER = HERE.parents[1] / "tests" / "ledgers" / "levels"
TOLERANCE = FOLDER / "tolerance.toml"
BOUNDS = """["fills.sequence"]
absolute = "4"
reason = "engines order the fills of one bar differently; the cash is enough for all"
"""
"""The bound that all are compared with. Four symbols have at most eight fills in a bar."""
NEXT_OPEN, NEXT_CLOSE, SAME_CLOSE = "next_open", "next_close", "same_close"


@dataclass(frozen=True)
class Engine:
    """An engine that is driven.

    home: its environment, `requirements/HOME.txt`, and the folder of its exports. ending: of its exports,
    none of a folder of tables. python: the version that it needs. single: it trades one symbol. pairs: it
    trades pairs, without shorts, and without a fee, of which its target would be net.
    """

    name: str
    home: str
    ending: str = ".csv"
    python: str | None = None
    single: bool = False
    pairs: bool = False

    @property
    def suffix(self) -> str:
        """Of the names of its bars and entries."""
        return "-single" if self.single else "-pairs" if self.pairs else ""

    @property
    def script(self) -> Path:
        return HERE / f"levels_{self.home}.py"

    @property
    def folder(self) -> Path:
        return FOLDER / self.home


@dataclass(frozen=True)
class Stated:
    """An engine on a set of exits.

    levels: keys of `[execution.levels]`, none where exits look at the close. beyond: a rule of the engine
    that no scenario can say, if any.
    """

    engine: Engine
    task: Task
    timing: str
    levels: Mapping[str, str] = field(default_factory=dict)
    beyond: str = ""

    @property
    def name(self) -> str:
        return f"{self.engine.home}/{self.task.name}"

    @property
    def export(self) -> Path:
        return self.engine.folder / f"{self.task.name}{self.engine.ending}"

    def ledger(self) -> Ledger:
        """The export, as `reconcile import` reads it."""
        if self.export.is_dir():
            return reconcile.read(self.export)
        return reconcile.read("auto", self.export, symbol="G0" if self.engine.single else None)

    @property
    def scenario(self) -> Path:
        return self.engine.folder / f"{self.task.name}.toml"

    @property
    def market(self) -> Path:
        return FOLDER / f"market{self.engine.suffix}.csv"

    @property
    def orders(self) -> Path:
        return FOLDER / f"{'limits' if self.task.limits else 'orders'}{self.engine.suffix}.csv"


VECTORBT = Engine("vectorbt", "vectorbt")
BACKTRADER = Engine("backtrader", "backtrader")
BACKTESTING = Engine("Backtesting.py", "backtesting", single=True)
PYBROKER = Engine("pybroker", "pybroker")
FREQTRADE = Engine("freqtrade", "freqtrade", ending=".zip", python="3.12", pairs=True)
NAUTILUS = Engine("nautilus_trader", "nautilus", ending=".csv.gz", python="3.12")
ZIPLINE = Engine("zipline-reloaded", "zipline", ending="")
ML4T = Engine("ml4t-backtest", "ml4t", ending=".parquet", python="3.12")

OPEN = {"gap": "open", "path": "stop_first"}
NEXT = {**OPEN, "armed": "next"}
FAR = {"gap": "level_or_far"}
STATED = (
    Stated(VECTORBT, BRACKETS, SAME_CLOSE, OPEN),
    Stated(VECTORBT, TRAILING, SAME_CLOSE, {**OPEN, "trail": "high_after"}),
    Stated(BACKTRADER, BRACKETS, NEXT_OPEN, NEXT),
    Stated(BACKTRADER, TRAILING, NEXT_OPEN, {**NEXT, "trail": "close"}),
    Stated(BACKTRADER, LIMITS, NEXT_OPEN, {**NEXT, "touch": "touch"}),
    Stated(BACKTESTING, BRACKETS, NEXT_OPEN, NEXT),
    Stated(BACKTESTING, TRAILING, NEXT_OPEN, {**NEXT, "trail": "high_after"}),
    Stated(BACKTESTING, LIMITS, NEXT_OPEN, {**NEXT, "touch": "touch"}),
    Stated(ML4T, BRACKETS, SAME_CLOSE, OPEN),
    Stated(ML4T, TRAILING, SAME_CLOSE, {**OPEN, "trail": "high_after"}),
    Stated(ZIPLINE, BRACKETS, SAME_CLOSE),
    Stated(PYBROKER, STOPS, NEXT_CLOSE, FAR),
    Stated(PYBROKER, TRAILS, NEXT_CLOSE, {**FAR, "trail": "high_after"}),
    Stated(
        PYBROKER,
        BRACKETS,
        NEXT_CLOSE,
        {**FAR, "path": "stop_first"},
        beyond="a target that the open is beyond fills at its level, or at the low of a bar wholly beyond it",
    ),
    Stated(FREQTRADE, STOPS, NEXT_OPEN, {"gap": "level_or_open", "armed": "entry"}),
    Stated(NAUTILUS, STOPS, SAME_CLOSE, {"gap": "open"}),
    Stated(
        NAUTILUS,
        BRACKETS,
        SAME_CLOSE,
        {"gap": "open", "path": "up_first"},
        beyond="a target that the open is beyond fills at its level",
    ),
)
OTHERS = {
    "gap": ("open", "level_or_open", "level_or_far"),
    "path": ("stop_first", "target_first", "nearest", "up_first", "color"),
    "trail": ("high_after", "high_before", "close"),
    "touch": ("touch", "cross"),
    "armed": ("entry", "next"),
}
"""The words of each key of `[execution.levels]`."""


def scenario_text(one: Stated, changed: Mapping[str, str] | None = None) -> str:
    """The scenario, with paths relative to its own folder. changed: keys of `[execution.levels]` with other
    words."""
    task = one.task
    lines = ["[market]", f'data = "../{one.market.name}"', "price_decimals = 7"]
    lines += ["[portfolio]", f'initial_cash = "{CASH}"', "[strategy]"]
    lines += ['kind = "orders"', f'file = "../{one.orders.name}"']
    at = "level" if one.levels else "close"
    if task.stop is not None:
        lines += _exit(at, "stop_loss", f'loss = "{task.stop}"')
    if task.trail is not None:
        lines += _exit(
            at, "trailing_stop", f'initial = "{task.trail}"', 'tighten = "0"', f'minimum = "{task.trail}"'
        )
    if task.target is not None:
        lines += _exit(at, "take_profit", f'gain = "{task.target}"')
    lines += ["[[exits]]", 'kind = "time_exit"', f"bars = {HOLD}"]
    lines += ["[execution]", f'timing = "{one.timing}"', "allow_short = true"]
    lines += ["[execution.levels]"] * bool(one.levels)
    lines += [f"{key} = {json.dumps(word)}" for key, word in {**one.levels, **(changed or {})}.items()]
    if not one.engine.pairs:
        lines += ["[costs]", 'commission = { kind = "bps", rate = "10" }']
    return "\n".join(lines) + "\n"


def _exit(at: str, kind: str, *settings: str) -> list[str]:
    return ["[[exits]]", f'kind = "{kind}"', *settings, f'at = "{at}"']
