"""What the exits of one position look at, bar by bar: entry, extreme, and the level of each rule (X3, X6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

import numpy as np

from reconcile.html.drawings import Level
from reconcile.roots.rebuild import rebuild_states
from reconcile.roots.resync import can_resync
from reference import entry_price, mark
from reference.exits import RULES, is_at_level, level_of
from vocabulary.errors import TieoutError
from vocabulary.ledger import Ledger
from vocabulary.market import Market
from vocabulary.scenario import ExitRule, Scenario, TimeExit, Timing, TrailingStop
from vocabulary.state import Position, State

MOST_CELLS = 4_000_000
"""Bars times symbols up to the window beyond which no account is rebuilt for a picture."""


@dataclass(frozen=True, slots=True)
class Stand:
    """One side's position as the exits of a bar meet it; prices in ticks. levels: None where none applies."""

    bar: int
    at: int
    held: int
    entry: int
    extreme: int
    close: int
    levels: Mapping[str, int | None]


def stands_of(
    ledger: Ledger, scenario: Scenario | None, market: Market, symbol: int, bars: Sequence[int]
) -> list[Stand]:
    """The position in a symbol at each of some bars that holds one, rebuilt from a ledger's own rows.

    Empty without a scenario, and where the ledger does not tell its account.
    """
    if scenario is None or not can_resync(ledger) or not bars:
        return []
    stop = bars[-1] + 1
    if stop * len(market.symbols) > MOST_CELLS:
        return []
    try:
        states = list(islice(rebuild_states(ledger, scenario, market), stop))
    except TieoutError:
        return []
    found = (_stand(scenario, market, states, t, symbol) for t in bars)
    return [one for one in found if one is not None]


def _stand(scenario: Scenario, market: Market, states: Sequence[State], t: int, symbol: int) -> Stand | None:
    """The position at bar t: as it came into the bar for exits at a level, as marked for the others."""
    same_bar = scenario.execution.timing is Timing.SAME_CLOSE
    came = states[t - 1] if t else None
    marked = states[t] if not same_bar else None if came is None else mark(scenario, came, market, t)[0]
    before = None if came is None else came.positions.get(symbol)
    after = None if marked is None else marked.positions.get(symbol)
    inside = before or after
    whole = after or (before if any(map(is_at_level, scenario.exits)) else None)
    if whole is None or inside is None:
        return None
    trails = any(is_at_level(rule) and isinstance(rule, TrailingStop) for rule in scenario.exits)
    levels: dict[str, int | None] = {}
    for rule in scenario.exits:
        if is_at_level(rule):
            levels[rule.name] = level_of(rule, inside, inside.extreme, market, t, symbol)
        elif not isinstance(rule, TimeExit):
            levels[rule.name] = None if after is None else close_level(rule, after, market, t, symbol)
    return Stand(
        bar=t,
        at=int(market.timestamps[t]),
        held=t - whole.opened,
        entry=entry_price(whole),
        extreme=inside.extreme if trails else whole.peak,
        close=int(market.close[t, symbol]),
        levels=levels,
    )


def close_level(rule: ExitRule, position: Position, market: Market, t: int, symbol: int) -> int | None:
    """The close, in ticks, from which on a rule fires at bar t; None where no close makes a difference.

    The reference's own rule is asked, and the close where its answer turns is found by halving.
    """
    fires = RULES[type(rule)]
    low, high = 0, 4 * max(position.peak, entry_price(position), int(market.close[t, symbol]))
    below, above = (fires(rule, position, market, t, symbol, close) for close in (low, high))
    if below == above:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        if fires(rule, position, market, t, symbol, middle) == below:
            low = middle
        else:
            high = middle
    return low if below else high


def levels_of(side: str, stands: Sequence[Stand], market: Market) -> list[Level]:
    """Lines of one side: the level of each rule, and the extreme; broken where nothing is held between."""
    if not stands:
        return []
    unit = 10.0**market.price_decimals
    # A position is another one where it has not been held for as many bars as have passed.
    breaks = [
        place
        for place, (one, then) in enumerate(pairwise(stands), 1)
        if then.held - one.held != then.bar - one.bar
    ]
    at = np.insert(np.array([one.at for one in stands], np.int64), breaks, [stands[k].at for k in breaks])
    out = []
    for name in stands[0].levels:
        values = np.array([np.nan if (x := one.levels[name]) is None else x / unit for one in stands])
        values = np.insert(values, breaks, np.nan)
        if not np.isnan(values).all():
            out.append(Level(f"{side}{name}", (at, values)))
    extremes = np.insert(np.array([one.extreme / unit for one in stands]), breaks, np.nan)
    if out:
        out.append(Level(f"{side}extreme", (at, extremes), extreme=True))
    return out
