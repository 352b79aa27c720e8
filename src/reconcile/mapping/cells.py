"""Columns of ours made of columns of theirs: named, joined, constant, or computed by a formula."""

from __future__ import annotations

import re
from collections.abc import Mapping as Dict
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from reconcile.files import buffers, integers
from reconcile.files.places import Place, shown
from reconcile.ledger.numbers import Hint, number_column
from reconcile.mapping.arithmetic import MULTIPLIER, Amounts, Formula, evaluate
from reconcile.mapping.rows import Usage
from reconcile.mapping.schema import BAR_COLUMNS, BARS, Mapping, SideWords, Table, Time, formula_of, merged
from reconcile.tables.cells import as_text, is_text, one_array
from reconcile.tables.numbers import Numbers, plain_numbers
from reconcile.tables.times import timestamps
from vocabulary.errors import InputError
from vocabulary.ledger import SCHEMA, Kind

_REMEDY = "Correct the mapping."
_NUMBER_BESIDE = re.compile(r"^[\d.,' ]*\d[\d.,' ]*(?=\D)|(?<=\D)[\d.,' ]*\d$")
"""A number before or behind a word, and nothing else."""
Columns = Dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class SourceRows:
    """The rows of one raw table that become rows of our table `name`."""

    usage: Usage
    name: str
    table: Table
    mapping: Mapping
    keep: npt.NDArray[np.bool_]

    @property
    def where(self) -> str:
        return self.usage.raw.origin

    @property
    def kinds(self) -> Dict[str, Kind]:
        """Our columns and what each holds; of bars, those that the mapping names, too."""
        if self.name != BARS:
            return SCHEMA[self.name]
        keys = {"timestamp": Kind.TIMESTAMP, "symbol": Kind.SYMBOL}
        named = [*BAR_COLUMNS, *self.table.columns, *self.table.constants]
        return keys | {name: Kind.PRICE for name in named if name not in keys}

    @property
    def count(self) -> int:
        return int(self.keep.sum())

    def take(self, name: str, remedy: str = _REMEDY) -> Any:
        """A column of theirs, the rows that are read."""
        cells = self.usage.take(name, self.where, remedy)
        return cells if self.keep.all() else cells.filter(buffers.booleans(self.keep))

    def text(self, names: tuple[str, ...], remedy: str = _REMEDY) -> Any:
        """Columns as text, several joined by a space; null where all are empty."""
        parts = [as_text(self.take(name, remedy)) for name in names]
        text = parts[0] if len(parts) == 1 else pc.binary_join_element_wise(*parts, buffers.string(" "))
        text = pc.utf8_trim_whitespace(text)
        empty = pc.equal(text, buffers.string(""))
        return pc.if_else(empty, pa.scalar(None, pa.large_string()), text)

    def numbers(self, name: str) -> Amounts:
        """A column as exact numbers, doubles where it holds them."""
        form = merged(self.mapping.numbers, self.table.numbers)
        return numbers_of(self.take(name), form, self.where, name)

    def columns(self, columns: Columns) -> pa.Table:
        """Our columns as an Arrow table: from `columns`, `constants`, `side`, and those of our own names."""
        out: dict[str, Any] = {}
        for ours, kind in self.kinds.items():
            theirs = columns.get(ours)
            if ours == "side" and self.table.round_trips is not None:
                continue  # it follows from the direction of the trade
            if ours in self.table.constants:
                text = buffers.strings([self.table.constants[ours]] * self.count)
                out[ours] = self._typed(ours, kind, text)
            elif ours == "side" and isinstance(self.table.side, SideWords):
                out[ours] = self._side(self.table.side, theirs)
            elif theirs is not None:
                out[ours] = self.column(ours, kind, theirs)
            elif ours in self.usage.raw.data.column_names and ours not in self.table.leave_out:
                out[ours] = self._typed(ours, kind, self.take(ours))
        if not out:
            raise InputError(
                self.where,
                f"columns {', '.join(map(shown, self.usage.raw.data.column_names[:12])) or 'none'}",
                f"columns of {self.name}: {', '.join(self.kinds)}",
                "Name them under `columns` in the mapping.",
            )
        return pa.table(out)

    def column(self, ours: str, kind: Kind, theirs: tuple[str, ...]) -> Any:
        formula = formula_of(theirs)
        if formula is not None:
            if kind in (Kind.TIMESTAMP, Kind.SYMBOL, Kind.WORD):
                raise InputError(
                    self.where,
                    f"a formula for {ours}",
                    "names of columns, because it is not a number",
                    _REMEDY,
                )
            return self.computed(formula, ours)
        cells = self.take(theirs[0]) if len(theirs) == 1 else self.text(theirs)
        return self._typed(ours, kind, cells, " ".join(theirs))

    def _typed(self, ours: str, kind: Kind, cells: Any, theirs: str | None = None) -> Any:
        """Cells as the ledger's reader takes them: times, plain numbers, or words."""
        if kind is Kind.TIMESTAMP:
            return typed_times(cells, merged(self.mapping.time, self.table.time), self.where, theirs or ours)
        if kind in (Kind.SYMBOL, Kind.WORD):
            return self._words(ours, cells) if ours in self.table.words else cells
        form = merged(self.mapping.numbers, self.table.numbers)
        return plain_numbers(one_array(cells), form, Place(self.where, self.name, theirs or ours))

    def _words(self, ours: str, cells: Any) -> Any:
        listed = self.table.words[ours]
        meaning = {their: our for our, theirs in listed.items() for their in theirs}
        return translated(as_text(cells), meaning, f"{self.where}, column {ours}", "List it under `words`.")

    def _side(self, words: SideWords, theirs: tuple[str, ...] | None) -> Any:
        meaning = {**dict.fromkeys(words.buy, "buy"), **dict.fromkeys(words.sell, "sell")}
        cells = self.text(words.column or theirs or ("side",))
        encoded = cells.dictionary_encode()
        ours = [_beside_number(word, meaning) for word in encoded.dictionary.to_pylist()]
        cells = buffers.strings(ours, buffers.mask([False] * len(ours))).take(encoded.indices)
        return translated(cells, meaning, f"{self.where}.side", "List it in the mapping.")

    def amounts(self, theirs: tuple[str, ...], ours: str) -> Amounts:
        """A column or formula as numbers."""
        formula = formula_of(theirs)
        if formula is None:
            return self.numbers(theirs[0])
        return evaluate(formula, self._operand, self.count, f"{self.where}, {ours}")

    def computed(self, formula: Formula, ours: str) -> Any:
        """A formula over their columns as an Arrow array, exact where they are."""
        amounts = evaluate(formula, self._operand, self.count, f"{self.where}, {ours}")
        missing = amounts.missing if amounts.missing.any() else None
        if amounts.scale is None:
            return buffers.numeric(amounts.values.astype(np.float64), missing)
        return integers.decimal_text(amounts.values, amounts.scale, missing)

    def _operand(self, name: str) -> Amounts:
        if name == MULTIPLIER and MULTIPLIER not in self.usage.raw.data.column_names:
            return self._multipliers()
        return self.numbers(name)

    def _multipliers(self) -> Amounts:
        """The multiplier of each row's symbol."""
        known = self.mapping.multipliers
        symbol = self.table.constants.get("symbol")
        if symbol is not None:
            words = [symbol] * self.count
        else:
            words = as_text(self.text(self.table.columns.get("symbol", ("symbol",)))).to_pylist()
        for row, word in enumerate(words):
            if word not in known:
                raise InputError(
                    f"{self.where}, row {row + 1}",
                    f"the symbol {shown(word)}",
                    f"one of {', '.join(known) or 'none'}, as `multipliers` in the mapping lists them",
                    "Add its multiplier.",
                )
        scale = max((-int(one.as_tuple().exponent) for one in known.values()), default=0)
        scale = max(scale, 0)
        values = integers.pack([int(known[word].scaleb(scale)) for word in words])
        return Amounts(values, scale, np.zeros(len(words), dtype=bool))


def _beside_number(word: str, meaning: Dict[str, str]) -> str:
    """The word of `Buy 100` and `100 B`, where it is one for a side; other cells as they are."""
    if word not in meaning:
        bare = _NUMBER_BESIDE.sub("", word).strip()
        return bare if bare in meaning else word
    return word


def translated(cells: Any, meaning: Dict[str, str], where: str, remedy: str) -> Any:
    """Their words as ours, null where empty. Raises InputError for a word that is not listed."""
    encoded = cells.dictionary_encode()
    words = encoded.dictionary.to_pylist()
    for word in words:
        if word and word not in meaning:
            listed = ", ".join(map(shown, meaning))
            raise InputError(where, shown(word), f"a word listed in the mapping: {listed}", remedy)
    ours = [meaning.get(word, "") for word in words]
    texts = buffers.strings(ours, buffers.mask([not one for one in ours]))
    return texts.take(encoded.indices)


def numbers_of(cells: Any, form: Numbers, where: str, name: str) -> Amounts:
    """Cells as exact numbers. Raises InputError naming the cell that is none."""
    place = Place(where, "", name)
    plain = plain_numbers(one_array(cells), form, place)
    column = number_column(Kind.RATE, plain, place, Hint())
    missing = np.zeros(len(column.values), dtype=bool) if column.missing is None else column.missing
    values = np.where(np.isnan(column.values), 0, column.values) if column.scale is None else column.values
    return Amounts(values, column.scale, missing)


def typed_times(cells: Any, time: Time, where: str, name: str) -> Any:
    """Cells as the times that `time` says they are."""
    return timestamps(cells, time.form, Place(where, "", name))


def long_table(source: SourceRows, said: list[str]) -> pa.Table:
    """A wide table (one column a symbol) as rows; cells that are empty or 0 make none."""
    table, data = source.table, source.usage.raw.data
    stamp = table.columns.get("timestamp", ("timestamp",))
    times = source.column("timestamp", Kind.TIMESTAMP, stamp)
    symbols = [name for name in data.column_names if name not in (*stamp, *table.leave, *table.leave_out)]
    parts = []
    for symbol in symbols:
        cells = _wide_cells(source, symbol)
        keep = pc.fill_null(pc.not_equal(cells, pa.scalar(0).cast(cells.type)), False)
        part = pa.table({"timestamp": times, table.wide or "": cells}).filter(keep)
        parts.append(part.append_column("symbol", buffers.strings([symbol] * part.num_rows)))
    said.append(
        f"{source.name} has a column for each of {len(symbols)} symbols; empty cells and zeros are no rows."
    )
    return pa.concat_tables(parts) if parts else pa.table({"timestamp": times}).slice(0, 0)


def _wide_cells(source: SourceRows, symbol: str) -> Any:
    form = merged(source.mapping.numbers, source.table.numbers)
    cells = one_array(source.take(symbol))
    if is_text(cells.type):
        cells = plain_numbers(cells, form, Place(source.where, source.name, symbol))
    if pa.types.is_integer(cells.type) or pa.types.is_floating(cells.type) or pa.types.is_decimal(cells.type):
        return cells
    try:
        return cells.cast(pa.decimal128(38, 12))
    except pa.ArrowException:
        raise InputError(
            f"{source.where}, column {symbol}",
            "cells that are no numbers",
            "a number or nothing in each",
            "List columns that are no symbols under `leave`.",
        ) from None
