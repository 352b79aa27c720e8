"""A mapping file of guesses about an unknown file, for a person to correct and confirm."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from reconcile.files import buffers
from reconcile.files.places import Place, shown
from reconcile.mapping.apply import apply_mapping
from reconcile.mapping.library import Library
from reconcile.mapping.read import mapping_from
from reconcile.mapping.sniff import Guess, guessed_layout, layout_of, numbers_of, reads_as_numbers
from reconcile.tables.cells import as_text, is_text
from reconcile.tables.intake import read_tables, table_name
from reconcile.tables.model import RawTable
from reconcile.tables.times import EPOCHS, Order, TimeForm, timestamps
from reconcile.text.escape import printable
from vocabulary.errors import InputError
from vocabulary.ledger import KEYS

_SEEN = 4
_ROWS = 5000
"""Rows that guesses are made from."""
_ROLES: Mapping[str, str] = {
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
_AMOUNT = re.compile(
    "|".join(_ROLES[role] for role in ("quantity", "price", "commission", "notional", "equity", "cash"))
    + r"|\b(profit|pnl|balance|swap|tax|interest|net|total|market)\b"
)
"""Names of columns of numbers, from which the form of numbers is guessed."""
_TABLES: Mapping[str, tuple[str, ...]] = {
    "fills": ("timestamp", "symbol", "side", "quantity", "price", "commission", "notional"),
    "equity": ("timestamp", "equity", "cash", "market_value"),
    "positions": ("timestamp", "symbol", "quantity", "market_value"),
}
_BUY = re.compile(r"(?i)^(b|buy|bot|bought|long|entry long|exit short|cover|buy to (open|close|cover)|kauf)$")
_SELL = re.compile(
    r"(?i)^(s|sell|sld|sold|short|exit long|entry short|sell short|sell to (open|close)|verkauf)$"
)
_IN = re.compile(r"(?i)\b(entry|open|opening|opened|buy)\b")
_OUT = re.compile(r"(?i)\b(exit|close|closing|closed|sell)\b")


@dataclass(frozen=True, slots=True)
class Suggestion:
    """The text of a mapping file, and how many questions it asks."""

    text: str
    questions: int


def suggest(path: Path) -> Suggestion:
    """A mapping file, not confirmed, for an unknown file: guesses with what was seen, doubts as questions.

    Raises InputError where the file holds no table that can be read.
    """
    if not path.is_file():
        found = "a folder" if path.is_dir() else "nothing"
        raise InputError(str(path), found, "a file with a table", "Check the path, or name a file in it.")
    layout = layout_of(path)
    try:
        tables = read_tables(path, guessed_layout(layout))
    except InputError as error:
        return _unread(path, layout, error)
    raw = max(tables, key=lambda table: table.data.num_rows)
    stem = table_name(path) if len(tables) == 1 else raw.name
    raw = RawTable(stem, raw.origin, raw.data.slice(0, _ROWS), raw.unread)
    texts = {name: as_text(raw.data.column(name)) for name in raw.data.column_names}
    cells = {name: column.to_pylist() for name, column in texts.items()}
    written = [
        name for name in cells if is_text(raw.data.schema.field(name).type) and _AMOUNT.search(_words(name))
    ]
    numbers = numbers_of((name, cells[name]) for name in written)
    table, columns = _roles(raw, texts, cells, numbers)
    time = _times(raw, columns)
    draft = _Draft(raw, table, columns, cells, layout, numbers, time)
    text = "\n".join(draft.lines()) + "\n"
    trouble = _trouble(path, text)
    if trouble is not None:
        draft.questions.append(f"Read so, the file gives an error: {trouble}")
        text = "\n".join(draft.lines()) + "\n"
    return Suggestion(text, len(draft.questions))


def _unread(path: Path, layout: Guess, error: InputError) -> Suggestion:
    """What can be said of a file whose layout a person has to describe first."""
    questions = [*layout.questions, f"Where is the table? {_told(error)}"]
    lines = [
        f"# Guesses about {shown(str(path))}, whose table could not be found.",
        *(f"# question: {question}" for question in questions),
        "confirmed = false",
        "",
        "[layout]",
        *_settings(layout),
        "",
        "[tables.fills]",
    ]
    return Suggestion("\n".join(lines) + "\n", len(questions))


def _told(error: InputError) -> str:
    """An error on one line, whatever the file wrote into it."""
    return printable(f"{error.where}: found {error.found}, expected {error.expected}")


def _words(name: str) -> str:
    """A name in lower case, its words apart: EntryTime and entry_time are entry time."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return re.sub(r"[^a-z0-9]+", " ", apart.lower()).strip()


def _roles(
    raw: RawTable, texts: Mapping[str, Any], cells: Mapping[str, list[str]], numbers: Guess
) -> tuple[str, Guess]:
    """The table that the file seems to be, and our columns by theirs."""
    found: dict[str, dict[str, list[str]]] = {}
    for name in raw.data.column_names:
        for role, pattern in _ROLES.items():
            named = re.search(pattern, _words(name)) or (role == "side" and _are_sides(cells[name]))
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
            guess.say(role, best, f"its name, and values such as {_seen(cells[best])}")
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
    return len(words) > 1 and all(_BUY.match(word) or _SELL.match(word) for word in words)


def _rank(role: str, name: str, values: list[str]) -> tuple[int, bool, int, str]:
    """How well a column fits a role, the best first: sides by their words, others by their names."""
    sides = sum(bool(_BUY.match(cell) or _SELL.match(cell)) for cell in values) if role == "side" else 0
    return -sides, _words(name) != role, len(_words(name)), name


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
        return _reads_as_time(raw, name) is not None
    if role == "side":
        return any(_BUY.match(cell) or _SELL.match(cell) for cell in set(present))
    numeric = not is_text(kind) or reads_as_numbers(texts[name], numbers.settings)
    return not numeric or len(set(present)) < len(present) if role == "symbol" else numeric


def _seen(cells: list[str]) -> str:
    return ", ".join(shown(cell) for cell in list(dict.fromkeys(cell for cell in cells if cell))[:_SEEN])


def _reads_as_time(raw: RawTable, name: str) -> str | None:
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


def _times(raw: RawTable, columns: Guess) -> Guess:
    guess = Guess()
    name = columns.settings.get("timestamp")
    how = None if name is None else _reads_as_time(raw, name)
    seen = "" if name is None else _seen(as_text(raw.data.column(name)).to_pylist())
    if how == "day":
        guess.say("order", "day", f"nothing tells day from month in {seen}")
        guess.questions.append(f"Does the day come first in {seen}, or the month?")
    elif how in EPOCHS:
        guess.say("epoch", how, f"counts since 1970, as in {seen}, are of our time in this unit alone")
    return guess


class _Draft:
    """The lines of the file, with the questions at its head."""

    def __init__(
        self,
        raw: RawTable,
        table: str,
        columns: Guess,
        cells: Mapping[str, list[str]],
        layout: Guess,
        numbers: Guess,
        time: Guess,
    ) -> None:
        self.raw, self.table, self.columns, self.cells = raw, table, columns, cells
        self.groups = {"layout": layout, "numbers": numbers, "time": time}
        self.questions = [
            question for guess in (layout, numbers, time, columns) for question in guess.questions
        ]
        self.trips = self._round_trips()
        self.side = self._sides()
        self._doubts()

    def lines(self) -> Iterator[str]:
        yield f"# Guesses about {shown(self.raw.origin)}, made from its first {self.raw.data.num_rows} rows."
        for question in self.questions:
            yield f"# question: {question}"
        yield "confirmed = false"
        for name, guess in self.groups.items():
            if guess.settings:
                yield ""
                yield f"[{name}]"
                yield from _settings(guess)
        yield ""
        yield f"[tables.{self.table}]"
        yield f"file = {_toml(self.raw.name)}"
        yield from self.side
        yield ""
        yield f"[tables.{self.table}.columns]"
        yield from _settings(self.columns)
        yield from self.trips
        named = set(self.columns.settings.values()) | self.in_trips
        rest = [name for name in self.cells if name not in named]
        filled = [name for name in rest if any(self.cells[name])]
        if filled:
            yield ""
            yield "# Not read. Name above what belongs to the ledger; what does not, leave out with a reason."
            yield f"[tables.{self.table}.leave_out]"
            for name in filled:
                yield f"# {_key(name)} = {_toml('why')}  # values such as {_seen(self.cells[name])}"

    def _round_trips(self) -> list[str]:
        """Rows with the times and prices of an entry and an exit are whole trades."""
        self.in_trips: set[str] = set()
        ends: list[dict[str, str]] = []
        for pattern, other in ((_IN, _OUT), (_OUT, _IN)):
            end = {}
            for role in ("timestamp", "price"):
                found = [
                    name
                    for name in self.cells
                    if re.search(_ROLES[role], _words(name))
                    and pattern.search(_words(name))
                    and not other.search(_words(name))
                    and self._fits(role, name)
                ]
                if found:
                    end[role] = found[0]
            ends.append(end)
        if self.table != "fills" or any(len(end) < 2 for end in ends):
            return []
        self.in_trips = {name for end in ends for name in end.values()}
        for role in ("timestamp", "price"):
            self.columns.settings.pop(role, None)
        settled = re.compile(r"(Is|Which column is) (timestamp|price)\b")
        self.questions = [one for one in self.questions if not settled.match(one)]
        self.questions.append(
            "Is a row a whole trade, and its close a fill? If some are still open, see `still_open`."
        )
        lines = [
            "",
            "# guess: a row holds a whole trade, its entry and its exit",
            f"[tables.{self.table}.round_trips]",
        ]
        for key, end in zip(("open", "close"), ends, strict=True):
            inner = ", ".join(f"{role} = {_toml(name)}" for role, name in end.items())
            lines.append(f"{key} = {{ {inner} }}")
        return lines

    def _fits(self, role: str, name: str) -> bool:
        if role == "timestamp":
            return _reads_as_time(self.raw, name) is not None
        column = self.raw.data.column(name)
        return not is_text(column.type) or reads_as_numbers(as_text(column), self.groups["numbers"].settings)

    def _sides(self) -> list[str]:
        """The side: of words, else of the sign of the quantity."""
        if self.table != "fills":
            return []
        lines = self._unsigned()
        if self.trips:
            return lines
        name = self.columns.settings.get("side")
        if name is not None:
            words = list(dict.fromkeys(cell for cell in self.cells[name] if cell))
            buys = [word for word in words if _BUY.match(word)]
            sells = [word for word in words if _SELL.match(word)]
            others = [word for word in words if word not in (*buys, *sells)]
            lines += [
                f"# guess: the words of {shown(name)}",
                f"side = {{ buy = {_toml(buys or ['?'])}, sell = {_toml(sells or ['??'])} }}",
            ]
            if others:
                lines += [
                    f"# guess: rows with {', '.join(map(shown, others[:6]))} in {shown(name)} are no trades",
                    f"only = {{ {_key(name)} = {_toml([*buys, *sells])} }}",
                ]
                self.questions.append(f"Are rows with {', '.join(map(shown, others[:6]))} trades?")
            if not buys or not sells:
                self.questions.append(f"Which words of {shown(name)} mean buying, and which selling?")
            return lines
        quantity = self.columns.settings.get("quantity")
        negative = next(
            (cell for cell in self.cells.get(quantity or "", []) if cell.startswith(("-", "("))), None
        )
        if negative is None:
            self.questions.append(
                "What says which side a fill is on? No quantity is below 0, no word says it."
            )
        seen = f"such as {shown(negative)}" if negative else "if there are any"
        return [*lines, f"# guess: quantities below 0, {seen}, are sales", 'side = "sign"']

    def _unsigned(self) -> list[str]:
        """Commissions that are told as what they do to cash: below 0 where they were paid."""
        name = self.columns.settings.get("commission")
        signed = [cell for cell in self.cells.get(name or "", []) if re.search(r"[1-9]", cell)]
        if not signed or not all(cell.startswith(("-", "(")) or cell.endswith("-") for cell in signed):
            return []
        seen = f"{shown(name)} is never above 0, as in {shown(signed[0])}"
        return [f"# guess: {seen}; ours is what was paid", 'unsigned = ["commission"]']

    def _doubts(self) -> None:
        """What a name or a value hints at, and no guess covers."""
        names = {name: _words(name) for name in self.cells}
        for name, words in names.items():
            found = {cell for cell in self.cells[name] if cell}
            if "currency" in words and len(found) > 1:
                self.questions.append(
                    f"Which currency is the account's? {shown(name)} holds {_seen(sorted(found))}, and only "
                    "rows of one can be read: use `only` and `currency`."
                )
            if words in ("status", "state", "order status", "level of detail") and len(found) > 1:
                self.questions.append(
                    f"Which of {_seen(sorted(found))} in {shown(name)} are fills? Use `only`."
                )
        stamp = self.columns.settings.get("timestamp")
        first = next((cell for cell in self.cells.get(stamp or "", []) if cell), "")
        if ":" in first and not re.search(r"(Z|[+-]\d\d:?\d\d|UTC|GMT)$", first):
            self.questions.append("In which zone are the times? Write `zone` under [time] if that matters.")


def _settings(guess: Guess) -> Iterator[str]:
    for key, value in guess.settings.items():
        yield f"# guess: {guess.evidence[key]}"
        yield f"{_key(key)} = {_toml(value)}"


def _toml(value: Any) -> str:
    """A value as TOML: JSON's texts, lists and booleans are TOML's, but for one control character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _toml(name)


def _trouble(path: Path, text: str) -> str | None:
    """What goes wrong when the guesses are followed, None where nothing does."""
    import tomllib

    try:
        apply_mapping(Library.of_path(path), mapping_from(tomllib.loads(text), origin="guesses"))
    except InputError as error:
        return _told(error)
    return None
