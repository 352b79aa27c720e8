"""manifest.json: what a ledger states about itself (L2), and what its files alone do not show.

    format      1; another number is refused
    storage     "parquet" or "csv"
    tables      table -> rows, and per column its scale, "floats", or the number of its list in words
    words       lists of words in the order that codes count them
    chain       one hex digest per bar (reconcile.ledger.digest)

and the fields of vocabulary.Manifest, any of them null: initial_cash as exact decimal text in currency.
A manifest written by hand needs `format` alone.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from reconcile.files import decimals, instants
from reconcile.files.limits import DECIMALS, DIGITS, MANIFEST_BYTES, parse_json, read_bounded
from reconcile.files.places import shown
from reconcile.ledger.numbers import Hint
from vocabulary import SCHEMA, Column, InputError, Kind, Ledger, Manifest

FORMAT = 1
FILE = "manifest.json"
STORAGES = ("parquet", "csv")
_TEXTS = ("timing", "timezone", "scenario", "market", "semantics", "producer")
_DECIMALS = ("price_decimals", "quantity_decimals")


@dataclass(frozen=True, slots=True)
class Described:
    """A manifest.json as read. rows and hints by table, for the tables that it lists."""

    manifest: Manifest
    storage: str | None = None
    rows: Mapping[str, int] = field(default_factory=dict)
    hints: Mapping[str, Mapping[str, Hint]] = field(default_factory=dict)


def manifest_text(ledger: Ledger, storage: str, chain: tuple[str, ...]) -> str:
    """The content of manifest.json: keys sorted, nothing of the clock or the machine."""
    manifest = ledger.manifest
    words: dict[tuple[str, ...], int] = {}
    tables = {
        name: {
            "rows": table.rows,
            "columns": {key: _column_facts(column, words) for key, column in table.columns.items()},
        }
        for name, table in ledger.tables.items()
    }
    content: dict[str, Any] = {key: getattr(manifest, key) for key in (*_TEXTS, *_DECIMALS)}
    cash = manifest.initial_cash
    content |= {
        "format": FORMAT,
        "storage": storage,
        "tables": tables,
        "words": [list(listed) for listed in words],
        "chain": list(chain),
        "initial_cash": None if cash is None else decimals.text_of(cash, _money_scale(manifest)),
    }
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _column_facts(column: Column, words: dict[tuple[str, ...], int]) -> dict[str, Any]:
    if column.dictionary is not None:
        return {"words": words.setdefault(column.dictionary, len(words))}
    if column.scale is not None:
        return {"scale": column.scale}
    return {"floats": True} if column.values.dtype.kind == "f" else {}


def _money_scale(manifest: Manifest) -> int:
    return decimals.unit_scales(manifest.price_decimals or 0, manifest.quantity_decimals or 0)[Kind.MONEY]


class _ColumnFacts(BaseModel):
    """What the files of a table do not show about one of its columns."""

    model_config = ConfigDict(strict=True, extra="forbid")

    scale: int | None = Field(None, ge=0, le=DECIMALS)
    floats: bool = False
    words: int | None = Field(None, ge=0)


class _TableFacts(BaseModel):
    """One table in the manifest."""

    model_config = ConfigDict(strict=True, extra="forbid")

    rows: int
    columns: dict[str, _ColumnFacts] = Field(default_factory=dict)


_Text = Annotated[str | None, Field(description="text or null")]
_Decimals = Annotated[int | None, Field(ge=0, le=9, description="a whole number 0 to 9, or null")]
_COLUMN = f"a scale from 0 to {DECIMALS}, floats true, or the number of a list in words"


class _Content(BaseModel):
    """The keys of manifest.json. A field's description is what errors say they expected."""

    model_config = ConfigDict(strict=True, extra="forbid")

    format: Literal[1]
    storage: Literal["parquet", "csv"] | None = Field(None, description=" or ".join(STORAGES))
    tables: dict[str, _TableFacts] | None = Field(None, description=f"rows and columns; of each {_COLUMN}")
    words: list[list[str]] | None = Field(None, description="lists of text")
    chain: list[str] | None = Field(None, description="a list of digests")
    initial_cash: _Text = None
    price_decimals: _Decimals = None
    quantity_decimals: _Decimals = None
    timing: _Text = None
    timezone: _Text = None
    scenario: _Text = None
    market: _Text = None
    semantics: _Text = None
    producer: _Text = None


def read_manifest(path: Path) -> Described:
    """A manifest.json, read strictly: an unknown format, key or kind of value is an InputError."""
    try:
        text = read_bounded(path, MANIFEST_BYTES).decode()
        content = parse_json(text, parse_constant=_refuse, object_pairs_hook=_each_key_once)
    except ValueError as error:
        raise _bad(path, shown(str(error)), "a JSON object") from None
    except OSError as error:
        raise InputError(
            str(path), shown(error.strerror), "a readable file", "Check its permissions."
        ) from None
    if not isinstance(content, dict):
        raise _bad(path, type(content).__name__, "a JSON object")
    if content.get("format") != FORMAT or isinstance(content["format"], bool):
        raise InputError(
            f"{path}, format",
            shown(content.get("format", "nothing")),
            f"{FORMAT}",
            "Read it with the version of tieout that wrote it; a ledger of yours needs no manifest.json.",
        )
    try:
        return _described(path, _Content.model_validate(content))
    except ValidationError as error:
        raise _first_fault(path, error) from None


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _each_key_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {next(key for key in keys if keys.count(key) > 1)!r} stands twice")
    return content


def _first_fault(path: Path, error: ValidationError) -> InputError:
    """The first thing that is wrong with the content, as an error that names its key."""
    first = error.errors(include_url=False)[0]
    names = [part for part in first["loc"] if isinstance(part, str)]
    known = _Content.model_fields
    if first["type"] == "extra_forbidden" and len(names) == 1:
        return _bad(path, f"the key {shown(names[0])}", f"only {', '.join(sorted(known))}")
    where = ".".join([names[0], *map(shown, names[1:])])
    return _bad(f"{path}, {where}", shown(first["input"]), known[names[0]].description or "")


def _described(path: Path, content: _Content) -> Described:
    """What needs more than the types: the time zone, the exact cash, the names of tables and columns."""
    zone = content.timezone
    if zone is not None and not (zone and instants.zone_is_known(zone)):
        raise _bad(f"{path}, timezone", shown(zone), "a time zone such as America/New_York or +01:00")
    manifest = Manifest(
        **{key: getattr(content, key) for key in (*_TEXTS, *_DECIMALS)},
        chain=None if content.chain is None else tuple(content.chain),
    )
    cash = _initial_cash(path, content.initial_cash, _money_scale(manifest))
    rows = {name: facts.rows for name, facts in (content.tables or {}).items()}
    return Described(
        dataclasses.replace(manifest, initial_cash=cash), content.storage, rows, _hints(path, content)
    )


def _initial_cash(path: Path, text: str | None, scale: int) -> int | None:
    if text is None:
        return None
    try:
        negative, whole, fraction = decimals.split(text)
    except decimals.NumberError:
        negative, whole, fraction = False, "", "0" * (scale + 1)
    if len(whole) + len(fraction) > DIGITS or len(fraction) > scale:
        raise _bad(
            f"{path}, initial_cash", shown(text), f"a decimal number with at most {scale} decimals, as text"
        )
    value = int(whole + fraction.ljust(scale, "0") or "0")
    return -value if negative else value


def _hints(path: Path, content: _Content) -> dict[str, dict[str, Hint]]:
    """By table and column. An entry for a table or column that SCHEMA does not know is refused."""
    lists = content.words or []
    hints: dict[str, dict[str, Hint]] = {}
    for name, facts in (content.tables or {}).items():
        where = f"{path}, tables.{shown(name)}"
        if name not in SCHEMA:
            raise _bad(where, "a table we do not know", ", ".join(SCHEMA))
        hints[name] = {}
        for key, column in facts.columns.items():
            if key not in SCHEMA[name]:
                raise _bad(where, shown(key), f"columns of {name}: {', '.join(SCHEMA[name])}")
            if column.words is not None and column.words >= len(lists):
                raise _bad(f"{where}.{key}", shown(column.words), "the number of a list in words")
            words = () if column.words is None else tuple(lists[column.words])
            hints[name][key] = Hint(column.scale, column.floats, words)
    return hints


def _bad(where: Path | str, found: str, expected: str) -> InputError:
    return InputError(
        str(where), found, expected, "Correct the manifest, or delete it: a ledger can be read without one."
    )
