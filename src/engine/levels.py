"""X5 to X9: exits that are met inside the bar, at their levels.

Prices and levels are taken as the holder of the position sees them: negated for a short, with high and low
exchanged. Each test is therefore written once, for a long.
"""

from __future__ import annotations

from typing import Any

from engine.compiling import either, part, separate
from engine.deciding import bar
from engine.executing import fill
from engine.exits import AT_LEVEL, KIND, TAKE_PROFIT, TRAILING_STOP, level_of
from engine.layout import *  # the column names are this file's alphabet
from engine.referring import copied
from engine.sets import empty, holds, listed, put
from vocabulary.market import Ints

# The parts of a bar in which levels are tested: X7.1, and X7.2 with X7.3.
OPENING, ON_THE_WAY = 1, 2


@separate
def nearest_levels(
    settings: Settings, panel: Panel, book: Book, t: int, s: Any, extreme: int, last: bool
) -> tuple[int, int, int, int]:
    """X7: the rule with the highest stop and its level, and the rule with the lowest target and its level.

    Of the stops that trigger at one moment the highest is met first, and where it does not trigger none does;
    so with the lowest target. last: of the trailing stops that are met last, else of all other rules.
    A rule is NOTHING where there is none.
    """
    stop, highest, target, lowest = NOTHING, 0, NOTHING, 0
    for rule in range(book.exits.shape[0]):
        kind = book.exits[rule, KIND]
        if not book.exits[rule, AT_LEVEL]:
            continue
        if (kind == TRAILING_STOP and settings.extras.trail == HIGH_BEFORE) != last:
            continue
        level, exists = level_of(settings, panel, book, t, s, rule, extreme)
        if not exists:
            continue
        if kind == TAKE_PROFIT:
            if target == NOTHING or level < lowest:
                target, lowest = rule, level
        elif stop == NOTHING or level > highest:
            stop, highest = rule, level
    return stop, highest, target, lowest


@part
def reaches(settings: Settings, price: int, level: int) -> bool:
    """X7: whether a price meets a target."""
    return price > level if settings.extras.cross else price >= level


@part
def is_low_first(settings: Settings, panel: Panel, t: int, s: Any) -> bool:
    """X7.2: whether the low of a bar is visited before its high."""
    opened = panel.ranges.open[t, s]
    if settings.extras.path == NEAREST:
        return abs(opened - panel.ranges.low[t, s]) <= abs(panel.ranges.high[t, s] - opened)
    return settings.extras.path == COLOR and panel.close[t, s] >= opened


@part
def stop_price(settings: Settings, level: int, opened: int, high: int) -> int:
    """X8: P of a stop that the open may be beyond, as the holder sees it."""
    if settings.extras.gap == LEVEL_OR_FAR:
        return min(level, high)
    if settings.extras.gap == LEVEL_OR_OPEN and high >= level:
        return level
    return min(level, opened)


@separate
def first_met(settings: Settings, panel: Panel, book: Book, t: int, s: Any) -> tuple[int, int, int]:
    """X7, X8: the part of the bar in which a rule is met first, the rule, and P; 0 and NOTHING for none."""
    lines = book.lines
    side = 1 if lines[s, QUANTITY] > 0 else -1
    opened = side * panel.ranges.open[t, s]
    high = panel.ranges.high[t, s] if side > 0 else -panel.ranges.low[t, s]
    low = panel.ranges.low[t, s] if side > 0 else -panel.ranges.high[t, s]
    extreme = side * lines[s, EXTREME]
    path = settings.extras.path
    stop, level, target, goal = nearest_levels(settings, panel, book, t, s, extreme, False)
    at_stop = stop != NOTHING and opened <= level
    at_target = path != STOP_FIRST and target != NOTHING and reaches(settings, opened, goal)
    if at_stop and (path != TARGET_FIRST or not at_target):
        opened_here = settings.timing == NEXT_OPEN and lines[s, OPENED] == t
        return OPENING, stop, opened if opened_here else stop_price(settings, level, opened, high)
    if at_target:
        return OPENING, target, opened
    at_stop = stop != NOTHING and low <= level
    at_target = target != NOTHING and (reaches(settings, high, goal) or reaches(settings, opened, goal))
    if at_stop and at_target:
        stop_first = path == STOP_FIRST
        if path > TARGET_FIRST:
            stop_first = is_low_first(settings, panel, t, s) == (side > 0)
        at_stop, at_target = stop_first, not stop_first
    if at_stop:
        return ON_THE_WAY, stop, level
    if at_target:
        return ON_THE_WAY, target, max(opened, goal)
    if settings.extras.trail == HIGH_BEFORE:
        stop, level, target, goal = nearest_levels(settings, panel, book, t, s, max(extreme, high), True)
        if stop != NOTHING and low <= level:
            return ON_THE_WAY, stop, level if high >= level else opened
    return 0, NOTHING, 0


@separate
def close_at_levels(settings: Settings, panel: Panel, book: Book, tables: Tables, t: int) -> None:
    """X5, X9: the levels of bar t. With `next_open` all that is met at the open comes before all else, then
    limits and stops."""
    if settings.timing == NEXT_OPEN:
        if settings.levels:
            close_in_parts(settings, panel, book, tables, t, OPENING)
        if book.account[RESTING] > 0 and book.account[FAULT] == 0:
            meet_resting(settings, panel, book, tables, t)
        if settings.levels and book.account[FAULT] == 0:
            close_in_parts(settings, panel, book, tables, t, ON_THE_WAY)
        empty(book.moved)
        empty(book.aimed)
    elif settings.levels:
        close_in_parts(settings, panel, book, tables, t, OPENING | ON_THE_WAY)


@separate
def close_in_parts(settings: Settings, panel: Panel, book: Book, tables: Tables, t: int, parts: int) -> None:
    """X9: closes each position that meets a level in these parts of bar t, in symbol order.

    With `next_open` those that the opening finds to be met on the way are kept in `aimed`.
    """
    account, lines = book.account, book.lines
    list_held(book)
    for i in range(account[HELD]):
        if account[FAULT] != 0:
            return
        s = book.held[i]
        if panel.close[t, s] == 0 or (settings.extras.armed_next and lines[s, OPENED] == t):
            continue
        if holds(book.moved, s) or (parts == ON_THE_WAY and not holds(book.aimed, s)):
            continue
        met, rule, price = first_met(settings, panel, book, t, s)
        if met & parts != 0 and account[FAULT] == 0:
            close_one(settings, panel, book, tables, t, s, rule, abs(price))
        elif met != 0:
            put(book.aimed, s)


@separate
def meet_resting(settings: Settings, panel: Panel, book: Book, tables: Tables, t: int) -> None:
    """R10: the limits and stops of bar t, in file order; their rows of `orders` stand there already."""
    account, orders, fills = book.account, tables.orders, tables.fills
    count = account[RESTING]
    first = account[N_ORDERS] - count
    account[RESTING] = 0
    for i in range(count):
        kind, row, start = book.kinds[i], first + i, account[N_FILLS]
        book.kinds[i] = MARKET
        if kind == MARKET:
            continue
        s, side = orders[O_SYMBOL, row], orders[O_SIDE, row]
        raw = met_price(settings, panel, book, t, s, kind, side, book.limits[i])
        book.limits[i] = 0
        orders[O_STATUS, row] = fill(settings, book, tables, t, row, raw, side, kind == STOP)
        if account[FAULT] != 0:
            return
        if account[N_FILLS] > start:
            fills[F_TIMESTAMP, start] = panel.timestamps[t]
            fills[F_DECIDED, start] = panel.timestamps[t - 1]
            put(book.moved, s)


@part
def met_price(
    settings: Settings, panel: Panel, book: Book, t: int, s: Any, kind: int, side: int, price: int
) -> int:
    """R10: P of a limit or stop; 0 where its symbol is absent, CANCELLED or UNMET.

    Prices are taken as a buyer sees them: negated for a sell, with high and low exchanged.
    """
    if panel.close[t, s] == 0:
        return 0
    if holds(book.leaving, s):
        return CANCELLED
    sign = 1 if side == BUY else -1
    level, opened = sign * price, sign * panel.ranges.open[t, s]
    high = panel.ranges.high[t, s] if side == BUY else -panel.ranges.low[t, s]
    low = panel.ranges.low[t, s] if side == BUY else -panel.ranges.high[t, s]
    if kind == LIMIT:
        lowest = min(low, opened)
        if lowest > level or (settings.extras.cross and lowest == level):
            return UNMET
        return abs(min(opened, level))
    if max(high, opened) < level:
        return UNMET
    if settings.extras.gap != GAP_OPEN and low <= level:
        return abs(level)
    return abs(max(level, low if settings.extras.gap == LEVEL_OR_FAR else opened))


@part
def list_held(book: Book) -> None:
    """Brings `held` up to date."""
    if book.account[CHANGED] != 0:
        book.account[HELD] = listed(book.holding, book.held)
        book.account[CHANGED] = 0


@part
def first_closed(account: Ints) -> int:
    """The row of `orders` behind the pending orders and those that are sized later in the bar (R12)."""
    return account[N_ORDERS] + account[PENDING] + account[UNSIZED]


@part
def close_one(
    settings: Settings, panel: Panel, book: Book, tables: Tables, t: int, s: Any, rule: int, raw: int
) -> None:
    """X9: the order of a rule and its fill; it stands behind the pending orders, N_CLOSED of its kind."""
    account, lines, orders, fills = book.account, book.lines, tables.orders, tables.fills
    row, start = first_closed(account) + account[N_CLOSED], account[N_FILLS]
    side = SELL if lines[s, QUANTITY] > 0 else BUY
    orders[O_SYMBOL, row] = s
    orders[O_SIDE, row] = side
    orders[O_QUANTITY, row] = abs(lines[s, QUANTITY])
    orders[O_REASON, row] = rule
    orders[O_DECIDED, row] = panel.timestamps[t]
    orders[O_EXECUTES, row] = panel.timestamps[t]
    orders[O_REBALANCE, row] = NOTHING
    slips = book.exits[rule, KIND] != TAKE_PROFIT
    orders[O_STATUS, row] = fill(settings, book, tables, t, row, raw, side, slips)
    if account[FAULT] != 0:
        return
    fills[F_TIMESTAMP, start] = panel.timestamps[t]
    fills[F_DECIDED, start] = panel.timestamps[t]
    account[N_CLOSED] += 1
    put(book.leaving, s)
    if settings.cooldown > 0:
        bar(book, s, t + settings.cooldown - 1)


@separate
def move_extremes(settings: Settings, panel: Panel, book: Book, t: int) -> None:
    """X6: the extremes after all that happened inside bar t."""
    lines = book.lines
    list_held(book)
    for i in range(book.account[HELD]):
        s = book.held[i]
        if panel.close[t, s] == 0 or (settings.timing != NEXT_OPEN and lines[s, OPENED] == t):
            continue
        high, low = panel.ranges.high[t, s], panel.ranges.low[t, s]
        if settings.extras.trail == TRAIL_CLOSE:
            high = low = panel.close[t, s]
        if lines[s, QUANTITY] > 0:
            lines[s, EXTREME] = max(lines[s, EXTREME], high)
        else:
            lines[s, EXTREME] = min(lines[s, EXTREME], low)


@part
def _meet_levels(settings: Settings, panel: Panel, book: Book, tables: Tables, t: int) -> None:
    if settings.levels or settings.extras.from_file:
        close_at_levels(copied(settings), copied(panel), copied(book), copied(tables), t)


@part
def _after_levels(settings: Settings, panel: Panel, book: Book, tables: Tables, t: int) -> None:
    if settings.extras.trails:
        move_extremes(copied(settings), copied(panel), copied(book), t)


@part
def _nothing(settings: Settings, panel: Panel, book: Book, tables: Tables, t: int) -> None:
    return


# The kernel calls these. A kernel for scenarios without extras holds none of the code above.
meet_levels = either("extras", _meet_levels, _nothing)
after_levels = either("extras", _after_levels, _nothing)
