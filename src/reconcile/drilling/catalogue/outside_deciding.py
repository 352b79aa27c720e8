"""Faults of deciding that no hypothesis describes: who is chosen, how much, and when it is left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from reconcile.drilling.catalogue import inputs
from reconcile.drilling.clean_run import CleanRun, Stages, as_if, at_positions, at_targets, decided_from
from reconcile.drilling.model import Data, Fault, Patch, Where
from reconcile.matching.model import Stage
from vocabulary.state import Position, Side, State, Target

TARGET, ORDER = Stage.TARGET, Stage.ORDER
DECIDED = (TARGET, ORDER)
SCORE = "ml_score"
DECIDING, EXECUTING, EXITS = "deciding.py", "executing.py", "exits.py"
SELECTING, MARKING = "selecting.py", "marking.py"
G = 1_000_000_000
VOLATILE = (
    "mul(np.int64(ticks), exits[rule, FIRST])\n            if gap != TOO_LARGE and fallen(lines, held[i], "
)
SIZED = "        quantity = size if weight > 0 else -size"


def _patch(name: str, ground: str, where: Where, *patches: tuple[str, str, str]) -> Fault:
    return Fault(name, ground, tuple(Patch(*patch) for patch in patches), where)


def _read(name: str, ground: str, read: inputs.Read, stages: Stages = TARGET) -> Fault:
    data = Data(read)
    return Fault(name, ground, (data,), as_if(stages, data))


# Where


def _sized(size: Callable[[CleanRun, int, Target], int]) -> Where:
    """At targets whose quantity is another when it is worked out otherwise."""
    return at_targets(lambda clean, bar, target: size(clean, bar, target) != abs(target.quantity))


def _banded_buy(clean: CleanRun, bar: int, target: Target) -> bool:
    """Whether the band keeps a target from being bought up to."""
    held = clean.deciding(bar).positions.get(target.symbol)
    delta = target.quantity - (0 if held is None else held.quantity)
    return 0 < delta <= abs(target.quantity) * clean.ground.scenario.strategy.band // G


def _left_absent(clean: CleanRun, bar: int, symbol: int) -> bool:
    """Held, absent and no target of a rebalance."""
    decision = clean.days[bar].decision
    wanted = {target.symbol for target in decision.targets}
    present = bool(clean.market.present[bar, symbol])
    return decision.rebalance is not None and not present and symbol not in wanted


def _positions(change: Callable[[CleanRun, int, int, Position], Position]) -> Callable[..., State]:
    """A state whose positions are taken for others."""

    def alter(clean: CleanRun, bar: int, state: State) -> State:
        made = {s: change(clean, bar, s, position) for s, position in state.positions.items()}
        return replace(state, positions=made)

    return alter


def _entered_at_peak(clean: CleanRun, bar: int, symbol: int, position: Position) -> Position:
    return replace(position, basis=position.peak * abs(position.quantity))


def _peak_of_closes(clean: CleanRun, bar: int, symbol: int, position: Position) -> Position:
    since = slice(position.opened, bar + 1)
    closes = clean.market.close[since, symbol][clean.market.present[since, symbol]]
    return replace(position, peak=int(closes.max()) if len(closes) else 0)


def _opened_by_last_buy(clean: CleanRun, bar: int, symbol: int, position: Position) -> Position:
    last = position.opened
    for day in clean.days[position.opened : bar + 1]:
        for execution in day.executions:
            fill = execution.fill
            if fill is not None and fill.symbol == symbol and fill.side is Side.BUY:
                last = day.bar
    return replace(position, opened=last)


def _later_ties(values: inputs.Array) -> inputs.Array:
    later: inputs.Array = values + np.arange(values.shape[1]) * 1e-9
    return later


def _smoothed(values: inputs.Array) -> inputs.Array:
    out = values.copy()
    for t in range(1, len(out)):
        out[t] = (values[t] + values[t - 1]) / 2
    return out


def _odd_turned(values: inputs.Array) -> inputs.Array:
    values[:, 1::2] *= -1
    return values


def _mondays_turned(values: inputs.Array) -> inputs.Array:
    values[::5] *= -1
    return values


def _halves_swapped(values: inputs.Array) -> inputs.Array:
    half = values.shape[1] // 2
    return np.concatenate([values[:, half:], values[:, :half]], axis=1)


FAULTS: tuple[Fault, ...] = (
    _patch("ties in reverse", "long", as_if(TARGET, Data(inputs.column(SCORE, _later_ties))),
           (SELECTING, "for i in range(count - 1, -1, -1):", "for i in range(count):")),
    _patch("a lot less than the target", "short", _sized(lambda h, t, x: max(0, abs(x.quantity) - 1)),
           (DECIDING, SIZED, "        size = max(0, size - 1)\n" + SIZED)),
    _patch("no target above 2,000 shares", "long", _sized(lambda h, t, x: min(2000, abs(x.quantity))),
           (DECIDING, SIZED, "        size = min(2000, size)\n" + SIZED)),
    _patch("weights that fall with the rank", "long", at_targets(lambda h, t, x: True),
           (SELECTING, "book.weights[k] = settings.weight_long",
            "book.weights[k] = settings.weight_long * 2 * (longs - k) // (longs + 1)")),
    _patch("the band is asked of sells alone", "long", at_targets(_banded_buy, ORDER),
           (DECIDING, "abs(delta) <= mul_floor(size, settings.band)",
            "(delta < 0 and abs(delta) <= mul_floor(size, settings.band))")),
    _patch("absent symbols ordered closed", "short", at_positions(ORDER, _left_absent),
           (DECIDING, "if panel.close[t, s] != 0:", "if t >= 0:")),
    _patch("volatility stop from the peak", "long", decided_from(DECIDED, _positions(_entered_at_peak)),
           (EXITS, VOLATILE + "ENTRY)", VOLATILE + "PEAK)")),
    _patch("the peak forgets the fill", "long", decided_from(DECIDED, _positions(_peak_of_closes)),
           (EXECUTING, "lines[s, PEAK] = price", "lines[s, PEAK] = 0")),
    _patch("every buy opens anew", "long", decided_from(DECIDED, _positions(_opened_by_last_buy)),
           (EXECUTING, "    lines[s, BASIS] = basis\n",
            "    if signed > 0:\n        lines[s, OPENED] = t\n    lines[s, BASIS] = basis\n")),
    _read("every other score turned round", "long", inputs.column(SCORE, _odd_turned)),
    _read("scores turned round on some days", "short", inputs.column(SCORE, _mondays_turned)),
    _read("score averaged over two bars", "short", inputs.column(SCORE, _smoothed)),
    _read("score in steps", "long", inputs.column(SCORE, lambda values: np.round(values * 2) / 2)),
    _read("score without its sign", "short", inputs.column(SCORE, np.abs)),
    _read("two halves of the scores swapped", "tight", inputs.column(SCORE, _halves_swapped)),
    _read("prices cut to ten cents", "long",
          inputs.with_prices(lambda values, market: values // 1000 * 1000), DECIDED),
    _read("prices a percent too high", "short",
          inputs.with_prices(lambda values, market: values * 101 // 100), DECIDED),
)  # fmt: skip
