"""Section A: fills become cash, positions and realised profit."""

from __future__ import annotations

from dataclasses import replace

from vocabulary.market import Market
from vocabulary.scenario import Scenario
from vocabulary.state import Fill, Position, Side, State

BUY = Side.BUY


def entry_price(position: Position) -> int:
    """X2: E, the average fill price of what is open, in ticks, half up."""
    quantity = abs(position.quantity)
    return (2 * position.basis + quantity) // (2 * quantity)


def book(scenario: Scenario, state: State, market: Market, t: int, fill: Fill) -> State:
    """A1: the state after one fill at bar t.

    The fill says all there is to know; scenario and market are taken so that all parts are called alike.
    A position opened here bears the fill's price as its mark until `mark` runs.
    """
    signed = fill.quantity if fill.side is BUY else -fill.quantity
    positions = dict(state.positions)
    after, realised = _apply(positions.pop(fill.symbol, None), signed, fill.price, t)
    if after is not None:
        positions[fill.symbol] = after
    return State(
        state.bar,
        state.cash - (signed * fill.price + fill.commission),
        positions,
        state.barred,
        state.realised + realised,
        state.commissions + fill.commission,
        state.pending,
        state.membership,
        state.rebalances,
        state.unsized,
    )


def _apply(position: Position | None, signed: int, price: int, t: int) -> tuple[Position | None, int]:
    """A1: a position after `signed` lots at `price`, and what that realised."""
    quantity = abs(signed)
    if position is None:
        # From flat: opening bar and peak start anew.
        return _opened(signed, price, t, mark=price), 0
    held = abs(position.quantity)
    side = 1 if position.quantity > 0 else -1
    if signed * side > 0:
        return _resized(position, signed, position.basis + quantity * price), 0
    closed = min(quantity, held)
    removed = position.basis * closed // held
    realised = side * (closed * price - removed)
    rest = quantity - closed
    if rest > 0:
        # By crossing zero: what is left opens a new position on the other side.
        return _opened(-side * rest, price, t, mark=position.mark), realised
    if closed == held:
        return None, realised
    return _resized(position, signed, position.basis - removed), realised


def _opened(signed: int, price: int, t: int, mark: int) -> Position:
    """X2, X6: a position's peak and extreme start with the price of the fill that opened it."""
    return Position(signed, abs(signed) * price, opened=t, peak=price, mark=mark, extreme=price)


def _resized(position: Position, signed: int, basis: int) -> Position:
    """X2: adding to a position and reducing it leave all else of it alone."""
    return replace(position, quantity=position.quantity + signed, basis=basis)
