"""A cost of another size is one mistake, and the rest of a ledger is held against it.

Where a ledger's fills are charged another commission, or filled with another slippage, than the scenario
states, and one rate fits them all, that is one root. The resync then goes on with the ledger's own rate: what
follows from it (quantities that the cash still covers) agrees, and what is left are other mistakes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from reconcile.matching.model import BreakType
from reconcile.matching.patterns import roundest
from reconcile.roots.causes import Cause
from reconcile.roots.findings import Finding
from reconcile.roots.readings import side_of
from reconcile.roots.rows import Row, read_rows
from reference import commission_of, fill_price, raw_price
from vocabulary.ledger import Ledger
from vocabulary.market import Market
from vocabulary.scenario import BpsCommission, BpsSlippage, Scenario
from vocabulary.state import Side

RATE = 10**9
"""Rates are integers of so many parts."""
LEAST = 3
"""Fills that tell a rate, and differ from the one stated."""
MOST = 0.95
"""The share of all fills that has to have the rate, exactly."""


@dataclass(frozen=True, slots=True)
class _Paid:
    """One fill, in units. told: what the row states. base: what its rate is a share of."""

    row: Row
    bar: int
    side: Side
    told: int
    base: int


def at_own_levels(ledger: Ledger, scenario: Scenario, market: Market) -> tuple[Scenario, list[Cause]]:
    """The scenario with the rates that a ledger's fills have, and one cause for each that is not the stated
    one."""
    fills = ledger.tables.get("fills")
    if fills is None or not {"symbol", "side", "quantity", "price"} <= set(fills.columns):
        return scenario, []
    causes = []
    rows = [(t, row) for t, row in _fills(ledger, scenario, market)]
    for name, kind, paid_of, amended in (
        ("price", BreakType.PRICE, _slipped, _with_slippage),
        ("commission", BreakType.COST, _charged, _with_commission),
    ):
        if name not in fills.columns:
            continue
        paid = [one for t, row in rows if (one := paid_of(scenario, market, t, row)) is not None]
        found = _other_level(paid, scenario, market, name, amended)
        if found is not None:
            wrong = list(_findings(paid, scenario, market, name, kind))
            causes.append(Cause(wrong, name, kind))
            scenario = found
    return scenario, causes


def _fills(ledger: Ledger, scenario: Scenario, market: Market) -> Iterator[tuple[int, Row]]:
    """The fills at the market's bars, in order of time."""
    alone = Ledger(ledger.manifest, {"fills": ledger.tables["fills"]})
    table = read_rows(alone, scenario, market).tables.get("fills")
    for t in sorted(table.by_bar) if table is not None else ():
        for row in table.at(t) if table is not None else ():
            if row.symbol >= 0 and market.present.item(t, row.symbol) and (row.whole("quantity") or 0) > 0:
                yield t, row


def _charged(scenario: Scenario, market: Market, t: int, row: Row) -> _Paid | None:
    """A fill's commission, beside its notional."""
    told, price, quantity, side = (*map(row.whole, ("commission", "price", "quantity")), side_of(row))
    if told is None or price is None or quantity is None or side not in ("buy", "sell"):
        return None
    return _Paid(row, t, Side(side), told, quantity * price)


def _slipped(scenario: Scenario, market: Market, t: int, row: Row) -> _Paid | None:
    """A fill's distance from the raw price, against the trader."""
    price, side = row.whole("price"), side_of(row)
    if price is None or side not in ("buy", "sell"):
        return None
    raw = raw_price(scenario, market, t, row.symbol)
    return _Paid(row, t, Side(side), price - raw if side == "buy" else raw - price, raw)


def _with_commission(scenario: Scenario, rate: int) -> Scenario | None:
    stated = scenario.costs.commission
    if not isinstance(stated, BpsCommission):
        return None
    return replace(scenario, costs=replace(scenario.costs, commission=replace(stated, rate=rate)))


def _with_slippage(scenario: Scenario, rate: int) -> Scenario | None:
    stated = scenario.costs.slippage
    if not isinstance(stated, BpsSlippage):
        return None
    return replace(scenario, costs=replace(scenario.costs, slippage=BpsSlippage(rate)))


def _expected(scenario: Scenario, market: Market, name: str, paid: _Paid) -> int:
    """What the scenario makes of the cell, as the row's own other cells tell."""
    raw = raw_price(scenario, market, paid.bar, paid.row.symbol)
    if name == "price":
        return fill_price(scenario, raw, paid.side)
    return commission_of(scenario, paid.row.whole("quantity") or 0, paid.base, raw)


def _other_level(
    paid: Sequence[_Paid],
    scenario: Scenario,
    market: Market,
    name: str,
    amended: Callable[[Scenario, int], Scenario | None],
) -> Scenario | None:
    """The scenario with the rate that the fills have; None where it is the stated one, or none fits."""

    def right(under: Scenario) -> int:
        return sum(_expected(under, market, name, one) == one.row.cells[name] for one in paid)

    if len(paid) < LEAST or right(scenario) > len(paid) - LEAST:
        return None
    shares = sorted(((one.told / one.base, one) for one in paid if one.base > 0), key=lambda each: each[0])
    if not shares:
        return None
    middle = shares[len(shares) // 2][0]
    near = [one for share, one in shares if abs(share - middle) <= 1.01 / one.base]
    if len(near) < MOST * len(paid):
        return None
    low = max((one.told - 0.5) / one.base for one in near)
    high = min((one.told + 0.5) / one.base for one in near)
    value = roundest(low * 10_000, high * 10_000)
    rate = None if value is None or value < 0 else value * RATE / 10_000
    if rate is None or rate.denominator != 1:
        return None
    under = amended(scenario, int(rate))
    return under if under is not None and right(under) >= MOST * len(paid) else None


def _findings(
    paid: Sequence[_Paid], scenario: Scenario, market: Market, name: str, kind: BreakType
) -> Iterator[Finding]:
    """The cells that the stated rate does not give."""
    for one in paid:
        expected, found = _expected(scenario, market, name, one), one.row.cells[name]
        if expected != found:
            row = one.row
            yield Finding("fills", name, kind, one.bar, row.symbol, one.side.value, row.at, expected, found)
