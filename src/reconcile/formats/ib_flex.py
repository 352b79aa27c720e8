"""Interactive Brokers Flex: the trades, cash transactions and daily equity of a query, as XML or CSV.

Truth: the attributes of a Flex statement, as ibflex (Types.py) types them. `quantity` is signed;
`ibCommission` and `taxes` are effects on cash, below 0 when paid. A trade stands there once per level of
detail: only executions are fills. Stamps are clock times of the account's zone, which it does not name.
"""

from __future__ import annotations

import csv
import io
from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from reconcile.files.limits import read_bounded
from reconcile.formats.ib_dates import Dates
from reconcile.formats.model import Columns, Format, Options, Rules, Tables, time_rules
from reconcile.formats.peek import Peek
from reconcile.tables.unpack import members, text_of
from reconcile.text.escape import printable
from vocabulary.errors import InputError

Row = Mapping[str, str]
NAMES = {
    "Buy/Sell": "buySell", "Quantity": "quantity", "TradePrice": "tradePrice", "Symbol": "symbol",
    "IBCommission": "ibCommission", "Taxes": "taxes", "DateTime": "dateTime", "Date/Time": "dateTime",
    "TradeDate": "tradeDate", "TradeTime": "tradeTime", "LevelOfDetail": "levelOfDetail",
    "Multiplier": "multiplier", "AssetClass": "assetCategory", "CurrencyPrimary": "currency",
    "Currency": "currency", "Type": "type", "Amount": "amount", "ReportDate": "reportDate", "Cash": "cash",
    "Total": "total", "IBCommissionCurrency": "ibCommissionCurrency",
}  # fmt: skip
"""Column of the CSV -> attribute of the XML."""
TRADE = ("Symbol", "Quantity", "TradePrice", "IBCommission", "Buy/Sell")
FLOWS = {
    "Dividends": "dividend",
    "Payment In Lieu Of Dividends": "dividend",
    "Withholding Tax": "tax",
    "871(m) Withholding": "tax",
    "Broker Interest Paid": "interest",
    "Broker Interest Received": "interest",
    "Bond Interest Paid": "interest",
    "Bond Interest Received": "interest",
    "Broker Fees": "fee",
    "Other Fees": "fee",
    "Commission Adjustments": "fee",
    "Advisor Fees": "fee",
}
CONVERSIONS, MULTIPLIED = "currency conversions", "trades with a multiplier"
MOVES_CASH = {CONVERSIONS, MULTIPLIED}
"""What is left out although it moves cash: other levels of detail only repeat."""
EXECUTION, DETAIL = ("", "EXECUTION"), ("", "DETAIL")
STAMPS = ("dateTime", "tradeDate", "reportDate")


def _rules(file: str, columns: Columns, options: Options) -> Rules:
    tables = ("fills", "flows", "equity")
    return {"tables": {name: {"file": name} for name in tables if name in columns}, **time_rules(options)}


def owns(peek: Peek) -> bool:
    """Whether a file is a Flex statement, in XML or CSV. Only its start is read: it may be one long line."""
    ending = peek.path.suffix.lower()
    if ending == ".xml":
        return b"<FlexQueryResponse" in peek.start[:4096]
    if ending != ".csv":
        return False
    text = io.StringIO(peek.start.decode("utf-8-sig", "replace"), newline="")
    try:
        return any(set(TRADE) <= set(row) for _, row in zip(range(40), csv.reader(text), strict=False))
    except csv.Error:
        return False


def tables_of(path: Path, options: Options | None = None) -> Tables:
    """Fills, flows and equity of a statement; the rest stands in tables that are named as not read.

    Raises InputError: no statement, a row without its numbers, trades in several currencies.
    """
    import pandas as pd

    kinds = _of_xml(path) if path.suffix.lower() == ".xml" else _of_csv(path)
    trades, left = _sorted_out(kinds.pop("Trade", []))
    _one_account(path, trades)
    currencies = sorted({row.get("currency", "") for row in trades} - {""})
    if len(currencies) > 1:
        found = f"trades in {', '.join(map(printable, currencies))}"
        raise InputError(str(path), found, "trades in one currency", "Export one currency at a time.")
    if not trades:
        found = "no execution of a trade"
        remedy = "Include Trades at the level Execution in the query."
        raise InputError(str(path), found, "a Flex statement with executions", remedy)
    cash = [row for row in kinds.pop("CashTransaction", []) if row.get("levelOfDetail", "") in DETAIL]
    cash, others = _of_currency(cash, currencies)
    left.update(others)
    days = kinds.pop("EquitySummaryByReportDateInBase", [])
    dates = Dates(str(path), [row.get(name, "") for row in (*trades, *cash, *days) for name in STAMPS])
    fills: list[Any] = [_fill(row, dates, f"{path}: trade {number}") for number, row in enumerate(trades, 1)]
    tables: dict[str, Any] = {
        "fills": pd.DataFrame(fills).sort_values("timestamp", kind="stable", ignore_index=True)
    }
    if cash:
        rows = [_flow(row, dates, f"{path}: cash transaction {number}") for number, row in enumerate(cash, 1)]
        tables["flows"] = pd.DataFrame(rows)
    if days and (others or set(left) & MOVES_CASH or any(map(_foreign, (*trades, *cash)))):
        kinds["equity in base, which trades that are not read move too"] = days
    elif days:
        rows = [_day(row, dates, f"{path}: equity {number}") for number, row in enumerate(days, 1)]
        tables["equity"] = pd.DataFrame(rows)
    for name, unread in {**left, **kinds}.items():
        tables[name] = pd.DataFrame([dict(row) for row in unread])
    cancelled = sum("(CA" in row.get("buySell", "").upper() for row in trades)
    notes = (
        [f"cancelled trades: {cancelled}, each a fill that takes the earlier one back"] if cancelled else []
    )
    return Tables(tables, tuple(notes))


def _of_xml(path: Path) -> dict[str, list[Row]]:
    """The rows of a statement by element. A document type is refused, and nothing is fetched."""
    from lxml import etree

    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        content = read_bounded(path)
        # Entities within attributes are expanded whatever the parser is told: no document type, no entity.
        if b"<!DOCTYPE" in content:
            raise ValueError("it has a document type")
        root = etree.fromstring(content, parser)
        if root.getroottree().docinfo.doctype:  # in another encoding
            raise ValueError("it has a document type")
    except OSError as error:
        raise InputError(
            str(path),
            error.strerror or str(error),
            "a file that can be read",
            "Check the path and its permissions.",
        ) from None
    except (etree.XMLSyntaxError, ValueError) as error:
        expected = "a whole Flex statement in XML"
        raise InputError(
            str(path),
            f"XML that cannot be read: {printable(str(error), 120)}",
            expected,
            "Download it again.",
        ) from None
    found: dict[str, list[Row]] = defaultdict(list)
    for element in root.iter():
        inner = isinstance(element.tag, str) and len(element) == 0 and element.attrib
        if inner and element.getparent() is not None and element.getparent().tag != "FlexStatements":
            row = {str(k): str(v) for k, v in element.attrib.items()}
            statement = next(element.iterancestors("FlexStatement"), None)
            account = None if statement is None else statement.get("accountId")
            found[str(element.tag)].append({**({"accountId": str(account)} if account else {}), **row})
    return dict(found)


def _of_csv(path: Path) -> dict[str, list[Row]]:
    """The rows of a statement by what their header is of; a header may come again, once per section."""
    found: dict[str, list[Row]] = defaultdict(list)
    kind, header = "", tuple[str, ...]()
    marks = set[str]()
    for number, cells in enumerate(_csv_rows(path), 1):
        row = tuple(cells[2:] if cells[:1] in (["HEADER"], ["DATA"]) else cells)
        if not row or cells[0] in ("BOF", "BOA", "BOS", "EOF", "EOA", "EOS"):
            marks.update(cells[:1])
            continue
        if "ClientAccountID" in row or set(TRADE) <= set(row):
            kind, header = _kind_of(row), row
        elif len(row) != len(header):
            found_cells = f"{len(row)} cells"
            expected = f"{len(header)} cells, as its header has"
            raise InputError(f"{path}, line {number}", found_cells, expected, "Download the statement again.")
        else:
            named = zip(header, row, strict=True)
            found[kind].append({NAMES.get(name, name): cell for name, cell in named})
    if "BOF" in marks and "EOF" not in marks:
        raise InputError(str(path), "no last line EOF", "the end to its BOF", "Download the statement again.")
    return dict(found)


def _csv_rows(path: Path) -> list[list[str]]:
    """The rows of CSV text. Raises InputError: another encoding, cells that are too long."""
    text = text_of(members(path)[0], None)
    try:
        return list(csv.reader(io.StringIO(text, newline="")))
    except csv.Error as error:
        expected = "a Flex statement in CSV"
        raise InputError(str(path), printable(str(error), 120), expected, "Download it again.") from None


def _kind_of(header: Columns) -> str:
    if set(TRADE) <= set(header):
        return "Trade"
    if {"Amount", "Type"} <= set(header):
        return "CashTransaction"
    if {"ReportDate", "Cash", "Total"} <= set(header):
        return "EquitySummaryByReportDateInBase"
    return "another section"


def _sorted_out(rows: list[Row]) -> tuple[list[Row], dict[str, list[Row]]]:
    """Executions of what has no multiplier; the rest by why it is left out."""
    trades: list[Row] = []
    left: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        level = row.get("levelOfDetail", "").upper()
        if level not in EXECUTION:
            left[f"trades at level {level}"].append(row)
        elif row.get("assetCategory", "") == "CASH":
            left[CONVERSIONS].append(row)
        elif row.get("multiplier", "") not in ("", "1"):
            left[MULTIPLIED].append(row)
        else:
            trades.append(row)
    return trades, dict(left)


def _one_account(path: Path, rows: list[Row]) -> None:
    accounts = sorted({row.get("accountId") or row.get("ClientAccountID") or "" for row in rows} - {""})
    if len(accounts) > 1:
        found = f"the accounts {printable(', '.join(accounts), 120)}"
        raise InputError(str(path), found, "one account", "Run the query for each of them.")


def _of_currency(cash: list[Row], currencies: list[str]) -> tuple[list[Row], dict[str, list[Row]]]:
    """Cash transactions in the currency of the trades, and the others by theirs: nothing is converted."""
    own: list[Row] = []
    others: dict[str, list[Row]] = defaultdict(list)
    for row in cash:
        named = row.get("currency", "")
        known = not named or not currencies or named in currencies
        (own if known else others[f"cash transactions in {printable(named, 20)}"]).append(row)
    return own, dict(others)


def _foreign(row: Row) -> bool:
    """Whether a row is in another currency than the account's."""
    rate = row.get("fxRateToBase") or row.get("FXRateToBase") or "1"
    return rate.rstrip("0").rstrip(".") != "1"


def _fill(row: Row, dates: Dates, where: str) -> dict[str, Any]:
    quantity, said = _number(row, "quantity", where), row.get("buySell", "").upper()
    cancels = "CA" in said  # `BUY (Ca.)` takes an earlier trade back, with the other sign
    if quantity == 0 or (said and not cancels and said.startswith("B") != (quantity > 0)):
        found = f"{printable(said, 20)} {quantity}".strip()
        raise InputError(f"{where}, quantity", found, "BUY above 0, SELL below 0", "Download it again.")
    paid = _number(row, "ibCommission", where, "0") + _number(row, "taxes", where, "0")
    charged = row.get("ibCommissionCurrency", "")
    if charged and row.get("currency") and charged != row["currency"] and paid:
        found = f"a commission in {printable(charged, 20)} on a trade in {printable(row['currency'], 20)}"
        raise InputError(where, found, "both in one currency", "Leave such trades out of the query.")
    day = row.get("dateTime") or f"{row.get('tradeDate', '')};{row.get('tradeTime', '')}".rstrip(";")
    return {
        "timestamp": dates.stamp(day),
        "symbol": row.get("symbol", ""),
        "side": "buy" if quantity > 0 else "sell",
        "quantity": str(abs(quantity)),
        "price": str(_number(row, "tradePrice", where)),
        "commission": str(-paid),
    }


def _flow(row: Row, dates: Dates, where: str) -> dict[str, Any]:
    amount, kind = _number(row, "amount", where), row.get("type", "")
    if kind in ("Deposits/Withdrawals", "Deposits & Withdrawals"):
        named = "deposit" if amount > 0 else "withdrawal"
    else:
        named = FLOWS.get(kind, "other")
    # The day whose statement holds the cash, where the query has it.
    stamp = dates.stamp(row.get("reportDate") or row.get("dateTime", ""))
    return {"timestamp": stamp, "symbol": row.get("symbol", ""), "kind": named, "amount": str(amount)}


def _day(row: Row, dates: Dates, where: str) -> dict[str, Any]:
    """Cash and equity at the day's end: its fills and flows are in them."""
    cash, total = _number(row, "cash", where), _number(row, "total", where)
    stamp = f"{dates.day(row.get('reportDate', ''))} 23:59:59"
    return {"timestamp": stamp, "cash": str(cash), "market_value": str(total - cash), "equity": str(total)}


def _number(row: Row, name: str, where: str, absent: str | None = None) -> Decimal:
    text = row.get(name) or absent
    try:
        number = Decimal("" if text is None else text)
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite():
        found = "nothing" if text is None else repr(printable(text, 40))
        raise InputError(
            f"{where}, {name}", found, "a number with a decimal point", "Include the field in the query."
        )
    return number


FORMAT = Format(
    name="ib-flex",
    title="Interactive Brokers, Flex statement",
    export="Performance & Reports > Flex Queries > Run, as XML or CSV, trades at the level Execution",
    recognises=lambda columns: False,  # by its content, see `owns`
    rules=_rules,
    holds=("every execution, with commission and taxes", "cash transactions", "cash and worth of every day"),
    mind=(
        "Trades stand there once per level of detail: only executions are fills.",
        "Several accounts, and trades in several currencies, are errors.",
        "`BUY (Ca.)` cancels: it is a fill that takes the earlier one back.",
    ),
    lacks=("the zone of its times", "slippage", "orders that were not filled", "contracts with a multiplier"),
    owns=owns,
    tables=tables_of,
)
