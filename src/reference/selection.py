"""R4 to R6: who is to be held, and at which weight."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from math import isfinite
from typing import assert_never

from reference.function import answer
from reference.units import ppb
from vocabulary.market import Market
from vocabulary.scenario import CallableStrategy, OrdersStrategy, Scenario, TopN, Weights, When
from vocabulary.state import Membership, State


@dataclass(frozen=True, slots=True)
class Choice:
    """The targets of a rebalance before sizing: (symbol, signed weight in ppb), in rank order."""

    weights: tuple[tuple[int, int], ...]
    membership: Membership | None


def choose(scenario: Scenario, state: State, market: Market, t: int, barred: Set[int]) -> Choice | None:
    """R4 to R6: the strategy's targets at bar t, None when it gives none. barred: symbols, by X4."""
    selection = scenario.strategy.selection
    match selection:
        case TopN():
            return _top_n(selection, state, market, t, barred)
        case Weights(feature=feature):
            return _weights(feature, market, t, barred)
        case CallableStrategy():
            asked = answer(scenario, selection, state, market, t, barred)
            return None if asked is None else Choice(_targets(asked, market, t, barred), None)
        case OrdersStrategy():
            return None  # R10: a file gives orders, and no targets
        case _:
            assert_never(selection)


def _top_n(selection: TopN, state: State, market: Market, t: int, barred: Set[int]) -> Choice | None:
    """R4: the highest scores are held long, the lowest of the rest short."""
    score_of = market.features[selection.score][t].tolist().__getitem__
    # `sorted` leaves equals as they stand, also in reverse, and they stand in symbol order: ties are broken.
    ranked = sorted(_eligible(selection, market, t, barred), key=score_of, reverse=True)
    if not ranked:
        return None
    longs = ranked[: selection.n]
    rest = ranked[selection.n :] if selection.short_n > 0 else []
    shorts = sorted(rest, key=score_of)[: selection.short_n]
    membership = Membership(tuple(sorted(longs)), tuple(sorted(shorts)))
    if selection.when is When.MEMBERSHIP and membership == state.membership:
        return None
    # However many were found, a weight is its share of the full list.
    long_weight = selection.gross_long // selection.n if longs else 0
    short_weight = -(selection.gross_short // selection.short_n) if shorts else 0
    weights = [(symbol, long_weight) for symbol in longs] + [(symbol, short_weight) for symbol in shorts]
    return Choice(tuple(weights), membership)


def _eligible(selection: TopN, market: Market, t: int, barred: Set[int]) -> list[int]:
    """R4: present, with its score and every required feature, and not barred; in symbol order."""
    present: list[bool] = market.present[t].tolist()
    found = [symbol for symbol, there in enumerate(present) if there]
    for name in (selection.score, *selection.require):
        values: list[float] = market.features[name][t].tolist()
        found = [symbol for symbol in found if isfinite(values[symbol])]
    return [symbol for symbol in found if symbol not in barred] if barred else found


def _weights(feature: str, market: Market, t: int, barred: Set[int]) -> Choice | None:
    """R5: a column holds the weights; a bar where all are missing is no rebalance."""
    row: list[float] = market.features[feature][t].tolist()
    known = {symbol: weight for symbol, value in enumerate(row) if (weight := ppb(value)) is not None}
    return Choice(_targets(known, market, t, barred), None) if known else None


def _targets(asked: dict[int, int], market: Market, t: int, barred: Set[int]) -> tuple[tuple[int, int], ...]:
    """R5: in symbol order (R9), without weights of 0 ppb and symbols that are absent or barred."""
    return tuple(
        (symbol, asked[symbol])
        for symbol in sorted(asked)
        if asked[symbol] != 0 and symbol not in barred and market.present.item(t, symbol)
    )
