"""Which columns of an unknown table seem to be which of ours, by their names and values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from reconcile.files import buffers
from reconcile.files.places import Place, shown
from reconcile.mapping.sniff import Guess, reads_as_numbers
from reconcile.tables.cells import as_text, is_text
from reconcile.tables.model import RawTable
from reconcile.tables.times import EPOCHS, Order, TimeForm, timestamps
from vocabulary.errors import InputError
from vocabulary.ledger import KEYS

_SEEN = 4
ROLES: Mapping[str, str] = {
    "timestamp": r"\b(date|time|datetime|timestamp|dt|executed|filled|ts event|opened|index)\b",
    "symbol": r"\b(symbol|ticker|instrument|asset|pair|security|code|isin|sid|market|column)\b",
    "side": r"\b(side|action|buy sell|b s|direction|type|order side|transaction)\b",
    "quantity": r"\b(quantity|qty|size|shares|amount|volume|contracts|units|filled|lots)\b",
    "price": r"\b(price|px|rate)\b",
    "commission": r"\b(commission|commissions|fee|fees|comm|costs?)\b",
    "notional": r"\b(notional|value|proceeds|gross|consideration|cost|turnover|txn dollars)\b",
    "equity": r"\b(equity|portfolio value|net liquidation|nav|account value|total value)\b",
    "cash": r"\b(cash|ending cash|free cash)\b",
    "market_value": r"\b(market value|ending value|holdings)\b",
}
AMOUNT = re.compile(
    "|".join(ROLES[role] for role in ("quantity", "price", "commission", "notional", "equity", "cash"))
    + r"|\b(profit|pnl|balance|swap|tax|interest|net|total|market)\b"
)
"""Names of columns of numbers, from which the form of numbers is guessed."""
_TABLES: Mapping[str, tuple[str, ...]] = {
    "fills": ("timestamp", "symbol", "side", "quantity", "price", "commission", "notional"),
    "equity": ("timestamp", "equity", "cash", "market_value"),
    "positions": ("timestamp", "symbol", "quantity", "market_value"),
}
BUY = re.compile(r"(?i)^(b|buy|bot|bought|long|entry long|exit short|cover|buy to (open|close|cover)|kauf)$")
SELL = re.compile(
    r"(?i)^(s|sell|sld|sold|short|exit long|entry short|sell short|sell to (open|close)|verkauf)$"
)


def words_of(name: str) -> str:
    """A name in lower case, its words apart: EntryTime and entry_time are entry time."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return re.sub(r"[^a-z0-9]+", " ", apart.lower()).strip()


def roles_of(
    raw: RawTable, texts: Mapping[str, Any], cells: Mapping[str, list[str]], numbers: Guess
) -> tuple[str, Guess]:
    """The table that the file seems to be, and our columns by theirs."""
    found: dict[str, dict[str, list[str]]] = {}
    for name in raw.data.column_names:
        for role, pattern in ROLES.items():
            named = re.search(pattern, words_of(name)) or (role == "side" and _are_sides(cells[name]))
            if named and _plausible(role, raw, name, texts, cells, numbers):
                found.setdefault(role, {}).setdefault("", []).append(name)
    columns = {role: names[""] for role, names in found.items()}
    if "quantity" in columns and "price" in columns:
        table = "fills"
    else:
        scores = {name: sum(role in columns for role in roles) for name, roles in _TABLES.items()}
        table = max(scores, key=lambda name: scores[name])
    guess = Guess()
    for role in _TABLES[table]:
        names = columns.get(role, [])
        if names:
            best = min(names, key=lambda name: _rank(role, name, cells[name]))
            guess.say(role, best, f"its name, and values such as {examples_of(cells[best])}")
            others = [name for name in names if name != best]
            if others and role != "side":
                guess.questions.append(f"Is {role} {shown(best)}, or {', '.join(map(shown, others[:4]))}?")
        elif role in KEYS[table] and role != "side":
            guess.questions.append(
                f"Which column is {role}? None looks like it: name it, or give a constant."
            )
    return table, guess


def _are_sides(values: list[str]) -> bool:
    """Whether a column holds nothing but words for buying and selling, whatever it is called."""
    words = {cell for cell in values if cell}
    return len(words) > 1 and all(BUY.match(word) or SELL.match(word) for word in words)


def _rank(role: str, name: str, values: list[str]) -> tuple[int, bool, int, str]:
    """How well a column fits a role, the best first: sides by their words, others by their names."""
    sides = sum(bool(BUY.match(cell) or SELL.match(cell)) for cell in values) if role == "side" else 0
    return -sides, words_of(name) != role, len(words_of(name)), name


def _plausible(
    role: str,
    raw: RawTable,
    name: str,
    texts: Mapping[str, Any],
    cells: Mapping[str, list[str]],
    numbers: Guess,
) -> bool:
    """Whether the values of a column can be what its name says."""
    kind = raw.data.schema.field(name).type
    present = [cell for cell in cells[name] if cell]
    if not present:
        return False
    if role == "timestamp":
        return time_form(raw, name) is not None
    if role == "side":
        return any(BUY.match(cell) or SELL.match(cell) for cell in set(present))
    numeric = not is_text(kind) or reads_as_numbers(texts[name], numbers.settings)
    return not numeric or len(set(present)) < len(present) if role == "symbol" else numeric


def examples_of(cells: list[str]) -> str:
    return ", ".join(shown(cell) for cell in list(dict.fromkeys(cell for cell in cells if cell))[:_SEEN])


def time_form(raw: RawTable, name: str) -> str | None:
    """How a column reads as times: "plain", "day" where nothing tells day from month, a unit of an epoch."""
    column = raw.data.column(name)
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        return "plain"
    text = as_text(column)
    text = pc.if_else(pc.equal(text, buffers.string("")), pa.scalar(None, pa.large_string()), text)
    for form, said in ((TimeForm(), "plain"), (TimeForm(Order.DAY), "day")):
        try:
            read = timestamps(text if is_text(column.type) else column, form, Place("guess", "", name))
        except InputError:
            continue
        if is_text(column.type) and (pa.types.is_timestamp(read.type) or _is_iso(read)):
            return said
    for unit, size in EPOCHS.items():
        low, high = 631_152_000 * 10**9 // size, 4_102_444_800 * 10**9 // size  # 1990 to 2100
        values = text.drop_null().to_pylist()
        if values and all(
            re.fullmatch(r"\d{9,19}(\.\d+)?", one) and low < float(one) < high for one in values
        ):
            return unit
    return None


def _is_iso(array: Any) -> bool:
    try:
        array.cast(pa.timestamp("ns"))
    except pa.ArrowException:
        try:
            array.cast(pa.timestamp("ns", "UTC"))
        except pa.ArrowException:
            return False
    return True


def times_of(raw: RawTable, columns: Guess) -> Guess:
    guess = Guess()
    name = columns.settings.get("timestamp")
    how = None if name is None else time_form(raw, name)
    seen = "" if name is None else examples_of(as_text(raw.data.column(name)).to_pylist())
    if how == "day":
        guess.say("order", "day", f"nothing tells day from month in {seen}")
        guess.questions.append(f"Does the day come first in {seen}, or the month?")
    elif how in EPOCHS:
        guess.say("epoch", how, f"counts since 1970, as in {seen}, are of our time in this unit alone")
    return guess
