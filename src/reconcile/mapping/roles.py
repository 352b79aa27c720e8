"""Which columns of an unknown table seem to be which of ours, by their names and values."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from reconcile.files.places import Place, shown
from reconcile.mapping.shapes import side_words
from reconcile.mapping.sniff import Guess, reads_as_numbers
from reconcile.mapping.times import examples_of, listed, time_form, without_blanks
from reconcile.mapping.words import BUY, NAMELESS, ROLES, SELL, words_of
from reconcile.tables.cells import is_text
from reconcile.tables.model import RawTable
from reconcile.tables.times import TimeForm, timestamps
from vocabulary.errors import InputError

_LOOKED_AT = 200
_CLOCK = re.compile(r"\d{1,2}:\d\d(:\d\d(\.\d+)?)?")
_COUNTED = r"\b(quantity|qty|shares|units|contracts|lots|stück|menge|anzahl)\b"
"""Names that can only be of quantities; `amount` and `volume` may be of money."""
_NO_SYMBOLS = (
    r"\b(id|signal|comment|note|notes|tag|reason|status|type|currency|exchange|venue|account|order)\b"
)
_MONEY = r"\b(net|gross|total|cash|value|money)\b"
_TABLES: Mapping[str, tuple[str, ...]] = {
    "fills": ("timestamp", "symbol", "side", "quantity", "price", "commission", "notional"),
    "equity": ("timestamp", "equity", "cash", "market_value"),
    "positions": ("timestamp", "symbol", "quantity", "market_value"),
}
_NEEDED: Mapping[str, tuple[str, ...]] = {
    "fills": ("timestamp", "symbol", "quantity", "price"),
    "equity": ("timestamp",),
    "positions": ("timestamp", "symbol"),
}
"""Columns that are asked for where none looks like them; the side is asked for apart."""


def roles_of(
    raw: RawTable,
    texts: Mapping[str, Any],
    cells: Mapping[str, list[str]],
    numbers: Guess,
    given: Mapping[str, str],
) -> tuple[str, Guess]:
    """The table that the file seems to be, and our columns by theirs.

    given: ours = theirs, for what stands in several columns or in part of one; those columns are no others.
    """
    columns: dict[str, list[str]] = {}
    for name in raw.data.column_names:
        if any(name in each for each in given.values()):
            continue
        roles = ["side"] if NAMELESS.fullmatch(name) else list(ROLES)
        for role in roles:
            named = re.search(ROLES[role], words_of(name)) or (role == "side" and _are_sides(cells[name]))
            if named and _plausible(role, raw, name, texts, cells, numbers):
                columns.setdefault(role, []).append(name)
    _by_values(columns, raw, texts, cells, numbers)
    table = _table(columns, cells, given)
    guess = Guess()
    for role in _TABLES[table]:
        if role in given:
            continue
        names = columns.get(role, [])
        if role == "timestamp" and names:
            _say_time(guess, min(names, key=lambda name: _rank(role, name, cells[name])), names, cells)
        elif names:
            best = min(names, key=lambda name: _rank(role, name, cells[name]))
            guess.say(role, best, f"its name, and values such as {examples_of(cells[best])}")
            others = [name for name in names if name != best]
            if others and role != "side":
                guess.questions.append(f"Is {role} {shown(best)}, or {', '.join(map(shown, others[:4]))}?")
        elif role in _NEEDED[table]:
            guess.questions.append(f"Which column is {role}? {_why_none(role, raw, texts, numbers)}")
    return table, guess


def _by_values(
    columns: dict[str, list[str]],
    raw: RawTable,
    texts: Mapping[str, Any],
    cells: Mapping[str, list[str]],
    numbers: Guess,
) -> None:
    """Columns whose values alone tell what they are, where no name does: one of times, one of words.

    Without a header, the first two columns of numbers, too.
    """
    taken = {name for names in columns.values() for name in names}
    rest = [name for name in raw.data.column_names if name not in taken and any(cells[name])]
    times = [name for name in rest if time_form(raw, name) is not None]
    if "timestamp" not in columns and len(times) == 1:
        columns["timestamp"] = times
    rest = [name for name in rest if name not in times]
    amounts = [
        name
        for name in rest
        if not is_text(raw.data.schema.field(name).type) or reads_as_numbers(texts[name], numbers.settings)
    ]
    if not any(role in columns for role in ("quantity", "price")) and len(amounts) > 1:
        nameless = [name for name in amounts if NAMELESS.fullmatch(name)]
        for role, name in zip(("quantity", "price"), nameless, strict=False):
            columns[role] = [name]
    words = [name for name in rest if name not in amounts and _are_symbols(name, cells[name])]
    if "symbol" not in columns and len(words) == 1:
        columns["symbol"] = words


def _are_symbols(name: str, values: list[str]) -> bool:
    """Whether a column holds what symbols look like, capitals, under no name of something else."""
    present = [cell for cell in values if cell]
    return not re.search(_NO_SYMBOLS, words_of(name)) and all(
        re.search(r"[^\W\d_]", cell) and cell == cell.upper() and len(cell) <= 30 for cell in present
    )


def _table(columns: Mapping[str, list[str]], cells: Mapping[str, list[str]], given: Mapping[str, str]) -> str:
    """The table of ours that has most of the columns. Fills need a price, or a side."""
    held = {*columns, *given}
    if {"quantity", "price"} <= held:
        return "fills"
    if "symbol" in held and not {"price", "side"} & held and {"quantity", "market_value"} & held:
        return "positions"
    if not {"symbol", "price", "side"} & held and "equity" in held:
        return "equity"
    scores = {name: sum(role in held for role in roles) for name, roles in _TABLES.items()}
    return max(scores, key=lambda name: scores[name])


def _say_time(guess: Guess, best: str, names: list[str], cells: Mapping[str, list[str]]) -> None:
    """The column of the times; of dates, with the column of the clock beside them."""
    clocks = [
        name
        for name, values in cells.items()
        if any(values) and all(_CLOCK.fullmatch(cell) for cell in values if cell)
    ]
    if len(clocks) == 1 and not any(":" in cell for cell in cells[best]):
        seen = f"{examples_of(cells[best][:1])} and {examples_of(cells[clocks[0]][:1])}"
        guess.say("timestamp", [best, clocks[0]], f"a date and the time of day, such as {seen}")
    else:
        guess.say("timestamp", best, f"its name, and values such as {examples_of(cells[best])}")
    others = [name for name in names if name != best]
    if others:
        guess.questions.append(f"Is timestamp {shown(best)}, or {', '.join(map(shown, others[:4]))}?")


def _why_none(role: str, raw: RawTable, texts: Mapping[str, Any], numbers: Guess) -> str:
    """Why no column was taken for a role: what is wrong with the one of its name, where there is one."""
    named = [name for name in raw.data.column_names if re.search(ROLES[role], words_of(name))]
    for name in named:
        if "%" in " ".join(texts[name].slice(0, _LOOKED_AT).drop_null().to_pylist()) and role != "timestamp":
            return f"{shown(name)} holds percentages: if they are of a row's value, write a formula."
        told = _trouble(role, raw.data.column(name), texts[name], numbers)
        if told is not None:
            return f"{shown(name)} does not read as one: {told}."
    return "None looks like it: name it, or give a constant."


def _trouble(role: str, column: Any, texts: Any, numbers: Guess) -> str | None:
    """What is wrong with a column for a role, None where nothing is found."""
    if role == "timestamp":
        try:
            timestamps(
                without_blanks(texts) if is_text(column.type) else column,
                TimeForm(),
                Place("guess", "", ""),
            )
        except InputError as error:
            return f"found {error.found}, expected {error.expected}"
    elif role != "symbol":
        for cell in texts.slice(0, _LOOKED_AT).drop_null().to_pylist():
            if not reads_as_numbers(
                pa.chunked_array([pa.array([cell], pa.large_string())]), numbers.settings
            ):
                return f"found {shown(cell)}, expected a number"
    return None


def _are_sides(values: list[str]) -> bool:
    """Whether a column holds nothing but words for buying and selling, whatever it is called."""
    words = {cell for cell in values if cell}
    return len(words) > 1 and all(BUY.match(word) or SELL.match(word) for word in words)


def _rank(role: str, name: str, values: list[str]) -> tuple[int, bool, bool, int, str]:
    """How well a column fits a role, the best first: sides by their words, others by their names."""
    sides = sum(bool(BUY.match(cell) or SELL.match(cell)) for cell in values) if role == "side" else 0
    weak = role == "quantity" and not re.search(_COUNTED, words_of(name))
    return -sides, words_of(name) != role, weak, len(words_of(name)), name


def _percentages(present: list[str]) -> bool:
    return all("%" in cell for cell in present)


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
        return any(side_words(name, present))
    if role == "quantity" and re.search(_MONEY, words_of(name)):
        return False
    if role != "symbol" and _percentages(present):
        return False  # a rate of something is no amount
    if role == "notional" and re.search(ROLES["price"], words_of(name)):
        return False
    numeric = not is_text(kind) or reads_as_numbers(texts[name], numbers.settings)
    return not numeric or len(set(present)) < len(present) if role == "symbol" else numeric


def doubts_of(cells: Mapping[str, list[str]], settings: Mapping[str, Any]) -> list[str]:
    """Questions about what a name or a value hints at, and no guess covers. settings: ours = theirs."""
    out = []
    for name, values in cells.items():
        words, found = words_of(name), {cell for cell in values if cell}
        if "currency" in words and len(found) > 1:
            out.append(
                f"Which currency is the account's? {shown(name)} holds {examples_of(sorted(found))}, "
                "and only rows of one can be read: use `only` and `currency`."
            )
        if words in ("status", "state", "order status", "level of detail") and len(found) > 1:
            out.append(f"Which of {examples_of(sorted(found))} in {shown(name)} are fills? Use `only`.")
        if found and re.search(ROLES["commission"], words) and _percentages(sorted(found)):
            out.append(
                f"Of what is {shown(name)} a part? It holds {examples_of(values)} and is not read: write a "
                f"formula, such as commission = '= [{name}] * Quantity * Price'."
            )
    for role in ("timestamp", "symbol", "side", "quantity", "price"):
        column = cells.get(listed(settings.get(role, ""))[0], [])
        empty = next((row for row, cell in enumerate(column) if not cell.strip()), None)
        if empty is not None:
            out.append(
                f"Is row {empty + 1} a fill? It has no {role}. "
                "Rows of totals are left out with `end` or `without`."
            )
            break
    stamps = cells.get(listed(settings.get("timestamp", ""))[-1], [])
    first = next((cell for cell in stamps if cell), "")
    if ":" in first and not re.search(r"(Z|[+-]\d\d:?\d\d|UTC|GMT)$", first):
        out.append("In which zone are the times? Write `zone` under [time] if that matters.")
    return out
