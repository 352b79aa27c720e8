"""Readings of a bar: the account after each order, in every way that the ledger can be read (A1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from reconcile.roots.account import book_all, commission, fill_of
from reconcile.roots.holdings import misfits
from reconcile.roots.pending_orders import Due
from reconcile.roots.rebuild import History
from reconcile.roots.rows import Row
from vocabulary.scenario import Timing
from vocabulary.state import Fill, State

MOST = 16
"""Readings of one bar that are carried on at most."""


@dataclass(frozen=True, slots=True)
class Branch:
    """One reading of a bar: the account, and the bar's costs so far."""

    state: State
    turnover: int = 0
    commission: int = 0
    slippage: int = 0


def richer(branches: list[Branch], money: int) -> list[Branch]:
    """The same with so much more cash."""
    if not money:
        return branches
    return [replace(b, state=replace(b.state, cash=b.state.cash + money)) for b in branches]


def branched(
    history: History,
    branches: list[Branch],
    t: int,
    recorded: Sequence[Sequence[Row]],
    alternatives: list[Fill],
    nothing: bool = False,
) -> list[Branch]:
    """Every branch after the fills as recorded, then after each alternative; equal ones once."""
    out: dict[tuple[object, ...], Branch] = {}
    distinct = dict.fromkeys(alternatives)  # most branches make the same fill of an order
    for branch in branches:
        options = [_booked_rows(history, branch, t, rows) for rows in recorded]
        options += [_booked(history, branch, t, [fill]) for fill in distinct]
        if nothing:
            options.append(branch)
        for option in options:
            s = option.state
            book = tuple((symbol, p.quantity, p.basis) for symbol, p in sorted(s.positions.items()))
            out.setdefault((s.cash, book, option.turnover, option.commission, option.slippage), option)
    return _likeliest(history, list(out.values()), t)


def _likeliest(history: History, branches: list[Branch], t: int) -> list[Branch]:
    """At most MOST of them: the recorded reading, which comes first, then those that agree most with the
    positions reported at the end of the bar."""
    told = history.reported(t)
    if len(branches) <= MOST or told is None:
        return branches[:MOST]
    ranked = sorted(branches[1:], key=lambda branch: misfits(branch.state, told))
    return [branches[0], *ranked[: MOST - 1]]


def _booked_rows(history: History, branch: Branch, t: int, rows: Sequence[Row]) -> Branch:
    """A branch after fills as recorded, costs by their own cells."""
    made = [(row, fill_of(history.scenario, row)) for row in rows]
    fills = [fill for _, fill in made if fill is not None]
    out = _booked(history, branch, t, fills)
    for row, fill in made:
        if fill is not None:
            notional, slippage = row.whole("notional"), row.whole("slippage")
            moved = 0 if notional is None else notional - fill.notional
            out = Branch(out.state, out.turnover + moved, out.commission, out.slippage)
            if slippage is None:
                raw = raw_price(history, t, fill.symbol)
                cost = 0 if raw is None else fill.quantity * abs(fill.price - raw)
                out = Branch(out.state, out.turnover, out.commission, out.slippage + cost)
    return out


def _booked(history: History, branch: Branch, t: int, fills: Sequence[Fill]) -> Branch:
    return Branch(
        book_all(history.scenario, history.market, branch.state, t, fills),
        branch.turnover + sum(fill.notional for fill in fills),
        branch.commission + sum(fill.commission for fill in fills),
        branch.slippage + sum(fill.slippage for fill in fills),
    )


def as_ordered(history: History, t: int, entry: Due) -> list[Fill]:
    """The fill that `orders` tells of, for a ledger without fills."""
    filled, order = None if entry.row is None else entry.row.whole("filled"), entry.order()
    if not filled or order is None or raw_price(history, t, order.symbol) is None:
        return []
    return [history.priced(t, order.symbol, order.side, filled)]


def as_stated(history: History, t: int, entry: Due, row: Row) -> list[Fill]:
    """What the fill is when all but one of its stated values is right."""
    stated = fill_of(history.scenario, row)
    order = entry.order()
    if stated is None or order is None or raw_price(history, t, order.symbol) is None:
        return []
    out = []
    for reading in entry.readings:
        if reading is not None:
            out.append(history.priced(t, order.symbol, reading.side, stated.quantity))
    out.append(
        Fill(
            stated.symbol,
            stated.side,
            stated.quantity,
            stated.price,
            stated.quantity * stated.price,
            commission(history.scenario, stated.quantity, stated.quantity * stated.price),
            stated.slippage,
        )
    )
    return out


def raw_price(history: History, t: int, symbol: int) -> int | None:
    """E2: P, the open or the close, None where the symbol is absent."""
    market = history.market
    if not market.present.item(t, symbol):
        return None
    prices = market.open if history.scenario.execution.timing is Timing.NEXT_OPEN else market.close
    return int(prices.item(t, symbol))
