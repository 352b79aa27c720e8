"""The conventions that are asked about, and the options of each.

An option is a hypothesis of `reconcile.explaining` with a value, so that identifying and explaining apply the
same changes. The order of the table is that of a backtest: what is wanted, when it executes, at what price,
at what cost, how it is booked.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from reconcile.explaining.evidence import Window
from reconcile.explaining.hypotheses import (
    costs,
    execution,
    exits,
    fees,
    prices,
    reports,
    rounding,
    sizing,
    sizing_base,
)
from reconcile.explaining.hypotheses.catalogue import CATALOGUE, Catalogue
from reconcile.explaining.hypotheses.settings import at_path, changed, reads, settings, shown, thawed
from reconcile.explaining.model import Change, Hypothesis, SettingHypothesis, Subject, Value, Values
from reconcile.identifying.model import Convention, Option
from vocabulary.scenario import Armed, CommissionBase, Gap, Path, SizeAt, Touch, Trail

AS_STATED = "as stated"
"""The key of what no setting of the scenario names."""


def stated_text(subject: Subject, path: str) -> str:
    """What the scenario states at a path; what it leaves out has the value of version 1."""
    found = at_path(subject, path)
    return _DEFAULTS[path] if found is None and path in _DEFAULTS else shown(found)


def _choice(path: str, choices: type[Enum]) -> SettingHypothesis:
    """A setting with a few words to choose from."""

    def values(subject: Subject, window: Window) -> Values:
        return settings(path, (each.value for each in choices), stated_text(subject, path))

    name = path.rpartition(".")[2]
    sentence = f"{name} is {{new}} instead of {{old}}"
    return SettingHypothesis(
        id=f"convention_{name}", values=values, say=reads({path: sentence}), apply=changed
    )


_LEVELS = "execution.levels"
FEE_ON = _choice("costs.commission.on", CommissionBase)
GAP, PATH = _choice(f"{_LEVELS}.gap", Gap), _choice(f"{_LEVELS}.path", Path)
TRAIL, TOUCH = _choice(f"{_LEVELS}.trail", Trail), _choice(f"{_LEVELS}.touch", Touch)
ARMED = _choice(f"{_LEVELS}.armed", Armed)

PRICE, FEE = ("fills", "price"), ("fills", "commission")
CONVENTIONS = (
    Convention("sizing_base", "what targets are shares of", (sizing.SIZING, sizing_base.SIZING_BASE)),
    Convention("sizing_time", "when weights become quantities", (sizing.SIZE_AT,)),
    Convention("quantity", "how quantities are rounded", (rounding.QUANTITY_ROUNDED, sizing.LOT)),
    Convention("timing", "when orders execute", (execution.TIMING, execution.ORDER_LATE)),
    Convention("price", "which price a fill starts from", (prices.EXECUTION_PRICE,), PRICE),
    Convention("sequence", "in which order orders meet the cash", (execution.SEQUENCE, execution.BUYS_FIRST)),
    Convention("cash", "what happens to orders beyond the cash", (execution.CASH,)),
    Convention("short", "whether short sales are allowed", (execution.SHORT,)),
    Convention("exit_price", "what an exit looks at", (exits.EXIT_LOOKS_AT,)),
    Convention("armed", "from which bar on a level is tested", (ARMED,)),
    Convention("gap", "where a gapped stop fills", (GAP,)),
    Convention("path", "what of a bar is visited first", (PATH,)),
    Convention("trail", "what moves a trailing stop", (TRAIL,)),
    Convention("touch", "whether a touched level is met", (TOUCH,)),
    Convention("slippage", "how far fills are off their price", (costs.SLIPPAGE,), PRICE),
    Convention(
        "price_rounding", "how prices are rounded", (rounding.SLIPPAGE_ROUNDED, rounding.PRICE_ROUNDED), PRICE
    ),
    Convention("fee", "what is charged", (costs.COMMISSION, fees.COMMISSION_FACTOR, fees.FEE_IN_PRICE), FEE),
    Convention("fee_base", "what the fee is taken of", (FEE_ON,), FEE),
    Convention("fee_rounding", "how the fee is rounded", (rounding.COMMISSION_ROUNDED,), FEE),
    Convention("marks", "what positions are valued at", (reports.MARKED_OTHERWISE, reports.EQUITY_LATE)),
)

_OWN = tuple(dict.fromkeys(each for convention in CONVENTIONS for each in convention.hypotheses))
IDENTIFYING = Catalogue(dict.fromkeys((*CATALOGUE, *_OWN)))
"""The catalogue of causes, and the settings that only an identification asks about."""


def options(
    convention: Convention, subject: Subject, proposed: Iterable[tuple[Hypothesis, Value]]
) -> tuple[Option, ...]:
    """The stated option first, then those that other values of its hypotheses give.

    proposed: hypotheses with values that were read off the ledger.
    """
    found: dict[str, Option] = {}
    for hypothesis, value in proposed:
        about = hypothesis in convention.hypotheses and not hypothesis.whole_run
        if about and not _of_another_base(subject, hypothesis, value):
            wording = hypothesis.say(subject, value)
            key = _key(convention, hypothesis, value)
            found.setdefault(key, Option(key, wording.candidate, Change(hypothesis, value)))
    return (_stated(convention, subject), *found.values())


def _of_another_base(subject: Subject, hypothesis: Hypothesis, value: Value) -> bool:
    """Whether a commission is taken of another base than the scenario's, which `fee_base` asks about."""
    if hypothesis is not costs.COMMISSION or not isinstance(value, tuple):
        return False
    table = thawed(value[1])
    own = stated_text(subject, "costs.commission.on")
    return isinstance(table, dict) and table.get("on", CommissionBase.FILL.value) != own


def _key(convention: Convention, hypothesis: Hypothesis, value: Value) -> str:
    """The name of an option: a setting's value as it is typed, else the hypothesis and its value."""
    if isinstance(hypothesis, SettingHypothesis) and isinstance(value, tuple):
        path, given = value
        text = shown(thawed(given))
        return text if path == _PATHS.get(convention.name) else f"{path.rpartition('.')[2]} {text}"
    parts = value if isinstance(value, tuple) else (value,)
    return " ".join([hypothesis.id, *(str(part) for part in parts if part is not None)])


def _stated(convention: Convention, subject: Subject) -> Option:
    """What the scenario states about a convention."""
    path = _PATHS.get(convention.name)
    if path is None:
        return Option(AS_STATED, _WORDS.get(convention.name, AS_STATED))
    text = stated_text(subject, path)
    return Option(text, text)


_PATHS = {
    "sizing_base": "strategy.size_on",
    "sizing_time": "strategy.size_at",
    "timing": "execution.timing",
    "sequence": "execution.sequence",
    "cash": "execution.cash",
    "short": "execution.allow_short",
    "slippage": "costs.slippage",
    "fee": "costs.commission",
    "fee_base": "costs.commission.on",
    "armed": f"{_LEVELS}.armed",
    "gap": f"{_LEVELS}.gap",
    "path": f"{_LEVELS}.path",
    "trail": f"{_LEVELS}.trail",
    "touch": f"{_LEVELS}.touch",
}
_DEFAULTS = {
    "strategy.size_at": SizeAt.DECISION.value,
    "costs.commission.on": CommissionBase.FILL.value,
    f"{_LEVELS}.gap": Gap.OPEN.value,
    f"{_LEVELS}.path": Path.STOP_FIRST.value,
    f"{_LEVELS}.trail": Trail.HIGH_AFTER.value,
    f"{_LEVELS}.touch": Touch.TOUCH.value,
    f"{_LEVELS}.armed": Armed.ENTRY.value,
}
_WORDS = {
    "quantity": "down to whole units",
    "price": "the price of its timing",
    "exit_price": "the close, against the entry price",
    "price_rounding": "half up, to the tick",
    "fee_rounding": "half up, to the unit",
    "marks": "the bar's close",
}
