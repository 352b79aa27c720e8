"""TradingView: "List of trades", exported as CSV or XLSX, in any language.

Truth: exports of four generations. Headers differ by generation, currency and language, so columns are
found by their place and by what stands in them: number of the trade, type, time and signal in either order,
price, quantity. Two rows are one trade. `Price` includes slippage. A stamp is the open of the bar in the
chart's time zone, which is not in the file.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reconcile.files.places import Place
from reconcile.formats.model import Columns, Format, Options, Rules, Tables, first_of, time_rules
from reconcile.formats.peek import Head, Peek
from reconcile.formats.words import OPEN, Kind, Line, meanings
from reconcile.formats.written import comma_form
from reconcile.tables.intake import read_tables
from reconcile.tables.layout import Layout
from reconcile.tables.numbers import Numbers, plain_numbers
from reconcile.tables.settings import settings_from
from reconcile.tables.times import TimeForm, timestamps
from reconcile.text.escape import printable
from vocabulary.errors import InputError

NUMBER = re.compile(r"^[-+\u2212]?[\d.,'\s\u00a0\u202f]*\d$")
DATE = re.compile(r"^\d{1,4}[-./]\d{1,2}[-./]\d{1,4}([T ,]+\d{1,2}:\d\d(:\d\d)?)?$")
TRADE = re.compile(r"^\d+(\.0)?$")
SHARES = 2
"""Columns of percentages that every generation has at least."""


@dataclass(frozen=True, slots=True)
class Shape:
    """Which columns of the list are which. profit: None where there is none."""

    trade: str
    kind: str
    time: str
    signal: str | None
    price: str
    quantity: str
    profit: str | None


def shape_of(head: Head) -> Shape | None:
    """The columns of a list of trades, by their English names or by their shape; None where it is none."""
    return _named(head.cells) or _placed(head)


def _named(cells: Sequence[str]) -> Shape | None:
    trade = first_of(cells, "Trade #", "Trade number")
    time = first_of(cells, "Date/Time", "Date and time")
    price = first_of(cells, "Price")
    quantity = first_of(cells, "Contracts", "Quantity", "Position size (qty)", "Size (qty)", "Qty")
    if trade is None or time is None or price is None or quantity is None or "Type" not in cells:
        return None
    signal = "Signal" if "Signal" in cells else None
    return Shape(trade, "Type", time, signal, price, quantity, _profit(cells, quantity))


def _placed(head: Head) -> Shape | None:
    """By place: a number that comes twice, words, a time and a signal in either order, price, quantity."""
    cells = head.cells
    rows = [row for row in head.rows if len(row) >= 6 and any(row)]
    if len(cells) < 7 or sum("%" in cell or "\u066a" in cell for cell in cells) < SHARES or not rows:
        return None
    dated = [at for at in (2, 3) if _all_match(DATE, [row[at] for row in rows])]
    counts = Counter(row[0] for row in rows)
    fits = (
        len(dated) == 1
        and all(TRADE.match(row[0]) for row in rows)
        and max(counts.values()) <= 2
        and len({row[1] for row in rows}) <= 4
        and not any(not row[1] or NUMBER.match(row[1]) for row in rows)
        and all(_all_match(NUMBER, [row[at] for row in rows]) for at in (4, 5))
    )
    if not fits or len(set(cells)) != len(cells):
        return None
    signal = cells[5 - dated[0]]
    return Shape(cells[0], cells[1], cells[dated[0]], signal, cells[4], cells[5], _profit(cells, cells[5]))


def _all_match(pattern: re.Pattern[str], cells: Sequence[str]) -> bool:
    """Whether all filled cells match, and most are filled: the exit of an open trade may have none."""
    filled = [cell for cell in cells if cell]
    return 2 * len(filled) > len(cells) and all(pattern.match(cell) for cell in filled)


def _profit(cells: Sequence[str], quantity: str) -> str | None:
    """The column before the first percentage: the profit in money."""
    after = list(cells[cells.index(quantity) + 1 :])
    for at, cell in enumerate(after):
        if "%" in cell or "\u066a" in cell:
            return after[at - 1] if at else None
    return next((cell for cell in after if re.match("(?i)profit|net p", cell)), None)


def owns(peek: Peek) -> bool:
    """Whether a file holds a list of trades."""
    return any(shape_of(head) is not None for head in peek.heads)


def tables_of(path: Path, options: Options | None = None) -> Tables:
    """The fills of a list of trades, by time. Raises InputError: none in it, half a trade, words unknown."""
    import pandas as pd

    options = options or Options()
    found = [(head, shape) for head in Peek(path).heads if (shape := shape_of(head)) is not None]
    if not found:
        Peek(path).refuse_unreadable()
        raise InputError(str(path), "no list of trades", FORMAT.export, "Export the list of trades.")
    head, shape = found[0]
    raw = read_tables(path, settings_from(Layout, head.layout, "format"))[0]
    lines = _lines(raw.data, shape, str(path))
    _check_trades(lines, str(path))
    kinds = meanings(lines)
    unknown = next((word for word, kind in kinds.items() if kind is None), None)
    if unknown is not None:
        expected = "words for entry and exit, long and short, that its trades bear out"
        remedy = (
            "Set the page to English and export again, or use a mapping: reconcile import --suggest FILE."
        )
        raise InputError(f"{path}, column {shape.kind}", repr(printable(unknown, 40)), expected, remedy)
    rows, open_ = [], 0
    for line in lines:
        kind = kinds[line.word]
        assert kind is not None
        if not kind.enters and line.still_open:
            open_ += 1
            continue
        rows.append((line.time, line.trade, not kind.enters, kind.side, line.quantity, line.price))
    _check_order(lines, kinds, str(path))
    rows.sort(key=lambda row: row[:3])
    fills = pd.DataFrame(
        {
            "timestamp": pd.to_datetime([row[0] for row in rows]),
            "symbol": options.symbol or "SYMBOL",
            "side": [row[3] for row in rows],
            "quantity": [row[4] for row in rows],
            "price": [row[5] for row in rows],
        }
    )
    return Tables({"fills": fills}, tuple(_notes(lines, open_, options)))


def _lines(data: Any, shape: Shape, origin: str) -> list[Line]:
    """The rows of the list, with numbers as plain text. Raises InputError naming the cell that is none."""
    cells = {name: ["" if one is None else str(one).strip() for one in data.column(name).to_pylist()]
             for name in data.column_names}  # fmt: skip
    amounts = {name: cells[name] for name in (shape.price, shape.quantity, shape.profit) if name}
    form = settings_from(Numbers, comma_form(amounts), "format")
    plain = {name: _plain(data.column(name), form, origin, name) for name in amounts}
    times = timestamps(data.column(shape.time), TimeForm(), Place(origin, "", shape.time))
    stamps = times.cast("timestamp[ns]").cast("int64").to_pylist()
    last = max((stamp for stamp in stamps if stamp is not None), default=0)
    lines = []
    for row, trade in enumerate(cells[shape.trade]):
        where = f"{origin}, row {row + 1}"
        signal = cells[shape.signal][row] if shape.signal else ""
        still_open = signal.casefold() in OPEN and stamps[row] in (None, last)
        if not TRADE.match(trade):
            raise InputError(
                f"{where}, {shape.trade}", repr(printable(trade, 40)), "the number of a trade", AGAIN
            )
        for name in (shape.price, shape.quantity):
            if not plain[name][row] and not still_open:
                raise InputError(f"{where}, {name}", "nothing", "a number", AGAIN)
        if stamps[row] is None and not still_open:
            raise InputError(f"{where}, {shape.time}", "nothing", "a date and time", AGAIN)
        lines.append(
            Line(
                int(float(trade)), cells[shape.kind][row], last if stamps[row] is None else stamps[row],
                plain[shape.quantity][row], plain[shape.price][row], still_open,
                float(plain[shape.profit][row] or 0) if shape.profit else None,
            )
        )  # fmt: skip
    return lines


def _plain(column: Any, form: Numbers, origin: str, name: str) -> list[str]:
    """A column as plain decimal text, empty where there is none. Raises InputError for what is no number."""
    out = []
    for row, cell in enumerate(plain_numbers(column, form, Place(origin, "", name)).to_pylist()):
        text = "" if cell is None else str(cell).strip().replace("\u2212", "-")
        try:
            float(text or 0)
        except ValueError:
            where = f"{origin}, row {row + 1}, {name}"
            raise InputError(where, repr(printable(text, 40)), "a number", AGAIN) from None
        out.append(text)
    return out


def _check_trades(lines: Sequence[Line], origin: str) -> None:
    """Raises InputError: a trade with three rows, or numbers that are missing between others."""
    counts = Counter(line.trade for line in lines)
    for trade, count in counts.items():
        if count > 2:
            raise InputError(f"{origin}, trade {trade}", f"{count} rows", "an entry and an exit", AGAIN)
    missing = sorted(set(range(min(counts, default=0), max(counts, default=0))) - set(counts))
    if missing:
        found = f"no trade {missing[0]} between others"
        raise InputError(origin, found, "all trades from the first to the last", AGAIN)


def _check_order(lines: Sequence[Line], kinds: Mapping[str, Kind | None], origin: str) -> None:
    """Raises InputError: an exit without an entry, or before it; a trade that is long and short."""
    entries = {word for word, kind in kinds.items() if kind and kind.enters}
    entered = {line.trade: line for line in lines if line.word in entries}
    left = {line.trade: line for line in lines if line.word not in entries}
    directions: dict[int, set[bool]] = {}
    for line in lines:
        kind = kinds[line.word]
        directions.setdefault(line.trade, set()).add(kind is not None and kind.is_long)
        if not any(line is one for one in (entered.get(line.trade), left.get(line.trade))):
            raise InputError(
                f"{origin}, trade {line.trade}", "two rows of one kind", "an entry and an exit", AGAIN
            )
    both = next((trade for trade, found in directions.items() if len(found) > 1), None)
    if both is not None:
        raise InputError(f"{origin}, trade {both}", "a long and a short row", "one direction", AGAIN)
    for trade in sorted({*entered, *left}):
        where = f"{origin}, trade {trade}"
        if trade not in entered:
            raise InputError(where, "an exit without its entry", "both rows of the trade", AGAIN)
        if trade in left and left[trade].time < entered[trade].time:
            raise InputError(where, "an exit before its entry", "the entry first", AGAIN)


def _notes(lines: Sequence[Line], open_: int, options: Options) -> list[str]:
    notes = []
    if open_:
        notes.append(f"open trades: {open_}; the exit of an open trade is the last price, and no fill")
    counts = Counter(line.trade for line in lines)
    single = [trade for trade, count in counts.items() if count == 1]
    if single:
        notes.append(f"trades without an exit: {len(single)}, such as trade {single[0]}")
    first = min((line.trade for line in lines), default=1)
    if first > 1:
        notes.append(f"trades before number {first} are not in the file")
    if options.symbol is None:
        notes.append("the symbol is not in the file: it is called SYMBOL; --symbol names it")
    if options.zone is None:
        notes.append("times are in the zone of the chart, which is not in the file; --zone names it")
    return notes


def _rules(file: str, columns: Columns, options: Options) -> Rules:
    return {"tables": {"fills": {"file": "fills"}}, **time_rules(options)}


AGAIN = "Export the list of trades again."
FORMAT = Format(
    name="tradingview",
    title="TradingView, list of trades",
    export="Strategy Tester > List of trades > Export, as CSV or XLSX, in any language",
    recognises=lambda columns: False,  # by its shape, see `owns`
    rules=_rules,
    holds=("the entry and the exit of every trade, one trade per part that was closed",),
    lacks=(
        "the symbol",
        "the time zone",
        "the order of execution within a bar",
        "commissions: they are in the profit only",
        "orders",
        "equity per bar",
    ),
    mind=(
        "A stamp is the open of the bar in which the fill happened.",
        "The exit of an open trade, whose signal is `Open`, is no fill.",
        "Newest come first, and exits before entries; older exports ascend.",
    ),
    owns=owns,
    tables=tables_of,
)
