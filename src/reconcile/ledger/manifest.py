"""manifest.json: what a ledger says of itself (L2), and what its files alone cannot say.

    format      1; another number is refused
    storage     "parquet" or "csv"
    tables      table -> rows, and per column its scale, "floats", or the number of its list in words
    words       lists of words in the order that codes count them
    chain       one hex digest a bar (reconcile.ledger.digest)

and the fields of vocabulary.Manifest, any of them null: initial_cash as exact decimal text in currency.
A manifest written by hand needs `format` alone.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reconcile.files import instants, integers
from reconcile.files.places import shown
from reconcile.ledger.numbers import MAX_DIGITS, Hint
from vocabulary import SCHEMA, Column, InputError, Ledger, Manifest

FORMAT = 1
FILE = "manifest.json"
STORAGES = ("parquet", "csv")
_TEXTS = ("timing", "timezone", "scenario", "market", "semantics", "producer")
_DECIMALS = ("price_decimals", "quantity_decimals")
MAX_SCALE = 76
"""Most decimals of an Arrow decimal."""
_KEYS = {"format", "storage", "tables", "words", "chain", "initial_cash", *_TEXTS, *_DECIMALS}


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
        "initial_cash": None if cash is None else integers.text_of(cash, _money_scale(manifest)),
    }
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _column_facts(column: Column, words: dict[tuple[str, ...], int]) -> dict[str, Any]:
    if column.dictionary is not None:
        return {"words": words.setdefault(column.dictionary, len(words))}
    if column.scale is not None:
        return {"scale": column.scale}
    return {"floats": True} if column.values.dtype.kind == "f" else {}


def _money_scale(manifest: Manifest) -> int:
    return (manifest.price_decimals or 0) + (manifest.quantity_decimals or 0)


def read_manifest(path: Path) -> Described:
    """A manifest.json, strictly: an unknown format, key or kind of value is an InputError."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
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
    unknown = sorted(set(content) - _KEYS)
    if unknown:
        raise _bad(path, f"the key {shown(unknown[0])}", f"only {', '.join(sorted(_KEYS))}")
    return _described(path, content)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _described(path: Path, content: Mapping[str, Any]) -> Described:
    for key in (*_TEXTS, "storage", "initial_cash"):
        _require(path, key, content.get(key), str, "text or null")
    for key in _DECIMALS:
        value = _require(path, key, content.get(key), int, "a whole number 0 to 9, or null")
        if value is not None and not 0 <= value <= 9:
            raise _bad(f"{path}, {key}", str(value), "a whole number 0 to 9, or null")
    if content.get("storage") not in (None, *STORAGES):
        raise _bad(f"{path}, storage", shown(content["storage"]), " or ".join(STORAGES))
    zone = content.get("timezone")
    if zone is not None and not (zone and instants.zone_is_known(zone)):
        raise _bad(f"{path}, timezone", shown(zone), "a time zone such as America/New_York or +01:00")
    chain = _require(path, "chain", content.get("chain"), list, "a list of digests")
    manifest = Manifest(
        **{key: content.get(key) for key in (*_TEXTS, *_DECIMALS)},
        chain=None if chain is None else tuple(_each(path, "chain", chain, str, "a digest")),
    )
    cash = _initial_cash(path, content.get("initial_cash"), _money_scale(manifest))
    rows, hints = _tables(path, content)
    return Described(dataclasses.replace(manifest, initial_cash=cash), content.get("storage"), rows, hints)


def _initial_cash(path: Path, text: str | None, scale: int) -> int | None:
    if text is None:
        return None
    whole, _, fraction = text.removeprefix("-").partition(".")
    digits = whole + fraction
    if not (digits.isascii() and digits.isdigit() and len(digits) <= MAX_DIGITS and len(fraction) <= scale):
        raise _bad(
            f"{path}, initial_cash", shown(text), f"a decimal number with at most {scale} decimals, as text"
        )
    value: int = int(digits) * 10 ** (scale - len(fraction))
    return -value if text.startswith("-") else value


def _tables(path: Path, content: Mapping[str, Any]) -> tuple[dict[str, int], dict[str, dict[str, Hint]]]:
    """Rows and hints by table; an entry for a table or column that SCHEMA does not know is refused."""
    listed = _require(path, "tables", content.get("tables"), dict, "an object") or {}
    lists = _require(path, "words", content.get("words"), list, "a list of lists") or []
    lists = [
        tuple(_each(path, "words", words, str, "text"))
        for words in _each(path, "words", lists, list, "a list")
    ]
    rows: dict[str, int] = {}
    hints: dict[str, dict[str, Hint]] = {}
    for name, facts in listed.items():
        where = f"tables.{shown(name)}"
        columns = facts.get("columns", {}) if isinstance(facts, dict) else None
        count = facts.get("rows") if isinstance(facts, dict) else None
        if name not in SCHEMA or not isinstance(columns, dict) or type(count) is not int:
            raise _bad(f"{path}, {where}", shown(facts), "a known table with its rows and columns")
        rows[name] = count
        hints[name] = {}
        for key, column in columns.items():
            if key not in SCHEMA[name] or not isinstance(column, dict):
                raise _bad(f"{path}, {where}", shown(key), f"columns of {name}: {', '.join(SCHEMA[name])}")
            hints[name][key] = _hint(f"{path}, {where}.{key}", column, lists)
    return rows, hints


def _hint(where: str, facts: Mapping[str, Any], lists: list[tuple[str, ...]]) -> Hint:
    scale, floats, words = facts.get("scale"), facts.get("floats", False), facts.get("words")
    wrong = scale is not None and (type(scale) is not int or not 0 <= scale <= MAX_SCALE)
    if wrong or type(floats) is not bool:
        raise _bad(where, shown(dict(facts)), f"a scale from 0 to {MAX_SCALE}, or floats true")
    if words is None:
        return Hint(scale, floats)
    if type(words) is not int or not 0 <= words < len(lists):
        raise _bad(where, shown(words), "the number of a list in words")
    return Hint(scale, floats, lists[words])


def _require(path: Path, key: str, value: Any, kind: type, expected: str) -> Any:
    if value is not None and type(value) is not kind:
        raise _bad(f"{path}, {key}", shown(value), expected)
    return value


def _each(path: Path, key: str, values: list[Any], kind: type, expected: str) -> list[Any]:
    for value in values:
        if type(value) is not kind:
            raise _bad(f"{path}, {key}", shown(value), expected)
    return values


def _bad(where: Path | str, found: str, expected: str) -> InputError:
    return InputError(
        str(where), found, expected, "Correct the manifest, or delete it: a ledger can be read without one."
    )
