"""What one value and one table of a scenario file may be, and the error that says so.

Numbers whose unit the file does not choose (ppb, counts) are integers once read. Amounts of currency stay
decimal text here, because their unit depends on market.price_decimals and quantity_decimals.
"""

from __future__ import annotations

import dataclasses
import json
import math
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from enum import Enum
from typing import Annotated, Any, Union

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from reconcile.files.decimals import BPS, PPB, NumberError, from_units, split, to_units

ONE = 10**PPB
COUNT_MAX = 10**18
"""More bars than any market has, and room to add two of them in int64 (U4)."""
RESERVED = ("timestamp", "symbol", "open", "high", "low", "close", "volume")
"""Columns of the data itself: no computed feature may bear these names."""


def fault(
    value: Any,
    expected: str,
    remedy: str,
    *,
    found: str | None = None,
    key: str | None = None,
) -> PydanticCustomError:
    """The error of one value. found: what to call the value; key: where below the current key it is."""
    told = {"found": found or show(value), "expected": expected, "remedy": remedy, "key": key}
    return PydanticCustomError("fault", "{found} is not {expected}", told)


def show(value: Any) -> str:
    """A value in words, short, and with whatever cannot be printed escaped."""
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list | tuple):
        return f"a list of {len(value)}"
    text = digits(value) if isinstance(value, int) else _clip(repr(value))
    if isinstance(value, bool):
        return f"the boolean {text.lower()}"
    if value is None:
        return "nothing"
    names: dict[type, str] = {str: "the text", int: "the integer", float: "the float"}
    return f"{names.get(type(value), f'the {type(value).__name__}')} {text}"


def digits(value: Any) -> str:
    """A number's digits, clipped; Python refuses to write out thousands of them."""
    if isinstance(value, int) and value.bit_length() > 256:
        return f"of {value.bit_length()} bits"
    return _clip(str(value))


def _clip(text: str, most: int = 80) -> str:
    return text if len(text) <= most else text[: most - 3] + "..."


def nearest(key: str, known: Iterable[str]) -> str | None:
    """The known word that `key` is most likely meant to be."""
    close = get_close_matches(key, list(known), 1)
    return close[0] if close else None


def default(noun: type, field: str) -> Any:
    """The default that the noun itself declares: the one place it is written."""
    (value,) = [each.default for each in dataclasses.fields(noun) if each.name == field]
    return value


def table(value: Any) -> Mapping[str, Any]:
    """Any table."""
    if not isinstance(value, Mapping):
        raise fault(value, "a table", "Write it as [table] or { key = value }.")
    return value


def keys(
    value: Mapping[str, Any], known: Sequence[str], needed: Mapping[str, str], homes: Mapping[str, str]
) -> None:
    """Raise on a key that is not known, then on one that is needed and not there.

    needed: an example line by key. homes: which other kind of table has a key.
    """
    for key in value:
        if key not in known:
            found = f"the unknown key {show_key(key)} with {show(value[key])}"
            listed = "one of " + ", ".join(known)
            remedy = _instead(key, known, homes)
            raise fault(None, listed, remedy, found=found, key=str(key))
    for key, example in needed.items():
        if key not in value:
            expected = "a value: this key has no default"
            raise fault(None, expected, f"Add it: {example}.", key=key)


def show_key(key: Any) -> str:
    """A key as it would stand in the file, clipped."""
    return _clip(json.dumps(str(key)))


def _instead(key: Any, known: Sequence[str], homes: Mapping[str, str]) -> str:
    near = nearest(str(key), known)
    if near is not None:
        return f"Did you mean {near!r}?"
    if key in homes:
        return f"It belongs to the kind {homes[key]!r}: remove it here, or change the kind."
    return "Remove it."


def kind(kinds: Sequence[str]) -> Callable[[Any], Any]:
    """A table whose `kind` is one of `kinds`."""

    def check(value: Any) -> Any:
        chosen = table(value).get("kind")
        if not (isinstance(chosen, str) and chosen in kinds):
            near = nearest(chosen, kinds) if isinstance(chosen, str) else None
            remedy = "Choose one." if near is None else f"Did you mean {near!r}?"
            raise fault(chosen, _one_of(kinds), remedy, key="kind")
        return value

    return check


def choice(options: Iterable[Enum], also: str = "") -> Callable[[Any], Enum]:
    """A word that stands for a member of an enumeration."""
    words = {str(option.value): option for option in options}

    def check(value: Any) -> Enum:
        if isinstance(value, str) and value in words:
            return words[value]
        near = nearest(value, words) if isinstance(value, str) else None
        raise fault(value, _one_of(list(words)) + also, f"Did you mean {near!r}?" if near else "Choose one.")

    return check


def _one_of(words: Sequence[str]) -> str:
    return "one of " + ", ".join(f'"{each}"' for each in words)


def word(value: Any) -> str:
    """Text that is not empty and holds nothing that cannot be shown or stored."""
    if not isinstance(value, str):
        raise fault(value, "text", "Write it in quotes.")
    if not value:
        raise fault(value, "text that is not empty", "Write a name.")
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in value):
        raise fault(value, "text without control characters", "Remove them.")
    return value


def flag(value: Any) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise fault(value, "true or false", "Write it without quotes.")
    return value


def count(least: int, most: int = COUNT_MAX) -> Callable[[Any], int]:
    """An integer in [least, most]; text, floats and booleans are not."""
    expected = f"an integer from {least} to {most}" if most < COUNT_MAX else f"an integer of at least {least}"

    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise fault(value, expected, "Write a whole number without quotes and without a point.")
        if value < least or value > most:
            limit = f" and at most {COUNT_MAX}" if value > most == COUNT_MAX else ""
            raise fault(value, expected + limit, "Choose one in range.")
        return value

    return check


def real(value: Any) -> float:
    """A double: a TOML float, or an integer that a double holds exactly (R3)."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise fault(value, "a number", "Write it without quotes.")
    try:
        double = float(value)
    except OverflowError:
        double = math.inf
    if isinstance(value, int) and double != value:
        raise fault(value, "an integer that a double holds exactly", "Write it as a float, like 30.0.")
    if not math.isfinite(double):
        raise fault(value, "a finite number", "Leave the gate out if it is always to be open.")
    return double + 0.0  # -0.0 becomes 0.0: the same bound, so the same digest


def decimal(decimals: int = PPB, most: int | None = None, below: int | None = None) -> Callable[[Any], int]:
    """Decimal text of a rate, weight or multiple, as ppb, at least 0 (U).

    decimals: of the number as written; PPB for plain numbers, BPS for basis points.
    most, below: the upper end in ppb, that still is, or is no longer, allowed.
    """
    expected = "decimal text of at least 0"
    if most is not None:
        expected = f"decimal text from 0 to {from_units(most, decimals)}"
    if below is not None:
        expected = f"decimal text of at least 0 and below {from_units(below, decimals)}"

    def check(value: Any) -> int:
        units = exact(value, decimals, expected)
        if units < 0 or (most is not None and units > most) or (below is not None and units >= below):
            raise fault(value, expected, "Choose one in range.")
        return units

    return check


def exact(value: Any, decimals: int, expected: str) -> int:
    """Decimal text as an integer of 10**-decimals; any sign."""
    text = _quoted(value, expected)
    try:
        return to_units(text, decimals)
    except NumberError as error:
        raise fault(value, error.expected, error.remedy) from error


def amount(value: Any) -> str:
    """Decimal text of an amount of currency, at least 0; its unit is looked at later."""
    expected = "decimal text of at least 0"
    text = _quoted(value, expected)
    try:
        negative, _, _ = split(text)
    except NumberError as error:
        raise fault(value, error.expected, error.remedy) from error
    if negative:
        raise fault(value, expected, "Choose one in range.")
    return text


def _quoted(value: Any, expected: str) -> str:
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise fault(value, expected, f'Write it in quotes: "{digits(value)}".')
    if not isinstance(value, str):
        raise fault(value, expected, 'Write a number in quotes, like "0.05".')
    return value


def listed(value: Any) -> list[Any]:
    """A list."""
    if not isinstance(value, list):
        raise fault(value, "a list", "Write it in brackets: [...], or [[...]] for tables.")
    return value


def features(value: Any) -> Mapping[str, Any]:
    """market.features: names that no column of the data has."""
    named = table(value)
    for name in named:
        if name in RESERVED:
            found, expected = f"a feature called {name!r}", "a name that no column of bars has"
            raise fault(None, expected, "Choose another name.", found=found, key=name)
    return named


def words_of(kind: Iterable[Enum]) -> WithJsonSchema:
    """What an editor may know of a word that stands for a member of an enumeration."""
    return WithJsonSchema({"enum": [str(option.value) for option in kind]})


_TEXT = WithJsonSchema({"type": "string", "minLength": 1})
_DECIMAL = WithJsonSchema({"type": "string", "pattern": r"^[+]?([0-9]+([.][0-9]*)?|[.][0-9]+)$"})
_ANY_INTEGER, _FROM_ONE = (WithJsonSchema({"type": "integer", "minimum": least}) for least in (0, 1))
Word = Annotated[str, PlainValidator(word), _TEXT]
Amount = Annotated[str, PlainValidator(amount), _DECIMAL]
Real = Annotated[float, PlainValidator(real), WithJsonSchema({"type": "number"})]
Flag = Annotated[bool, PlainValidator(flag), WithJsonSchema({"type": "boolean"})]
Natural = Annotated[int, PlainValidator(count(0)), _ANY_INTEGER]
Positive = Annotated[int, PlainValidator(count(1)), _FROM_ONE]
Decimals = Annotated[
    int, PlainValidator(count(0, 9)), WithJsonSchema({"type": "integer", "minimum": 0, "maximum": 9})
]
_AS_TEXT = PlainSerializer(lambda ppb: from_units(ppb, PPB))
Multiple = Annotated[int, PlainValidator(decimal()), _AS_TEXT, _DECIMAL]
Share = Annotated[int, PlainValidator(decimal(most=ONE)), _AS_TEXT, _DECIMAL]
Band = Annotated[int, PlainValidator(decimal(below=ONE)), _AS_TEXT, _DECIMAL]
Gross = Annotated[int, PlainValidator(decimal(most=100 * ONE)), _AS_TEXT, _DECIMAL]
Bps = Annotated[
    int, PlainValidator(decimal(BPS)), PlainSerializer(lambda ppb: from_units(ppb, BPS)), _DECIMAL
]
Words = Annotated[list[Word], BeforeValidator(listed)]

EXAMPLES: Mapping[str, str] = {
    "market": '[market] with data = "top25"',
    "portfolio": '[portfolio] with initial_cash = "1000000"',
    "strategy": '[strategy] with kind = "top_n"',
    "data": 'data = "top25"',
    "initial_cash": 'initial_cash = "1000000"',
    "kind": 'kind = "top_n"',
    "score": 'score = "ml_score"',
    "n": "n = 25",
    "feature": 'feature = "atr"',
    "function": 'function = "module:function"',
    "file": 'file = "orders.csv"',
    "context": 'context = "vix"',
    "period": "period = 14",
    "lookback": "lookback = 252",
    "skip": "skip = 21",
    "loss": 'loss = "0.1"',
    "gain": 'gain = "0.2"',
    "multiple": 'multiple = "2"',
    "initial": 'initial = "0.05"',
    "tighten": 'tighten = "0.001"',
    "minimum": 'minimum = "0.005"',
    "bars": "bars = 60",
    "rate": 'rate = "0.01"',
    "amount": 'amount = "0.01"',
}
"""What each key without a default looks like, for the error that misses it."""


class TableModel(BaseModel):
    """A table of the file: known keys only, required ones there."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _keys(cls, value: Any) -> Any:
        table(value)
        needed = {key: EXAMPLES[key] for key, field in cls.model_fields.items() if field.is_required()}
        homes = {key: kind_of(other) for other in _kin(cls) for key in other.model_fields}
        known = sorted(cls.model_fields, key=lambda key: key != "kind")
        keys(value, known=known, needed=needed, homes=homes)
        return value


def _kin(model: type[BaseModel]) -> list[type[BaseModel]]:
    """The kinds that a table of this kind could be instead."""
    family: type[Any] = model.__mro__[model.__mro__.index(TableModel) - 1]
    return [other for other in _descendants(family) if "kind" in other.model_fields]


def _descendants(model: type[Any]) -> list[type[Any]]:
    below = model.__subclasses__()
    return [*below, *(other for each in below for other in _descendants(each))]


def kind_of(model: type[BaseModel]) -> str:
    """The `kind` that a table bears."""
    (kind,) = model.model_fields["kind"].annotation.__args__  # type: ignore[union-attr]
    return str(kind)


def any_of(*models: type[BaseModel]) -> Any:
    """The type of a table that is one of several kinds. `kind` reports an unknown one, not pydantic."""
    check = BeforeValidator(kind([kind_of(model) for model in models]))
    return Annotated[Union[models], Field(discriminator="kind"), check]  # noqa: UP007
