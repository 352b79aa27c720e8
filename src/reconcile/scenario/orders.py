"""R10: the file of a strategy of kind `orders`, read and written, and held against a market."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np

from reconcile.files.decimals import NumberError, from_units, to_units
from reconcile.files.instants import show_instant
from reconcile.files.places import shown
from vocabulary.errors import InputError
from vocabulary.market import Market
from vocabulary.scenario import ExitRule, OrdersStrategy, Scenario, Timing, WantedOrder
from vocabulary.state import REBALANCE, OrderType, Side

NEEDED = ("decided_at", "symbol", "side", "quantity")
OPTIONAL = ("type", "price", "reason")
REASON = "order"
"""The reason of a row that gives none."""


def read_orders(path: Path, file: str, price_decimals: int, quantity_decimals: int) -> OrdersStrategy:
    """The orders of a file (CSV or Parquet, or another kind of table that is read).

    file: the path as the scenario has it. Raises InputError naming the row: an empty cell, a side or type
    that is none, a quantity that is not positive or no whole number of units, and the price of a limit or
    stop that is missing, not positive or not in ticks. The price of a market order is not read.
    """
    from reconcile.files.instants import NAIVE, from_arrow
    from reconcile.files.places import Place
    from reconcile.tables.cells import one_array
    from reconcile.tables.intake import read_table

    data = read_table(path).data
    source = str(path)
    _need_columns(data.column_names, source)
    if data.num_rows == 0:
        raise InputError(source, "no rows", "at least one order", "Write the orders again.")
    place = Place(source, "orders", "decided_at")
    instants, zone = from_arrow(one_array(data["decided_at"]), place)
    cells = {name: data[name].to_pylist() for name in data.column_names if name != "decided_at"}
    rows = []
    for i, instant in enumerate(instants.tolist()):
        row = _Row(source, i, {name: column[i] for name, column in cells.items()})
        if instant == np.iinfo(np.int64).min:
            raise row.bad("decided_at", "nothing", "a time", "Say at which bar the order is decided.")
        rows.append(row.order(instant, price_decimals, quantity_decimals))
    return made(file, zone not in (None, NAIVE), rows)


def made(file: str, zoned: bool, rows: Sequence[WantedOrder]) -> OrdersStrategy:
    """The strategy of rows given in file order."""
    sha = hashlib.sha256(b"zoned" if zoned else b"clock")
    for row in rows:
        what = (
            row.decided_at,
            row.symbol,
            row.side.value,
            row.quantity,
            row.type.value,
            row.price,
            row.reason,
        )
        sha.update(repr(what).encode())
    return OrdersStrategy(file, sha.hexdigest(), zoned, tuple(sorted(rows, key=lambda row: row.decided_at)))


def _need_columns(names: Sequence[str], source: str) -> None:
    columns = f"the columns {', '.join(NEEDED)}, and perhaps {', '.join(OPTIONAL)}"
    for name in NEEDED:
        if name not in names:
            raise InputError(source, f"no column {name!r}", columns, "Add the column.")
    for name in names:
        if name not in (*NEEDED, *OPTIONAL):
            raise InputError(source, f"the column {shown(name)}", columns, "Rename the column, or drop it.")


class _Row:
    """One row as the file has it. at: counted from 0."""

    def __init__(self, source: str, at: int, cells: Mapping[str, Any]) -> None:
        self.source, self.at, self.cells = source, at, cells

    def order(self, decided_at: int, price_decimals: int, quantity_decimals: int) -> WantedOrder:
        kind = OrderType(self.word("type", [each.value for each in OrderType], OrderType.MARKET.value))
        quantity = self.units("quantity", quantity_decimals, "a number of shares above 0")
        price = 0
        if kind is not OrderType.MARKET:
            price = self.units("price", price_decimals, f"the price of the {kind.value}, above 0")
        return WantedOrder(
            row=self.at + 1,
            decided_at=decided_at,
            symbol=self.word("symbol"),
            side=Side(self.word("side", [each.value for each in Side])),
            quantity=quantity,
            type=kind,
            price=price,
            reason=self.word("reason", instead=REASON),
        )

    def word(self, name: str, known: Sequence[str] = (), instead: str | None = None) -> str:
        cell = self.cells.get(name)
        text = "" if cell is None else str(cell).strip()
        if not text and instead is not None:
            return instead
        if not text or (known and text not in known):
            expected = " or ".join(known) if known else f"a {name}"
            raise self.bad(name, shown(text) if text else "nothing", expected, "Correct the cell.")
        return text

    def units(self, name: str, decimals: int, expected: str) -> int:
        cell = self.cells.get(name)
        text = "" if cell is None or cell != cell else _plain(cell)
        try:
            units = to_units(text, decimals)
        except NumberError as error:
            raise self.bad(name, shown(text) if text else "nothing", error.expected, error.remedy) from error
        if units <= 0:
            raise self.bad(name, shown(text), expected, "Correct the cell.")
        return units

    def bad(self, name: str, found: str, expected: str, remedy: str) -> InputError:
        return InputError(f"{self.source}, row {self.at + 1}, column {name!r}", found, expected, remedy)


def _plain(cell: Any) -> str:
    """A number as decimal text without an exponent; a float as the shortest text that gives it back."""
    if isinstance(cell, float):
        cell = Decimal(repr(cell))
    if isinstance(cell, Decimal) and cell.is_finite():
        return format(cell, "f")
    return str(cell).strip()


def check_orders(wanted: OrdersStrategy, exits: Sequence[ExitRule], timing: Timing, where: str) -> None:
    """R10: raises InputError naming the row: a reason that an exit or the rebalance has; a limit or stop
    with another timing than next_open."""
    taken = {REBALANCE, *(rule.name for rule in exits)}
    for row in wanted.rows:
        place = f"{where}: strategy.file {wanted.file!r}, row {row.row}"
        if row.reason in taken:
            owner = "that of a rebalance" if row.reason == REBALANCE else "the name of an exit"
            raise InputError(
                place,
                f"the reason {shown(row.reason)}",
                f"another reason, because this one is {owner}",
                "Give the order another reason.",
            )
        if row.type is not OrderType.MARKET and timing is not Timing.NEXT_OPEN:
            raise InputError(
                place,
                f"a {row.type.value}",
                f"market orders, because execution.timing is {timing.value!r}",
                'Set execution.timing = "next_open", or make it a market order.',
            )


def check_rows(scenario: Scenario, market: Market) -> None:
    """R10: raises InputError naming the first row whose time or symbol the market does not know."""
    wanted = scenario.strategy.selection
    if not isinstance(wanted, OrdersStrategy):
        return
    where = f"{scenario.name}: strategy.file {wanted.file!r}"
    if wanted.zoned != (market.timezone is not None) and wanted.rows:
        has, lacks = ("the file", "the market") if wanted.zoned else ("the market", "the file")
        raise InputError(
            where,
            f"times of which only {has} has a zone",
            f"times with a zone in both, or in neither; {lacks} has none",
            "Write the times as the market has them.",
        )
    stamps, symbols = set(market.timestamps.tolist()), set(market.symbols)
    for row in sorted(wanted.rows, key=lambda row: row.row):
        if row.decided_at not in stamps:
            found = f"decided_at {show_instant(row.decided_at)}, which is no bar of the market"
            raise InputError(
                f"{where}, row {row.row}", found, "the time of a bar", "Correct or drop the row."
            )
        if row.symbol not in symbols:
            found = f"the symbol {shown(row.symbol)}, which the market does not have"
            raise InputError(
                f"{where}, row {row.row}", found, "a symbol of the market", "Correct or drop the row."
            )


def rows_within(scenario: Scenario, market: Market) -> Scenario:
    """The scenario with those rows alone that the market, a part of an earlier one, still knows."""
    wanted = scenario.strategy.selection
    if not isinstance(wanted, OrdersStrategy):
        return scenario
    stamps, symbols = set(market.timestamps.tolist()), set(market.symbols)
    kept = [row for row in wanted.rows if row.decided_at in stamps and row.symbol in symbols]
    return with_rows(scenario, kept)


def with_rows(scenario: Scenario, rows: Sequence[WantedOrder]) -> Scenario:
    """The scenario with other rows in place of those of its file."""
    from reconcile.scenario.build import digest_of

    wanted = scenario.strategy.selection
    assert isinstance(wanted, OrdersStrategy)
    selection = made(wanted.file, wanted.zoned, sorted(rows, key=lambda row: row.row))
    changed = replace(scenario, strategy=replace(scenario.strategy, selection=selection))
    return replace(changed, digest=digest_of(changed))


def orders_text(wanted: OrdersStrategy, price_decimals: int, quantity_decimals: int) -> str:
    """The file as CSV, in file order; times with a zone are written in UTC."""
    from reconcile.files.instants import iso_text

    rows = sorted(wanted.rows, key=lambda row: row.row)
    instants = np.array([row.decided_at for row in rows], dtype=np.int64)
    out = StringIO()
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow((*NEEDED, *OPTIONAL))
    for when, row in zip(iso_text(instants, "UTC" if wanted.zoned else None), rows, strict=True):
        price = from_units(row.price, price_decimals) if row.type is not OrderType.MARKET else ""
        lines.writerow(
            (
                when,
                row.symbol,
                row.side.value,
                from_units(row.quantity, quantity_decimals),
                row.type.value,
                price,
                row.reason,
            )
        )
    return out.getvalue()
