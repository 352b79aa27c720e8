"""JSON and JSON lines as a table: records become rows, and numbers keep the text they have."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from reconcile.files import buffers
from reconcile.files.places import shown
from reconcile.tables.layout import Layout
from reconcile.tables.model import RawTable, Unread, UnreadKind
from reconcile.tables.unpack import Member, text_of
from vocabulary.errors import InputError

Record = dict[str, str | None]


def read_json(member: Member, layout: Layout, name: str) -> RawTable:
    """The records at `layout.path` of a JSON file, or its own list of records. Raises InputError.

    Keys of records within a record are joined by dots. Where the path leads through lists, each row also has
    the values of the records around it, under the names of their lists: `trades.pair`.
    """
    found = _parsed(text_of(member, layout.encoding), member.origin)
    return _table(found, layout, name, member.origin)


def read_json_lines(member: Member, layout: Layout, name: str) -> RawTable:
    """A file with one JSON record a line."""
    lines = text_of(member, layout.encoding).splitlines()
    found = [
        _parsed(line, f"{member.origin}, line {number}")
        for number, line in enumerate(lines, 1)
        if line.strip()
    ]
    return _table(found, layout, name, member.origin)


def longest_list(text: str, origin: str) -> tuple[str, int] | None:
    """(path, records) of the longest list of records within a JSON record; None where the file is a list."""
    found = _parsed(text, origin)
    if not isinstance(found, dict):
        return None
    lists = sorted(_lists(found, ""), key=lambda one: -one[1])
    return lists[0] if lists else None


def _lists(here: Any, at: str) -> Iterator[tuple[str, int]]:
    """The lists of records below a record, with the number of their records over all that hold them."""
    counts: dict[str, int] = {}
    waiting = [(here, at)]
    while waiting:
        value, path = waiting.pop()
        for key, inner in value.items():
            below = f"{path}.{key}" if path else key
            if isinstance(inner, dict):
                waiting.append((inner, below))
            elif isinstance(inner, list) and inner and all(isinstance(one, dict) for one in inner):
                counts[below] = counts.get(below, 0) + len(inner)
                waiting += [(one, below) for one in inner]
    yield from counts.items()


def _parsed(text: str, origin: str) -> Any:
    try:
        return json.loads(text, parse_float=str, parse_int=str, parse_constant=_constant)
    except (ValueError, RecursionError) as error:
        raise InputError(
            origin, f"text that is not JSON ({shown(str(error))[1:-1]})", "JSON", "Write the file again."
        ) from None


def _constant(text: str) -> str:
    return {"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}[text]


def _table(found: Any, layout: Layout, name: str, origin: str) -> RawTable:
    steps = layout.path.split(".") if layout.path else []
    records = [{**around, **own} for around, own in _records(found, steps, "", {}, origin)]
    names = list(dict.fromkeys(key for record in records for key in record))
    columns = []
    for key in names:
        cells = [record.get(key) for record in records]
        columns.append(
            buffers.strings([cell or "" for cell in cells], buffers.mask([cell is None for cell in cells]))
        )
    return RawTable(name, origin, pa.table(columns, names), tuple(_beside(found, steps)))


def _records(
    here: Any, steps: list[str], at: str, around: Record, origin: str
) -> Iterator[tuple[Record, Record]]:
    """(values of the records around, own values) of each record at the end of the path."""
    if isinstance(here, list):
        for one in here:
            yield from _records(one, steps, at, around, origin)
        return
    if not isinstance(here, dict):
        raise InputError(
            f"{origin}, {at or 'the top'}",
            shown(here),
            "a list of records" if not steps else f"a record with {shown(steps[0])}",
            "Correct `path` under `layout` in the mapping.",
        )
    if not steps:
        yield around, _flat(here)
        return
    step = steps[0]
    if step not in here:
        raise InputError(
            f"{origin}, {at or 'the top'}",
            f"keys {', '.join(map(shown, list(here)[:12]))}",
            shown(step),
            "Correct `path` under `layout` in the mapping.",
        )
    own = {f"{at}.{key}" if at else key: cell for key, cell in _flat(here, nested=False).items()}
    yield from _records(here[step], steps[1:], step, {**around, **own}, origin)


def _flat(record: Mapping[str, Any], prefix: str = "", nested: bool = True) -> Record:
    """The values of a record as text; lists as JSON text."""
    out: Record = {}
    for key, value in record.items():
        if isinstance(value, dict) and nested:
            out |= _flat(value, f"{prefix}{key}.")
        elif isinstance(value, list):
            if nested:
                out[prefix + key] = json.dumps(value, ensure_ascii=False)
        elif not isinstance(value, dict):
            out[prefix + key] = _text(value)
    return out


def _text(value: Any) -> str | None:
    if value is None or value == "":
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


def _beside(found: Any, steps: list[str]) -> Iterator[Unread]:
    """What stands beside the path: lists and records that are not gone into."""
    at = ""
    for step in steps:
        if not isinstance(found, dict):
            return
        for key, value in found.items():
            if key != step and isinstance(value, dict | list) and value:
                yield Unread(UnreadKind.TABLE, at + key, at + key, len(value))
        at, found = f"{at}{step}.", found.get(step)
