"""Formulas over columns, exact: numbers stay integers with a scale, and only arithmetic can be written.

    price = "= [Price GBX] / 100"
    commission = "= Commission + abs(Fee) + default(Tax, 0)"

Names of columns stand in brackets where they are more than letters, digits and underscores. There are
+ - * /, parentheses, abs(x), min(x, y), max(x, y), and default(x, y), which is y where x is empty.
`multiplier` is that of the row's symbol.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import numpy.typing as npt

from reconcile.files import integers
from reconcile.files.places import shown
from vocabulary.errors import InputError

MULTIPLIER = "multiplier"
_FUNCTIONS = {"abs": 1, "min": 2, "max": 2, "default": 2}
_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|\[(?P<column>[^\]]+)\]|(?P<name>\w+)|(?P<mark>[-+*/(),]))"
)
_DEEPEST = 40
_LONGEST = 1000
_PLACES = 18
"""Decimals that a quotient without an end is rounded to, half to even."""


@dataclass(frozen=True, slots=True)
class Formula:
    """A node: a number (text), a column, or an operation on other nodes.

    kind: "number", "column", one of + - * /, or a function.
    """

    kind: str
    text: str = ""
    operands: tuple[Formula, ...] = ()

    def columns(self) -> Iterator[str]:
        """The columns that it reads."""
        if self.kind == "column":
            yield self.text
        for operand in self.operands:
            yield from operand.columns()


@dataclass(frozen=True, slots=True, eq=False)
class Amounts:
    """Numbers by row: integers times 10**-scale, or doubles where scale is None. missing: empty cells."""

    values: npt.NDArray[Any]
    scale: int | None
    missing: npt.NDArray[np.bool_]


def parse_formula(text: str, where: str) -> Formula:
    """The formula of a text. Raises InputError that says where it ends being one."""
    if len(text) > _LONGEST:
        raise InputError(where, f"{len(text)} characters", f"at most {_LONGEST}", "Write a shorter formula.")
    parser = _Parser(text, where)
    formula = parser.sum(0)
    if parser.token is not None:
        raise parser.wrong()
    return formula


class _Parser:
    """Recursive descent over the tokens of one text."""

    def __init__(self, text: str, where: str) -> None:
        self.text, self.where, self.at = text, where, 0
        self.token: tuple[str, str] | None = None
        self.step()

    def step(self) -> None:
        match = _TOKEN.match(self.text, self.at)
        self.start = self.at
        if match is None:
            if self.text[self.at :].strip():
                raise self.wrong()
            self.token = None
            return
        self.at = match.end()
        kind = match.lastgroup or ""
        self.token = (kind, match[kind])

    def wrong(self) -> InputError:
        rest = self.text[self.start :].strip()
        return InputError(
            self.where,
            f"{shown(rest)} in {shown(self.text.strip())}"
            if rest
            else f"the end of the formula after {shown(self.text)}",
            "columns, numbers, + - * /, parentheses, " + ", ".join(f"{name}()" for name in _FUNCTIONS),
            "Put names of columns with other characters into brackets: [Net amount].",
        )

    def take(self, mark: str) -> bool:
        if self.token != ("mark", mark):
            return False
        self.step()
        return True

    def sum(self, depth: int) -> Formula:
        left = self.product(depth)
        while self.token in (("mark", "+"), ("mark", "-")):
            kind = self.token[1]
            self.step()
            left = Formula(kind, operands=(left, self.product(depth)))
        return left

    def product(self, depth: int) -> Formula:
        left = self.factor(depth)
        while self.token in (("mark", "*"), ("mark", "/")):
            kind = self.token[1]
            self.step()
            left = Formula(kind, operands=(left, self.factor(depth)))
        return left

    def factor(self, depth: int) -> Formula:
        if depth > _DEEPEST or self.token is None:
            raise self.wrong()
        kind, text = self.token
        if self.take("-"):
            return Formula("-", operands=(Formula("number", "0"), self.factor(depth + 1)))
        if self.take("("):
            inner = self.sum(depth + 1)
            if not self.take(")"):
                raise self.wrong()
            return inner
        if kind == "mark":
            raise self.wrong()
        self.step()
        if kind == "name" and text in _FUNCTIONS and self.take("("):
            operands = [self.sum(depth + 1)]
            while self.take(","):
                operands.append(self.sum(depth + 1))
            if len(operands) != _FUNCTIONS[text] or not self.take(")"):
                raise self.wrong()
            return Formula(text, operands=tuple(operands))
        return Formula("number" if kind == "number" else "column", text)


def evaluate(formula: Formula, column: Callable[[str], Amounts], rows: int, where: str) -> Amounts:
    """The formula's value in each row, empty where a cell that it needs is; doubles where a column has them.

    column: the amounts of a column by its name. Raises InputError: a division by zero.
    """
    if formula.kind == "column":
        return column(formula.text)
    if formula.kind == "number":
        number = Decimal(formula.text)
        scale = max(-int(number.as_tuple().exponent), 0)
        units = int(number.scaleb(scale))
        return Amounts(
            np.full(rows, units, np.int64 if units < 2**63 else object), scale, np.zeros(rows, bool)
        )
    operands = [evaluate(one, column, rows, where) for one in formula.operands]
    if formula.kind == "abs":
        return Amounts(np.abs(operands[0].values), operands[0].scale, operands[0].missing)
    left, right = operands
    if formula.kind == "default":
        left, right = _alike(left, right)
        values = np.where(left.missing, right.values, left.values)
        return Amounts(values, left.scale, left.missing & right.missing)
    if formula.kind == "/":
        return _quotient(left, right, where)
    if formula.kind == "*":
        return _product(left, right)
    left, right = _alike(left, right)
    if formula.kind in ("+", "-") and left.scale is not None:
        left, right = _roomy(left, right)
    work = {"+": np.add, "-": np.subtract, "min": np.minimum, "max": np.maximum}[formula.kind]
    return Amounts(work(left.values, right.values), left.scale, left.missing | right.missing)


def as_doubles(amounts: Amounts) -> npt.NDArray[np.float64]:
    """The nearest double of each number."""
    values = amounts.values.astype(np.float64)
    return values if amounts.scale is None else values / 10.0**amounts.scale


def _alike(left: Amounts, right: Amounts) -> tuple[Amounts, Amounts]:
    """Both in one unit; as doubles where one of them is."""
    if left.scale is None or right.scale is None:
        return (
            Amounts(as_doubles(left), None, left.missing),
            Amounts(as_doubles(right), None, right.missing),
        )
    scale = max(left.scale, right.scale)
    return (
        Amounts(integers.rescale(left.values, scale - left.scale), scale, left.missing),
        Amounts(integers.rescale(right.values, scale - right.scale), scale, right.missing),
    )


def _largest(values: npt.NDArray[Any]) -> int:
    return max(abs(int(values.min())), abs(int(values.max()))) if len(values) else 0


def _roomy(left: Amounts, right: Amounts) -> tuple[Amounts, Amounts]:
    """As Python integers where a sum of two could leave int64."""
    if _largest(left.values) + _largest(right.values) < 2**63:
        return left, right
    return (
        Amounts(left.values.astype(object), left.scale, left.missing),
        Amounts(right.values.astype(object), right.scale, right.missing),
    )


def _product(left: Amounts, right: Amounts) -> Amounts:
    missing = left.missing | right.missing
    if left.scale is None or right.scale is None:
        return Amounts(as_doubles(left) * as_doubles(right), None, missing)
    a, b = left.values, right.values
    if _largest(a) * _largest(b) >= 2**63:
        a, b = a.astype(object), b.astype(object)
    values, scale = integers.shrink(a * b, left.scale + right.scale)
    return Amounts(values, scale, missing)


def _quotient(left: Amounts, right: Amounts, where: str) -> Amounts:
    missing = left.missing | right.missing
    zero = ~missing & np.asarray(right.values == 0, dtype=bool)
    if zero.any():
        raise InputError(
            f"{where}, row {int(np.argmax(zero)) + 1}",
            "a division by 0",
            "another divisor",
            "Mend the formula.",
        )
    if left.scale is None or right.scale is None:
        divisor = np.where(missing, 1.0, as_doubles(right))
        return Amounts(as_doubles(left) / divisor, None, missing)
    ten = 10 ** (_PLACES + right.scale)
    unit = 10**left.scale
    out = [
        0 if empty else _halved(a * ten, b * unit)
        for a, b, empty in zip(left.values.tolist(), right.values.tolist(), missing.tolist(), strict=True)
    ]
    values, scale = integers.shrink(_objects(out), _PLACES)
    return Amounts(values, scale, missing)


def _objects(numbers: list[int]) -> npt.NDArray[Any]:
    out = np.empty(len(numbers), dtype=object)
    out[:] = numbers
    return out


def _halved(dividend: int, divisor: int) -> int:
    """The nearest whole quotient, of two equally near the even one."""
    if divisor < 0:
        dividend, divisor = -dividend, -divisor
    whole, rest = divmod(dividend, divisor)
    twice = 2 * rest
    return whole + (twice > divisor or (twice == divisor and whole % 2 == 1))
