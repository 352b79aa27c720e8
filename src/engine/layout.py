"""The arrays a kernel works on: which number stands in which column.

All tables are (columns, rows) int64, so that a column is one contiguous run of memory and a table is
one argument. The book is (symbols, 8) int64, so that all there is to know of a symbol is
one cache line.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from vocabulary.market import Bools, Floats, Ints

Words = npt.NDArray[np.uint64]
# Not signed: an index that cannot be negative costs no test.
Symbols = npt.NDArray[np.uint32]

# The book: one line per symbol, 64 bytes.
QUANTITY, BASIS, OPENED, PEAK, MARK, BARRED, ENTRY, EXTREME = range(8)
BOOK_FIELDS = 8

# The account: running numbers of the whole book, and how far the run and its tables have come.
(
    CASH,
    REALISED,
    COMMISSIONS,
    MARKET_VALUE,
    EQUITY,
    REBALANCES,
    DECIDED,
    HELD,
    PENDING,
    MEMBER_LONGS,
    MEMBER_SHORTS,
    HAS_MEMBERSHIP,
    TURNOVER,
    BAR_COMMISSION,
    BAR_SLIPPAGE,
    BAR,
    PHASE,
    FAULT,
    N_TARGETS,
    N_ORDERS,
    N_FILLS,
    N_POSITIONS,
    N_BARS,
    CHANGED,
    GIVEN,
    N_BARRED,
    FREED_AT,
    N_FLOWS,
    N_CLOSED,
    FIRST_FILL,
    UNSIZED,
    RESTING,
) = range(32)
ACCOUNT_FIELDS = 32

# Where in a bar the kernel stands when it is called.
AT_START, AT_WEIGHTS, AT_TRADE = range(3)
# What is guessed of the scores.
GUESS, SPACING = 0, 1
# Why it returned.
DONE, FULL, NEEDS_WEIGHTS, OUT_OF_RANGE = range(4)

# Which value left int64 (U4), index into FAULTS.
FAULTS = (
    "",
    "the fill price",
    "the notional of a fill",
    "the commission of a fill",
    "the slippage of a fill",
    "cash",
    "the basis of a position",
    "realised profit",
    "the sum of commissions",
    "the turnover of the bar",
    "the market value of a position",
    "the sum of market values",
    "equity",
    "a target weight",
    "a target quantity",
    "the feature of a volatility stop in ticks",
    "the quantity of an order",
    "the value of an order",
    "the carry of a position",
    "the base of sizing",
)
(
    _,
    BAD_PRICE,
    BAD_NOTIONAL,
    BAD_COMMISSION,
    BAD_SLIPPAGE,
    BAD_CASH,
    BAD_BASIS,
    BAD_REALISED,
    BAD_COMMISSIONS,
    BAD_TURNOVER,
    BAD_POSITION_VALUE,
    BAD_MARKET_VALUE,
    BAD_EQUITY,
    BAD_WEIGHT,
    BAD_TARGET,
    BAD_FEATURE,
    BAD_ORDER,
    BAD_VALUE,
    BAD_CARRY,
    BAD_BASE,
) = range(20)

BUY, SELL = 0, 1
FILLED, REDUCED, NO_CASH, NO_BAR, GONE, NOT_MET, NO_SHARES = range(7)
NOTHING = -1
# In place of a raw price: a level has closed the position (X9); a limit or stop is not met (R10).
CANCELLED, UNMET = -1, -2

# Columns of the ledger, in the order of SCHEMA, but the fills' sequence, which is the row's number.
T_REBALANCE, T_DECIDED, T_SYMBOL, T_RANK, T_WEIGHT, T_QUANTITY = range(6)
(
    O_DECIDED,
    O_EXECUTES,
    O_REBALANCE,
    O_SYMBOL,
    O_SIDE,
    O_QUANTITY,
    O_FILLED,
    O_STATUS,
    O_REASON,
) = range(9)
(
    F_TIMESTAMP,
    F_DECIDED,
    F_SYMBOL,
    F_SIDE,
    F_QUANTITY,
    F_FILL_PRICE,
    F_FILL_NOTIONAL,
    F_FILL_COMMISSION,
    F_FILL_SLIPPAGE,
    F_REASON,
) = range(10)
H_TIMESTAMP, H_SYMBOL, H_QUANTITY, H_AVERAGE, H_BASIS, H_MARK, H_VALUE = range(7)
C_TIMESTAMP, C_TURNOVER, C_COMMISSION, C_SLIPPAGE = range(4)
E_TIMESTAMP, E_REBALANCE, E_CASH, E_VALUE, E_EQUITY = range(5)
W_TIMESTAMP, W_SYMBOL, W_KIND, W_AMOUNT = range(4)
CARRY = 0

# A bar count above every bar there is: cooldowns and holding times past it mean "never again".
FOREVER = 2**40
TOP_N, WEIGHTS, CALLABLE, ORDERS = range(4)
MARKET, LIMIT, STOP = range(3)
NEXT_OPEN, NEXT_CLOSE, SAME_CLOSE = range(3)
SELLS_FIRST, SUBMISSION, SYMBOL, SELLS_FIRST_SYMBOL, VALUE = range(5)
REDUCE, REJECT, ALLOW_NEGATIVE, REDUCE_BEFORE_COSTS = range(4)
NO_COST, BPS, PER_UNIT = range(3)
GAP_OPEN, LEVEL_OR_OPEN, LEVEL_OR_FAR = range(3)
STOP_FIRST, TARGET_FIRST, NEAREST, UP_FIRST, COLOR = range(5)
HIGH_AFTER, HIGH_BEFORE, TRAIL_CLOSE = range(3)


class Extras(NamedTuple):
    """What few scenarios set. Without any of it a kernel is compiled that has no code for it.

    fee_maximum: ppb of the notional, NOTHING for none; fee_on_raw (E3). levels, trails: whether an exit, a
    trailing stop, is tested at its level; gap, path, trail, cross, armed_next: how (X5 to X8). late: whether
    targets are sized when they execute (R12). from_file: whether orders come from a file (R10); held_only:
    whether a sell then fills at most what is held.
    """

    fee_maximum: int
    fee_on_raw: bool
    levels: bool
    trails: bool
    gap: int
    path: int
    trail: int
    cross: bool
    armed_next: bool
    late: bool
    from_file: bool
    held_only: bool


class Settings(NamedTuple):
    """The scenario as the kernel reads it; see the constants above for the codes.

    slip, fee: NO_COST, BPS or PER_UNIT (fixed ticks; per share). fee_whole, fee_part: a per-share rate
    in money a unit, split at G so that no product passes 64 bits before its result does. lot: quantity units.
    levels: as in Extras; extras: an Extras, or None. room: the most rows that a bar adds to a table.
    """

    bars: int
    timing: int
    sequence: int
    cash: int
    slip: int
    slip_rate: int
    fee: int
    fee_rate: int
    fee_whole: int
    fee_part: int
    fee_minimum: int
    lot: int
    minimum_notional: int
    kind: int
    n: int
    short_n: int
    weight_long: int
    weight_short: int
    on_membership: bool
    band: int
    size_on_equity: bool
    initial_cash: int
    cooldown: int
    rebalance_reason: int
    price_unit: float
    levels: bool
    extras: Any
    room: int


class Ranges(NamedTuple):
    """The open, high and low of bars, (bars, symbols) ticks."""

    open: Ints
    high: Ints
    low: Ints


class Wanted(NamedTuple):
    """Orders of a file (R10), by the bar that decides them, in file order.

    first: (bars + 1,) the first row of each bar. symbol, side, quantity, kind (MARKET, LIMIT or STOP), price
    (ticks, 0 for MARKET), reason: (rows,).
    """

    first: Ints
    symbol: Ints
    side: Ints
    quantity: Ints
    kind: Ints
    price: Ints
    reason: Ints


class Panel(NamedTuple):
    """The market as the kernel reads it, (bars, symbols) unless said.

    price: raw execution prices; it and close are 0 where a symbol is
    not present. score: what the strategy reads. required, stops: addresses of the features that `require`
    names (R4) and that exits read. carry: ticks per share (M5), no rows without carry. timestamps, allowed:
    (bars,); allowed by schedule and gate (R2, R3). ranges, wanted: a Ranges and a Wanted where the settings
    have Extras, else None.
    """

    price: Ints
    close: Ints
    score: Floats
    required: Ints
    stops: Ints
    carry: Ints
    timestamps: Ints
    allowed: Bools
    ranges: Any
    wanted: Any


class Book(NamedTuple):
    """What changes from bar to bar. A set is a bit a symbol, 64 to a word.

    lines: (symbols, 8). account: (32,). exits: (rules, fields), see `engine.exits`.
    armed: (rules, symbols), the opening bar of the position that a `break_even` rule is armed for (X3); no
    rows without such a rule.
    holding: the set of symbols with a position; held: the same as a list, ascending, as of the last mark.
    barred: the set of symbols that exits bar (X4); bars: the same as a list, in no order.
    leaving, aimed: the sets of symbols with an exit order, or chosen, at the bar at hand; aimed also of those
    with a level that is met on the way in it;
    while orders execute, leaving is the set of those that a level has closed in it (X9).
    members: symbols last chosen, longs first, then shorts; lists: (symbols,) 1 for a
    long of those, 2 for a short, else 0.
    closes, fired: at the bar at hand, beside held: closes, 0 where absent, and the exit rule that fires.
    chosen, chosen_closes, weights: targets of the bar at hand, in rank order, and room to rank in; of those
    that are sized when they execute (R12) account[UNSIZED] wait there.
    raws, turns: raw prices of the pending orders, 0 where absent and CANCELLED where a level has closed the
    position (X9), and the order in which they execute.
    kinds, limits: beside the pending orders, how each meets its bar and at which price (R10).
    moved: the set of symbols of which a limit or stop was filled in the bar at hand (X5).
    near: for longs and shorts the symbols whose score reaches the guess, ascending, (2, symbols); scouted:
    how many; reached: the same as a set. near_closes, scores, alike: scratch of selection; alike also of E1's
    order.
    guesses: for longs and shorts the score that a few more than n are expected to reach, and the distance
    from one of the n to the next, (2, 2).
    """

    lines: Ints
    account: Ints
    exits: Ints
    armed: Ints
    holding: Words
    held: Symbols
    barred: Words
    bars: Symbols
    leaving: Words
    aimed: Words
    members: Symbols
    lists: Ints
    closes: Ints
    fired: Ints
    chosen: Symbols
    chosen_closes: Ints
    weights: Ints
    raws: Ints
    turns: Symbols
    kinds: Ints
    limits: Ints
    moved: Words
    near: Symbols
    scouted: Ints
    reached: Words
    near_closes: Ints
    scores: Floats
    alike: Ints
    guesses: Floats


class Tables(NamedTuple):
    """The ledger being written, each (columns, capacity).

    Behind the rows of `orders` stand those that wait for their execution bar, without what that will add.
    """

    targets: Ints
    orders: Ints
    fills: Ints
    positions: Ints
    costs: Ints
    equity: Ints
    flows: Ints
