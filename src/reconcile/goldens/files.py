"""The files that describe a golden: manifest.json, change.json and seal.json.

manifest.json says what the golden was made from and what its figures are, one fact a line. change.json stands
beside a pending golden and says what it would change.

seal.json lists every other file with the digest of its bytes, a digest of each row, and for a CSV a digest of
each column. A changed cell contradicts the digest of its row and of its column, which locates it. A changed
seal contradicts itself. The id of a golden is the digest of its seal.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
from collections.abc import Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from reconcile.goldens.model import Change, Fault, GoldenManifest
from vocabulary.errors import InputError

MANIFEST = "manifest.json"
SEAL = "seal.json"
FORMAT = 1
_MANIFESTS = TypeAdapter(GoldenManifest)
_CHANGES = TypeAdapter(Change)
_Noun = TypeVar("_Noun")


def manifest_bytes(manifest: GoldenManifest) -> bytes:
    """The content of manifest.json; amounts are exact decimal text."""
    return _json_bytes(manifest)


def read_manifest(data: bytes, where: str) -> GoldenManifest:
    """The manifest in the content of a manifest.json. Raises InputError when it is none."""
    return _read(_MANIFESTS, data, where)


def change_bytes(change: Change) -> bytes:
    """The content of change.json, beside a pending golden."""
    return _json_bytes(change)


def read_change(data: bytes, where: str) -> Change:
    """The change in the content of a change.json. Raises InputError when it is none."""
    return _read(_CHANGES, data, where)


def _json_bytes(noun: GoldenManifest | Change) -> bytes:
    def plain(value: Any) -> Any:
        return format(value, "f") if isinstance(value, Decimal) else value.value

    content = {"format": FORMAT, **asdict(noun)}
    text = json.dumps(content, indent=1, ensure_ascii=False, default=plain)
    return (text + "\n").encode("utf-8", "replace")


def _read(adapter: TypeAdapter[_Noun], data: bytes, where: str) -> _Noun:
    """Types are checked strictly: a number is no text, and true is no number."""
    try:
        written = json.loads(data)["format"]
        if written != FORMAT:
            raise ValueError(f"format {written!r}")
        return adapter.validate_json(data, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"]))
        found = f"{place}: {first['msg']}"
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        found = f"{type(error).__name__}: {error}"
    remedy = "Restore it from version control."
    raise InputError(where, f"no golden's file ({found})", f"what tieout wrote, format {FORMAT}", remedy)


_ROW = 6
"""Hex digits of a row's digest. They only locate a change; the file's own digest decides."""
_COLUMN = 16


def seal_bytes(files: Mapping[str, bytes]) -> bytes:
    """The content of seal.json for the other files of a golden."""
    content = {name: _entry(name, data) for name, data in sorted(files.items()) if name != SEAL}
    return (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()


def seal_id(files: Mapping[str, bytes]) -> str:
    """The id of a golden, from its seal."""
    return hashlib.sha256(files.get(SEAL, b"")).hexdigest()


def seal_faults(files: Mapping[str, bytes]) -> tuple[Fault, ...]:
    """Every place where the files differ from those that were sealed; empty when none does."""
    try:
        sealed = json.loads(files[SEAL])
        entries = {name: dict(entry) for name, entry in sealed.items()}
    except KeyError:
        return (Fault(SEAL, None, None, "no such file"),)
    except (ValueError, TypeError, AttributeError, RecursionError):
        return (Fault(SEAL, None, None, "not what was sealed: it cannot be read"),)
    faults: list[Fault] = []
    for name in sorted({*entries, *files} - {SEAL}):
        if name not in files:
            faults.append(Fault(name, None, None, "no such file"))
        elif name not in entries:
            faults.append(Fault(name, None, None, "a file that was not sealed"))
        else:
            faults += _entry_faults(name, files[name], entries[name])
    if not faults and files[SEAL] != seal_bytes(files):
        faults.append(Fault(SEAL, None, None, "written otherwise than it was sealed"))
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
    """Cells by column. A cell beyond the header belongs to a column named by its number."""
    rows = list(csv.reader(io.StringIO(data.decode("utf-8", "surrogateescape"), newline="")))
    header = rows[0] if rows else []
    columns: dict[str, list[str]] = {head: [] for head in header}
    for row in rows[1:]:
        for place, cell in enumerate(row):
            columns.setdefault(header[place] if place < len(header) else f"column {place + 1}", []).append(
                cell.encode("utf-8", "surrogateescape").hex()
            )
    return columns


def _entry_faults(name: str, data: bytes, sealed: Mapping[str, Any]) -> list[Fault]:
    now = _entry(name, data)
    if now == sealed:
        return []
    whole = now["sha256"] == sealed.get("sha256")
    if whole:
        return [Fault(SEAL, name, None, f"its entry for {name} contradicts itself")]
    now_rows, was_rows = _pieces(now["rows"]), _pieces(str(sealed.get("rows", "")))
    if len(now_rows) != len(was_rows):
        return [Fault(name, None, None, f"{len(now_rows)} lines where {len(was_rows)} were sealed")]
    rows = [place for place, (a, b) in enumerate(zip(now_rows, was_rows, strict=True)) if a != b]
    was = sealed.get("columns")
    old = was if isinstance(was, dict) else {}
    new = now.get("columns", {})
    columns = [head for head in dict.fromkeys((*new, *old)) if new.get(head) != old.get(head)]
    if not rows and not columns:
        return [Fault(SEAL, name, None, f"its digest of {name} is of no file")]
    return _changed_cells(name, data, rows, columns)


def _pieces(text: str) -> list[str]:
    return [text[start : start + _ROW] for start in range(0, len(text), _ROW)]


def _changed_cells(name: str, data: bytes, rows: list[int], columns: list[str]) -> list[Fault]:
    """One fault for each changed cell; in a file that is no CSV, one for each changed line."""
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
