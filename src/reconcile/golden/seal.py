"""The seal of a golden: digests of every file, row and column, so that a changed cell is named.

seal.json lists each other file with the digest of its bytes, one of each row, and of a CSV one of each
column. A changed cell breaks its row and its column; where the seal itself was changed, its parts
contradict each other. The id of a golden is the digest of its seal.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping
from typing import Any

from reconcile.golden.model import Fault

FILE = "seal.json"
_ROW = 6
"""Hex digits of a row's digest: they locate; the file's own digest decides."""
_COLUMN = 16


def seal_text(files: Mapping[str, bytes]) -> bytes:
    """The content of seal.json for the other files of a golden."""
    content = {name: _entry(name, data) for name, data in sorted(files.items()) if name != FILE}
    return (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()


def seal_id(files: Mapping[str, bytes]) -> str:
    """The id of a golden, from its seal."""
    return hashlib.sha256(files.get(FILE, b"")).hexdigest()


def broken(files: Mapping[str, bytes]) -> tuple[Fault, ...]:
    """Every place where the files are not those that were sealed; none when all is whole."""
    try:
        sealed = json.loads(files[FILE])
        entries = {name: dict(entry) for name, entry in sealed.items()}
    except KeyError:
        return (Fault(FILE, None, None, "no such file"),)
    except (ValueError, TypeError, AttributeError, RecursionError):
        return (Fault(FILE, None, None, "not what was sealed: it cannot be read"),)
    faults: list[Fault] = []
    for name in sorted({*entries, *files} - {FILE}):
        if name not in files:
            faults.append(Fault(name, None, None, "no such file"))
        elif name not in entries:
            faults.append(Fault(name, None, None, "a file that was not sealed"))
        else:
            faults += _compare(name, files[name], entries[name])
    if not faults and files[FILE] != seal_text(files):
        faults.append(Fault(FILE, None, None, "written otherwise than it was sealed"))
    return tuple(faults)


def _entry(name: str, data: bytes) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "sha256": hashlib.sha256(data).hexdigest(),
        "rows": "".join(_digest(line, _ROW) for line in data.splitlines(keepends=True)),
    }
    if name.endswith(".csv"):
        entry["columns"] = {
            head: _digest("\n".join(cells).encode(), _COLUMN) for head, cells in _columns(data).items()
        }
    return entry


def _digest(data: bytes, digits: int) -> str:
    return hashlib.sha256(data).hexdigest()[:digits]


def _columns(data: bytes) -> dict[str, list[str]]:
    """Cells by column; a cell beyond the header's columns goes to the column named by its place."""
    rows = list(csv.reader(io.StringIO(data.decode("utf-8", "surrogateescape"), newline="")))
    header = rows[0] if rows else []
    columns: dict[str, list[str]] = {head: [] for head in header}
    for row in rows[1:]:
        for place, cell in enumerate(row):
            columns.setdefault(header[place] if place < len(header) else f"column {place + 1}", []).append(
                cell.encode("utf-8", "surrogateescape").hex()
            )
    return columns


def _compare(name: str, data: bytes, sealed: Mapping[str, Any]) -> list[Fault]:
    now = _entry(name, data)
    if now == sealed:
        return []
    whole = now["sha256"] == sealed.get("sha256")
    if whole:
        return [Fault(FILE, name, None, f"its entry for {name} contradicts itself")]
    now_rows, was_rows = _pieces(now["rows"]), _pieces(str(sealed.get("rows", "")))
    if len(now_rows) != len(was_rows):
        return [Fault(name, None, None, f"{len(now_rows)} lines where {len(was_rows)} were sealed")]
    rows = [place for place, (a, b) in enumerate(zip(now_rows, was_rows, strict=True)) if a != b]
    was = sealed.get("columns")
    old = was if isinstance(was, dict) else {}
    new = now.get("columns", {})
    columns = [head for head in dict.fromkeys((*new, *old)) if new.get(head) != old.get(head)]
    if not rows and not columns:
        return [Fault(FILE, name, None, f"its digest of {name} is of no file")]
    return _cells(name, data, rows, columns)


def _pieces(text: str) -> list[str]:
    return [text[start : start + _ROW] for start in range(0, len(text), _ROW)]


def _cells(name: str, data: bytes, rows: list[int], columns: list[str]) -> list[Fault]:
    """A fault for each changed row and column; in a text file, for each changed line."""
    lines = data.decode("utf-8", "replace").splitlines()
    faults = []
    for place in rows or [-1]:
        line = lines[place] if 0 <= place < len(lines) else ""
        row = f"line {place + 1}" if place >= 0 else None
        for column in (*columns,) or (None,):
            found = _cell(lines, place, column) if name.endswith(".csv") and column and place > 0 else line
            faults.append(Fault(name, row, column, repr(found[:120])))
    return faults


def _cell(lines: list[str], place: int, column: str) -> str:
    header, row = (next(csv.reader([lines[line]]), []) for line in (0, place))
    where = header.index(column) if column in header else len(row)
    return row[where] if where < len(row) else ""
