"""Numbers as people and brokers write them, made plain decimal text."""

from __future__ import annotations

import re
from typing import Any, Literal

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from reconcile.files import buffers
from reconcile.files.places import Place, bad_cell, shown
from reconcile.tables.cells import is_text, one_array
from reconcile.tables.settings import Settings, Texts, refused

_SPACES = r"[ \x{00A0}\x{202F}\x{2009}]"
"""The space, the no-break space, its narrow form, and the thin space."""
_EDGE = r"[\s\x{00A0}\x{202F}\x{2009}]*"
_MINUS = r"[\x{2212}\x{2013}\x{FE63}\x{FF0D}]"
"""Signs that are printed for the hyphen of -5: the minus sign, the en dash, the small and the wide hyphen."""
_QUOTES = r"['\x{2019}]"
"""The marks of thousands of Switzerland: the apostrophe, straight and printed."""


class Numbers(Settings):
    """How numbers are written in cells of text. Without any of this: 1234.5, -0.25, 1e3."""

    decimal: Literal[".", ","] = Field(default=".", description="The decimal mark.", examples=['","'])
    thousands: Literal[",", ".", " ", "'"] | None = Field(
        default=None,
        description="What stands between groups of three digits; a space means no-break spaces, too, an "
        "apostrophe the printed one.",
        examples=['"."', '" "'],
    )
    units: Texts = Field(
        default=(),
        description="Currency signs and units that may stand before or behind a number; they are dropped.",
        examples=['["$", "USDT"]'],
    )
    percent: bool = Field(
        default=False,
        description="Whether a number with a percent sign is that many hundredths.",
        examples=["true"],
    )
    parentheses: bool = Field(default=False, description="Whether (5.00) means -5.00.", examples=["true"])
    trailing_minus: bool = Field(default=False, description="Whether 5.00- means -5.00.", examples=["true"])
    none: Texts = Field(
        default=(), description="Words that mean that there is no number.", examples=['["-", "n/a"]']
    )

    @model_validator(mode="after")
    def _told_apart(self) -> Numbers:
        if self.decimal == self.thousands:
            raise refused(
                f"{shown(self.decimal)} for both `decimal` and `thousands`",
                "two different marks",
                "Correct one of them.",
            )
        wrong = [
            unit
            for unit in self.units
            if not unit.strip() or re.search(r"[0-9.,()+\-\u2212\u2013\ufe63\uff0d]", unit)
        ]
        if wrong:
            raise refused(shown(wrong[0]), "units without digits, points, commas, signs and parentheses")
        return self

    @property
    def is_plain(self) -> bool:
        return self == Numbers()


def plain_numbers(array: Any, form: Numbers, place: Place) -> Any:
    """Text cells as plain decimal text, null where there is no number; other types as they are.

    array: an Arrow array or chunked array. Raises InputError naming the first cell that is not written as
    `form` says.
    """
    if not is_text(array.type):
        return array
    text = one_array(array).cast(pa.large_string())
    if form.is_plain:
        return pc.replace_substring_regex(text, f"^({_EDGE}){_MINUS}([0-9.])", r"\1-\2")
    bare = pc.replace_substring_regex(text, f"^{_EDGE}(.*?){_EDGE}$", r"\1")
    nothing = pc.is_in(bare, value_set=buffers.strings(["", *form.none]))
    bare = pc.if_else(nothing, pa.scalar(None, pa.large_string()), bare)
    bare = pc.replace_substring_regex(bare, _MINUS, "-")
    cells = pc.extract_regex(bare, _pattern(form))
    parts = {cells.type.field(i).name: cells.field(i) for i in range(cells.type.num_fields)}
    wrong = pc.and_(pc.is_valid(bare), _wrong(parts))
    if pc.any(wrong).as_py():
        row = pc.index(wrong, True).as_py()
        raise bad_cell(place, row, text[row].as_py(), _expected(form))
    return pc.if_else(pc.is_valid(bare), _written(parts, form), pa.scalar(None, pa.large_string()))


def _wrong(parts: dict[str, Any]) -> Any:
    """True where a cell has no digit (nothing matched, say), two signs, or half a pair of parentheses."""
    signs = [_stands(parts[name]).cast(pa.int8()) for name in ("open", "first", "second", "back", "last")]
    count, most = signs[0], pa.scalar(1, pa.int8())
    for sign in signs[1:]:
        count = pc.add(count, sign)
    half = pc.not_equal(_stands(parts["open"]), _stands(parts["close"]))
    digits = pc.or_(_stands(parts["whole"]), _stands(parts["fraction"]))
    twice = pc.and_(_stands(parts["percent"]), _stands(parts["exponent"]))
    return pc.or_(pc.or_(pc.greater(count, most), half), pc.or_(pc.invert(digits), twice))


def _stands(group: Any) -> Any:
    return pc.not_equal(group, buffers.string(""))


def _written(parts: dict[str, Any], form: Numbers) -> Any:
    """The parts of each cell as plain decimal text; hundredths as an exponent, so that they stay exact."""
    negative = _stands(parts["open"])
    for name in ("first", "second", "back", "last"):
        negative = pc.or_(negative, pc.equal(parts[name], buffers.string("-")))
    whole = parts["whole"]
    if form.thousands is not None:
        whole = pc.replace_substring_regex(whole, _mark(form.thousands), "")
    point = pc.if_else(_stands(parts["fraction"]), buffers.string("."), buffers.string(""))
    minus = pc.if_else(negative, buffers.string("-"), buffers.string(""))
    hundredths = pc.if_else(_stands(parts["percent"]), buffers.string("e-2"), parts["exponent"])
    return pc.binary_join_element_wise(minus, whole, point, parts["fraction"], hundredths, buffers.string(""))


def _mark(thousands: str) -> str:
    return {" ": _SPACES, "'": _QUOTES}.get(thousands) or re.escape(thousands)


def _pattern(form: Numbers) -> str:
    """The regular expression (RE2) of a whole cell."""
    unit = "|".join(re.escape(unit) for unit in sorted(form.units, key=len, reverse=True))
    ahead = f"(?:{unit})?{_EDGE}" if unit else ""
    behind = f"{_EDGE}(?:{unit})?" if unit else ""
    whole = "[0-9]*"
    if form.thousands is not None:
        mark = _mark(form.thousands)
        whole = f"[0-9]{{1,3}}(?:{mark}[0-9]{{3}})+|[0-9]*"
        if form.thousands == ",":  # lakhs and crores: 1,50,000
            whole = f"[0-9]{{1,2}}(?:,[0-9]{{2}})+,[0-9]{{3}}|{whole}"
    opened, closed = (r"\(?", r"\)?") if form.parentheses else ("", "")
    back = "[-+]?" if form.trailing_minus else ""
    percent = "%?" if form.percent else ""
    return (
        rf"^(?P<open>{opened}){_EDGE}(?P<first>[-+]?){_EDGE}{ahead}(?P<second>[-+]?){_EDGE}"
        rf"(?P<whole>{whole})(?:{re.escape(form.decimal)}(?P<fraction>[0-9]*))?"
        rf"(?P<exponent>(?:[eE][-+]?[0-9]{{1,9}})?){_EDGE}(?P<back>{back}){behind}{_EDGE}(?P<last>{back})"
        rf"(?P<percent>{percent}){_EDGE}(?P<close>{closed})$"
    )


def _expected(form: Numbers) -> str:
    """A number as the settings have it, in words."""
    example = f"1{form.thousands or ''}234{form.decimal}5"
    said = [f"a number such as {example}"]
    if form.units:
        said.append(f"with or without one of {', '.join(form.units)}")
    if form.none:
        said.append(f"or one of {', '.join(map(shown, form.none))} for none")
    return ", ".join(said) + ", as `numbers` in the mapping says"
