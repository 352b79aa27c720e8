"""What every table of a scenario file is, and the sorts of value that stand in one.

Numbers whose unit the file does not choose (ppb, counts) are integers once read; amounts of currency
stay decimal text here, because their unit depends on market.price_decimals and quantity_decimals.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainValidator,
    model_validator,
)

from reconcile.files.decimals import BPS
from reconcile.scenario import values
from reconcile.scenario.values import ONE
from vocabulary import scenario as nouns

Word = Annotated[str, PlainValidator(values.word)]
Amount = Annotated[str, PlainValidator(values.amount)]
Real = Annotated[float, PlainValidator(values.real)]
Flag = Annotated[bool, PlainValidator(values.flag)]
Natural = Annotated[int, PlainValidator(values.count(0))]
Positive = Annotated[int, PlainValidator(values.count(1))]
Decimals = Annotated[int, PlainValidator(values.count(0, 9))]
Multiple = Annotated[int, PlainValidator(values.decimal())]
Share = Annotated[int, PlainValidator(values.decimal(most=ONE))]
Band = Annotated[int, PlainValidator(values.decimal(below=ONE))]
Gross = Annotated[int, PlainValidator(values.decimal(most=100 * ONE))]
Bps = Annotated[int, PlainValidator(values.decimal(BPS))]
SizeOn = Annotated[nouns.SizeOn, PlainValidator(values.choice(nouns.SizeOn))]
When = Annotated[nouns.When, PlainValidator(values.choice(nouns.When))]
Timing = Annotated[nouns.Timing, PlainValidator(values.choice(nouns.Timing))]
Sequence = Annotated[nouns.Sequence, PlainValidator(values.choice(nouns.Sequence))]
CashPolicy = Annotated[nouns.CashPolicy, PlainValidator(values.choice(nouns.CashPolicy))]
Words = Annotated[list[Word], BeforeValidator(values.listed)]

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
        values.table(value)
        needed = {key: EXAMPLES[key] for key, field in cls.model_fields.items() if field.is_required()}
        homes = {key: _kind(other) for other in _kin(cls) for key in other.model_fields}
        known = sorted(cls.model_fields, key=lambda key: key != "kind")
        values.keys(value, known=known, needed=needed, homes=homes)
        return value


def _kin(model: type[BaseModel]) -> list[type[BaseModel]]:
    """The kinds that a table of this kind could be instead."""
    parent: type[Any] = model.__mro__[1]
    return [other for other in parent.__subclasses__() if "kind" in other.model_fields]


def _kind(model: type[BaseModel]) -> str:
    (kind,) = model.model_fields["kind"].annotation.__args__  # type: ignore[union-attr]
    return str(kind)


def kinds(*models: type[BaseModel]) -> BeforeValidator:
    """Looks at `kind` before the union does, so that the error is ours."""
    return BeforeValidator(values.kind([_kind(model) for model in models]))
