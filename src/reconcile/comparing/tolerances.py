"""The tolerance file: a TOML table from `table.column` to one bound and the reason for it.

What a bound means is in `matching.bounds`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    PlainValidator,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from reconcile.files.limits import TOLERANCE_EXPONENT, parse_toml, read_bounded
from reconcile.matching.cells import NUMBERS
from reconcile.matching.model import BoundKind, Tolerance
from reconcile.matching.stages import COMPARED, COMPARED_KEYS
from reconcile.scenario.values import fault
from vocabulary.errors import InputError

_KINDS = tuple(kind.value for kind in BoundKind)
_SHAPE = '"fills.price" = { absolute = "0.01", reason = "their prices are rounded to cents" }'
_LIKE = f"Write it like {_SHAPE}."


def _bound(value: Any) -> Decimal:
    """Decimal text, greater than zero."""
    try:
        bound = Decimal(value) if isinstance(value, str) else Decimal("NaN")
    except InvalidOperation:
        bound = Decimal("NaN")
    if not bound.is_finite() or bound <= 0 or abs(bound.adjusted()) > TOLERANCE_EXPONENT:
        raise fault(
            value, 'a number above 0 as text, such as "0.01"', "Write it in quotes.", found=repr(value)
        )
    return bound


def _reason(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        remedy = "Say why: it is shown with the result."
        raise fault(value, "a reason why values may differ", remedy, found="no reason")
    return value.strip()


def _column(name: str) -> str:
    """`table.column` of a column that may have a tolerance."""
    table, _, column = name.partition(".")
    if column not in COMPARED.get(table, ()):
        raise fault(name, "table.column of a ledger", _LIKE, found=repr(name))
    if column in COMPARED_KEYS[table] or COMPARED[table][column] not in NUMBERS:
        expected = "a column of numbers that is no key"
        raise fault(name, expected, "Leave it out.", found=f"a bound for {name}")
    return name


_Bound = Annotated[Decimal, PlainValidator(_bound)]


class _Entry(BaseModel):
    """One line of the file: one bound, and why it is right."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    absolute: _Bound | None = None
    relative: _Bound | None = None
    quantum: _Bound | None = None
    reason: Annotated[str, PlainValidator(_reason)]

    @model_validator(mode="before")
    @classmethod
    def _one_bound(cls, raw: Any) -> Any:
        if not isinstance(raw, dict):
            raise fault(raw, "a table with a bound and a reason", _LIKE, found=repr(raw))
        unknown = sorted(set(raw) - {*_KINDS, "reason"})
        named = [kind for kind in _KINDS if kind in raw]
        if unknown or len(named) != 1:
            found = repr(unknown[0]) if unknown else f"{len(named)} bounds"
            raise fault(raw, f"one of {', '.join(_KINDS)}, and a reason", _LIKE, found=found)
        return {"reason": None, **raw}


_FILE: TypeAdapter[dict[str, _Entry]] = TypeAdapter(dict[Annotated[str, AfterValidator(_column)], _Entry])


def read_tolerances(path: str | Path) -> tuple[Tolerance, ...]:
    """The tolerances of a TOML file, in the order of the file.

    Raises InputError naming file and key: the file cannot be read, is no TOML, or breaks the schema above.
    """
    try:
        read = parse_toml(read_bounded(path).decode("utf-8-sig"))
    except OSError as error:
        raise InputError(
            str(path), error.strerror or "no readable file", "a TOML file", "Check the path."
        ) from None
    except ValueError as error:
        raise InputError(
            str(path), f"text that is not TOML ({error})", "a table such as " + _SHAPE, "Correct the file."
        ) from None
    return tolerances_from(read, origin=str(path))


def tolerances_from(table: Mapping[str, Any], *, origin: str = "tolerances") -> tuple[Tolerance, ...]:
    """The same, from a mapping. origin: what errors call it. Raises InputError."""
    try:
        entries = _FILE.validate_python(dict(table))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        told = first["ctx"]
        where = f"{origin}: {first['loc'][0]}"
        raise InputError(where, told["found"], told["expected"], told["remedy"]) from None
    return tuple(_tolerance(name, entry) for name, entry in entries.items())


def _tolerance(name: str, entry: _Entry) -> Tolerance:
    table, _, column = name.partition(".")
    bounds = {kind: getattr(entry, kind.value) for kind in BoundKind}
    kind, bound = next((kind, bound) for kind, bound in bounds.items() if bound is not None)
    return Tolerance(table, column, kind, bound, entry.reason)


def tolerance_toml(tolerance: Tolerance) -> str:
    """One line of a tolerance file."""
    reason = json.dumps(tolerance.reason, ensure_ascii=False)  # JSON's text is TOML's
    bound = f'{tolerance.kind.value} = "{tolerance.bound}"'
    return f'"{tolerance.table}.{tolerance.column}" = {{ {bound}, reason = {reason} }}'
