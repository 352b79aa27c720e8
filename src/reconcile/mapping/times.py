"""How the times of an unknown table are written: the form of each column, and the settings for it."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from reconcile.files import buffers
from reconcile.files.places import Place, shown
from reconcile.mapping.sniff import Guess
from reconcile.tables.cells import as_text, is_text
from reconcile.tables.model import RawTable
from reconcile.tables.times import EPOCHS, Order, TimeForm, timestamps
from vocabulary.errors import InputError

_SEEN = 4
_ORDERS = tuple(order.value for order in Order)


def listed(names: Any) -> tuple[str, ...]:
    """The columns of a source: one, or several whose cells are joined."""
    return (names,) if isinstance(names, str) else tuple(names)


def examples_of(cells: list[str]) -> str:
    return ", ".join(shown(cell) for cell in list(dict.fromkeys(cell for cell in cells if cell))[:_SEEN])


def time_form(raw: RawTable, name: str) -> str | None:
    """How a column reads as times: "plain", what comes first where nothing tells, or a unit of an epoch."""
    column = raw.data.column(name)
    if pa.types.is_timestamp(column.type) or pa.types.is_date(column.type):
        return "plain"
    text = without_blanks(as_text(column))
    read = {form: _times_by(form, text if is_text(column.type) else column) for form in (None, *Order)}
    if is_text(column.type):
        if read[None] is not None:
            return "plain"
        orders = [order for order in Order if read[order] is not None]
        if orders:
            return min(orders, key=lambda order: _disorder(read[order])).value
    for unit, size in EPOCHS.items():
        low, high = 631_152_000 * 10**9 // size, 4_102_444_800 * 10**9 // size  # 1990 to 2100
        values = text.drop_null().to_pylist()
        if values and all(
            re.fullmatch(r"\d{9,19}(\.\d+)?", one) and low < float(one) < high for one in values
        ):
            return unit
    return None


def without_blanks(text: Any) -> Any:
    """Text with null for empty cells."""
    return pc.if_else(pc.equal(text, buffers.string("")), pa.scalar(None, pa.large_string()), text)


def _times_by(order: Order | None, column: Any) -> Any:
    """The times of a column read in an order, None where it does not read so."""
    try:
        read = timestamps(column, TimeForm(order), Place("guess", "", ""))
    except InputError:
        return None
    return read if pa.types.is_timestamp(read.type) or _is_iso(read) else None


def _disorder(times: Any) -> int:
    """How often times go back, or forward where they mostly go back: exports are sorted, either way."""
    values: list[int] = times.cast(pa.int64()).drop_null().to_pylist()
    steps = [after - before for before, after in pairwise(values)]
    return min(sum(step < 0 for step in steps), sum(step > 0 for step in steps))


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
    name = next(iter(listed(columns.settings.get("timestamp", ()))), None)
    how = None if name is None else time_form(raw, name)
    seen = "" if name is None else examples_of(as_text(raw.data.column(name)).to_pylist())
    if how in _ORDERS:
        shorts = how == "year" or not re.search(r"\d{4}", seen)
        others = [one for one in ("day", "month", "year") if one != how and (shorts or one != "year")]
        guess.say(
            "order", how, f"nothing tells what comes first in {seen}; by {how}, the rows are in order best"
        )
        guess.questions.append(f"Does the {how} come first in {seen}, or the {' or the '.join(others)}?")
    elif how in EPOCHS:
        guess.say("epoch", how, f"counts since 1970, as in {seen}, are of our time in this unit alone")
    return guess
