"""[tool.reconcile.gate] of a pyproject.toml.

[tool.reconcile.gate]                    defaults shown
checks = ["goldens", "drift", "throughput"]
candidate = "module:function"            none: ours
agreement = "reference"                  or itself: what must vouch for the engine before it is timed
paths = ["src"]                          where its code is imported from; without a src: ["."]
build = []                               commands run in each tree before it is timed
scenario = "top25"                       what is timed: a built-in name or a TOML file
limit_percent = 3.5                      a slowdown beyond this fails, where a base is built and timed
record_limit_percent = 30                and where a ratio on record stands for it
budget_seconds = 120                     of measuring
pairs = 120                              at most so many are measured
record = "benchmarks/record.json"        the ratios reference : engine on record, one for each machine
[tool.reconcile.gate.limits]             of every case; decimals are text, 0 is exact
return = "0"                             a difference of returns: "0.0001" is 0.01 %
costs = "0"                              of commission and slippage, as a fraction of the golden's
fills = 0
[tool.reconcile.gate.cases.NAME]         the same for one case
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import Enum
from pathlib import Path
from typing import Any

from reconcile.gating.model import Check, Limits, Settings
from reconcile.golden.model import Agreement
from reconcile.golden.project_paths import read_settings
from vocabulary.errors import InputError

MOST_PAIRS = 200
"""Beyond this the first look's share of alpha is too small for it to decide anything."""


@dataclass(frozen=True, slots=True)
class _Table:
    """A table of settings, and what errors call it."""

    content: Mapping[str, Any]
    where: str

    def take(self, key: str, expected: str, make: Callable[[Any], Any], default: Any) -> Any:
        """The setting, made what it should be; ValueError or TypeError from `make` is the user's error."""
        if key not in self.content:
            return default
        value = self.content[key]
        try:
            return make(value)
        except (ValueError, TypeError, InvalidOperation):
            raise InputError(f"{self.where}.{key}", repr(value), expected, "Correct it.") from None

    def table(self, key: str) -> _Table:
        """A table within, empty where it is not there."""
        return _Table(self.take(key, "a table", _table, {}), f"{self.where}.{key}")

    def known(self, *keys: str) -> None:
        """Raise InputError for a key that is none of these."""
        for key in self.content:
            if key not in keys:
                raise InputError(self.where, f"an unknown key {key!r}", ", ".join(keys), "Mend the name.")


def read_gate_settings(root: Path) -> Settings:
    """The settings of the project in a folder. Raises InputError for a key or value that is none."""
    file = root / "pyproject.toml"
    found = (read_settings(file) or {}) if file.is_file() else {}
    gate = _Table(found, f"{file}: tool.reconcile").table("gate")
    gate.known(
        *("checks", "candidate", "agreement", "paths", "build", "scenario"),
        *("limit_percent", "record_limit_percent", "budget_seconds", "pairs", "record", "limits", "cases"),
    )
    limits = _limits(gate.table("limits"), Limits())
    cases = gate.table("cases")
    return Settings(
        root=root,
        checks=gate.take("checks", f"some of {_words(Check)}", _checks, tuple(Check)),
        candidate=gate.take("candidate", "text such as my_engine:run", _candidate, None),
        agreement=gate.take("agreement", f"one of {_words(Agreement)}", Agreement, Agreement.REFERENCE),
        paths=gate.take("paths", "a list of folders relative to pyproject.toml", _texts, ()),
        build=gate.take("build", "a list of commands", _texts, ()),
        scenario=gate.take("scenario", "a built-in scenario or a TOML file", _text, "top25"),
        limit=1 + gate.take("limit_percent", "a number above 0", _positive, 3.5) / 100,
        record_limit=1 + gate.take("record_limit_percent", "a number above 0", _positive, 30.0) / 100,
        budget=gate.take("budget_seconds", "a number above 0", _positive, 120.0),
        pairs=gate.take("pairs", f"a whole number from 12 to {MOST_PAIRS}", _pairs, 120),
        record=Path(
            gate.take("record", "a path relative to pyproject.toml", _text, "benchmarks/record.json")
        ),
        limits=limits,
        cases={name: _limits(cases.table(name), limits) for name in cases.content},
    )


def named_checks(names: str) -> tuple[Check, ...]:
    """The checks of a list separated by commas. Raises InputError."""
    try:
        return _checks([name.strip() for name in names.split(",")])
    except ValueError:
        raise InputError("--checks", repr(names), f"some of {_words(Check)}", "Mend the names.") from None


def _limits(table: _Table, default: Limits) -> Limits:
    table.known("return", "costs", "fills")
    expected = 'decimal text of 0 or more, such as "0.0001"'
    return Limits(
        total_return=table.take("return", expected, _decimal, default.total_return),
        costs=table.take("costs", expected, _decimal, default.costs),
        fills=table.take("fills", "a whole number of 0 or more", _count, default.fills),
    )


def _words(words: type[Enum]) -> str:
    return ", ".join(word.value for word in words)


def _table(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise TypeError
    return value


def _candidate(value: Any) -> str:
    module, colon, function = _text(value).partition(":")
    if not (module and colon and function):
        raise ValueError
    return str(value)


def _texts(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise TypeError
    return tuple(_text(item) for item in value)


def _checks(value: Any) -> tuple[Check, ...]:
    """In the order of Check, each once, at least one: a gate that checks nothing is no gate."""
    asked = {Check(name) for name in _texts(value)}
    if not asked:
        raise ValueError
    return tuple(check for check in Check if check in asked)


def _positive(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError
    if not (math.isfinite(value) and value > 0):
        raise ValueError
    return float(value)


def _pairs(value: Any) -> int:
    if not 12 <= _count(value) <= MOST_PAIRS:
        raise ValueError
    return int(value)


def _count(value: Any) -> int:
    if type(value) is not int:
        raise TypeError
    if value < 0:
        raise ValueError
    return value


def _decimal(value: Any) -> Decimal:
    number = Decimal(_text(value))
    if not number.is_finite() or number < 0:
        raise ValueError
    return number
