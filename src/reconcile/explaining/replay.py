"""What a ledger's fills wanted: orders of a file (R10), and the scenario that they replay in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from reconcile.explaining.replayed_ledger import as_replayed
from reconcile.roots.levels import at_own_levels
from reconcile.roots.rebuild import in_sequence
from reconcile.roots.rows import Row, read_rows
from reconcile.scenario.build import digest_of
from reconcile.scenario.orders import REASON, made
from reference import fill_price
from vocabulary.errors import InputError
from vocabulary.ledger import Ledger
from vocabulary.market import Market
from vocabulary.scenario import (
    BpsSlippage,
    FixedSlippage,
    Gap,
    OrdersStrategy,
    Scenario,
    Slippage,
    Strategy,
    Timing,
    Touch,
    WantedOrder,
)
from vocabulary.scenario import (
    Sequence as OrderSequence,
)
from vocabulary.state import REBALANCE, OrderType, Side

FILE = "orders.csv"
NEEDED = ("timestamp", "symbol", "side", "quantity", "price")
OFTEN = 10
"""Where one fill in so many is at the close of its bar, that is no chance."""


@dataclass(frozen=True, slots=True, eq=False)
class Replay:
    """A ledger's fills as orders.

    scenario: of kind `orders`; all but what is wanted and when is as before. ledger: the fills and what
    followed from them, beside the orders that led to them. elsewhere: how many fills are at a price that no
    order can meet in their bar: they are market orders, and their price is a break.
    """

    scenario: Scenario
    ledger: Ledger
    elsewhere: int

    @property
    def rows(self) -> Sequence[WantedOrder]:
        selection = self.scenario.strategy.selection
        assert isinstance(selection, OrdersStrategy)
        return selection.rows

    @property
    def counts(self) -> dict[str, int]:
        """How many orders there are of each type."""
        counted = Counter(row.type.value for row in self.rows)
        return {kind.value: counted[kind.value] for kind in OrderType}


def replay(scenario: Scenario, market: Market, ledger: Ledger, file: str = FILE) -> Replay:
    """The orders that lead to a ledger's fills, and the scenario that they are orders of.

    An order is decided one bar before its fill, with `same_close` at it. A fill at the open or the close of
    its bar, once the slippage is taken back, is a market order; one between is a limit or a stop, by its
    side and the bar. file: what the scenario calls the file.

    Raises InputError: no fills; a fill at no bar or of no symbol of the market, of no whole number of units,
    without a side or a price, or at a first bar that nothing can be decided before.
    """
    fills = list(_fills(scenario, market, ledger))
    slipped = _slipped_as(scenario, market, ledger, fills)
    closes = _trades_at_closes(slipped, market, fills)
    back = 0 if scenario.execution.timing is Timing.SAME_CLOSE else 1
    rows: list[WantedOrder] = []
    elsewhere, resting = 0, -1
    for t, fill in fills:
        if t < back:
            raise _unfit(fill, "a fill at the first bar", "a bar before it, at which it is decided")
        kind, price, met = _type(slipped, market, t, fill, closes, behind=resting == t)
        elsewhere += not met
        resting = resting if kind is OrderType.MARKET else t
        reason = str(fill.cells.get("reason") or REASON)
        rows.append(
            WantedOrder(
                row=len(rows) + 1,
                decided_at=int(market.timestamps[t - back]),
                symbol=market.symbols[fill.symbol],
                side=Side(str(fill.cells["side"])),
                quantity=fill.whole("quantity") or 0,
                type=kind,
                price=price,
                reason=REASON if reason == REBALANCE else reason,
            )
        )
    selection = made(file, market.timezone is not None, rows)
    execution = replace(scenario.execution, sequence=OrderSequence.SUBMISSION)
    changed = replace(scenario, strategy=Strategy(selection), exits=(), execution=execution)
    changed = replace(changed, digest=digest_of(changed))
    return Replay(changed, as_replayed(changed, market, ledger, [(t, row.at) for t, row in fills]), elsewhere)


def _fills(scenario: Scenario, market: Market, ledger: Ledger) -> Iterator[tuple[int, Row]]:
    """The fills with their bars, in execution order."""
    table = ledger.tables.get("fills")
    missing = [name for name in NEEDED if table is None or name not in table.columns]
    if table is None or table.rows == 0 or missing:
        found = "no fills" if table is None or not table.rows else f"fills without {', '.join(missing)}"
        expected = f"a table of fills with {', '.join(NEEDED)}"
        raise InputError("ledger", found, expected, "Give a ledger that has its fills.")
    rows = read_rows(Ledger(ledger.manifest, {"fills": table}), scenario, market)
    if rows.stray:
        at = rows.stray[0][1]
        raise InputError(
            f"ledger: fills, row {at + 1}",
            f"a time or symbol that the market does not have, as in {len(rows.stray)} of {table.rows} fills",
            "fills at bars and in symbols of the market",
            "Give the market that was traded, or a mapping that brings its times and names.",
        )
    for t in sorted(rows.tables["fills"].by_bar):
        for row in in_sequence(rows.at("fills", t)):
            whole = row.cells.get("quantity")
            if not isinstance(whole, int) or whole <= 0:
                raise _unfit(row, "a quantity that is no whole number of units", "more quantity_decimals")
            if row.cells.get("side") not in [side.value for side in Side] or not row.whole("price"):
                raise _unfit(row, "no side, or no price", "both")
            if not market.present.item(t, row.symbol):
                raise _unfit(row, "a fill at a bar at which its symbol is absent", "a bar of the symbol")
            yield t, row


def _unfit(row: Row, found: str, expected: str) -> InputError:
    remedy = "Correct it, or give the market that was traded."
    return InputError(f"ledger: fills, row {row.at + 1}", found, expected, remedy)


def _slipped_as(
    scenario: Scenario, market: Market, ledger: Ledger, fills: Sequence[tuple[int, Row]]
) -> Scenario:
    """The scenario with the slippage of a ledger: the stated one, one rate that fits the fills, or none;
    that by which most fills are at the open or the close."""
    stated = scenario.costs.slippage
    asked = _with(scenario, stated if isinstance(stated, BpsSlippage) else BpsSlippage(0))
    fitted, _ = at_own_levels(ledger, asked, market)
    tried = [scenario, _with(scenario, fitted.costs.slippage), _with(scenario, None)]
    return max(tried, key=lambda each: sum(_is_market(each, market, t, fill) for t, fill in fills))


def _is_market(slipped: Scenario, market: Market, t: int, fill: Row, closes: bool = True) -> bool:
    """Whether a fill is at the open of its bar, or at the close where that counts, slippage apart."""
    side, told = Side(str(fill.cells["side"])), fill.whole("price")
    next_bar = slipped.execution.timing is not Timing.SAME_CLOSE
    # X9: what was decided in its own bar was met inside it; its price may be the close by chance.
    inside = next_bar and fill.cells.get("decided_at") == int(market.timestamps[t])
    places = (market.open, market.close) if closes and not inside else (market.open,)
    return any(fill_price(slipped, int(prices[t, fill.symbol]), side) == told for prices in places)


def _trades_at_closes(slipped: Scenario, market: Market, fills: Sequence[tuple[int, Row]]) -> bool:
    """Whether market orders fill at closes: a limit or stop may be at one by chance, but not often."""
    if slipped.execution.timing is not Timing.NEXT_OPEN:
        return True
    opens = sum(_is_market(slipped, market, t, fill, closes=False) for t, fill in fills)
    both = sum(_is_market(slipped, market, t, fill) for t, fill in fills)
    return (both - opens) * OFTEN >= len(fills)


def _type(
    slipped: Scenario, market: Market, t: int, fill: Row, closes: bool, behind: bool
) -> tuple[OrderType, int, bool]:
    """The type and price of the order that is filled so, and whether one can be.

    slipped: as the ledger slips. closes: whether the close counts as a place of market orders. behind:
    whether a limit or stop filled before it in the bar, so that a market order would come too early.
    """
    is_market = _is_market(slipped, market, t, fill, closes)
    if slipped.execution.timing is not Timing.NEXT_OPEN or (is_market and not behind):
        return OrderType.MARKET, 0, is_market
    side, told, symbol = Side(str(fill.cells["side"])), fill.whole("price") or 0, fill.symbol
    levels, sign = slipped.execution.levels, 1 if side is Side.BUY else -1
    # Prices as a buyer sees them: negated for a sell, with high and low exchanged.
    opened = sign * int(market.open[t, symbol])
    low, high = sign * int(market.low[t, symbol]), sign * int(market.high[t, symbol])
    low, high = (low, high) if side is Side.BUY else (high, low)
    cross = levels.touch is Touch.CROSS
    found: list[tuple[OrderType, int, int]] = []
    if sign * told == opened:
        found.append((OrderType.LIMIT, told + sign * cross, told))
    elif low + cross <= sign * told < opened:
        found.append((OrderType.LIMIT, told, told))
    for raw in _raw_prices(slipped, told, side):
        beyond = opened < sign * raw <= high or (is_market and sign * raw == opened)
        if beyond or (levels.gap is not Gap.OPEN and low <= sign * raw <= opened):
            found.append((OrderType.STOP, raw, raw))
    slippage, quantity = fill.cells.get("slippage"), fill.whole("quantity") or 0
    found.sort(key=lambda each: slippage not in (None, quantity * abs(told - each[2])))
    return (*found[0][:2], True) if found else (OrderType.MARKET, 0, is_market)


def _with(scenario: Scenario, slippage: Slippage | None) -> Scenario:
    return replace(scenario, costs=replace(scenario.costs, slippage=slippage))


def _raw_prices(scenario: Scenario, told: int, side: Side) -> Iterator[int]:
    """E2: the raw prices that are slipped to a price."""
    slippage, sign = scenario.costs.slippage, 1 if side is Side.BUY else -1
    if isinstance(slippage, FixedSlippage):
        near = told - sign * slippage.ticks
    else:
        rate = slippage.rate if isinstance(slippage, BpsSlippage) else 0
        near = told * 10**9 // max(1, 10**9 + sign * rate)
    for raw in range(max(1, near - 2), near + 3):
        if fill_price(scenario, raw, side) == told:
            yield raw
