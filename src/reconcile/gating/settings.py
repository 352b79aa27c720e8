"""[tool.reconcile.gate] of a pyproject.toml.

[tool.reconcile.gate]                    defaults shown
checks = ["goldens", "drift", "throughput"]
candidate = "module:function"            without it: tieout's own engine
agreement = "reference"                  or "itself": what the engine must agree with before it is timed
paths = ["src"]                          where its code is imported from; without a folder src: ["."]
build = []                               commands run in each tree before it is timed
scenario = "top25"                       what is timed: a built-in name or a TOML file
limit_percent = 3.5                      a larger slowdown fails, when a base is built and timed
record_limit_percent = 30                the same when the ratio on record takes the place of a base
budget_seconds = 120                     the time for measuring
pairs = 120                              the most pairs that are measured
record = "benchmarks/record.json"        the ratios reference : engine on record, one for each machine
[tool.reconcile.gate.limits]             of every case; decimals are text, 0 is exact
return = "0"                             a difference of returns: "0.0001" is 0.01 %
costs = "0"                              of commission and slippage, as a fraction of the golden's
fills = 0
[tool.reconcile.gate.cases.NAME]         the same for one case
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from enum import Enum
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt, StrictStr, ValidationError

from reconcile.gating.model import Check, Limits, Settings
from reconcile.goldens.model import Agreement
from reconcile.goldens.project_paths import read_settings
from reconcile.text.escape import near_remedy
from vocabulary.errors import InputError

MOST_PAIRS = 200
"""With more pairs the first look's share of alpha is too small for it to decide anything."""


def _decimal(value: Any) -> Decimal:
    try:
        return Decimal(value if isinstance(value, str) else "not text")
    except InvalidOperation:
        raise ValueError("no decimal text") from None


def _in_order(checks: tuple[Check, ...]) -> tuple[Check, ...]:
    """Each check once, in the order of Check."""
    return tuple(check for check in Check if check in checks)


def _list(value: Any) -> tuple[Any, ...]:
    if not isinstance(value, list):
        raise ValueError("no list")
    return tuple(value)


def _number(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError("no number")
    return value


def _words(words: type[Enum]) -> str:
    return ", ".join(word.value for word in words)


_Text = Annotated[StrictStr, Field(pattern=r"\S")]
_Texts = Annotated[tuple[_Text, ...], BeforeValidator(_list)]
_Positive = Annotated[float, BeforeValidator(_number), Field(gt=0, allow_inf_nan=False)]
_Amount = Annotated[Decimal, BeforeValidator(_decimal), Field(ge=0, allow_inf_nan=False)]
_DECIMAL = 'decimal text of 0 or more, such as "0.0001"'


class _Table(BaseModel):
    """A table of settings. The description of a field says what its value must be."""

    model_config = ConfigDict(extra="forbid")


class _Limits(_Table):
    total_return: _Amount | None = Field(None, alias="return", description=_DECIMAL)
    costs: _Amount | None = Field(None, description=_DECIMAL)
    fills: Annotated[StrictInt, Field(ge=0)] | None = Field(None, description="a whole number of 0 or more")

    def limits(self, default: Limits) -> Limits:
        """The limits, with those of `default` that are not set here."""
        given = {name: getattr(self, name) for name in self.model_fields_set}
        return Limits(**{**{name: getattr(default, name) for name in Limits.__slots__}, **given})


class _Gate(_Table):
    checks: Annotated[tuple[Check, ...], BeforeValidator(_list), Field(min_length=1)] = Field(
        tuple(Check), description=f"some of {_words(Check)}"
    )
    candidate: Annotated[_Text, Field(pattern=r"^[^:]+:.")] | None = Field(
        None, description="text such as my_engine:run"
    )
    agreement: Agreement = Field(Agreement.REFERENCE, description=f"one of {_words(Agreement)}")
    paths: _Texts = Field((), description="a list of folders relative to pyproject.toml")
    build: _Texts = Field((), description="a list of commands")
    scenario: _Text = Field("top25", description="a built-in scenario or a TOML file")
    limit_percent: _Positive = Field(3.5, description="a number above 0")
    record_limit_percent: _Positive = Field(30.0, description="a number above 0")
    budget_seconds: _Positive = Field(120.0, description="a number above 0")
    pairs: Annotated[StrictInt, Field(ge=12, le=MOST_PAIRS)] = Field(
        120, description=f"a whole number from 12 to {MOST_PAIRS}"
    )
    record: _Text = Field("benchmarks/record.json", description="a path relative to pyproject.toml")
    limits: _Limits = Field(_Limits.model_validate({}), description="a table")
    cases: dict[str, _Limits] = Field({}, description="a table")


def read_gate_settings(root: Path) -> Settings:
    """The settings of the project in a folder. Raises InputError for an unknown key or a wrong value."""
    file = root / "pyproject.toml"
    found = (read_settings(file) or {}) if file.is_file() else {}
    gate = _validated(found.get("gate", {}), f"{file}: tool.reconcile.gate")
    limits = gate.limits.limits(Limits())
    return Settings(
        root=root,
        checks=_in_order(gate.checks),
        candidate=gate.candidate,
        agreement=gate.agreement,
        paths=gate.paths,
        build=gate.build,
        scenario=gate.scenario,
        limit=1 + gate.limit_percent / 100,
        record_limit=1 + gate.record_limit_percent / 100,
        budget=gate.budget_seconds,
        pairs=gate.pairs,
        record=Path(gate.record),
        limits=limits,
        cases={name: one.limits(limits) for name, one in gate.cases.items()},
    )


def named_checks(names: str) -> tuple[Check, ...]:
    """The checks in a list separated by commas. Raises InputError."""
    try:
        return _in_order(tuple(Check(name.strip()) for name in names.split(",")))
    except ValueError:
        remedy = near_remedy([part.strip() for part in names.split(",")], [check.value for check in Check])
        raise InputError("--checks", repr(names), f"some of {_words(Check)}", remedy) from None


def _validated(content: Any, where: str) -> _Gate:
    try:
        return _Gate.model_validate(content)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
    location = [str(part) for part in first["loc"]]
    table, depth = _table_at(location)
    place = ".".join([where, *location[:depth]])
    if first["type"] == "extra_forbidden":
        keys = ", ".join(field.alias or name for name, field in table.model_fields.items())
        remedy = near_remedy([location[depth]], keys.split(", "))
        raise InputError(place, f"an unknown key {location[depth]!r}", keys, remedy)
    if len(location) == depth:
        raise InputError(
            place, repr(first["input"]), "a table", "Write it as a table, like [tool.reconcile.gate]."
        )
    by_key = {field.alias or name: field for name, field in table.model_fields.items()}
    value = content
    for key in location[: depth + 1]:
        value = value[key]
    expected = by_key[location[depth]].description or ""
    raise InputError(f"{place}.{location[depth]}", repr(value), expected, "Correct the value.")


def _table_at(location: list[str]) -> tuple[type[_Table], int]:
    """The innermost table that a location is in, and the number of keys that lead to it."""
    if location[:1] == ["limits"]:
        return _Limits, 1
    if location[:1] == ["cases"] and len(location) > 1:
        return _Limits, 2
    return _Gate, 0
