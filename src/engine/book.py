"""The book's arrays from a State, and a State from the book's arrays."""

from __future__ import annotations

import numpy as np

from engine import layout as at
from engine.layout import Book
from engine.plan import rules_of
from engine.vectors import CELLS
from vocabulary.market import Market
from vocabulary.scenario import Scenario, Timing, TopN
from vocabulary.state import REBALANCE, Membership, Order, Position, Side, State

SIDES = {Side.BUY: at.BUY, Side.SELL: at.SELL}


def reasons_of(scenario: Scenario) -> tuple[str, ...]:
    """The ledger's words for reasons: the exits' names in order, then `rebalance`."""
    return (*(rule.name for rule in scenario.exits), REBALANCE)


def initial_state(scenario: Scenario) -> State:
    """Nothing held, nothing pending, all in cash."""
    return State(
        bar=0,
        cash=scenario.initial_cash,
        positions={},
        barred={},
        realised=0,
        commissions=0,
        pending=(),
        membership=None,
        rebalances=0,
    )


def _empty(scenario: Scenario, symbols: int) -> Book:
    lines = np.zeros((symbols, at.BOOK_FIELDS), dtype=np.int64)
    lines[:, at.BARRED] = -1
    lines[:, at.STAMP] = -1
    return Book(
        lines=lines,
        account=np.zeros(at.ACCOUNT_FIELDS, dtype=np.int64),
        held=np.zeros(symbols, dtype=np.int64),
        pending=np.zeros((at.PENDING_FIELDS, symbols), dtype=np.int64),
        members=np.zeros(symbols, dtype=np.int64),
        lists=np.zeros(symbols, dtype=np.int64),
        rules=rules_of(scenario),
        closes=np.zeros(symbols, dtype=np.int64),
        chosen=np.zeros(2 * symbols, dtype=np.int64),
        chosen_closes=np.zeros(2 * symbols, dtype=np.int64),
        weights=np.zeros(symbols, dtype=np.int64),
        near=np.zeros(symbols, dtype=np.int64),
        near_closes=np.zeros(symbols, dtype=np.int64),
        scores=np.zeros(symbols + CELLS, dtype=np.float64),
        alike=np.zeros(symbols, dtype=np.int64),
        guesses=np.full((2, 2), -np.inf),
    )


def _hold(book: Book, s: int, position: Position) -> None:
    size = abs(position.quantity)
    line = book.lines[s]
    line[at.QUANTITY] = position.quantity
    line[at.BASIS] = position.basis
    line[at.OPENED] = position.opened
    line[at.PEAK] = position.peak
    line[at.MARK] = position.mark
    line[at.ENTRY] = (2 * position.basis + size) // (2 * size)


def _await(book: Book, scenario: Scenario, pending: tuple[Order, ...]) -> None:
    reasons = reasons_of(scenario)
    for i, order in enumerate(pending):
        row = (order.symbol, SIDES[order.side], order.quantity, reasons.index(order.reason), 0)
        book.pending[:, i] = row
    book.account[at.PENDING] = len(pending)
    rebalance = pending[0].rebalance if pending else None
    book.account[at.DECIDED] = at.NOTHING if rebalance is None else rebalance


def _choose(book: Book, membership: Membership | None) -> None:
    if membership is None:
        return
    members = (*membership.longs, *membership.shorts)
    book.members[: len(members)] = members
    book.lists[list(membership.longs)] = 1
    book.lists[list(membership.shorts)] = 2
    book.account[at.MEMBER_LONGS] = len(membership.longs)
    book.account[at.MEMBER_SHORTS] = len(membership.shorts)
    book.account[at.HAS_MEMBERSHIP] = 1


def book_from(state: State, scenario: Scenario, market: Market) -> Book:
    """The arrays a kernel can go on from."""
    book = _empty(scenario, len(market.symbols))
    account = book.account
    account[at.BAR] = state.bar
    account[at.CASH] = state.cash
    account[at.REALISED] = state.realised
    account[at.COMMISSIONS] = state.commissions
    account[at.REBALANCES] = state.rebalances
    for i, (s, position) in enumerate(sorted(state.positions.items())):
        _hold(book, s, position)
        book.held[i] = s
    account[at.HELD] = len(state.positions)
    for s, last in state.barred.items():
        book.lines[s, at.BARRED] = last
    if scenario.execution.timing is not Timing.SAME_CLOSE:  # T2 executes what its own bar decides, no other
        _await(book, scenario, state.pending)
    _choose(book, state.membership)
    return book


def _positions(book: Book) -> dict[int, Position]:
    held = book.held[: book.account[at.HELD]]
    fields = [at.QUANTITY, at.BASIS, at.OPENED, at.PEAK, at.MARK]
    return {
        s: Position(*line)
        for s, line in zip(held.tolist(), book.lines[held][:, fields].tolist(), strict=True)
    }


def _pending(book: Book, scenario: Scenario) -> tuple[Order, ...]:
    account = book.account
    decided = int(account[at.DECIDED])
    reasons = reasons_of(scenario)
    return tuple(
        Order(
            decided_at=int(account[at.BAR]) - 1,
            symbol=s,
            side=Side.BUY if side == at.BUY else Side.SELL,
            quantity=quantity,
            reason=reasons[reason],
            rebalance=None if decided == at.NOTHING else decided,
        )
        for s, side, quantity, reason, _ in book.pending[:, : account[at.PENDING]].T.tolist()
    )


def _membership(book: Book, scenario: Scenario) -> Membership | None:
    account = book.account
    if not account[at.HAS_MEMBERSHIP] or not isinstance(scenario.strategy.selection, TopN):
        return None
    longs = int(account[at.MEMBER_LONGS])
    both = longs + int(account[at.MEMBER_SHORTS])
    return Membership(
        longs=tuple(sorted(book.members[:longs].tolist())),
        shorts=tuple(sorted(book.members[longs:both].tolist())),
    )


def state_from(book: Book, scenario: Scenario) -> State:
    """All that the next bar needs, in plain integers."""
    account = book.account
    bar = int(account[at.BAR])
    barred = np.flatnonzero(book.lines[:, at.BARRED] >= bar)
    return State(
        bar=bar,
        cash=int(account[at.CASH]),
        positions=_positions(book),
        barred=dict(zip(barred.tolist(), book.lines[barred, at.BARRED].tolist(), strict=True)),
        realised=int(account[at.REALISED]),
        commissions=int(account[at.COMMISSIONS]),
        pending=_pending(book, scenario),
        membership=_membership(book, scenario),
        rebalances=int(account[at.REBALANCES]),
    )
