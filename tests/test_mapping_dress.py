"""Random ledgers, written out as people write them, are read back equal with the mapping that says how."""

from __future__ import annotations

import csv
import gzip
import io
import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mapping_kit import rows
from reconcile.mapping.open import open_mapped
from reconcile.mapping.read import mapping_from
from vocabulary.ledger import Ledger

NAMES = ("timestamp", "symbol", "side", "quantity", "price", "commission")
MARKS = [(".", None), (".", ","), (".", " "), (".", "'"), (",", None), (",", "."), (",", " ")]
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
QUICK = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)


@dataclass(frozen=True)
class Fill:
    """One fill, its numbers exact."""

    time: datetime
    symbol: str
    buy: bool
    quantity: Decimal
    price: Decimal
    fee: Decimal | None


@dataclass(frozen=True)
class Dress:
    """How a ledger is written out."""

    separator: str
    decimal: str
    thousands: str | None
    encoding: str
    unit: str
    none: str
    negative: str
    dates: str
    side: str
    preamble: int
    trailer: bool
    repeated: bool
    packed: bool
    settings: dict[str, Any] = field(default_factory=dict)


def numbers(places: int, least: int = 0) -> st.SearchStrategy[Decimal]:
    return st.integers(least, 10**9).map(lambda units: Decimal(units).scaleb(-places))


seconds = st.datetimes(datetime(1999, 1, 1), datetime(2049, 12, 31)).map(
    lambda one: one.replace(microsecond=0)
)
fills = st.lists(
    st.builds(
        Fill,
        st.datetimes(datetime(1999, 1, 1), datetime(2049, 12, 31)).map(
            lambda one: one.replace(microsecond=0)
        ),
        st.sampled_from(["A", "BRK.B", "ÄÖ", "600519", "a b", "NA"]),
        st.booleans(),
        numbers(3, 1),
        numbers(4),
        st.one_of(st.none(), numbers(2), numbers(2).map(lambda fee: -fee)),
    ),
    min_size=1,
    max_size=8,
)
dresses = st.builds(
    lambda marks, **rest: Dress(decimal=marks[0], thousands=marks[1], **rest),
    st.sampled_from(MARKS),
    separator=st.sampled_from([",", ";", "\t", "|"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1", "windows-1252"]),
    unit=st.sampled_from(["", "$", "EUR", " USDT"]),
    none=st.sampled_from(["", "-", "n/a"]),
    negative=st.sampled_from(["-", "()", "trailing"]),
    dates=st.sampled_from(["iso", "dotted", "day", "month", "named", "epoch", "apart", "zone"]),
    side=st.sampled_from(["ours", "words", "two", "sign", "-sign"]),
    preamble=st.integers(0, 3),
    trailer=st.booleans(),
    repeated=st.booleans(),
    packed=st.booleans(),
)


def number_text(value: Decimal, dress: Dress) -> str:
    """A number as the dress has it."""
    whole, _, fraction = f"{abs(value):f}".partition(".")
    if dress.thousands:
        groups = [whole[max(end - 3, 0) : end] for end in range(len(whole), 0, -3)]
        whole = dress.thousands.join(reversed(groups))
    text = whole + (dress.decimal + fraction if fraction else "")
    text = f"{dress.unit}{text}" if dress.unit == "$" else f"{text}{dress.unit}"
    if value >= 0:
        return text
    return {"-": f"-{text}", "()": f"({text})", "trailing": f"{text}-"}[dress.negative]


def time_texts(time: datetime, dress: Dress) -> dict[str, str]:
    """A time as the dress has it, in one column or two."""
    clock = f"{time:%H:%M:%S}"
    if dress.dates == "apart":
        return {"day": f"{time:%Y.%m.%d}", "clock": clock}
    text = {
        "iso": f"{time:%Y-%m-%d} {clock}",
        "dotted": f"{time:%Y.%m.%d} {clock}",
        "day": f"{time.day}/{time.month}/{time.year} {clock}",
        "month": f"{time.month}/{time.day}/{time.year} {time:%I:%M:%S} {'PM' if time.hour > 11 else 'AM'}",
        "named": f"{time.day} {MONTHS[time.month - 1]} {time.year} {clock}",
        "epoch": str(int((time - datetime(1970, 1, 1)) / timedelta(milliseconds=1))),
        "zone": f"{time:%Y-%m-%dT%H:%M:%S}+02:00",
    }
    return {"when": text[dress.dates]}


def side_texts(fill: Fill, dress: Dress) -> dict[str, str]:
    return {
        "ours": {"side": "buy" if fill.buy else "sell"},
        "words": {"action": "BOT" if fill.buy else "SLD"},
        "two": {"action": "Trade", "way": "in" if fill.buy else "out"},
    }.get(dress.side, {})


def cells(fill: Fill, dress: Dress) -> dict[str, str]:
    """One row under their names."""
    sign = {"sign": 1, "-sign": -1}.get(dress.side, 0) * (1 if fill.buy else -1)
    quantity = fill.quantity * sign if sign else fill.quantity
    return {
        **time_texts(fill.time, dress),
        "ticker": fill.symbol,
        **side_texts(fill, dress),
        "amount": number_text(quantity, dress),
        "rate": number_text(fill.price, dress),
        "fee": dress.none if fill.fee is None else number_text(fill.fee, dress),
    }


def mapping(dress: Dress) -> dict[str, Any]:
    """What says how the dress is to be read."""
    columns: dict[str, Any] = {"symbol": "ticker", "quantity": "amount", "price": "rate", "commission": "fee"}
    columns["timestamp"] = ["day", "clock"] if dress.dates == "apart" else "when"
    table: dict[str, Any] = {"columns": columns}
    if dress.side in ("sign", "-sign"):
        table["side"] = dress.side
    elif dress.side == "words":
        table["side"] = {"column": "action", "buy": ["BOT"], "sell": ["SLD"]}
    elif dress.side == "two":
        table["side"] = {"column": ["action", "way"], "buy": ["Trade in"], "sell": ["Trade out"]}
    form: dict[str, Any] = {"decimal": dress.decimal, "none": [dress.none] if dress.none else []}
    if dress.thousands:
        form["thousands"] = dress.thousands
    form |= {"units": [dress.unit.strip()] if dress.unit else []}
    form |= {"parentheses": dress.negative == "()", "trailing_minus": dress.negative == "trailing"}
    time: dict[str, Any] = {"naive": True} if dress.dates in ("epoch", "zone") else {}
    if dress.dates in ("day", "month"):
        time["order"] = dress.dates
    if dress.dates == "epoch":
        time["epoch"] = "ms"
    return {"tables": {"fills": table}, "numbers": form, "time": time, "layout": layout(dress)}


def layout(dress: Dress) -> dict[str, Any]:
    out: dict[str, Any] = {"separator": dress.separator}
    if dress.encoding not in ("utf-8-sig", "utf-16"):
        out["encoding"] = dress.encoding
    if dress.preamble:
        out["header"] = ["ticker", "rate"]
    if dress.trailer:
        out["end"] = ["Total"]
    return out


def lines(fills: list[Fill], dress: Dress) -> list[list[str]]:
    """The rows of a file: what stands before it, the header, the fills, and what stands behind."""
    table = [cells(fill, dress) for fill in fills]
    header = list(table[0])
    body = [[row[name] for name in header] for row in table]
    if dress.repeated:
        body.insert(len(body) // 2, header)
    out = [[f"Account {n}", "x"] for n in range(dress.preamble)] + [header, *body]
    return out + ([["Total", "", "12,5"], ["signed"]] if dress.trailer else [])


def expected(fills: list[Fill]) -> list[tuple[Any, ...]]:
    return [
        (
            fill.time.isoformat(),
            fill.symbol,
            "buy" if fill.buy else "sell",
            fill.quantity,
            fill.price,
            fill.fee,
        )
        for fill in fills
    ]


def found(ledger: Ledger) -> list[tuple[Any, ...]]:
    out: list[tuple[Any, ...]] = []
    for time, symbol, side, *numbers_ in rows(ledger, "fills", *NAMES):
        stamp = datetime.fromisoformat(time).isoformat()
        out.append((stamp, symbol, side, *(Decimal(one) if one else None for one in numbers_)))
    return out


@QUICK
@given(fills, dresses)
def test_csv_in_any_dress_is_read_back_equal(tmp_path: Path, fills: list[Fill], dress: Dress) -> None:
    """Separator, marks, encoding, dates, signs, words, preamble, repeated header, totals and packing."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=dress.separator, lineterminator="\r\n").writerows(lines(fills, dress))
    content = text.getvalue().encode({"windows-1252": "cp1252"}.get(dress.encoding, dress.encoding))
    path = tmp_path / ("book.csv.gz" if dress.packed else "book.csv")
    path.write_bytes(gzip.compress(content, mtime=0) if dress.packed else content)
    assert found(open_mapped(path, mapping_from(mapping(dress))).ledger) == expected(fills)


@settings(QUICK, max_examples=25)
@given(fills, dresses, st.sampled_from(["json", "jsonl", "xlsx", "html"]))
def test_other_kinds_of_files_are_read_back_equal(
    tmp_path: Path, fills: list[Fill], dress: Dress, kind: str
) -> None:
    """The same cells as records, sheets and pages."""
    path = tmp_path / f"book.{kind}"
    whole = lines(fills, dress)
    table = [cells(fill, dress) for fill in fills]
    made = mapping(dress)
    if kind == "json":
        path.write_text(json.dumps({"run": {"trades": table}}), encoding="utf-8")
        made["layout"] = {"path": "run.trades"}
    elif kind == "jsonl":
        path.write_text("\n".join(map(json.dumps, table)), encoding="utf-8")
        made["layout"] = {}
    elif kind == "xlsx":
        book = openpyxl.Workbook()
        sheet = book.active
        assert sheet is not None
        for line in whole:
            sheet.append([cell or None for cell in line])
        book.save(path)
    else:
        body = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in line) + "</tr>" for line in whole)
        path.write_text(f"<html><meta charset='utf-8'><table>{body}</table></html>", encoding="utf-8")
        made["layout"] |= {"table": 1}
        made["layout"].pop("encoding", None)
    assert found(open_mapped(path, mapping_from(made)).ledger) == expected(fills)


@dataclass(frozen=True)
class Trade:
    """A round trip; open where it has no exit."""

    symbol: str
    long: bool
    quantity: Decimal
    entry: tuple[datetime, Decimal]
    exit: tuple[datetime, Decimal] | None


moments = st.tuples(seconds, numbers(4))
trades = st.lists(
    st.builds(
        Trade,
        st.sampled_from(["A", "B"]),
        st.booleans(),
        numbers(3, 1),
        moments,
        st.one_of(st.none(), moments),
    ),
    min_size=1,
    max_size=6,
)


@QUICK
@given(trades, dresses, st.sampled_from(["one row", "two rows"]), st.booleans())
def test_round_trips_become_their_fills(
    tmp_path: Path, trades: list[Trade], dress: Dress, form: str, worded: bool
) -> None:
    """Entry and exit in one row, or two rows of one trade; by the sign of the quantity or by words."""
    wanted, table = [], []
    for number, trade in enumerate(trades):
        for at, end in (("entry", trade.entry), ("exit", trade.exit)):
            if end is None:
                continue
            buy = trade.long == (at == "entry")
            wanted.append(
                (end[0].isoformat(), trade.symbol, "buy" if buy else "sell", trade.quantity, end[1])
            )
            table.append(
                {
                    "no": str(number),
                    "what": f"{at} {'long' if trade.long else 'short'}",
                    **{f"{key}_x": text for key, text in time_texts(end[0], dress).items()},
                    "sym": trade.symbol,
                    "size": number_text(trade.quantity, dress),
                    "price": number_text(end[1], dress),
                }
            )
    made = mapping(dress)
    stamp = [f"{key}_x" for key in (("day", "clock") if dress.dates == "apart" else ("when",))]
    table_settings: dict[str, Any] = {"columns": {"symbol": "sym", "quantity": "size"}}
    if form == "two rows":
        table_settings["columns"] |= {"timestamp": stamp, "price": "price"}
        words = {"buy": ["entry long", "exit short"], "sell": ["exit long", "entry short"]}
        table_settings["side"] = {"column": "what", **words}
    else:
        table = [_one_row(trade, dress, worded) for trade in trades]
        ends = {
            part: {
                "timestamp": [f"{at}_{key}" for key in time_texts(trades[0].entry[0], dress)],
                "price": f"{at}_price",
            }
            for part, at in (("open", "entry"), ("close", "exit"))
        }
        side: Any = {"column": "dir", "long": ["Long"], "short": ["Short"]} if worded else "sign"
        table_settings["round_trips"] = {**ends, "side": side}
    made["tables"] = {"fills": table_settings}
    made["layout"] = {"separator": dress.separator}
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=dress.separator)
    writer.writerows([list(table[0]), *(list(row.values()) for row in table)])
    path = tmp_path / "trades.csv"
    path.write_text(text.getvalue(), encoding="utf-8")
    ledger = open_mapped(path, mapping_from(made)).ledger
    assert [one[:5] for one in _without_fees(ledger)] == wanted


def _one_row(trade: Trade, dress: Dress, worded: bool) -> dict[str, str]:
    empty = dict.fromkeys(time_texts(trade.entry[0], dress), "")
    row = {"sym": trade.symbol, "dir": "Long" if trade.long else "Short"}
    signed = trade.quantity if worded or trade.long else -trade.quantity
    row["size"] = number_text(signed, dress)
    for at, end in (("entry", trade.entry), ("exit", trade.exit)):
        times = empty if end is None else time_texts(end[0], dress)
        row |= {f"{at}_{key}": text for key, text in times.items()}
        row[f"{at}_price"] = "" if end is None else number_text(end[1], dress)
    return row


def _without_fees(ledger: Ledger) -> list[tuple[Any, ...]]:
    return [
        (datetime.fromisoformat(time).isoformat(), symbol, side, Decimal(quantity), Decimal(price))
        for time, symbol, side, quantity, price in rows(ledger, "fills", *NAMES[:5])
    ]
