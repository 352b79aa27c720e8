"""Shared by the tests of mappings: a mapping from text, and tables as plain Python values."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from reconcile.ledger.columns import column_text
from reconcile.mapping.open import Opened, open_mapped
from reconcile.mapping.read import mapping_from
from vocabulary.ledger import Ledger

CASES = Path(__file__).resolve().parent / "cases"


def opened(path: Path, mapping: str) -> Opened:
    """What a mapping, written as TOML, makes of a folder or file."""
    return open_mapped(path, mapping_from(tomllib.loads(mapping)))


def rows(ledger: Ledger, table: str, *names: str) -> list[tuple[str, ...]]:
    """The rows of a table as exact text, empty where nothing stands; some columns, or all."""
    found = ledger.tables[table]
    chosen = names or tuple(found.columns)
    zone = ledger.manifest.timezone
    columns = [[column_text(found.columns[name], row, zone) for row in range(found.rows)] for name in chosen]
    return list(zip(*columns, strict=True))


def unread(found: Opened) -> dict[str, Any]:
    """What was not read: name -> (count, reason)."""
    return {one.name: (one.count, one.reason) for one in found.unread}
