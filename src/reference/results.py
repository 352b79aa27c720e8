"""What the parts of a step return: frozen nouns that only the reference needs."""

from __future__ import annotations

from dataclasses import dataclass

from vocabulary.state import Fill, Membership, Order, State, Status, Target, Unsized


@dataclass(frozen=True, slots=True)
class Decision:
    """What was decided at a bar (X1, R1 to R9).

    orders: in submission order (R9). targets: in rank order, those of quantity 0 too.
    rebalance: the number of this bar's rebalance, None without one (R1).
    membership: who `top_n` last chose, this bar's choice counted (R4).
    unsized: under R12 the targets, which have neither quantities nor orders yet; `targets` is then empty.
    """

    orders: tuple[Order, ...]
    targets: tuple[Target, ...]
    rebalance: int | None
    membership: Membership | None
    unsized: Unsized | None = None


@dataclass(frozen=True, slots=True)
class Sizing:
    """R12: the targets of the bar before as they are sized, and the orders to them, in rank order."""

    rebalance: int
    targets: tuple[Target, ...]
    orders: tuple[Order, ...]


@dataclass(frozen=True, slots=True)
class Execution:
    """What became of one order (E2 to E4). filled: lots; fill: None when nothing was filled."""

    order: Order
    status: Status
    filled: int
    fill: Fill | None


@dataclass(frozen=True, slots=True)
class Flow:
    """Carry of one position (M5). amount: money into cash, negative where it is paid out."""

    symbol: int
    amount: int


@dataclass(frozen=True, slots=True)
class Valuation:
    """The account at the marks of a bar (T1): money. equity = cash + market_value."""

    cash: int
    market_value: int
    equity: int


@dataclass(frozen=True, slots=True)
class Day:
    """One bar, done: what the ledger records of it and the state it hands on.

    submitted: the orders that executed at this bar, in submission order.
    executions: the same orders with what became of each, in execution order (E1).
    decision: taken at this bar; with `same_close` its orders are those above (T2).
    valuation: the equity on record (T1, T2). state: with `bar` one further.
    flows: what was paid before anything else happened (M5).
    sizing: what was sized at this bar (R12), None where nothing was.
    """

    bar: int
    submitted: tuple[Order, ...]
    executions: tuple[Execution, ...]
    decision: Decision
    valuation: Valuation
    state: State
    flows: tuple[Flow, ...] = ()
    sizing: Sizing | None = None
