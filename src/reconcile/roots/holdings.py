"""What a reported book says is held, beside what an account holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from vocabulary.state import Position, State


@dataclass(frozen=True, slots=True)
class Holding:
    """What a book says of one symbol: signed lots and basis (None where it does not tell)."""

    quantity: int
    basis: int | None


FLAT = Holding(0, 0)


def bare_position(holding: Holding) -> Position:
    """The same as a position that knows nothing else."""
    return Position(holding.quantity, holding.basis or 0, 0, 0, 0)


def fits(position: Position | None, holdings: Sequence[Holding]) -> bool:
    """Whether a position is what a book reports."""
    quantity, basis = (0, 0) if position is None else (position.quantity, position.basis)
    return any(told.quantity == quantity and told.basis in (None, basis) for told in holdings)


def holds(state: State, told: Mapping[int, Sequence[Holding]]) -> bool:
    """Whether an account holds just what a book reports."""
    return not misfits(state, told)


def misfits(state: State, told: Mapping[int, Sequence[Holding]]) -> int:
    """Of how many symbols an account holds something else than a book reports."""
    symbols = {*state.positions, *told}
    return sum(not fits(state.positions.get(symbol), told.get(symbol, [FLAT])) for symbol in symbols)
