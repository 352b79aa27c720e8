"""The state: all that one bar hands to the next, and the small nouns a bar is made of.

All numbers are plain Python integers in the scenario's units. Symbols are indices into
`Market.symbols`, bars are indices into `Market.timestamps`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

REBALANCE = "rebalance"
"""The reason of every order that is neither an exit nor of an orders file; no other may bear it (X1, R10)."""


class Side(Enum):
    """The side of an order or a fill."""

    BUY = "buy"
    SELL = "sell"


class OrderType(Enum):
    """How an order meets its bar (R10); all but those of an orders file are market orders."""

    MARKET = "market"
    LIMIT = "limit"
    STOP = "stop"


class Status(Enum):
    """What became of an order (E2, E4, X9, R10)."""

    FILLED = "filled"
    REDUCED = "reduced"
    NO_CASH = "no_cash"
    NO_BAR = "no_bar"
    GONE = "gone"
    NOT_MET = "not_met"
    NO_SHARES = "no_shares"


@dataclass(frozen=True, slots=True)
class Position:
    """One open position (A1, X2, M3).

    quantity: signed lots, never 0.
    basis: money paid (long) or received (short) for what is open, commission apart.
    opened: bar of the fill that opened it from flat or by crossing zero.
    peak: ticks; for a long the highest of that fill's price and every present close since (with that
        bar's), for a short the lowest.
    mark: ticks, the symbol's last present close.
    armed: the names of the `break_even` rules that are armed (X3).
    extreme: ticks; that fill's price, moved by X6 where a trailing stop is tested at its level.
    """

    quantity: int
    basis: int
    opened: int
    peak: int
    mark: int
    armed: frozenset[str] = frozenset()
    extreme: int = 0


@dataclass(frozen=True, slots=True)
class Order:
    """An order as submitted. quantity: lots, > 0. rebalance: its number, None at a bar without one.

    price: ticks, of a limit or stop; 0 of a market order.
    """

    decided_at: int
    symbol: int
    side: Side
    quantity: int
    reason: str
    rebalance: int | None
    type: OrderType = OrderType.MARKET
    price: int = 0


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution (E2, E3, A2). quantity: lots, > 0; price: ticks; the rest: money."""

    symbol: int
    side: Side
    quantity: int
    price: int
    notional: int
    commission: int
    slippage: int


@dataclass(frozen=True, slots=True)
class Target:
    """One target of a rebalance (R4 to R7). weight: signed ppb; quantity: signed lots."""

    symbol: int
    rank: int
    weight: int
    quantity: int


@dataclass(frozen=True, slots=True)
class Unsized:
    """The targets of a rebalance that are sized when they execute (R12).

    rebalance: its number. weights: (symbol, signed ppb), in rank order; at least one.
    """

    rebalance: int
    weights: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Membership:
    """Who `top_n` last chose, and for which list: symbol indices, ascending (R4)."""

    longs: tuple[int, ...]
    shorts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class State:
    """The account between two bars: bars before `bar` are done, `bar` comes next.

    Each field can be rebuilt from a ledger and a market:

    bar: one past the last bar of the `equity` table.
    cash: the last row of `equity`; or initial cash rolled forward through `fills` (A1).
    positions: by symbol, only the open ones. Quantity and basis: the last bar's rows of `positions`,
        or `fills` rolled forward (A1). `opened`: the bar of the fill after which the quantity left
        zero or crossed it. `peak`: that fill's price and the present closes since (X2). `mark`: the
        symbol's last present close (M3). `armed`: the rules that one of those closes armed, with the
        average price of its bar (X3; with `same_close` also with that of the bar before, T2). `extreme`:
        that fill's price and the bars since (X6).
    barred: symbol -> last bar at which it is barred (X4), only those still >= `bar`: the bar of an
        order whose reason is an exit's name, plus cooldown, the latest such order counting; one bar less
        for an exit at a level (X9).
    realised: `fills` rolled forward (A1). commissions: the sum of `fills.commission`.
    pending: the `orders` decided at the last bar, in submission order, type and price of each by the row of
        the orders file (R10); none with `same_close`, where
        they are already executed (T1 to T3).
    membership: the `targets` of the last rebalance: rank below n is a long, else a short; None
        before the first one, and for strategies other than `top_n` (R4).
    rebalances: how many were numbered so far: one past the last number in `equity.rebalance`.
    unsized: under R12 the symbols and weights of the `targets` that the last bar decided; None without any.
    """

    bar: int
    cash: int
    positions: Mapping[int, Position]
    barred: Mapping[int, int]
    realised: int
    commissions: int
    pending: tuple[Order, ...]
    membership: Membership | None
    rebalances: int
    unsized: Unsized | None = None
