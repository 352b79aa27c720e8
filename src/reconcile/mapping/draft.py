"""The text of a mapping file of guesses: settings below their evidence, and questions at its head."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from reconcile.files.places import shown
from reconcile.mapping.roles import doubts_of
from reconcile.mapping.shapes import Combined, side_words, symbols_wide
from reconcile.mapping.sniff import Guess, reads_as_numbers
from reconcile.mapping.times import examples_of, listed, time_form
from reconcile.mapping.words import ROLES, words_of
from reconcile.tables.cells import as_text, is_text
from reconcile.tables.model import RawTable

_IN = re.compile(r"(?i)\b(entry|open|opening|opened|buy)\b")
_OUT = re.compile(r"(?i)\b(exit|close|closing|closed|sell)\b")


class Draft:
    """The lines of the file.

    combined: the column of a side beside its quantity. pair: the columns of what was bought and was sold.
    """

    def __init__(
        self,
        raw: RawTable,
        table: str,
        columns: Guess,
        cells: Mapping[str, list[str]],
        groups: Mapping[str, Guess],
        combined: Combined | None = None,
        pair: tuple[str, ...] = (),
    ) -> None:
        self.combined, self.pair = combined, pair
        self.raw, self.table, self.columns, self.cells = raw, table, columns, cells
        self.groups = groups
        self.questions = [question for guess in (*groups.values(), columns) for question in guess.questions]
        self.trips = self._round_trips()
        self.beside: dict[str, str] = {}
        self.wide = self._wide()
        self.side = self._sides()
        self.questions += doubts_of(self.cells, self.columns.settings)

    def lines(self) -> Iterator[str]:
        yield f"# Guesses about {shown(self.raw.origin)}, made from its first {self.raw.data.num_rows} rows."
        for question in self.questions:
            yield f"# question: {question}"
        yield "confirmed = false"
        for name, guess in self.groups.items():
            if guess.settings:
                yield ""
                yield f"[{name}]"
                yield from settings_lines(guess)
        yield ""
        yield f"[tables.{self.table}]"
        yield f"file = {_toml(self.raw.name)}"
        yield from self.side
        if self.wide:
            yield f"# guess: {', '.join(map(shown, self.wide[:4]))} are symbols, one column each"
            yield 'wide = "market_value"'
            if self.beside:
                yield f"leave = {_toml(list(self.beside.values()))}"
        yield ""
        yield f"[tables.{self.table}.columns]"
        yield from settings_lines(self.columns)
        yield from self.trips
        yield from self._beside_wide()
        named = {name for names in self.columns.settings.values() for name in listed(names)}
        named |= self.in_trips | {*self.pair, *self.wide, *self.beside.values()}
        rest = [name for name in self.cells if name not in named]
        filled = [name for name in rest if any(self.cells[name])]
        if filled:
            yield ""
            yield "# Not read. Name above what belongs to the ledger; what does not, leave out with a reason."
            yield f"[tables.{self.table}.leave_out]"
            for name in filled:
                yield f"# {_key(name)} = {_toml('why')}  # values such as {examples_of(self.cells[name])}"

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
                    if re.search(ROLES[role], words_of(name))
                    and pattern.search(words_of(name))
                    and not other.search(words_of(name))
                    and self._fits(role, name)
                ]
                if not found and role == "price":
                    found = self._bare_price(pattern)
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
            *self._directions(),
        ]
        for key, end in zip(("open", "close"), ends, strict=True):
            inner = ", ".join(f"{role} = {_toml(name)}" for role, name in end.items())
            lines.append(f"{key} = {{ {inner} }}")
        return lines

    def _bare_price(self, pattern: re.Pattern[str]) -> list[str]:
        """A price that is called `Open` or `Exit` alone; of bars, which have a high and a low, it is none."""
        names = {name: words_of(name) for name in self.cells}
        if {"high", "low"} & set(names.values()):
            return []
        return [
            name for name, words in names.items() if pattern.fullmatch(words) and self._fits("price", name)
        ]

    def _directions(self) -> list[str]:
        """The direction of a trade: of words, else of the sign of the quantity."""
        name = self.columns.settings.pop("side", None)
        if name is None:
            if self._negative("quantity") is None:
                self.questions.append("Are all trades long? No quantity is below 0, no word says it.")
            return []
        self.in_trips.add(name)
        words = list(dict.fromkeys(cell for cell in self.cells[name] if cell))
        longs, shorts = side_words(name, words)
        if set(words) - {*longs, *shorts} or not longs + shorts:
            self.questions.append(f"Which words of {shown(name)} mean long, and which short?")
        said = f"column = {_toml(name)}, long = {_toml(longs or ['?'])}, short = {_toml(shorts)}"
        return [f"# guess: the words of {shown(name)}", f"side = {{ {said} }}"]

    def _wide(self) -> list[str]:
        """The columns that are symbols, where the file has one for each."""
        if self.table == "fills" or "symbol" in self.columns.settings:
            return []
        known = [name for names in self.columns.settings.values() for name in listed(names)]
        found = symbols_wide(self.cells, known)
        if found and "timestamp" in self.columns.settings:
            self.table = "positions"
            roles = [role for role in self.columns.settings if role != "timestamp"]
            self.beside = {role: self.columns.settings.pop(role) for role in roles}
            self.questions = [one for one in self.questions if not one.startswith("Which column is symbol")]
            self.questions.append(
                'Are the cells values of positions, or quantities? Of quantities write `wide = "quantity"`.'
            )
            return found
        return []

    def _beside_wide(self) -> Iterator[str]:
        """The table of what stands beside the symbols of a wide file: cash, or equity."""
        if self.beside:
            stamp = self.columns.settings["timestamp"]
            yield from (
                "",
                "[tables.equity]",
                f"file = {_toml(self.raw.name)}",
                "",
                "[tables.equity.columns]",
            )
            yield f"timestamp = {_toml(stamp)}"
            for role, name in self.beside.items():
                yield f"# guess: {self.columns.evidence[role]}"
                yield f"{role} = {_toml(name)}"

    def _fits(self, role: str, name: str) -> bool:
        if role == "timestamp":
            return time_form(self.raw, name) is not None
        column = self.raw.data.column(name)
        return not is_text(column.type) or reads_as_numbers(as_text(column), self.groups["numbers"].settings)

    def _sides(self) -> list[str]:
        """The side: of words, else of the sign of the quantity."""
        if self.table != "fills":
            return []
        lines = self._unsigned()
        if self.trips:
            return lines
        if self.pair:
            bought, sold = map(shown, self.pair)
            return [*lines, f"# guess: {bought} less {sold}: above 0 is a buy", 'side = "sign"']
        if self.combined is not None:
            one = self.combined
            told = f"column = {_toml(one.name)}, buy = {_toml(one.buys)}, sell = {_toml(one.sells)}"
            return [*lines, f"# guess: the words in {shown(one.name)}", f"side = {{ {told} }}"]
        name = self.columns.settings.get("side")
        if name is not None:
            words = list(dict.fromkeys(cell for cell in self.cells[name] if cell))
            buys, sells = side_words(name, words)
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
        negative = self._negative("quantity")
        if negative is None:
            self.questions.append(
                "What says which side a fill is on? No quantity is below 0, no word says it. Write `side`."
            )
            return lines
        return [*lines, f"# guess: quantities below 0, such as {shown(negative)}, are sales", 'side = "sign"']

    def _negative(self, role: str) -> str | None:
        """A cell below 0 of the column that has a role."""
        cells = self.cells.get(self.columns.settings.get(role, ""), [])
        return next((cell for cell in cells if _is_negative(cell)), None)

    def _unsigned(self) -> list[str]:
        """Commissions written as what they do to cash, and quantities whose sign repeats the side."""
        lines, names = [], []
        name = self.columns.settings.get("commission")
        signed = [cell for cell in self.cells.get(name or "", []) if re.search(r"[1-9]", cell)]
        if signed and all(map(_is_negative, signed)):
            seen = f"{shown(name)} is never above 0, as in {shown(signed[0])}"
            lines.append(f"# guess: {seen}; ours is what was paid")
            names.append("commission")
        negative = self._negative("quantity")
        if negative is not None and "side" in self.columns.settings:
            lines.append(f"# guess: the sign of {shown(negative)} repeats the side")
            column = shown(self.columns.settings["quantity"])
            self.questions.append(f"Is {shown(negative)} in {column} a sale, or a trade taken back?")
            names.append("quantity")
        return [*lines, f"unsigned = {_toml(names)}"] if names else []


def _is_negative(cell: str) -> bool:
    return cell.strip().startswith(("-", "(", "\u2212", "\u2013")) or cell.strip().endswith("-")


def settings_lines(guess: Guess) -> Iterator[str]:
    for key, value in guess.settings.items():
        yield f"# guess: {guess.evidence[key]}"
        yield f"{_key(key)} = {_toml(value)}"


def _toml(value: Any) -> str:
    """A value as TOML: JSON's texts, lists and booleans are TOML's, but for one control character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _key(name: str) -> str:
    return name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else _toml(name)
