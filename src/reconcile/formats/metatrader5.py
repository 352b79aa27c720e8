"""MetaTrader 5: the deals of a report, as HTML, XLSX or CSV, in any language.

Truth: parsers of the report, and sample rows. Deals stand between orders and totals, so rows are taken by
their shape: a time, a number, a symbol, a type, a direction. Headers have 13 columns, newer ones a fee
behind the commission. `Volume` is in lots; the contract's size is not in the report. Commission, fee, swap
and profit are signed effects on cash: below 0 is paid. Rows without a symbol are deposits and the like.
Stamps are server time.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from reconcile.formats.model import Columns, Format, Options, Rules, Tables, time_rules
from reconcile.formats.peek import MARKS, Peek
from reconcile.formats.words import BUY, SELL
from reconcile.formats.written import comma_form
from reconcile.tables.intake import HTML, SHEETS, TEXT
from reconcile.tables.unpack import members, text_of
from reconcile.text.escape import printable
from vocabulary.errors import InputError

OLD = ("Time", "Deal", "Symbol", "Type", "Direction", "Volume", "Price", "Order", "Commission", "Swap",
       "Profit", "Balance", "Comment")  # fmt: skip
NEW = (*OLD[:9], "Fee", *OLD[9:])
STAMP = re.compile(r"^\d{4}[.-]\d\d[.-]\d\d[ T]\d\d:\d\d(:\d\d(\.\d+)?)?$")
SPACES = "\u00a0\u202f\u2009 "
KINDS = {"balance": "", "commission": "fee", "charge": "fee", "interest": "interest", "dividend": "dividend",
         "tax": "tax"}  # fmt: skip
"""Of rows without a symbol, by how their type begins: the kind of flow; empty for money in or out."""
NEAR = Decimal("0.011")
"""How far a balance may be off the one before and what the deal did to it: cents that were rounded."""


@dataclass(frozen=True, slots=True)
class Deals:
    """The rows of the deals by column, as they are written.

    totals: whether the row of totals stands below them. whole: whether the page has its end.
    """

    rows: Sequence[Mapping[str, str]]
    totals: bool
    whole: bool


def deals_of(path: Path) -> Deals | None:
    """The deals of a report; None where it has none. Raises InputError: it cannot be read."""
    for grid in _grids(path):
        for at, cells in enumerate(grid):
            names = _columns(cells, grid[at + 1 : at + 2])
            if names is None:
                continue
            rows: list[Mapping[str, str]] = []
            totals = False
            for below in grid[at + 1 :]:
                padded = [*below, *[""] * len(names)]
                if not _is_deal(padded, names):
                    filled = [cell for cell in below if cell]
                    totals = bool(filled) and all(_amount(cell) is not None for cell in filled)
                    break
                rows.append(dict(zip(names, padded, strict=False)))
            return Deals(rows, totals, _is_whole(path))
    return None


def _grids(path: Path) -> Iterator[list[list[str]]]:
    """The rows of a file: of each sheet, of each table of a page, of text by each separator."""
    peek = Peek(path)
    if peek.ending in TEXT:
        text = text_of(members(path)[0], None)
        for mark in MARKS:
            try:
                yield [
                    [cell.strip() for cell in row] for row in csv.reader(io.StringIO(text), delimiter=mark)
                ]
            except csv.Error:
                continue
    elif peek.ending in (*SHEETS, *HTML):
        for _, rows in peek.grids():
            yield [[(cell or "").strip() for cell in row.cells] for row in rows]


def _columns(cells: Sequence[str], below: Sequence[Sequence[str]]) -> tuple[str, ...] | None:
    """The columns under a header of deals: by its English names, or by the shape of the row below it."""
    named = tuple(cell for cell in cells if cell)
    if set(OLD) - {"Comment", "Order"} <= set(named):
        return tuple(cells[: max(at for at, cell in enumerate(cells) if cell) + 1])
    if len(named) not in (len(OLD), len(NEW)) or not all(cells[: len(named)]) or not below:
        return None
    columns = OLD if len(named) == len(OLD) else NEW
    first = [*below[0], *[""] * len(columns)]
    words = not any(_amount(cell) is not None or STAMP.match(cell) for cell in named)
    return columns if words and _is_deal(first, columns) else None


def _is_deal(cells: Sequence[str], columns: Sequence[str]) -> bool:
    """A time, a number, a word for the type, and amounts: what no order and no total has."""
    row = dict(zip(columns, cells, strict=False))
    amounts = [row.get(name, "") for name in ("Commission", "Swap", "Profit")]
    return (
        STAMP.match(row["Time"]) is not None
        and row["Deal"].isdecimal()
        and bool(row["Type"])
        and not any(STAMP.match(cell) for cell in amounts)
    )


def _is_whole(path: Path) -> bool:
    """Whether a page has its end; other files are read in full or not at all."""
    if Peek(path).ending not in HTML:
        return True
    return "</table>" in text_of(members(path)[0], None).lower().rpartition("<tr")[2]


def owns(peek: Peek) -> bool:
    """Whether a file holds deals. Text is looked at where it begins only."""
    if peek.ending in TEXT:
        return any(_columns(head.cells, head.rows) is not None for head in peek.heads)
    if peek.ending not in (*SHEETS, *HTML):
        return False
    try:
        return deals_of(peek.path) is not None
    except (InputError, OSError):
        return False


def tables_of(path: Path, options: Options | None = None) -> Tables:
    """Fills and flows of the deals. Raises InputError: none in it, a page that was cut, an unknown type."""
    import pandas as pd

    found = deals_of(path)
    if found is None:
        Peek(path).refuse_unreadable()
        raise InputError(str(path), "no deals", FORMAT.export, "Save the report with its deals.")
    if not found.whole:
        expected = "the end of the table"
        raise InputError(str(path), "a page that ends within its deals", expected, "Save the report again.")
    form = comma_form({name: [row.get(name, "") for row in found.rows] for name in AMOUNTS})
    fills, flows, steps = [], [], []
    for row in found.rows:
        where = f"{path}, deal {printable(row['Deal'], 20)}"
        paid = {name: _read(row.get(name, ""), form, f"{where}, {name}") for name in AMOUNTS}
        steps.append(
            (row["Deal"], sum(paid[name] for name in MONEY), paid["Balance"], row.get("Balance", ""))
        )
        side = _side(row["Type"])
        stamp, symbol = row["Time"].replace(".", "-", 2), row["Symbol"]
        if side is None and symbol and paid["Volume"]:
            expected, remedy = "buy or sell", "Set the terminal to English, and save the report again."
            raise InputError(f"{where}, type", repr(printable(row["Type"], 40)), expected, remedy)
        if side is None:
            flows.append(
                (stamp, symbol, _kind(row["Type"], paid["Profit"]), sum(paid[name] for name in MONEY))
            )
            continue
        if not paid["Volume"] or not paid["Price"]:
            raise InputError(where, "no volume or no price", "both", "Save the report again.")
        fills.append((stamp, symbol, side, paid["Volume"], paid["Price"], -paid["Commission"] - paid["Fee"]))
        if paid["Swap"]:
            flows.append((stamp, symbol, "funding", paid["Swap"]))
    names = ["timestamp", "symbol", "side", "quantity", "price", "commission"]
    tables = {"fills": pd.DataFrame([_text(one) for one in fills], columns=names)}
    if flows:
        columns = ["timestamp", "symbol", "kind", "amount"]
        tables["flows"] = pd.DataFrame([_text(one) for one in flows], columns=columns)
    return Tables(tables, tuple(_notes(found, steps)))


def _notes(found: Deals, steps: Sequence[tuple[str, Any, Decimal, str]]) -> list[str]:
    """What the balances and the totals say about deals that are not there."""
    notes = []
    if not found.totals:
        notes.append("the row of totals below the deals is not there: deals may be missing at the end")
    before: Decimal | None = None
    for deal, did, balance, written in steps:
        if not written:
            before = None
            continue
        start = before if before is not None else (Decimal(0) if deal == steps[0][0] else None)
        if start is not None and abs(balance - start - did) > NEAR and (before is not None or did == balance):
            off = balance - start - did
            notes.append(f"the balance of deal {deal} is {off:+f} off the one before it: deals are missing")
            break
        before = balance
    return notes


def _side(word: str) -> str | None:
    low = word.casefold()
    return "buy" if low in BUY else "sell" if low in SELL else None


def _kind(word: str, amount: Decimal) -> str:
    """The kind of flow of a row that is no trade."""
    named = next((kind for begins, kind in KINDS.items() if word.casefold().startswith(begins)), "other")
    return named or ("deposit" if amount >= 0 else "withdrawal")


def _amount(text: str) -> Decimal | None:
    """A number with a point, and spaces between its thousands; None for other text."""
    bare = "".join(letter for letter in text if letter not in SPACES).replace("\u2212", "-")
    try:
        number = Decimal(bare) if re.fullmatch(r"[-+]?\d+(\.\d+)?([eE][-+]?\d{1,2})?", bare) else None
    except InvalidOperation:
        return None
    return number


def _read(text: str, form: Mapping[str, str], where: str) -> Decimal:
    """A cell as a number, 0 where it is empty. Raises InputError."""
    if not text:
        return Decimal(0)
    plain = text
    if form:
        plain = text.replace(form.get("thousands", " "), "").replace(",", ".")
    number = _amount(plain)
    if number is None:
        raise InputError(where, repr(printable(text, 40)), "a number", "Save the report again.")
    return number


def _text(row: Sequence[Any]) -> tuple[str, ...]:
    return tuple(f"{cell:f}" if isinstance(cell, Decimal) else str(cell) for cell in row)


def _rules(file: str, columns: Columns, options: Options) -> Rules:
    tables: dict[str, Any] = {name: {"file": name} for name in columns}
    tables["fills"]["execution_order"] = "rows"
    return {"tables": tables, **time_rules(options)}


MONEY = ("Commission", "Fee", "Swap", "Profit")
AMOUNTS = ("Volume", "Price", "Balance", *MONEY)
FORMAT = Format(
    name="metatrader5",
    title="MetaTrader 5, deals",
    export="Strategy Tester > Backtest > Report, as HTML or Open XML, in any language",
    recognises=lambda columns: False,  # by its shape, see `owns`
    rules=_rules,
    holds=("every deal, with commission and fee", "deposits and swaps, as flows"),
    lacks=("the contract's size", "the time zone of the server", "equity per bar", "slippage"),
    mind=(
        "`Volume` is in lots, so price times volume is not the money of a deal.",
        "Commission, fee and swap are effects on cash: below 0 was paid.",
        "Each balance has to follow from the one before: deals that are missing are reported.",
    ),
    owns=owns,
    tables=tables_of,
)
